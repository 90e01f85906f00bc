"""How lme4 would be asked for the model of a design."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from hierstan.design import Design, Factor

IN_R = {"I", "abs", "bs", "C", "center", "cos", "exp", "expm1", "log", "log10", "log1p",
         "log2", "offset", "poly", "scale", "sin", "sqrt"}  # fmt: skip
_R_FOR = {
    r"\bcenter\(([^()]*)\)": r"scale(\1, scale = FALSE)",
    r"\*\*": "^",
    r"\{": "I(",
    r"\}": ")",
    r"\bnp\.": "",
    r"\bbs\(": "splines::bs(",
    r"\bC\(": "factor(",
    r"\bTrue\b": "TRUE",
    r"\bFalse\b": "FALSE",
}
CALL = re.compile(r"([A-Za-z][\w.]*)\(")
_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`|(?<![\w.])[^\W\d][\w.]*""")


@dataclass(frozen=True)
class Call:
    """A call that fits the same model elsewhere, or the reason why there is none.

    Attributes
    ----------
    code : str
        R or Python code; empty when there is none.
    reason : str
        Why there is none; empty when there is a call.
    """

    code: str = ""
    reason: str = ""

    def __str__(self) -> str:
        """Return the code, or the reason in words."""
        return self.code or f"none: {self.reason}"


def lme4_call(design: Design) -> Call:
    """Write the model for R's lme4, ``data`` being the data frame.

    The likelihood is the same; coefficients are where R codes the columns alike, which
    ``scale`` and ``bs`` do not. A term with ``||`` whose effects are columns of
    a category or of a basis is written out, since lme4 2.0 codes ``(0 + k | g)`` with a
    column for every category where this package has one for every category but the first.

    Parameters
    ----------
    design : Design
        Formula and data.

    Returns
    -------
    Call
        ``lmer(...)``, with REML as its default.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> text = "np.log(Reaction) ~ Days + {Days ** 2} + (Days || Subject)"
    >>> print(lme4_call(build_design(text, hs.data.sleepstudy())))
    lmer(log(Reaction) ~ Days + I(Days ^ 2) + (Days || Subject), data)
    """
    formula = design.formula
    parts = [formula.response, formula.population, *(t.effects for t in formula.groups)]
    unknown = unknown_function(parts, IN_R)
    if unknown:
        return Call(reason=f"R has no {unknown}() of this kind")
    try:
        groups = [text for factor in design.factors for text in _bars(factor, design)]
    except UntranslatableError as error:
        return Call(reason=str(error))
    right = " + ".join([to_r(formula.population, design), *groups])
    return Call(f"lmer({to_r(formula.response, design)} ~ {right}, data)")


class UntranslatableError(Exception):
    """The other package has no words for this; the message is the reason."""


def unknown_function(parts: list[str], known: set[str]) -> str:
    """Return the first function that is not known, without numpy's prefix."""
    names = [name for part in parts for name in CALL.findall(part)]
    return next((n for n in names if n.removeprefix("np.") not in known), "")


def to_r(text: str, design: Design) -> str:
    """Rewrite Python's expressions as R's."""
    text = rewrite(
        text,
        design,
        lambda name, token: f"as.numeric({token})" if is_boolean(name, design) else token,
    )
    for pattern, r in _R_FOR.items():
        text = re.sub(pattern, r, text)
    return text


def rewrite(text: str, design: Design, column: Callable[[str, str], str]) -> str:
    """Rewrite the columns of an expression, but neither texts nor names of functions.

    Parameters
    ----------
    text : str
        An expression of a formula.
    design : Design
        Whose columns are meant.
    column : callable
        Given the name of a column, and how it is written, returns what to write.
    """

    def written(found: re.Match[str]) -> str:
        token, rest = found[0], text[found.end() :]
        name = token.strip("`")
        other = token[0] in "'\"" or re.match(r"\(|\s*=(?!=)", rest)
        literal = token in ("True", "False", "None")
        if other or literal or name not in design.frame.columns:
            return token
        return column(name, token)

    return _TOKEN.sub(written, text)


def is_boolean(name: str, design: Design) -> bool:
    """Whether a column is a boolean, which R and patsy take for a category."""
    return bool(pd.api.types.is_bool_dtype(design.frame[name]))


def quoted(text: str) -> str:
    """Put a column's name into backticks where it needs them."""
    return text if re.fullmatch(r"[A-Za-z][\w.]*", text) else f"`{text}`"


def _bars(factor: Factor, design: Design) -> list[str]:
    """Write the group terms of one factor for lme4."""
    bars = []
    own = [term for term in design.formula.groups if term.factor == factor.name]
    groups = ":".join(quoted(column) for column in own[0].columns)
    if all(term.correlated or not _has_basis(factor) for term in own):
        for term in own:
            bar = "|" if term.correlated else "||"
            bars.append(f"({to_r(term.effects, design)} {bar} {groups})")
        return bars
    for start, size in zip(factor.starts, factor.blocks, strict=True):
        names = factor.effects[start : start + size]
        effects = " + ".join(
            "1" if n == "Intercept" else _column_in_r(n, design) for n in names
        )
        bars.append(f"({effects if 'Intercept' in names else f'0 + {effects}'} | {groups})")
    return bars


def _has_basis(factor: Factor) -> bool:
    return any("[" in name for name in factor.effects)


def label_parts(label: str) -> list[str]:
    """Part the label of an interaction at the colons outside of brackets."""
    return re.findall(r"(?:[^:(\[]|\([^)]*\)+|\[[^\]]*\])+", label)


def _column_in_r(label: str, design: Design) -> str:
    pieces = []
    for part in label_parts(label):
        found = re.fullmatch(r"(.*)\[([^\[\]]*)\]", part)
        if found is None:
            pieces.append(to_r(part if "(" in part else quoted(part), design))
        elif found[1].startswith(("poly(", "bs(")):
            pieces.append(f"{to_r(found[1], design)}[, {int(found[2]) + 1}]")
        else:
            name = re.sub(r"^C\((.*)\)$", r"\1", found[1])
            pieces.append(f'dummy({quoted(name)}, "{found[2]}")')
    return ":".join(pieces)
