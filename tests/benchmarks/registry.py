"""Who is measured, and what each of them cannot do."""

from dataclasses import dataclass, field
from typing import Literal

from benchmarks.cases import Case

# The environment that runs the harness; others are made, one per peer, by name from PyPI.
OWN = "hierstan"
ENVIRONMENTS = {
    OWN: (),
    "cmdstanpy": ("cmdstanpy",),
    "pymc": ("pymc",),
    "nutpie": ("nutpie[pymc]",),
    "bambi": ("bambi",),
    "numpyro": ("numpyro", "jax", "jaxlib"),
    "statsmodels": ("statsmodels",),
    "R": (),
}


@dataclass(frozen=True)
class Contender:
    """One way to fit a case.

    Attributes
    ----------
    name : str
        As the table shows it.
    script : str
        File in ``contenders/``.
    environment : str
        Key of `ENVIRONMENTS`.
    options : dict
        What the script is told.
    compares : {"posterior", "other", "none"}
        Whether it has the case's posterior, that of another model, or no draws at all.
    cases : tuple of str
        The only cases it is for; all if empty.
    needs : tuple of str
        Modules its environment may lack; for R, packages.
    """

    name: str
    script: str
    environment: str
    options: dict[str, str] = field(default_factory=dict)
    compares: Literal["posterior", "other", "none"] = "posterior"
    cases: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def cannot(self, case: Case) -> str | None:
        """Say why it cannot express a case; None if it can."""
        if self.environment == "bambi" and case.correlated:
            return "cannot express correlated effects"
        return None


def _own(program: str, engine: str) -> Contender:
    partial = program in ("marginal", "noncentered", "centered")
    return Contender(
        f"hierstan {program}, {engine}",
        "use_hierstan.py",
        OWN,
        {"program": program, "engine": engine},
        "posterior" if partial else "other",
        needs=("stanli",) if engine == "stanli" else (),
    )


def _peers(options: dict[str, str], cases: tuple[str, ...]) -> tuple[Contender, ...]:
    names = {
        "cmdstanpy": "CmdStanPy",
        "pymc": "PyMC",
        "nutpie": "nutpie",
        "numpyro": "NumPyro",
    }
    return tuple(
        Contender(
            ", ".join([title, *options]), f"use_{name}.py", name, options, cases=cases
        )
        for name, title in names.items()
    )


def _analysis(engine: str) -> Contender:
    return Contender(
        f"hierstan analyze, {engine}",
        "use_analyze.py",
        OWN,
        {"command": "analyze", "engine": engine},
        compares="none",
        cases=("radon",),
        needs=("stanli",) if engine == "stanli" else (),
    )


ENGINES = ("cmdstan", "stanli")
PROGRAMS = ("marginal", "noncentered", "centered", "unpooled", "pooled")
CONTENDERS = (
    *(_own(program, engine) for program in PROGRAMS for engine in ENGINES),
    *_peers({}, ()),
    Contender("Bambi", "use_bambi.py", "bambi"),
    # Where every group has a hundred rows, a user who knows would not keep the default.
    *_peers({"centered": "yes"}, ("synthetic",)),
    Contender("statsmodels REML", "use_statsmodels.py", "statsmodels", compares="none"),
    Contender("lme4 REML", "use_r.R", "R", {"with": "lme4"}, "none",
              needs=("jsonlite", "lme4")),
    Contender("brms", "use_r.R", "R", {"with": "brms"}, needs=("jsonlite", "brms")),
    Contender("rstanarm", "use_r.R", "R", {"with": "rstanarm"}, "other",
              needs=("jsonlite", "rstanarm")),
    *map(_analysis, ENGINES),
)  # fmt: skip


def chosen(names: str) -> tuple[Contender, ...]:
    """Return the contenders whose names hold any of some comma-separated words.

    ``"all"`` is all of them. A word that no name holds is an error.
    """
    if names == "all":
        return CONTENDERS
    words = [word.strip().lower() for word in names.split(",") if word.strip()]
    for word in words:
        if not any(word in contender.name.lower() for contender in CONTENDERS):
            raise ValueError(f"No contender's name holds {word!r}.")
    return tuple(c for c in CONTENDERS if any(word in c.name.lower() for word in words))
