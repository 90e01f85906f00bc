"""The results as Markdown, from what results.json holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measure import Entry, median

_COLUMNS = (
    "contender", "first draw, cold / warm, s", "total, s", "sampling, s",
    "bulk ESS/s of total", "bulk ESS/s of sampling", "tail ESS/s of sampling", "peak MB",
    "error of means, sd", "error of sds", "R-hat", "state",
)  # fmt: skip
# Whose rate stands over the others', and a word that all names of this package hold.
_OURS = "hierstan"
_MARGINAL, _ANALYSIS = "hierstan marginal", "hierstan analyze"


def render(results: Mapping[str, Any]) -> str:
    """Return a heading, what was measured how, and a table for each case."""
    entries = [Entry(**entry) for entry in results["entries"]]
    parts = [_head(results)]
    for name, case in results["cases"].items():
        own = [entry for entry in entries if entry.case == name]
        if own:
            parts.append(f"## {case['title']}\n\n`{case['formula']}`; {_priors(case)}")
            parts += [_table(own), *_ratios(own), *_analyses(own)]
    return "\n\n".join(parts) + "\n"


def state(entry: Entry) -> str:
    """Say in words what became of a contender."""
    if entry.absent:
        return entry.absent
    if not entry.runs:
        return "not run yet"
    failures = [run["failure"] for run in entry.runs if run.get("failure")]
    if not failures:
        return "ok"
    told = "; ".join(dict.fromkeys(failures))
    return told if len(entry.runs) == 1 else f"{len(failures)} of {len(entry.runs)}: {told}"


def _head(results: Mapping[str, Any]) -> str:
    machine, settings = results["machine"], results["settings"]
    repeats = settings["repeats"]
    runs = "once" if repeats == 1 else f"{repeats} times with different seeds"
    versions = {
        package: version
        for environment in results["versions"].values()
        for package, version in environment.items()
    }
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return "\n".join([
        "# Benchmarks",
        "",
        "{date}, {processor}, {cores} cores, {memory_gb} GB,".format(**machine),
        "{system}, Python {python}.".format(**machine),
        f"{listed}.",
        "",
        _METHOD.format(**settings, runs=runs),
    ])  # fmt: skip


_METHOD = """\
Every contender runs in a process and an environment of its own, one after the other:
{chains} chains of {warmup} warm-up iterations and {draws} draws, {cores} at a time, at most
{limit:.0f} s a run, {runs}. A figure is the median, with the
least and the largest in brackets. `make bench` makes this page.

- *First draw*: from the start of the process to the end of a run of one chain with 5
  warm-up iterations and 4 draws; *cold* with nothing kept from earlier runs, so that
  programs are compiled anew, *warm* with it.
- *Total*: from the start of the process to its end, with warm caches. PyMC, nutpie, Bambi
  and NumPyro keep little and compile within it.
- *Sampling*: warm-up and draws alone, the model compiled; with the group effects, which
  `marginal` draws afterwards. Diagnostics, which this package computes with every fit,
  count in the total.
- *ESS*: the smallest among coefficients, standard deviations, correlations and sigma,
  computed for all alike.
- *Peak*: all processes of a contender together, 10^6 bytes.
- *Errors*: the largest distance of a posterior mean from the exact one (by quadrature), in
  posterior sd, and of a posterior sd, in percent. With 1,000 effective draws chance alone
  makes about 0.03 to 0.08 of the first.
- *State*: R-hat above 1.01 and diverging transitions are failures, and so is no result.
  `pooled` and `unpooled` are other models; REML has no draws."""


def _priors(case: Mapping[str, Any]) -> str:
    told = [f"{k} {v}" for k, v in case["priors"].items() if k != "preset"]
    return ", ".join(told) + "."


def _table(entries: Sequence[Entry]) -> str:
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_row, entries)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    first = " / ".join(
        _number(entry.first_draw[k]) if k in entry.first_draw else "–"
        for k in ("cold", "warm")
    )
    names = ("seconds", "sampling_seconds", "bulk_per_second", "bulk_per_sampling_second",
             "tail_per_sampling_second", "peak_mb")  # fmt: skip
    rhat, mean, sd = (median(entry, name) for name in ("rhat", "mean_error", "sd_error"))
    return (
        entry.contender,
        first,
        *(_spread(median(entry, name)) for name in names),
        f"{mean[0]:.3f}" if mean else "–",
        f"{sd[0]:.1%}" if sd else "–",
        f"{rhat[0]:.3f}" if rhat else "–",
        state(entry).replace("|", r"\|"),
    )


def _ratios(entries: Sequence[Entry]) -> list[str]:
    """Compare each engine's marginal program with the best peer that is sound."""
    rates = {
        entry.contender: found[0]
        for entry in entries
        if (found := median(entry, "bulk_per_sampling_second")) and state(entry) == "ok"
    }
    peers = {name: rate for name, rate in rates.items() if not name.startswith(_OURS)}
    if not peers:
        return []
    best = max(peers, key=lambda name: peers[name])
    return [
        f"{name} has {rate / peers[best]:.3g} times the sampling rate of {best}, "
        "the fastest other contender whose runs were all sound."
        for name, rate in rates.items()
        if name.startswith(_MARGINAL)
    ]


def _analyses(entries: Sequence[Entry]) -> list[str]:
    """Compare a whole analysis with Bambi's one fit."""
    found = {entry.contender: median(entry, "seconds") for entry in entries}
    bambi = found.get("Bambi")
    return [
        f"`{name}` with four programs, REML and ML, cross-check and report takes "
        f"{whole[0]:.1f} s, Bambi's one fit {bambi[0]:.1f} s."
        for name, whole in found.items()
        if name.startswith(_ANALYSIS) and whole and bambi
    ]


def _spread(found: tuple[float, float, float] | None) -> str:
    if found is None:
        return "–"
    middle, least, largest = map(_number, found)
    return middle if least == largest else f"{middle} ({least}–{largest})"


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
