"""Read a model formula in lme4's notation into its population and group parts.

Only the bars are read here; what stands between them is left to the `formulae` package,
which knows interactions, transformations and categorical columns.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hierstan.errors import FormulaError
from hierstan.grammar import names_in_response, names_in_terms

_NAME = r"(?:`[^`:]+`|[\w.]+)"


@dataclass(frozen=True)
class GroupTerm:
    """One ``(effects | factor)`` of a formula.

    Attributes
    ----------
    effects : str
        What varies, as written left of the bar: ``"1 + floor"``.
    factor : str
        Grouping column, or columns joined by a colon for their combinations.
    correlated : bool
        True for ``|``, False for ``||``.
    """

    effects: str
    factor: str
    correlated: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Grouping columns of the data: one, or several for a nested factor."""
        return tuple(part.strip() for part in self.factor.split(":"))


@dataclass(frozen=True)
class Formula:
    """A formula taken apart.

    Attributes
    ----------
    text : str
        The formula as the user wrote it.
    response : str
        Left of the tilde.
    population : str
        Right of the tilde without the group terms; ``"1"`` when nothing is left.
    groups : tuple of GroupTerm
        The group terms in the order written, nested ones (``a/b``) taken apart.
    """

    text: str
    response: str
    population: str
    groups: tuple[GroupTerm, ...]

    def variables(self) -> tuple[str, ...]:
        """Names of all data columns the formula uses, sorted."""
        names = self._read(names_in_response, self.response)
        predictors = self._read(partial(names_in_terms, offsets=True), self.population)
        for term in self.groups:
            predictors |= self._read(partial(names_in_terms, offsets=False), term.effects)
        response = self.response.strip("`")
        if response in predictors:
            raise FormulaError(
                f"Formula {self.text!r} has its response {response!r} on the right as well."
            )
        groups = {column for term in self.groups for column in term.columns}
        return tuple(sorted(names | predictors | groups))

    def _read(self, names: Callable[[str], set[str]], part: str) -> set[str]:
        """Read one part to its end; return the names of its columns."""
        try:
            found = names(part)
        except Exception as error:  # formulae raises several unrelated classes
            reason = str(error).rstrip(".")
            raise FormulaError(
                f"Formula {self.text!r} cannot be read: {reason}."
            ) from error
        if "Intercept" in found:
            raise FormulaError(
                f"Formula {self.text!r} uses a column called 'Intercept', which is the "
                "name of the intercept; rename the column, or write 1 for the intercept."
            )
        return found


def parse(text: str) -> Formula:
    """Take a formula apart.

    Parameters
    ----------
    text : str
        ``response ~ population + (effects | factor)``. As in lme4, ``(x | g)`` includes
        an intercept per group, ``||`` makes the terms independent of each other, and
        ``(1 | a/b)`` means ``(1 | a) + (1 | a:b)``. A factor may appear in several group
        terms, which are independent then. ``||`` parts terms and not columns: with a
        category k, ``(k || g)`` has intercepts, and independent of those, the
        differences of k's other values from its first, correlated with each other.
        (lme4 2.0 has an effect for each value of k in that place, one more than data
        can tell apart.)

    Returns
    -------
    Formula
        Its parts, as text; whether the columns exist is for the design to say.

    Raises
    ------
    FormulaError
        When the text is not a formula, or has no response or no group term.

    Examples
    --------
    >>> parse("log_radon ~ floor + (floor || county)").groups
    (GroupTerm(effects='floor', factor='county', correlated=False),)
    >>> [term.factor for term in parse("strength ~ 1 + (1 | batch/cask)").groups]
    ['batch', 'batch:cask']
    """
    if not isinstance(text, str):
        raise FormulaError(f"A formula is a text, not {type(text).__name__}.")
    for name in re.findall(r"`([^`]*)`", text):
        if re.search(r"[|~]", name):
            raise FormulaError(
                f"Formula {text!r} uses a column called {name!r}; rename it, for '|' and "
                "'~' part a formula even in backticks."
            )
    sides = text.split("~")
    if len(sides) != 2 or not sides[0].strip() or not sides[1].strip():
        raise FormulaError(
            f"Formula {text!r} needs exactly one '~' with a response before it and "
            "predictors after it, as in 'y ~ x + (x | group)'."
        )
    population = ""
    groups: list[GroupTerm] = []
    for sign, term in _signed_terms(sides[1], text):
        if _is_group_term(term):
            if sign == "-":
                raise FormulaError(f"Formula {text!r} takes the group term {term} away.")
            groups.extend(_group_terms(term, text))
        elif "|" in term:
            raise FormulaError(
                f"Formula {text!r}: put the group term in {term!r} into brackets of its "
                "own and join it with '+', as in '+ (x | group)'."
            )
        elif population:
            population += f" {sign} {term}"
        else:
            population = f"-{term}" if sign == "-" else term
    if not groups:
        raise FormulaError(
            f"Formula {text!r} has no group term. Say what varies between which groups, "
            "for example '+ (1 | county)'."
        )
    formula = Formula(text.strip(), sides[0].strip(), population or "1", tuple(groups))
    formula.variables()
    return formula


def _signed_terms(text: str, formula: str) -> list[tuple[str, str]]:
    """Split at the signs that stand outside of all brackets and quotes."""
    terms, depth, quote, start, sign = [], 0, "", 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "`'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                raise FormulaError(f"Formula {formula!r} closes a bracket it never opened.")
        elif character in "+-" and depth == 0:
            term, start = text[start:position].strip(), position + 1
            if term:
                terms.append((sign, term))
            elif character == "+" or (terms and sign != "+"):
                _refuse_lone_sign(character, formula)
            sign = character
    if depth or quote:
        raise FormulaError(f"Formula {formula!r} has an unclosed bracket or quote.")
    if not text[start:].strip():
        _refuse_lone_sign(sign, formula)
    return [*terms, (sign, text[start:].strip())]


def _refuse_lone_sign(sign: str, formula: str) -> None:
    raise FormulaError(f"Formula {formula!r} has a {sign!r} with nothing beside it.")


def _is_group_term(term: str) -> bool:
    return term.startswith("(") and term.endswith(")") and "|" in term


def _group_terms(term: str, formula: str) -> list[GroupTerm]:
    """Read one bracketed term; nested factors become one term each."""
    parts = re.split(r"\|\||\|", term[1:-1])
    if len(parts) != 2 or not parts[0].strip() or not parts[1].strip():
        raise FormulaError(
            f"Group term {term} of formula {formula!r} should read (effects | factor) or "
            "(effects || factor), with one bar or one double bar."
        )
    effects, factor = parts[0].strip(), parts[1].strip()
    for name in re.findall(r"`([^`]*)`", factor):
        if ":" in name:
            raise FormulaError(
                f"Formula {formula!r} groups by a column called {name!r}; rename it, for a "
                "colon joins the names of two columns."
            )
    if not re.fullmatch(rf"{_NAME}(\s*[:/]\s*{_NAME})*", factor):
        raise FormulaError(
            f"Grouping factor {factor!r} of formula {formula!r} should be a column name "
            "(in backticks when it has blanks or signs, without a colon), or names joined "
            "by ':' (combinations) or '/' (nesting)."
        )
    nested: list[str] = []
    for part in re.findall(rf"{_NAME}(?:\s*:\s*{_NAME})*", factor):
        inner = ":".join(name.strip("`") for name in re.findall(_NAME, part))
        nested.append(f"{nested[-1]}:{inner}" if nested else inner)
    return [GroupTerm(effects, name, "||" not in term) for name in nested]
