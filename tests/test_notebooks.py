"""The notebooks: what is committed, and what comes out when they are run again."""

import re
from copy import deepcopy
from pathlib import Path

import execute
import nbformat
import pictures
import pytest
from nbformat import NotebookNode

NOTEBOOKS = {path.stem: execute.read(path) for path in execute.notebooks()}
EACH = pytest.mark.parametrize("name", NOTEBOOKS)

# What the prose says of the outputs, in the notebook's own names: true on every machine.
CLAIMS = {
    "1-radon": """
assert all(fit.diagnostics.sound for fit in fits.values())
assert (floor > 0).mean() < 0.001
own = fits["unpooled"].group_summary("county")
pooled = fits["marginal"].group_summary("county")["mean"].to_pandas().loc["floor"]
slopes = own["mean"].to_pandas().loc["floor"]
assert 90 < own["sd"].to_pandas().loc["floor", "CASS"] < 110, "the prior, unchanged"
assert abs(slopes["CROW WING"]) < 0.15, "flat"
assert slopes["FREEBORN"] < pooled["FREEBORN"] - 0.1, "steep, then flatter"
rows = radon[radon["county"] == "CROW WING"]
assert (rows["floor"] == 1).sum() == 3
assert abs(pooled.mean() + 0.65) < 0.03
assert pooled.quantile(0.75) - pooled.quantile(0.25) < 0.15, "most end near it"
in_sample, left_out = per_home.loc["in_sample"], per_home.loc["left_out"]
assert in_sample.idxmin() == "unpooled" and in_sample.idxmax() == "pooled"
assert left_out.idxmin() == "marginal" and left_out.idxmax() == "unpooled"
assert rmsd["unpooled"].loc["mean by county", "in_sample"] < 0.02
once = pd.Series({name: t.loc["row by county", "left_out"] for name, t in rmsd.items()})
assert once.idxmin() == "marginal" and once["unpooled"] > left_out["unpooled"] + 0.1
loo = hs.compare_loo(fits)
assert list(loo.index) == ["marginal", "pooled", "unpooled"]
assert loo.loc["marginal", "p_loo"] < 100, "far fewer than 170"
""",
    "2-funnel": """
import numpy as np
assert not centered.diagnostics.sound
assert advice.program == "marginal"
assert centered.diagnostics.divergences < 40, "hardly any or none"
assert diverging.diagnostics.divergences > 0
tau = diverging.draws["tau"].to_numpy()[..., 0]
jumped = diverging.samples.sampler["diverging"].astype(bool)
assert np.median(tau[jumped]) < np.quantile(tau, 0.25), "where the neck begins"
assert fits["noncentered"].diagnostics.sound
assert fits["marginal"].diagnostics.sound
smallest = [float(f.draws["tau"].sel(effect="floor | county").min()) for f in fits.values()]
assert smallest[0] > max(smallest[1:]), "the others go down the neck"
rows = hs.data.radon()["county"].value_counts()
assert (rows <= 5).mean() >= 0.5, "half of the counties have five homes or fewer"
assert highest.smallest_tau < 1e-6
at_fit = highest.ray.set_index("share")["marginal"]
assert abs(np.log(at_fit.idxmax())) == min(abs(np.log(at_fit.index))), "that of REML"
""",
    "3-beside-reml": """
import numpy as np
for case in (check, strong, dyestuff, dyestuff2):
    assert case.agrees
    assert case.posterior.diagnostics.sound
ladder = check.to_frame()
assert (ladder.loc[["Intercept", "Days"], "verdict"] == "agree").all()
sds = [name for name in ladder.index if name.startswith("sd(")]
assert (ladder.loc[sds, "mode_to_mean_sd"] > 0.1).all()
assert (ladder["prior_sd"].abs() < 0.15).all(), "next to nothing"
pulled = strong.to_frame()["prior_sd"].abs()
assert pulled.idxmax() == "sd(Days | Subject)"
assert pulled.drop("sd(Days | Subject)").max() < 0.5 * pulled.max(), "only a little"
few = dyestuff.to_frame()
assert few.loc["sd(Intercept | Batch)", "mode_to_mean_sd"] > 0.4
assert few.loc["Intercept", "sd"] > 1.1 * few.loc["Intercept", "se"], "wider"
assert dyestuff2.mixed.singular
curve = dyestuff2.panels()[1].likelihood
assert 0.5 < np.interp(1.0, curve.x, curve.height) < 1.0, "more than half as likely as zero"
assert dyestuff2.mode.estimates().sigma.estimate < 4, "1 is more than a quarter of sigma"
assert radon.mixed.rescued
""",
    "4-your-data": """
assert fit.diagnostics.sound
assert fit.value("sigma").low > 9, "much larger than 6"
p_values = fit.predictive_checks().statistics["p_value"]
odd = (p_values - 0.5).abs()
assert odd[["min", "max"]].min() > odd[["sd", "sd of means by bakery"]].max()
table = fit.predict(asked, groups="new").table
assert table["sd"].iloc[1] > 1.5 * table["sd"].iloc[0]
assert robust.diagnose() and not robust.divergences.sum()
assert robust.stan_variable("sigma").mean() < 7.5
assert robust.stan_variable("nu").mean() < 4, "a small nu"
""",
    "5-three-levels": """
assert all(fit.diagnostics.sound for fit in fits.values())
assert -0.02 < variance.loc["sigma", "explained"] < 0.02, "does not move"
assert 0 < variance.loc["sd(Intercept | state:county)", "explained"] < 0.3, "some"
assert variance.loc["sd(Intercept | state)", "explained"] < 0, "negative"
levels = {name: fit.pooling().set_index("level") for name, fit in fits.items()}
shares = [table.loc["state:county", "r_squared"] for table in levels.values()]
assert 0.4 < shares[0] < 0.5, "almost half"
assert 0.02 < shares[1] - shares[0] < 0.12, "a little"
assert all(abs(table.loc["data", "r_squared"] - 1 / 3) < 0.03 for table in levels.values())
assert all(table.loc["state", "r_squared"] == 0 for table in levels.values())
assert all(table.loc["state", "pooling_factor"] < 0.1 for table in levels.values())
assert all(table.loc["state:county", "pooling_factor"] > 0.3 for table in levels.values())
means = homes.groupby("state")[["log_uranium", "log_radon"]].mean()
assert means.corr().iloc[0, 1] < 0, "much uranium is not much radon"
found = pd.DataFrame({s: sd_between_counties(s) for s in means.index}).T
ratio = found["with uranium"] / found["without uranium"]
assert ratio["MN"] < 0.5
assert 0.6 < ratio["MA"] < 0.72, "takes off a third"
assert (ratio[["AZ", "IN", "PA"]] > 0.99).all(), "changes nothing"
""",
}


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def texts(notebook: NotebookNode) -> list[str]:
    """All words and pictures in the outputs."""
    return [
        text
        for output in outputs(notebook)
        for text in (output.data.values() if "data" in output else [output.text])
    ]


def kinds(notebook: NotebookNode) -> list[list[tuple[str, ...]]]:
    """What kinds of output each cell has, whatever the numbers."""
    return [
        [
            (output.output_type, output.get("name", ""), *sorted(output.get("data", {})))
            for output in cell.get("outputs", [])
        ]
        for cell in notebook.cells
    ]


def test_there_is_one_for_each_part_of_the_story() -> None:
    assert list(NOTEBOOKS) == [
        "1-radon", "2-funnel", "3-beside-reml", "4-your-data", "5-three-levels",
    ]  # fmt: skip
    assert set(CLAIMS) == set(NOTEBOOKS)


@EACH
def test_it_was_run_from_top_to_bottom(name: str) -> None:
    notebook = NOTEBOOKS[name]
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    # Nothing failed, and nothing was said on the side.
    assert {output.output_type for output in outputs(notebook)} <= {
        "execute_result", "display_data", "stream",
    }  # fmt: skip
    assert all(output.get("name", "stdout") == "stdout" for output in outputs(notebook))


@EACH
def test_its_outputs_are_those_of_its_cells(name: str) -> None:
    """Whoever changes a cell runs `make notebooks`."""
    notebook = NOTEBOOKS[name]
    assert notebook.metadata["source"] == execute.source_hash(notebook)


@EACH
def test_it_is_small_and_says_nothing_of_the_machine(name: str) -> None:
    path = execute.HERE / f"{name}.ipynb"
    assert path.stat().st_size < 1_000_000
    assert len(NOTEBOOKS[name].cells) <= 25
    found = re.findall(r"/(?:home|root|tmp|usr|work)/|0x[0-9a-f]{6,}", path.read_text())
    assert not found
    assert NOTEBOOKS[name].metadata.kernelspec.name == "python3"
    again = deepcopy(NOTEBOOKS[name])
    execute.normalize(again)
    assert {**again.metadata} == {**NOTEBOOKS[name].metadata}
    assert [cell.id for cell in again.cells] == [cell.id for cell in NOTEBOOKS[name].cells]


@EACH
def test_its_prose_is_prose(name: str) -> None:
    """A title, a few headings, and no line that Markdown would take for one by mistake."""
    prose = [cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == "markdown"]
    assert prose[0].startswith("# ")
    lines = "\n\n".join(prose).splitlines()
    headings = [index for index, line in enumerate(lines) if line.startswith("#")]
    assert [index for index in headings if not lines[index].startswith("## ")] == [0]
    assert all(lines[index + 1] == "" for index in headings)
    assert len(headings) <= 8


@pytest.mark.notebooks
@pytest.mark.stan
@EACH
def test_it_runs_and_its_prose_is_true(name: str) -> None:
    notebook = deepcopy(NOTEBOOKS[name])
    execute.run(notebook, CLAIMS[name])
    assert kinds(notebook) == kinds(NOTEBOOKS[name])


def cell(source: str) -> NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])


def test_a_cell_that_warns_fails() -> None:
    with pytest.raises(execute.CellExecutionError, match="not meant"):
        execute.run(cell("import warnings\nwarnings.warn('not meant')"))


def test_a_claim_that_does_not_hold_fails() -> None:
    notebook = cell("height = 3\nheight")
    execute.run(notebook, "assert height == 3")
    assert texts(notebook) == ["3"]
    with pytest.raises(AssertionError, match="height == 4"):
        execute.run(notebook, "assert height == 4")


def test_it_runs_with_the_package_beside_it() -> None:
    notebook = cell("import hierstan\nhierstan.__file__")
    execute.run(notebook)
    package = Path(execute.HERE.parent, "hierstan", "__init__.py")
    assert texts(notebook) == [repr(str(package))]


def test_the_pictures_of_the_readme_are_those_drawn_here() -> None:
    readme = Path(execute.HERE.parent, "README.md").read_text()
    shown = re.findall(r"!\[[^\]]*\]\((.*?)\)", readme)
    assert shown == [f"notebooks/{name}.png" for name in pictures.PICTURES]
    assert all(Path(execute.HERE.parent, path).is_file() for path in shown)


@pytest.mark.stan
@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_of_the_readme_can_be_drawn(name: str, tmp_path: Path) -> None:
    pictures.PICTURES[name]().savefig(tmp_path / "new.png", dpi=60)
    assert (tmp_path / "new.png").stat().st_size > 10_000
