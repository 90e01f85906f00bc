"""From a file or a data frame to the rows a model can use."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from hierstan.errors import DataError

Missing = Literal["drop", "error"]

# pandas 2 reads decimals to within one unit of the last place unless told otherwise; from 3
# on it is always exact, and telling it is deprecated.
_EXACT: dict[str, Any] = (
    {"float_precision": "round_trip"} if pd.__version__.startswith("2.") else {}
)
# A decimal comma, or thousands apart by commas or by points.
_SEPARATED = r"[+-]?(\d+,\d+|\d{1,3}(,\d{3})+(\.\d*)?|\d{1,3}(\.\d{3})+(,\d*)?)"


def read_frame(path: Path) -> pd.DataFrame:
    """Read a data file.

    Parameters
    ----------
    path : pathlib.Path
        A ``.csv``, ``.csv.gz``, ``.parquet`` or ``.pq`` file with one header line.

    Returns
    -------
    pandas.DataFrame
        Columns with the types the reader infers.

    Raises
    ------
    DataError
        When the file is missing, empty, unreadable or of another kind.
    """
    if not path.is_file():
        raise DataError(f"There is no data file {path}.")
    suffixes = "".join(path.suffixes[-2:]).lower()
    try:
        if suffixes.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        if suffixes.endswith((".csv", ".csv.gz")):
            _check_header(path)
            table: pd.DataFrame = pd.read_csv(path, low_memory=False, **_EXACT)
            return table
    except pd.errors.EmptyDataError as error:
        raise DataError(f"The file {path} is empty.") from error
    except (OSError, ValueError) as error:  # the readers' own errors are ValueErrors
        reason = str(error).splitlines()[0]
        surplus = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", reason)
        if surplus:
            reason = (
                f"line {surplus[2]} has {surplus[3]} fields, more than the header, which "
                f"has {surplus[1]} (R's write.table does so unless row.names = FALSE)"
            )
        raise DataError(f"The file {path} cannot be read: {reason}.") from error
    raise DataError(
        f"The file {path} is neither CSV nor Parquet; its name should end in .csv, "
        ".csv.gz or .parquet."
    )


def _check_header(path: Path) -> None:
    """Look at the header itself: pandas renames the second of two equal names."""
    names = [str(name) for name in pd.read_csv(path, header=None, nrows=1).iloc[0]]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            raise DataError(
                f"The file {path} separates its columns by {name}; save it with commas."
            )
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"The file {path} has two columns named {name!r}; rename one.")
    # With a field more in its first row than in the header, pandas takes the first column
    # for an index, silently; a header read as a row sets the number of fields instead.
    pd.read_csv(path, header=None, nrows=2)


def usable_rows(
    frame: pd.DataFrame, columns: Iterable[str], missing: Missing = "drop"
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Select the columns a formula uses and the rows that are complete in them.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any index; it plays no part.
    columns : iterable of str
        Columns the formula uses.
    missing : {"drop", "error"}
        What to do with rows that lack a value in one of the columns.

    Returns
    -------
    pandas.DataFrame
        The columns, complete, with an index counting from zero. Numbers are numpy's, not
        nullable ones; categories are those in use, in their order.
    dict
        Rows with a missing value per column, for columns that have any. A row that lacks
        two values counts in both, so the sum may exceed the number of rows dropped.

    Raises
    ------
    DataError
        When a column is unknown or repeated, there are no rows, a value is infinite, or
        values are missing and `missing` is ``"error"``.
    """
    names = list(columns)
    require_columns(frame, names)
    used = frame[names].reset_index(drop=True).infer_objects()
    if used.empty:
        raise DataError("The data have no rows.")
    for name in names:
        refuse_infinite(used[name])
    absent = used.isna()
    counts = {name: int(absent[name].sum()) for name in names if absent[name].any()}
    if counts and missing == "error":
        where = ", ".join(f"{n} in column {name!r}" for name, n in counts.items())
        first = int(np.flatnonzero(absent.any(axis=1))[0]) + 1
        raise DataError(
            f"The data have missing values ({where}; first in data row {first}). Fill "
            "or drop them, or allow rows to be dropped with missing='drop'."
        )
    complete = _plain(used[~absent.any(axis=1)].reset_index(drop=True) if counts else used)
    if complete.empty:
        where = ", ".join(f"{name!r} ({n})" for name, n in counts.items())
        raise DataError(f"Every row has a missing value, in column {where}.")
    return complete, counts


def require_columns(
    frame: pd.DataFrame, names: Iterable[str], told: str = "The data"
) -> None:
    """Refuse what is no data frame, and columns that are absent or there twice."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(
            f"{told} are a {type(frame).__module__}.{type(frame).__name__}; a pandas "
            "DataFrame is wanted (polars: .to_pandas(), dict: pandas.DataFrame(...))."
        )
    for name in names:
        found = list(frame.columns).count(name)
        if found > 1:
            raise DataError(f"{told} have {found} columns named {name!r}; rename them.")
        if not found:
            known = [str(column) for column in frame.columns]
            close = get_close_matches(name, known, n=1)
            hint = (
                f"did you mean {close[0]!r}?" if close else f"they have {', '.join(known)}."
            )
            raise DataError(f"{told} have no column {name!r}; {hint}")


def refuse_text_numbers(column: "pd.Series[Any]") -> None:
    """Refuse a column that is text only because of how its numbers, or a few, are written.

    Raises
    ------
    DataError
        When at least nine entries in ten are numbers, be it with a decimal comma or with
        separators of thousands; names the first that is no plain number.
    """
    if pd.api.types.is_numeric_dtype(column) or isinstance(
        column.dtype, pd.CategoricalDtype
    ):
        return
    codes, values = pd.factorize(column.astype(str))
    texts = pd.Series(values, dtype=object)
    strange = pd.to_numeric(texts, errors="coerce").isna()
    separated = texts.str.strip().str.fullmatch(_SEPARATED).astype(bool)
    if (strange & ~separated)[codes].sum() >= 0.1 * len(column):
        return
    odd = np.flatnonzero(strange[codes])
    culprit = f"{column.iloc[odd[0]]!r} in data row {odd[0] + 1}" if odd.size else ""
    why = f"because of {culprit}" if culprit else f"({column.dtype})"
    remedy = "Mend it, or convert it with pandas.to_numeric."
    if separated.any():
        remedy = (
            "Write numbers with a decimal point and nothing between thousands, or read the "
            "file with pandas.read_csv and its options decimal and thousands."
        )
    raise DataError(f"Column {column.name!r} holds numbers as text {why}. {remedy}")


def no_number(column: "pd.Series[Any]") -> str:
    """Name the first value that is no number, with its row; else the first of all."""
    numbers = pd.to_numeric(column.astype(object), errors="coerce").isna().to_numpy()
    odd = int(np.argmax(numbers))
    return f"{column.iloc[odd]!r} in data row {odd + 1}"


def refuse_infinite(column: "pd.Series[float]") -> None:
    """Refuse infinite values, naming the first."""
    if not pd.api.types.is_float_dtype(column.dtype):
        return
    values = column.to_numpy(dtype=float, na_value=np.nan)
    rows = np.flatnonzero(np.isinf(values)) + 1
    if rows.size:
        raise DataError(
            f"Column {column.name!r} has {rows.size} infinite value(s), the first in data "
            f"row {rows[0]}; replace or remove them."
        )


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn complete columns into the types that arithmetic and factors expect."""
    kind = pd.api.types
    plain: dict[Any, Any] = {}
    for name, column in frame.infer_objects().items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            plain[name] = column.cat.remove_unused_categories().cat.as_ordered()
        elif isinstance(column.dtype, np.dtype):
            plain[name] = column
        elif kind.is_bool_dtype(column):
            plain[name] = column.to_numpy(dtype=bool)
        elif kind.is_integer_dtype(column):
            plain[name] = column.to_numpy(dtype=np.int64)
        elif kind.is_numeric_dtype(column):
            plain[name] = column.to_numpy(dtype=float)
        else:
            plain[name] = column
    return pd.DataFrame(plain)


def widen(frame: pd.DataFrame) -> pd.DataFrame:
    """Give columns the types in which expressions are right, and fast, to evaluate.

    Numbers become int64 or float64: small integers would wrap around in products and
    powers, and true plus true is true. Text becomes categories, sorted.
    """
    wide: dict[Any, Any] = {}
    for name, column in frame.items():
        if column.dtype.kind in "buif" and isinstance(column.dtype, np.dtype):
            wide[name] = column.astype(float if column.dtype.kind == "f" else np.int64)
        elif pd.api.types.is_string_dtype(column):
            codes, values = pd.factorize(column, sort=True)
            wide[name] = pd.Categorical.from_codes(codes, pd.Index(values), ordered=True)
        else:
            wide[name] = column
    return pd.DataFrame(wide, index=frame.index)
