"""No pooling with several factors, against least squares with dummy variables."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import hierstan as hs
from hierstan.design import Design, Floats
from hierstan.draws import name_draws
from hierstan.engines.cmdstan import CmdStanEngine
from hierstan.errors import DataError, PriorError
from hierstan.evaluate import build_design
from hierstan.prediction.new_data import rows_of
from hierstan.prediction.simulate import Posterior
from hierstan.priors import default_priors, resolve_priors
from hierstan.programs import get_program, initial_values, population_columns, stan_data
from hierstan.propriety import refuse_improper, used_parameters
from hierstan.unpooled import unpooled_blocks

UNPOOLED = get_program("unpooled")


def frame(rows: int = 240) -> pd.DataFrame:
    """Towns of schools of rooms, crossed with raters, and predictors at every level."""
    rng = np.random.default_rng(11)
    data = pd.DataFrame({"room": np.arange(rows) % 24})
    data["school"], data["town"] = data["room"] // 4, data["room"] // 12
    data["rater"] = rng.choice(list("PQRST"), rows)
    data["x"], data["w"] = rng.normal(3, 1, rows), rng.normal(size=rows)
    data["k"] = rng.choice(["low", "high", "top"], rows)
    data["size"] = rng.normal(size=6)[data["school"]]
    data["strict"] = data["rater"].map(
        dict(zip("PQRST", [0.3, -1, 2, 0.7, 1.1], strict=True))
    )
    data["y"] = rng.normal(size=24)[data["room"]] + data["x"] + data["strict"]
    data["y"] += rng.normal(size=rows)
    return data


def dummies(design: Design) -> tuple[Floats, Floats]:
    """Write the columns of the program out, and those of all effects and of X."""
    data = stan_data(UNPOOLED, design, default_priors(design))
    columns, start = [data["X"]], 0
    for J, Q, group in zip(data["J"], data["Q"], data["group"], strict=True):
        levels = group[:, None] == np.arange(1, J + 1)
        columns += [z[:, None] * levels for z in data["Z"][:, start : start + Q].T]
        start += Q
    everything = [design.X]
    for factor in design.factors:
        levels = factor.index[:, None] == np.arange(factor.J)
        everything += [z[:, None] * levels for z in factor.Z.T]
    return np.hstack(columns), np.hstack(everything)


def labels(formula: str, data: pd.DataFrame | None = None) -> list[str]:
    blocks = unpooled_blocks(build_design(formula, frame() if data is None else data))
    return [f"{' '.join(block.names)} | {block.label}" for block in blocks]


@pytest.mark.parametrize(
    ("formula", "blocks", "common"),
    [
        ("y ~ x + (x || school)", ["Intercept x | school"], []),
        ("y ~ x + size + (1 | town/school/room)", ["Intercept | town:school:room"], ["x"]),
        ("y ~ x + size + (1 | town) + (1 | room)", ["Intercept | room"], ["x"]),
        ("y ~ x + w + (x | school) + (1 | room)",
         ["x | school", "Intercept | room"], ["w"]),
        ("y ~ x * size + (x | room) + (x | town)", ["Intercept x | room"], []),
        ("y ~ x + (1 | school) + (1 | rater)",
         ["Intercept | school", "Intercept | rater from P"], ["x"]),
        ("y ~ x + strict + (1 | rater) + (x | town/school)",
         ["Intercept | rater", "x | town:school", "Intercept | town:school from 0:0"], []),
        ("y ~ x + w + (x | room) + (x + w | rater)",
         ["Intercept x | room", "w | rater", "Intercept x | rater from P"], []),
        ("y ~ k + (k | school) + (0 + k | rater)",
         ["Intercept k[low] k[top] | school",
          "k[high] k[low] k[top] | rater from P"], []),
        ("y ~ x + size + (size | town) + (1 | rater)",
         ["Intercept size | town", "Intercept | rater from P"], ["x"]),
        ("y ~ 0 + x + (0 + x | room) + (0 + x | rater)",
         ["x | room", "x | rater from P"], []),
    ],
)  # fmt: skip
def test_levels_have_what_least_squares_can_tell(
    formula: str, blocks: list[str], common: list[str]
) -> None:
    """As many columns as the model has dimensions, and the same space."""
    design = build_design(formula, frame())
    assert labels(formula) == blocks
    assert [design.terms[p] for p in population_columns(UNPOOLED, design)] == common
    own, everything = dummies(design)
    rank = np.linalg.matrix_rank(everything)
    assert own.shape[1] == np.linalg.matrix_rank(own) == rank
    assert np.linalg.matrix_rank(np.hstack([own, everything])) == rank


def test_columns_that_vary_little_are_told_from_intercepts() -> None:
    """The span is found whatever the units and the offset of a predictor."""
    data = frame().assign(x=lambda d: 1e6 + d["x"])
    assert labels("y ~ x + (x | room) + (x | town)", data) == ["Intercept x | room"]
    design = build_design("y ~ x + w + (1 | room)", data)
    assert population_columns(UNPOOLED, design).tolist() == [1, 2]


def named_least_squares(design: Design) -> "hs.Fit":
    """Solve the program's own least squares problem and name the solution."""
    own, _ = dummies(design)
    solution = np.linalg.lstsq(own, design.y, rcond=None)[0]
    P = len(population_columns(UNPOOLED, design))
    one = np.ones((1, 1))
    return name_draws(
        UNPOOLED,
        design,
        {"beta": solution[None, None, :P], "gamma": solution[None, None, P:],
         "sigma": one, "lprior": one},
    )  # fmt: skip


def test_coefficients_are_those_of_dummy_variables() -> None:
    data = hs.data.penicillin()
    design = build_design("diameter ~ 1 + (1 | plate) + (1 | sample)", data)
    draws = named_least_squares(design)
    ols = smf.ols("diameter ~ 0 + C(plate) + C(sample)", data).fit()
    assert list(draws.data_vars) == [
        "sigma",
        "lprior",
        "coef[plate]",
        "coef[sample from A]",
    ]
    plates = draws["coef[plate]"].sel({"effect of plate": "Intercept"})
    for level in design.factors[0].levels:
        wanted = ols.params[f"C(plate)[{level}]"]
        assert plates.sel({"level of plate": level}).item() == pytest.approx(wanted)
    samples = draws["coef[sample from A]"]
    assert samples["level of sample from A"].to_numpy().tolist() == list("BCDEF")
    for level in "BCDEF":
        at = {"effect of sample from A": "Intercept", "level of sample from A": level}
        assert samples.sel(at).item() == pytest.approx(ols.params[f"C(sample)[T.{level}]"])


def test_the_finest_nested_factor_has_the_coefficients() -> None:
    data = hs.data.pastes()
    design = build_design("strength ~ 1 + (1 | batch) + (1 | sample)", data)
    draws = named_least_squares(design)
    assert [name for name in draws.data_vars if "coef" in str(name)] == ["coef[sample]"]
    means = data.groupby("sample")["strength"].mean()
    np.testing.assert_allclose(draws["coef[sample]"].to_numpy().ravel(), means)


def test_predictions_add_the_factors_up() -> None:
    data = frame()
    design = build_design("y ~ x + w + (x | school) + (1 | room) + (x | rater)", data)
    posterior = Posterior(UNPOOLED, design, named_least_squares(design))
    own, _ = dummies(design)
    fitted = own @ np.linalg.lstsq(own, design.y, rcond=None)[0]
    rows = rows_of(design, data, dict.fromkeys(["school", "room", "rater"], "same"), "")
    mu = rows.X @ posterior.beta[:, 0]
    for factor in design.factors:
        effects = posterior.effects(factor)
        assert effects.shape == (1, factor.Q, factor.J)
        mu += np.sum(factor.Z * effects[0].T[factor.index], axis=1)
    np.testing.assert_allclose(mu, fitted, rtol=1e-9)


def test_differences_are_around_zero_a_priori() -> None:
    design = build_design("y ~ x + (1 | school) + (x | rater)", frame())
    data = stan_data(UNPOOLED, design, default_priors(design))
    assert [b.label for b in unpooled_blocks(design)] == ["school", "rater", "rater from P"]
    assert data["J"] == [6, 5, 4]
    np.testing.assert_allclose(data["gamma_location"], [design.y.mean(), 0.0, 0.0])
    residual = data["effect_unit"][0]  # its column is all ones
    scale = np.sqrt(np.mean(data["Z"] ** 2, axis=0))
    np.testing.assert_allclose(data["effect_unit"], residual / scale)
    assert scale[2] < 1.0
    named = {"coef(Intercept | rater)": "normal(0.5, 2)"}
    data = stan_data(UNPOOLED, design, resolve_priors(named, design))
    assert data["gamma_location"].tolist()[2] == 0.5
    assert data["gamma_scale"].tolist()[2] == 2.0
    points = initial_values(UNPOOLED, design, data, chains=2, seed=3)
    assert all(point["gamma"].shape == (6 + 5 + 4,) for point in points)


def test_priors_are_drawn_for_what_is_sampled() -> None:
    formula = "y ~ x + (1 | town/school) + (x | rater)"
    priors = {"coef(Intercept | rater)": "normal(-300, 1)"}
    drawn = hs.Model(formula, frame(), priors=priors).prior_predictive(
        draws=50, seed=2, program="unpooled"
    )
    names = ["coef[town:school]", "coef[rater]", "coef[rater from P]"]
    assert [name for name in drawn.draws.data_vars if "coef" in str(name)] == names
    assert drawn.draws["coef[rater from P]"].shape[2:] == (1, 4)
    assert float(drawn.draws["coef[rater from P]"].max()) < -290
    assert float(drawn.draws["coef[rater]"].min()) > -290


def test_absorbed_coefficients_have_no_prior_in_use() -> None:
    design = build_design("y ~ x + (1 | school/room)", frame())
    used = used_parameters(UNPOOLED, design, default_priors(design))
    assert [p.name for p in used] == ["x", "coef(Intercept | school:room)", "sigma"]
    flat = resolve_priors("flat", design)
    refuse_improper(UNPOOLED, design, flat)
    crossed = build_design("y ~ x + (1 | room) + (1 | rater)", frame())
    with pytest.raises(PriorError, match="coefficients of room, rater from P at once"):
        refuse_improper(UNPOOLED, crossed, resolve_priors("flat", crossed))


def test_parts_that_share_no_row_are_refused() -> None:
    data = frame()
    data["rater"] = np.where(data["town"] == 0, "P", "Q") + data["rater"].str.replace(
        "S", "T"
    )
    design = build_design("y ~ x + (1 | school) + (1 | rater)", data)
    with pytest.raises(
        DataError, match=r"'school' and 'rater' cannot.* 2 parts that share"
    ):
        population_columns(UNPOOLED, design)
    own, _ = dummies_of_blocks(design)
    assert np.linalg.matrix_rank(own) == own.shape[1] - 1
    data.loc[0, "rater"] = "QT"
    joined = build_design("y ~ x + (1 | school) + (1 | rater)", data)
    assert population_columns(UNPOOLED, joined).tolist() == [1]


def dummies_of_blocks(design: Design) -> tuple[Floats, int]:
    columns = [
        z[:, None] * (block.index[:, None] == np.arange(len(block.levels)))
        for block in unpooled_blocks(design)
        for z in block.Z.T
    ]
    return np.hstack(columns), len(columns)


@pytest.mark.stan
@pytest.mark.parametrize(
    "formula",
    ["diameter ~ 1 + (1 | plate) + (1 | sample)", "diameter ~ day + (1 | plate/half)"],
)
def test_stan_finds_least_squares_under_wide_priors(
    formula: str, engine: CmdStanEngine
) -> None:
    """Posterior means, within five of their Monte Carlo errors, and posterior sds."""
    data = hs.data.penicillin().assign(
        half=lambda d: d["sample"].isin(list("ABC")), day=np.resize([0.0, 1.5, 2.0], 144)
    )
    model = hs.Model(formula, data, priors="seeds", engine=engine)
    fit = model.sample("unpooled", draws=1000, warmup=500, seed=4)
    own, _ = dummies(model.design)
    gram = np.linalg.inv(own.T @ own)
    wanted = gram @ own.T @ model.design.y
    freedom = len(own) - own.shape[1]
    scale = np.sqrt(np.sum((model.design.y - own @ wanted) ** 2) / (freedom - 2))
    names = [str(name) for name in fit.draws.data_vars if str(name)[:4] in ("beta", "coef")]
    values = np.vstack([fit.draws[n].to_numpy().reshape(4000, -1).T for n in names])
    ess = np.concatenate([fit.statistics["ess_bulk"][n].to_numpy().ravel() for n in names])
    means, sds = values.mean(axis=1), values.std(axis=1)
    errors = sds / np.sqrt(ess)
    # Priors of sd 100 and half-Cauchy(5) move means and sds by a percent of an sd.
    assert np.all(np.abs(means - wanted) < 5 * errors + 0.01 * sds)
    np.testing.assert_allclose(sds, scale * np.sqrt(np.diag(gram)), rtol=0.1)
