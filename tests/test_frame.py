"""Reading files and choosing rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.frame import read_frame, usable_rows


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"y": [1.5, 2.5, np.nan, 4.0], "x": [3, 1, 2, 2], "g": ["a", None, "b", "b"]},
        index=[9, 9, 4, 2],
    )


def test_incomplete_rows_are_dropped_and_counted(frame: pd.DataFrame) -> None:
    rows, missing = usable_rows(frame, ["y", "x", "g"])
    assert rows["y"].tolist() == [1.5, 4.0]
    assert rows.index.tolist() == [0, 1]
    assert missing == {"y": 1, "g": 1}


def test_unused_columns_do_not_cost_rows(frame: pd.DataFrame) -> None:
    rows, missing = usable_rows(frame, ["x"])
    assert len(rows) == 4
    assert missing == {}


def test_missing_values_can_be_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(
        DataError, match=r"1 in column 'y', 1 in column 'g'; first in data row 2"
    ):
        usable_rows(frame, ["y", "g"], missing="error")


def test_an_unknown_column_is_named_with_the_closest(frame: pd.DataFrame) -> None:
    wider = frame.assign(floor=1.0)
    with pytest.raises(DataError, match="no column 'flor'; did you mean 'floor'"):
        usable_rows(wider, ["y", "flor"])


def test_an_infinite_value_is_located(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"'x' has 1 infinite value.* row 3"):
        usable_rows(frame.assign(x=[0.0, 1.0, -np.inf, 2.0]), ["x"])


def test_nothing_left_is_an_error(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no rows"):
        usable_rows(frame.iloc[:0], ["y"])
    with pytest.raises(DataError, match="Every row has a missing value"):
        usable_rows(frame.assign(x=np.nan), ["y", "x"])


def test_csv_and_parquet_read_alike(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(tmp_path / "data file.csv", index=False)
    frame.reset_index(drop=True).to_parquet(tmp_path / "data.parquet")
    one, other = (
        read_frame(tmp_path / "data file.csv"),
        read_frame(tmp_path / "data.parquet"),
    )
    pd.testing.assert_frame_equal(
        one.fillna({"y": -1.0, "g": "none"}),
        other.fillna({"y": -1.0, "g": "none"}),
        check_dtype=False,
    )


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.csv", None, "There is no data file"),
        ("empty.csv", "", "is empty"),
        ("twice.csv", "x,y,x\n1,2,3\n", "two columns named 'x'"),
        ("german.csv", "x;y\n1,5;2\n", "by semicolons"),
        ("ragged.csv", "a,b\n1,2\n1,2,3\n", "cannot be read: line 3 has 3 fields"),
        ("first.csv", "a,b\n1,2,3\n1,2\n", "line 2 has 3 fields, more than the header"),
        ("every.csv", "a,b\n1,2,3\n4,5,6\n", "line 2 has 3 fields, more than the header"),
        ("comma.csv", "a,b\n1,2,\n4,5,\n", "line 2 has 3 fields, more than the header"),
        ("data.parquet", "not parquet", "cannot be read"),
        ("data.xlsx", "x", "neither CSV nor Parquet"),
    ],
)
def test_a_bad_file_is_named(
    tmp_path: Path, name: str, content: str | None, says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=says) as caught:
        read_frame(path)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["1,25", "3,5", "-2,75", "4"], "'1,25' in data row 1"),
        (["12", "1,091.0", "23,400", "2.5"], "'1,091.0' in data row 2"),
        (["1.091,0", "2.5", "3.400.000", "7"], "'1.091,0' in data row 1"),
    ],
)
@pytest.mark.parametrize("name", ["x", "y"])
def test_numbers_written_otherwise_are_no_categories(
    texts: list[str], says: str, name: str
) -> None:
    data = pd.DataFrame({"y": np.sqrt(np.arange(12)), "x": np.arange(12) % 5})
    data = data.assign(g=np.arange(12) % 3).assign(**{name: texts * 3})
    with pytest.raises(DataError, match=f"Column '{name}' holds numbers as text") as caught:
        build_design("y ~ x + (1 | g)", data)
    assert says in str(caught.value)
    assert "decimal point" in str(caught.value)


def test_codes_with_points_and_commas_stay_categories() -> None:
    texts = ["1.2.3", "a,b", "12.05.2020", "1,2,3"]
    data = pd.DataFrame({"y": np.sqrt(np.arange(12)), "k": texts * 3})
    design = build_design("y ~ k + (1 | g)", data.assign(g=np.arange(12) // 4))
    assert design.P == 4
