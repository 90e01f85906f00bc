"""What a formula may say: formulae's grammar, less what it silently reads otherwise.

formulae accepts some expressions with another meaning than R's formulas or Python's
arithmetic give them. They are refused here, with what to write instead.
"""

from typing import Any

from formulae import model_description
from formulae.expr import (
    Assign,
    Binary,
    Call,
    Grouping,
    Literal,
    QuotedName,
    Unary,
    Variable,
)
from formulae.parser import Parser
from formulae.scanner import ScanError, Scanner

from hierstan.errors import FormulaError

_COMPARISONS = [
    "EQUAL_EQUAL",
    "BANG_EQUAL",
    "LESS_EQUAL",
    "LESS",
    "GREATER_EQUAL",
    "GREATER",
]


def names_in_response(text: str) -> set[str]:
    """Read the left side of a formula.

    Returns
    -------
    set of str
        Names of the data columns it uses.

    Raises
    ------
    FormulaError
        When it is neither a column nor a function of columns; the message is the reason
        alone. formulae raises errors of other kinds.
    """
    expression = _tree(text)
    if isinstance(expression, Call) and _function(expression) != "offset":
        _check_arguments(expression)
    elif not isinstance(expression, QuotedName):
        _check_name(expression, text)
    return _names(text)


def names_in_terms(text: str, *, offsets: bool) -> set[str]:
    """Read the population part of a formula, or what stands left of a bar.

    Parameters
    ----------
    text : str
        Terms joined by operators.
    offsets : bool
        Whether ``offset()`` may be among them.

    Returns
    -------
    set of str
        Names of the data columns it uses.

    Raises
    ------
    FormulaError
        When it says something that formulae would take for something else; the message is
        the reason alone. formulae raises errors of other kinds.
    """
    _check_sum(_tree(text), offsets=offsets)
    return _names(text)


def _tree(text: str) -> Any:
    if "^" in text:
        raise FormulaError("'^' is R's; write (a + b) ** 2, or I(x ** 2) for arithmetic")
    try:
        parser = Parser(Scanner(text).scan(add_intercept=False))
    except ScanError as error:
        raise FormulaError(f"{error}; a name with other signs goes into `...`") from error
    tree = parser.parse()
    if not parser.at_end():
        raise FormulaError(f"an operator is missing before {parser.peek().lexeme!r}")
    return tree


def _names(text: str) -> set[str]:
    try:
        return {name for name in model_description(text).var_names if name}
    except AttributeError as error:  # it compares a call inside of a call with a column
        raise FormulaError(
            "formulae cannot tell two calls of one function apart when the first holds "
            "another call; join offsets, as in offset(log(e) + z), and write "
            "scale(z) + scale(log(x)) for scale(log(x)) + scale(z)"
        ) from error


def _check_name(expression: Any, text: str) -> None:
    if not isinstance(expression, Variable):
        raise FormulaError(
            f"the response {text!r} should be one column or a function of columns; for "
            "arithmetic write I(y - x)"
        )
    if expression.level is not None:
        raise FormulaError(
            f"brackets after {expression.name.lexeme!r} would compare it with a level; "
            "make the comparison a column of the data"
        )


def _check_sum(expression: Any, *, offsets: bool) -> None:
    """Check what is added up: here numbers may stand for the intercept, and offsets."""
    if isinstance(expression, Grouping):
        _check_sum(expression.expression, offsets=offsets)
    elif isinstance(expression, Binary) and expression.operator.kind in ("PLUS", "MINUS"):
        _check_sum(expression.left, offsets=offsets)
        _check_sum(expression.right, offsets=offsets)
    elif isinstance(expression, Unary) and isinstance(expression.right, Literal):
        _check_sum(expression.right, offsets=offsets)
    elif isinstance(expression, Literal) and type(expression.value) is int:
        if expression.value not in (0, 1):
            _check_term(expression)
    elif offsets and isinstance(expression, Call) and _function(expression) == "offset":
        _check_arguments(expression)
    else:
        _check_term(expression)


def _check_term(expression: Any) -> None:
    if isinstance(expression, Grouping):
        _check_term(expression.expression)
    elif isinstance(expression, Binary):
        kind = expression.operator.kind
        if kind in _COMPARISONS:
            raise FormulaError("a comparison needs braces, as in {x > 0}")
        several = _is_several(expression.left), _is_several(expression.right)
        if kind == "SLASH" and all(several):
            raise FormulaError(
                "formulae loses interactions of '/' between two sums; write the terms out"
            )
        if kind == "STAR_STAR":
            _check_power(expression)
        else:
            _check_term(expression.right)
        _check_term(expression.left)
    elif isinstance(expression, Unary):
        raise FormulaError("a sign before a term; for arithmetic write I(-x)")
    elif isinstance(expression, Literal):
        raise FormulaError(
            f"{expression.value!r} is no term; write 1 or 0 for the intercept, I(2 * x) "
            "for arithmetic, offset(3) for a constant"
        )
    elif isinstance(expression, Call):
        if _function(expression) == "offset":
            raise FormulaError("offset() is no part of another term, nor of group effects")
        _check_arguments(expression)
    elif isinstance(expression, Variable):
        _check_name(expression, "")


def _check_power(expression: Any) -> None:
    if not _is_several(expression.left):
        raise FormulaError("a power of one term is that term; write I(x ** 2) instead")
    power = expression.right
    if not isinstance(power, Literal) or power.value not in range(1, 9):
        raise FormulaError("the power of a sum of terms should be a whole number up to 8")


def _check_arguments(expression: Any) -> None:
    """Check arithmetic, which formulae evaluates by precedences that are not Python's."""
    if isinstance(expression, Call):
        for argument in expression.args:
            _check_arguments(argument)
    elif isinstance(expression, Assign):
        _check_arguments(expression.value)
    elif isinstance(expression, Grouping):
        _check_arguments(expression.expression)
    elif isinstance(expression, Unary):
        _check_arguments(expression.right)
    elif isinstance(expression, Variable):
        _check_name(expression, "")
    elif isinstance(expression, Binary):
        left, right, kind = expression.left, expression.right, expression.operator.kind
        power = isinstance(left, Binary) and left.operator.kind == "STAR_STAR"
        if kind == "STAR_STAR" and (power or isinstance(left, Unary)):
            raise FormulaError("put brackets around the powers, as in -(x ** 2)")
        if kind in _COMPARISONS and _is_comparison(left):
            raise FormulaError("a comparison of a comparison; compare one pair at a time")
        if kind in ("PLUS", "MINUS") and _is_comparison(left) and _is_comparison(right):
            raise FormulaError("a sum of comparisons; write 1 * (x > 0) + 1 * (z > 0)")
        _check_arguments(left)
        _check_arguments(right)


def _is_comparison(expression: Any) -> bool:
    if isinstance(expression, Grouping):
        return _is_comparison(expression.expression)
    return isinstance(expression, Binary) and expression.operator.kind in _COMPARISONS


def _is_several(expression: Any) -> bool:
    """Whether an expression stands for several terms."""
    if isinstance(expression, Grouping):
        return _is_several(expression.expression)
    if not isinstance(expression, Binary):
        return False
    return expression.operator.kind != "COLON" or (
        _is_several(expression.left) or _is_several(expression.right)
    )


def _function(call: Any) -> str:
    return str(call.callee.name.lexeme) if isinstance(call.callee, Variable) else ""
