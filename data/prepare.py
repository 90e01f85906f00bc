"""Make the CSV files of this directory from the raw files they come from.

    python data/prepare.py RAW [--out DIRECTORY]

RAW is a directory with ``srrs2.dat`` and ``cty.dat`` (the radon survey and the uranium of
the counties) and ``sleepstudy.csv``, ``Dyestuff.csv``, ``Dyestuff2.csv``,
``Penicillin.csv`` and ``Pastes.csv`` (lme4). README.md says where they come from and why
rows are dropped. ``eight_schools.csv`` has no raw file: it was typed from the paper.

Measured numbers are carried over as text, digit for digit, and logarithms are correctly
rounded, so every machine writes the same bytes. Nothing is written when anything is wrong.
"""

import argparse
import csv
import io
import math
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

Row = dict[str, str]

HERE = Path(__file__).absolute().parent

LME4 = ("sleepstudy", "Dyestuff", "Dyestuff2", "Penicillin", "Pastes")

SURVEY_COLUMNS = (
    "idnum",
    "state",
    "state2",
    "stfips",
    "cntyfips",
    "county",
    "floor",
    "activity",
)
COUNTY_COLUMNS = ("stfips", "ctfips", "Uppm")

RADON_COLUMNS = ("county", "log_radon", "floor", "activity", "uranium", "log_uranium")
RADON_US_COLUMNS = ("survey", "state", "county", "fips", *RADON_COLUMNS[1:])

FLOOR_MISSING = "9"
FLOORS = frozenset("0123")


class RawDataError(Exception):
    """A raw file is missing, or says something its documentation does not allow."""


def read(path: Path, columns: tuple[str, ...]) -> list[Row]:
    """Read the named columns of a comma-separated file, without padding blanks."""
    if not path.is_file():
        raise RawDataError(f"{path} is missing")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, skipinitialspace=True)
        absent = set(columns) - set(rows.fieldnames or ())
        if absent:
            raise RawDataError(f"{path} has no column {', '.join(sorted(absent))}")
        return [{name: (row[name] or "").strip() for name in columns} for row in rows]


def fips(state: str, county: str) -> str:
    """Join the codes of a state and of a county in it to the usual five digits."""
    return state.zfill(2) + county.zfill(3)


def number(text: str, where: str) -> float:
    """Convert a measured number, which is finite and not negative."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise RawDataError(f"{where} is {text!r}, not a number of 0 or more")
    return value


def logarithm(value: float) -> str:
    """Return the double nearest to log(value), in the fewest digits that give it back."""
    return repr(float(Decimal(value).ln()))


def uranium_by_county(counties: list[Row]) -> Row:
    """Map FIPS codes to uranium in ppm, as text; empty where the file says 0.

    Counties of several parts are listed once per part, with the same uranium. Zero stands
    for "not measured": it is what whole states have, and the least other value is 0.2 ppm.
    """
    uranium: Row = {}
    for county in counties:
        code = fips(county["stfips"], county["ctfips"])
        measured = number(county["Uppm"], f"uranium of county {code}") > 0
        value = county["Uppm"] if measured else ""
        if uranium.setdefault(code, value) != value:
            raise RawDataError(f"county {code} has two values of uranium in cty.dat")
    return uranium


def names_by_county(survey: list[Row]) -> dict[tuple[str, str], set[str]]:
    """Collect the names that each survey gives to each FIPS code."""
    names: dict[tuple[str, str], set[str]] = {}
    for home in survey:
        code = fips(home["stfips"], home["cntyfips"])
        if home["county"]:
            names.setdefault((home["state"], code), set()).add(home["county"])
    return names


def clean(survey: list[Row], uranium: Row) -> tuple[list[Row], Counter[str]]:
    """Return the usable homes in the order of the survey, and how many met which rule."""
    names = names_by_county(survey)
    homes: list[Row] = []
    count: Counter[str] = Counter(homes=len(survey))
    for home in survey:
        code = fips(home["stfips"], home["cntyfips"])
        if home["floor"] == FLOOR_MISSING:
            count["dropped, floor missing"] += 1
            continue
        if home["floor"] not in FLOORS:
            raise RawDataError(f"home {home['idnum']} has floor {home['floor']!r}")
        if code not in uranium:
            count["dropped, county unknown"] += 1
            continue
        county = home["county"]
        if not county:
            candidates = names.get((home["state"], code), set())
            if len(candidates) != 1:
                raise RawDataError(f"home {home['idnum']} has no county name, nor {code}")
            (county,) = candidates
            count["kept, county named by its FIPS code"] += 1
        activity = number(home["activity"], f"activity of home {home['idnum']}")
        ppm = uranium[code]
        count["kept, uranium missing"] += not ppm
        count["kept, activity zero"] += activity == 0
        homes.append(
            {
                "survey": home["state"],
                "state": home["state2"],
                "county": county,
                "fips": code,
                "log_radon": logarithm(activity + 0.1),
                "floor": home["floor"],
                "activity": home["activity"],
                "uranium": ppm,
                "log_uranium": logarithm(float(ppm)) if ppm else "",
            }
        )
    count["kept"] = len(homes)
    return homes, count


def as_csv(rows: list[Row], columns: tuple[str, ...]) -> bytes:
    """Write rows as comma-separated text with Unix line ends on every platform."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8")


def prepare(raw: Path) -> tuple[dict[str, bytes], Counter[str]]:
    """Make every file in memory; return them by name, with counts of the radon homes."""
    uranium = uranium_by_county(read(raw / "cty.dat", COUNTY_COLUMNS))
    homes, count = clean(read(raw / "srrs2.dat", SURVEY_COLUMNS), uranium)
    minnesota = [home for home in homes if home["survey"] == "MN"]
    files = {
        "radon.csv": as_csv(minnesota, RADON_COLUMNS),
        "radon_us.csv": as_csv(homes, RADON_US_COLUMNS),
    }
    for name in LME4:
        source = raw / f"{name}.csv"
        if not source.is_file():
            raise RawDataError(f"{source} is missing")
        files[f"{name.lower()}.csv"] = source.read_bytes()
    return files, count


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, or 2 when a raw file is at fault."""
    parser = argparse.ArgumentParser(description="Make the packaged data sets.")
    parser.add_argument("raw", type=Path, help="directory of the raw files")
    parser.add_argument(
        "--out", type=Path, default=HERE, help="default: beside this script"
    )
    chosen = parser.parse_args(arguments)
    try:
        files, count = prepare(chosen.raw)
    except RawDataError as error:
        sys.stderr.write(f"prepare.py: {error}\n")
        return 2
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (chosen.out / name).write_bytes(content)
    sys.stdout.writelines(f"{total:6d} {what}\n" for what, total in sorted(count.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
