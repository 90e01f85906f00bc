"""`data/prepare.py`, on small raw files with the traps of the real ones."""

import runpy
from pathlib import Path

import pytest

from hierstan.data import load, names
from hierstan.resources import directory

COUNTIES = """\
stfips,ctfips,st,cty,lon,lat,Uppm
04,001,AZ,APACHE, -109.488,  35.386,2.5
04,012,AZ,LAPAZ, -113.9,  33.7,0
27,001,MN,AITKIN, -93.415,  46.608,0.502054
27,001,MN,AITKIN, -93.5,  46.7,0.502054
"""
SURVEY = """\
idnum,state,state2,stfips,floor,activity,cntyfips,county
1,AZ,AZ, 4,1,     0.3,  1,APACHE              
2,AZ,AZ, 4,9,     0.6,  1,APACHE              
3,AZ,AZ, 4,0,     0.0,  1,                    
4,AZ,AZ, 4,2,    12.0, 12,LA PAZ              
5,MN,MN,27,1,     2.2,  1,AITKIN              
6,R5,MN,27,0,     2.9,  1,MILLIE LACS         
7,R5,WI,55,0,     1.1,999,MENOMINEE           
"""  # noqa: W291
LME4 = ("sleepstudy", "Dyestuff", "Dyestuff2", "Penicillin", "Pastes")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Write raw files into a directory with a blank in its name."""
    folder = tmp_path / "raw files"
    folder.mkdir()
    (folder / "cty.dat").write_text(COUNTIES, encoding="utf-8")
    (folder / "srrs2.dat").write_text(SURVEY, encoding="utf-8")
    for name in LME4:
        (folder / f"{name}.csv").write_text(f'"{name}"\n2.50\n', encoding="utf-8")
    return folder


def prepare(raw: Path) -> tuple[int, Path]:
    out = raw.parent / "prepared data"
    script = runpy.run_path(str(directory("data") / "prepare.py"))
    return script["main"]([str(raw), "--out", str(out)]), out


def test_prepare_cleans_the_survey(raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = prepare(raw)
    assert status == 0
    # ln 0.4, ln 0.1, ln 12.1, ln 2.3, ln 3.0, ln 2.5, ln 0.502054 as doubles of the sums
    assert (out / "radon_us.csv").read_bytes().decode() == (
        "survey,state,county,fips,log_radon,floor,activity,uranium,log_uranium\n"
        "AZ,AZ,APACHE,04001,-0.916290731874155,1,0.3,2.5,0.9162907318741551\n"
        "AZ,AZ,APACHE,04001,-2.3025850929940455,0,0.0,2.5,0.9162907318741551\n"
        "AZ,AZ,LA PAZ,04012,2.4932054526026954,2,12.0,,\n"
        "MN,MN,AITKIN,27001,0.8329091229351041,1,2.2,0.502054,-0.6890475953544999\n"
        "R5,MN,MILLIE LACS,27001,1.0986122886681098,0,2.9,0.502054,-0.6890475953544999\n"
    )
    assert (out / "radon.csv").read_bytes().decode() == (
        "county,log_radon,floor,activity,uranium,log_uranium\n"
        "AITKIN,0.8329091229351041,1,2.2,0.502054,-0.6890475953544999\n"
    )
    counts = dict(
        line.split(maxsplit=1)[::-1] for line in capsys.readouterr().out.splitlines()
    )
    assert counts == {
        "homes": "7",
        "kept": "5",
        "dropped, floor missing": "1",
        "dropped, county unknown": "1",
        "kept, county named by its FIPS code": "1",
        "kept, uranium missing": "1",
        "kept, activity zero": "1",
    }


def test_prepare_copies_the_files_of_lme4_unchanged(raw: Path) -> None:
    _, out = prepare(raw)
    for name in LME4:
        copied = (out / f"{name.lower()}.csv").read_bytes()
        assert copied == (raw / f"{name}.csv").read_bytes()


def test_prepare_makes_every_file_that_is_read(raw: Path) -> None:
    _, out = prepare(raw)
    made = {path.stem for path in out.iterdir()}
    assert made == set(names()) - {"eight_schools"}
    for name in ("radon", "radon_us"):
        header = (out / f"{name}.csv").read_text(encoding="utf-8").partition("\n")[0]
        assert header.split(",") == load(name).columns.tolist()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("cty.dat", "46.7,0.502054", "46.7,0.6", "county 27001 has two values of uranium"),
        ("cty.dat", "0.502054", "much", "uranium of county 27001 is 'much', not a number"),
        ("cty.dat", "Uppm", "U", "cty.dat has no column Uppm"),
        ("srrs2.dat", "idnum,state,", "id,s,", "srrs2.dat has no column idnum, state"),
        ("srrs2.dat", "4,2,    12.0", "4,4,    12.0", "home 4 has floor '4'"),
        ("srrs2.dat", "     2.2", "    -2.2", "activity of home 5 is '-2.2', not a number"),
        ("srrs2.dat", "     2.9", "        ", "activity of home 6 is '', not a number"),
        ("srrs2.dat", "AITKIN", "      ", "home 5 has no county name"),
    ],
)
def test_prepare_refuses_what_it_cannot_explain(
    raw: Path,
    file: str,
    old: str,
    new: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (raw / file).read_text(encoding="utf-8")
    assert old in text
    (raw / file).write_text(text.replace(old, new), encoding="utf-8")
    status, out = prepare(raw)
    assert status == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("file", ["cty.dat", "srrs2.dat", "Pastes.csv"])
def test_prepare_names_a_missing_file(
    raw: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (raw / file).unlink()
    status, out = prepare(raw)
    assert status == 2
    assert f"{file} is missing" in capsys.readouterr().err
    assert not out.exists()
