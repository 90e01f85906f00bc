"""How statsmodels' MixedLM would be asked for the model of a design."""

import re

from hierstan.design import Design, Factor
from hierstan.structure import chain
from hierstan.translate import (
    CALL,
    IN_R,
    Call,
    UntranslatableError,
    label_parts,
    quoted,
    unknown_function,
    with_numbers_for_booleans,
)

_IN_PATSY = IN_R - {"poly", "offset"}
_STATEFUL = {"bs", "center", "scale"}
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
    if unknown:
        return Call(reason=f"its formulas have no {unknown}()")
    try:
        return Call(_mixedlm(design))
    except UntranslatableError as error:
        return Call(reason=str(error))


def _to_patsy(text: str, design: Design) -> str:
    text = with_numbers_for_booleans(text, design, "I(1 * {})")
    text = re.sub(r"`([^`]*)`", r"Q('\1')", text).replace("{", "I(").replace("}", ")")
    return re.sub(
        r"(?<![\w.])(abs|cos|exp|expm1|log|log10|log1p|log2|sin|sqrt)\(", r"np.\1(", text
    )


def _column_in_patsy(label: str, design: Design) -> str:
    pieces = []
    for part in label_parts(label):
        found = re.fullmatch(r"(.*)\[([^\[\]]*)\]", part)
        if found is None:
            pieces.append(_to_patsy(part if "(" in part else quoted(part), design))
        elif found[1].startswith("bs("):
            raise UntranslatableError(f"a column of {found[1]} has no name there")
        else:
            name = re.sub(r"^C\((.*)\)$", r"\1", found[1])
            value = (design.frame[name].dtype.kind in "iuf" and found[2]) or repr(found[2])
            column = _to_patsy(quoted(name), design)
            pieces.append(f"I(1 * ({column} == {value}))")
    return ":".join(pieces)


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
        "data",
        f"groups={groups}",
    ]
    if re_formula:
        arguments.append(f're_formula="{re_formula}"')
    if components:
        written = ", ".join(f'"{name}": "{text}"' for name, text in components.items())
        arguments.append(f"vc_formula={{{written}}}")
    if design.dropped:
        arguments.append('missing="drop"')
    return f"smf.mixedlm({', '.join(arguments)})"


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
    cells = ":".join(f"C({_to_patsy(quoted(column), design)})" for column in columns)
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
