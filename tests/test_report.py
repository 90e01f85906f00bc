"""The analysis object and the report directory."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hierstan as hs
from hierstan.analysis import Analysis
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import DataError, OutputError
from hierstan.programs import PROGRAMS
from hierstan.report.directory import check_target, write_report

pytestmark = pytest.mark.stan


@pytest.fixture(scope="session")
def report(radon_analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a folder") / "radon report"
    assert radon_analysis.write(folder) == folder / "index.html"
    return folder


def test_everything_is_there(report: Path) -> None:
    found = {str(path.relative_to(report)) for path in report.rglob("*.*")}
    pictures = ["forest", "shrinkage_county", "panels_county", "funnel_county"]
    pictures += [f"trace_{p}" for p in PROGRAMS]
    assert {
        f"figures/{name}.{kind}" for name in pictures for kind in ("png", "svg")
    } <= found
    tables = ["comparison", "estimates", "diagnostics", "priors", "shrinkage_county"]
    assert {f"tables/{name}.csv" for name in tables} <= found
    assert {f"fits/{p}.nc" for p in ("pooled", "noncentered")} <= found
    assert {"index.html", "results.json"} <= found
    assert [p.name for p in report.parent.iterdir()] == [
        "radon report"
    ]  # nothing beside it


def test_results_json_is_the_contract(report: Path, radon_analysis: Analysis) -> None:
    results = json.loads((report / "results.json").read_text())
    promised = {
        "schema", "hierstan", "formula", "data", "groups", "frequentist", "stan_mode",
        "posterior", "crosscheck", "diagnostics", "shrinkage", "engine", "seed",
    }  # fmt: skip
    assert promised <= set(results)
    assert results["schema"] == 1
    assert results["groups"] == {"county": 85}
    assert results["seed"] == 7
    assert set(results["programs"]) == set(PROGRAMS)
    assert {len(digest) for digest in results["programs"].values()} == {64}
    assert set(results["data"]) >= {"rows", "used", "dropped", "sha256"}
    assert set(results["frequentist"]) >= {"ols", "mixedlm"}
    estimates = {
        "criterion", "loglik", "converged", "singular", "rescued", "fixed", "sd", "corr",
        "sigma",
    }  # fmt: skip
    reml = results["frequentist"]["mixedlm"]
    assert set(reml) == estimates
    assert reml["criterion"] == "REML"
    assert set(reml["fixed"]["floor"]) == {"estimate", "se", "low", "high"}
    assert set(reml["sd"]["county"]) == {"Intercept", "floor"}
    posterior = results["posterior"]["noncentered"]
    assert set(posterior) == estimates
    assert set(posterior["sigma"]) == {
        "mean", "sd", "median", "low", "high", "mcse_mean", "rhat", "ess_bulk", "ess_tail",
    }  # fmt: skip
    assert posterior["converged"]
    assert not results["posterior"]["centered"]["converged"]
    state = results["diagnostics"]["noncentered"]
    assert set(state) >= {
        "divergences", "max_treedepth_hits", "ebfmi", "rhat_max", "ess_bulk_min",
        "ess_tail_min", "seconds", "ess_per_second", "verdict", "advice",
    }  # fmt: skip
    assert 0 < results["shrinkage"]["county"]["floor"]["pooling_factor"] < 1
    rows = dict(radon_analysis.fits["noncentered"].estimates().rows())
    assert posterior["fixed"]["floor"]["mean"] == rows["floor"].center


def test_the_page_stands_alone_and_tells_the_story(report: Path) -> None:
    page = (report / "index.html").read_text()
    links = re.findall(r"(?:src|href)=[\"'](?!data:|#)([^\"']*)", page)
    assert links
    assert all((report / link).is_file() for link in links)
    assert not re.search("https?:", page)
    drawn = list((report / "figures").glob("*.png"))
    assert page.count("data:image/png;base64,") == len(drawn) >= 7 + len(PROGRAMS)
    for told in ("funnel", "sd(floor | county)", "not determined by its own rows", "REML"):
        assert told in page
    assert "{{" not in page


def test_pictures_have_plain_labels(report: Path) -> None:
    """Maths is off, for names with dollar signs; so no label may be written in it."""
    for picture in (report / "figures").glob("*.svg"):
        assert "mathdefault" not in picture.read_text(), picture.name
    assert ">0.01</text>" in (report / "figures" / "funnel_county.svg").read_text()


def test_tables_carry_the_numbers(report: Path) -> None:
    shrinkage = pd.read_csv(report / "tables" / "shrinkage_county.csv")
    assert len(shrinkage) == 170
    cass = shrinkage.query("level == 'CASS' and effect == 'floor'").iloc[0]
    assert np.isnan(cass["ols"])
    assert abs(cass["unpooled_sd"] - 100) < 10
    untold = shrinkage.query("effect == 'floor'")["note"].notna()
    assert untold.sum() == 25
    comparison = pd.read_csv(report / "tables" / "comparison.csv", index_col="parameter")
    assert comparison.loc["floor", "REML estimate"] == pytest.approx(-0.6485, abs=1e-3)
    assert np.isnan(comparison.loc["sd(floor | county)", "pooled estimate"])


def test_fits_open_in_xarray(report: Path, radon_analysis: Analysis) -> None:
    saved = xr.open_dataset(report / "fits" / "noncentered.nc", group="posterior")
    beta = saved["beta"].sel(term="floor")
    assert beta.shape == (4, 1000)
    draws = radon_analysis.fits["noncentered"].draws["beta"].sel(term="floor")
    np.testing.assert_array_equal(beta, draws)


def test_arviz_reads_the_fit(radon_analysis: Analysis) -> None:
    from hierstan.arviz_stats import arviz

    data = radon_analysis.fits["noncentered"].to_arviz()
    summary = arviz.summary(data, var_names=["beta", "sigma"])
    assert float(summary["mean"].iloc[1]) == pytest.approx(-0.648, abs=0.01)
    assert int(data["sample_stats"]["diverging"].sum()) == 0


def test_writing_twice_gives_the_same_files(
    report: Path, radon_analysis: Analysis, tmp_path: Path
) -> None:
    radon_analysis.write(tmp_path / "again")
    for path in report.rglob("*.*"):
        if path.suffix != ".nc":  # HDF5 keeps internal addresses; the draws are compared
            other = tmp_path / "again" / path.relative_to(report)
            assert path.read_bytes() == other.read_bytes(), path.name


def test_an_old_report_is_replaced_only_on_demand(
    radon_analysis: Analysis, tmp_path: Path
) -> None:
    target = tmp_path / "report"
    target.mkdir()
    radon_analysis.write(target)  # an empty directory may be filled
    with pytest.raises(OutputError, match="exists and is not empty"):
        radon_analysis.write(target)
    (target / "tables" / "leftover.csv").write_text("old")
    radon_analysis.write(target, force=True)
    assert not (target / "tables" / "leftover.csv").exists()
    (target / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds 'notes\.txt'"):
        radon_analysis.write(target, force=True)
    assert (target / "notes.txt").exists()


def test_what_is_not_a_report_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"holds 'chapter1\.tex'"):
        check_target(tmp_path / "thesis", force=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not a directory"):
        check_target(tmp_path / "file", force=True)
    with pytest.raises(OutputError, match="There is no directory"):
        check_target(tmp_path / "no" / "report", force=False)


def test_a_failure_while_writing_leaves_the_old_report(
    radon_analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report"
    radon_analysis.write(target)
    before = (target / "results.json").read_bytes()

    def full(*args: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hierstan.report.directory.page", full)
    with pytest.raises(OutputError, match="No space left"):
        write_report(radon_analysis, target, force=True)
    assert (target / "results.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def test_agreement_is_told_in_words(radon_analysis: Analysis) -> None:
    told = radon_analysis.agreement()
    assert re.search(r"by at most 0\.\d\d sds of the wider of the two .*, for sd\(", told)


def test_several_factors_leave_out_what_does_not_apply(engine: CmdStanEngine) -> None:
    """Crossed factors: no marginal; said, and the rest stands."""
    data, formula = hs.data.penicillin(), "diameter ~ 1 + (1 | plate) + (1 | sample)"
    analysis = hs.analyze(formula, data, chains=2, seed=4, engine=engine)
    assert list(analysis.fits) == ["pooled", "unpooled", "centered", "noncentered"]
    assert set(analysis.left_out) == {"marginal"}
    assert analysis.verdicts()["MixedLM (REML)"] == "converged"
    blup = analysis.shrinkage(analysis.design.factors[1])["blup"]
    assert blup.tolist() == pytest.approx(analysis.mixed["REML"]["sample"].blup[:, 0])
    assert "not fitted" in analysis.verdicts()["marginal"]
    assert analysis.fits["noncentered"].diagnostics.rhat_max < 1.05
    sd = analysis.fits["noncentered"].estimates().sd
    assert sd["plate"]["Intercept"].center == pytest.approx(0.86, abs=0.1)
    assert 1.2 < sd["sample"]["Intercept"].center < 3.5
    apart = data.assign(sample=data["sample"] + (data["plate"] < "m").astype(str))
    with pytest.raises(DataError, match="2 parts that share no row"):
        hs.analyze(formula, apart, programs=["unpooled"], engine=engine)
