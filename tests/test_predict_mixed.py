"""Point predictions of least squares and of mixed models."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

import hierstan as hs
from hierstan.errors import DataError
from hierstan.evaluate import build_design
from hierstan.prediction.predict import predict_point


def test_point_predictions_are_statsmodels_fitted_values() -> None:
    """Whose fittedvalues know the groups, though its predict() does not."""
    data = hs.data.sleepstudy()
    design = build_design("Reaction ~ Days + (Days | Subject)", data)
    factor = design.factors[0]
    result = MixedLM(design.y, design.X, factor.index, factor.Z).fit()
    u = np.array([result.random_effects[j] for j in range(factor.J)])
    beta, effects = result.fe_params, {"Subject": u}
    np.testing.assert_allclose(
        predict_point(design, beta, effects), result.fittedvalues, rtol=1e-12
    )
    last = data.iloc[::-1].drop(columns="Reaction")
    found = predict_point(design, beta, effects, last)
    assert found.name == "mean"
    pd.testing.assert_index_equal(found.index, last.index)
    np.testing.assert_allclose(found, result.fittedvalues[::-1], rtol=1e-12)
    mixed = last.head(3).assign(Subject=["Oz", "372", "Oz"])
    line = result.predict(np.column_stack([np.ones(3), mixed["Days"]]))
    np.testing.assert_allclose(
        predict_point(design, beta, effects, mixed, groups="population"), line, rtol=1e-12
    )
    new = predict_point(design, beta, effects, mixed, groups="new")
    np.testing.assert_allclose(new.iloc[[0, 2]], line[[0, 2]], rtol=1e-12)
    assert new.iloc[1] == found.iloc[1]
    with pytest.raises(DataError, match="'Subject' has 1 level"):
        predict_point(design, beta, effects, mixed)


def test_a_mixed_model_predicts_with_its_own_effects() -> None:
    """Nested factors; balanced, so group means shrink towards the mean by known weights."""
    data = hs.data.pastes()
    fit = hs.Model("strength ~ 1 + (1 | batch/cask)", data).mixedlm()
    batch, cask = fit["batch"], fit["batch:cask"]
    at = batch.u[batch.factor.index, 0] + cask.u[cask.factor.index, 0]
    np.testing.assert_allclose(fit.predict(), fit.solution.beta[0] + at, rtol=1e-12)
    new = data.head(2).assign(batch=["A", "Z"])
    found = fit.predict(new, groups="new")
    assert found.iloc[0] == fit.predict().iloc[0]
    assert found.iloc[1] == pytest.approx(fit.solution.beta[0], rel=1e-12)
    with pytest.raises(DataError, match="Z"):
        fit.predict(new)
