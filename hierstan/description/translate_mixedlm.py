"""How statsmodels' MixedLM would be asked for the model of a design."""

import re
from keyword import iskeyword
from typing import Any

import pandas as pd

from hierstan.description.translate import (
    CALL,
    IN_R,
    Call,
    UntranslatableError,
    is_boolean,
    label_parts,
    quoted,
    rewrite,
    unknown_function,
)
from hierstan.design import Design, Factor
from hierstan.structure import chain

_IN_PATSY = IN_R - {"bs", "poly", "offset"}
_STATEFUL = {"center", "scale"}
_TAKEN = {"C", "I", "Q", "bs", "center", "np", "scale"}
_NUMPY = "abs cos exp expm1 log log10 log1p log2 sin sqrt".replace(" ", "|")


def mixedlm_call(design: Design) -> Call:
    """Write the model for statsmodels' MixedLM, ``data`` being the data frame.

    MixedLM has one grouping factor, with one block of correlated effects
    (``re_formula``), and independent variance components within its levels
    (``vc_formula``). Nested factors are components within the coarsest; crossed ones are
    components of one group that holds all rows, which makes its covariance N x N.

    Parameters
    ----------
    design : Design
        Formula and data.

    Returns
    -------
    Call
        ``smf.mixedlm(...)`` after ``import statsmodels.formula.api as smf``; ``np`` is
        numpy.

    Examples
    --------
    >>> import hierstan as hs
    >>> from hierstan.evaluate import build_design
    >>> text = "strength ~ 1 + (1 | batch/cask)"
    >>> call = mixedlm_call(build_design(text, hs.data.pastes())).code
    >>> before, after = call.split(" re_formula=")
    >>> print(before)
    smf.mixedlm("strength ~ 1", data, groups="batch",
    >>> print(after)
    "1", vc_formula={"batch:cask": "0 + C(cask)"})
    """
    formula = design.formula
    parts = [formula.response, formula.population, *(t.effects for t in formula.groups)]
    unknown = unknown_function(parts, _IN_PATSY)
    if unknown == "bs":
        return Call(reason="its bs() has other columns, and so other coefficients")
    if unknown:
        return Call(reason=f"its formulas have no {unknown}()")
    try:
        _refuse_names(design)
        return Call(_mixedlm(design))
    except UntranslatableError as error:
        return Call(reason=str(error))


def _refuse_names(design: Design) -> None:
    """Refuse columns whose names would end a text, or hide what the call needs."""
    for name in design.frame.columns:
        if name in _TAKEN:
            raise UntranslatableError(
                f"the column {name} would hide patsy's own {name}; rename the column"
            )
        if not _is_quotable(name):
            raise UntranslatableError(
                f"a quote, brace or backslash in the name {name} would need escapes; "
                "rename the column"
            )
    for name in _named_in_effects(design):
        if re.search(r"[:\[\]]", name):
            raise UntranslatableError(
                f"the effect of {name} reads like one of an interaction or a category; "
                "rename the column"
            )


def _is_quotable(text: str) -> bool:
    return repr(text) == f"'{text}'" and not re.search(r"[\"{}]", text)


def _named_in_effects(design: Design) -> set[str]:
    named: set[str] = set()

    def collect(name: str, token: str) -> str:
        named.add(name)
        return token

    for term in design.formula.groups:
        rewrite(term.effects, design, collect)
    return named


def _data(design: Design) -> str:
    """Write the data frame; a category without rows would be a column of zeros."""
    groups = {column for term in design.formula.groups for column in term.columns}
    used = "data[{!r}].cat.remove_unused_categories()"
    assigned = ", ".join(
        f"{name!r}: {used.format(name)}"
        for name, kind in design.frame.dtypes.items()
        if isinstance(kind, pd.CategoricalDtype) and name not in groups
    )
    return f"data.assign(**{{{assigned}}})" if assigned else "data"


def _name_in_patsy(name: str, design: Design) -> str:
    plain = name.isidentifier() and not iskeyword(name)
    written = name if plain else f"Q('{name}')"
    return f"I(1 * {written})" if is_boolean(name, design) else written


def _to_patsy(text: str, design: Design) -> str:
    text = rewrite(text, design, lambda name, _: _name_in_patsy(name, design))
    text = text.replace('"', "'").replace("{", "I(").replace("}", ")")
    return re.sub(rf"(?<![\w.])({_NUMPY})\(", r"np.\1(", text)


def _column_in_patsy(label: str, design: Design) -> str:
    return ":".join(_piece_in_patsy(part, design) for part in label_parts(label))


def _piece_in_patsy(part: str, design: Design) -> str:
    if part in design.frame.columns:
        return _name_in_patsy(part, design)
    found = re.fullmatch(r"(.*?)\[(.*)\]", part)
    if found is None:
        for name in design.frame.columns:  # labels have no backticks
            if quoted(name) != name and name in part:
                raise UntranslatableError(
                    f"{part} has a blank or sign in {name}; rename it"
                )
        return _to_patsy(part, design)
    name, value = re.sub(r"^C\((.*)\)$", r"\1", found[1]), found[2]
    if name not in design.frame.columns:
        raise UntranslatableError(f"a column of {found[1]} has no name there")
    column = _name_in_patsy(name, design)
    if _is_number(design.frame[name]):
        return f"I(1 * ({column} == {value}))"
    if not _is_quotable(value):
        raise UntranslatableError(f"the value {value} of {name} has quotes; rename it")
    return f"I(1 * ({column} == '{value}'))"


def _is_number(column: "pd.Series[Any]") -> bool:
    categories = isinstance(column.dtype, pd.CategoricalDtype)
    kind: str = (column.cat.categories if categories else column).dtype.kind
    return kind in "iufb"


def _mixedlm(design: Design) -> str:
    formula = design.formula
    order = chain(design.factors)
    if order is None:
        groups, outer, rest = "np.ones(len(data))", None, list(design.factors)
    else:
        outer = design.factors[order[-1]]
        groups = _groups(outer, design)
        rest = [design.factors[k] for k in reversed(order[:-1])]
    re_formula = ""
    components: dict[str, str] = {}
    if outer is not None:
        re_formula, components = _own_effects(outer, design)
    for factor in rest:
        components |= _component_formulas(factor, outer, design)
    parts = (formula.response, formula.population)
    arguments = [
        f'"{" ~ ".join(_to_patsy(part, design) for part in parts)}"',
        _data(design),
        f"groups={groups}",
    ]
    if re_formula:
        arguments.append(f're_formula="{re_formula}"')
    if components:
        written = ", ".join(f'"{name}": "{text}"' for name, text in components.items())
        arguments.append(f"vc_formula={{{written}}}")
    if design.dropped:
        arguments.append('missing="drop"')
    call = f"smf.mixedlm({', '.join(arguments)})"
    if design.dropped and "Q('" in call:
        raise UntranslatableError(
            "dropping rows it loses columns whose names need quotes; rename them, or drop "
            "the rows first"
        )
    return call


def _groups(factor: Factor, design: Design) -> str:
    columns = next(t.columns for t in design.formula.groups if t.factor == factor.name)
    if len(columns) == 1:
        return f'"{columns[0]}"'
    return ' + ":" + '.join(f'data["{column}"].astype(str)' for column in columns)


def _own_effects(factor: Factor, design: Design) -> tuple[str, dict[str, str]]:
    """Write the coarsest factor's effects: one block correlated, the rest components."""
    largest = max(range(len(factor.blocks)), key=lambda k: factor.blocks[k])
    re_formula, components = "", {}
    for k, (start, size) in enumerate(zip(factor.starts, factor.blocks, strict=True)):
        names = factor.effects[start : start + size]
        if k == largest and (size > 1 or names == ("Intercept",)):
            columns = [
                "1" if n == "Intercept" else _column_in_patsy(n, design) for n in names
            ]
            re_formula = " + ".join(columns if "Intercept" in names else ["0", *columns])
        elif size > 1:
            raise UntranslatableError("it has one block of correlated effects only")
        else:
            components[f"{names[0]} | {factor.name}"] = _single(names[0], design)
    return re_formula, components


def _single(name: str, design: Design) -> str:
    return "1" if name == "Intercept" else f"0 + {_component_column(name, design)}"


def _component_column(name: str, design: Design) -> str:
    """Write a column of a variance component, which is evaluated group by group."""
    if any(call in _STATEFUL for call in CALL.findall(name)):
        raise UntranslatableError(
            f"it would evaluate {name} within each group by itself; make it a column"
        )
    return _column_in_patsy(name, design)


def _component_formulas(
    factor: Factor, outer: Factor | None, design: Design
) -> dict[str, str]:
    columns = next(t.columns for t in design.formula.groups if t.factor == factor.name)
    if outer is not None:  # within a level of it, its own columns do not vary
        own = next(t.columns for t in design.formula.groups if t.factor == outer.name)
        columns = tuple(column for column in columns if column not in own)
    cells = ":".join(f"C({_name_in_patsy(column, design)})" for column in columns)
    components = {}
    for start, size in zip(factor.starts, factor.blocks, strict=True):
        if size > 1:
            raise UntranslatableError(
                f"its variance components are independent, the effects of {factor.name} "
                "are not"
            )
        name = factor.effects[start]
        label = factor.name if name == "Intercept" else f"{name} | {factor.name}"
        slope = "" if name == "Intercept" else f":{_component_column(name, design)}"
        components[label] = f"0 + {cells}{slope}"
    return components
