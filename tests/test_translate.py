"""The calls that lme4 and MixedLM would be given."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from lme4 import REFERENCE

import hierstan as hs
from hierstan.description.translate import lme4_call
from hierstan.description.translate_mixedlm import mixedlm_call
from hierstan.evaluate import build_design


def frame() -> pd.DataFrame:
    data = hs.data.sleepstudy().rename(columns={"Subject": "g", "Reaction": "y"})
    data["x"] = np.random.default_rng(3).normal(2, 1, 180)
    return data.assign(
        k=np.resize(list("pqr"), 180), i=np.resize([1, 2, 3, 4], 180), b=data["Days"] > 6,
        my=data["x"] + 1, h=np.resize(np.arange(7), 180),
        u=pd.Categorical(np.resize([5, 6, 7], 180), [8, 7, 6, 5]), log=data["x"] ** 2,
    ).rename(columns={"my": "my x"})  # fmt: skip


def oddly_named() -> pd.DataFrame:
    """Return the same values under names that are no plain Python names as well."""
    data = frame()
    old = {"x.1": "x", "y.1": "y", "g.1": "g", "class": "x", "b 1": "b", "x (cm)": "x",
           "x:Days": "i", "C": "x", "np": "x", "it's": "x", 'a"b': "x",
           "a\\b": "x"}  # fmt: skip
    for name, other in old.items():
        data[name] = data[other]
    data["q.1"] = np.resize(["u", "v'w"], 180)
    return data


@pytest.mark.parametrize(
    ("formula", "r"),
    [
        ("y ~ x + (x | g)", "y ~ x + (x | g)"),
        ("y ~ x + (x || g) + (0 + i | h)", "y ~ x + (x || g) + (0 + i | h)"),
        ("y ~ x * k + (1 | g/h)", "y ~ x * k + (1 | g) + (1 | g:h)"),
        ("y ~ (x + k) ** 2 - 1 + (1 | g)", "y ~ (x + k)^2 - 1 + (1 | g)"),
        ("np.log(y) ~ {x ** 2} + C(i) + (C(i) | g)",
         "log(y) ~ I(x ^ 2) + factor(i) + (factor(i) | g)"),
        ("y ~ bs(x, df=4) + center(h) + offset(x) + (1 | g)",
         "y ~ splines::bs(x, df=4) + scale(h, scale = FALSE) + offset(x) + (1 | g)"),
        ("y ~ `my x` + b + (1 | g)", "y ~ `my x` + as.numeric(b) + (1 | g)"),
        ("y ~ 1 + (k || g)", 'y ~ 1 + (1 | g) + (0 + dummy(k, "q") + dummy(k, "r") | g)'),
        ("y ~ 1 + (C(i) * x || g)",
         'y ~ 1 + (1 | g) + (0 + dummy(i, "2") + dummy(i, "3") + dummy(i, "4") | g) + '
         '(0 + x | g) + (0 + dummy(i, "2"):x + dummy(i, "3"):x + dummy(i, "4"):x | g)'),
        ("y ~ 1 + (poly(x, 2) || g)",
         "y ~ 1 + (1 | g) + (0 + poly(x, 2)[, 1] + poly(x, 2)[, 2] | g)"),
    ],
)  # fmt: skip
def test_lme4_in_its_own_words(formula: str, r: str) -> None:
    assert lme4_call(build_design(formula, frame())).code.replace("^", " ^ ").replace(
        "  ", " "
    ) == f"lmer({r}, data)".replace("^", " ^ ").replace("  ", " ")


def reference_data(name: str) -> pd.DataFrame:
    """Return the data of a reference fit, by the name that R gives them."""
    if name.startswith("radon"):
        return hs.data.radon().assign(log_uppm=lambda d: d["log_uranium"])
    return hs.data.load(name.lower())


def test_reference_formulas_are_lme4s_own() -> None:
    """What lme4 was given comes back, but for nesting, which is written out."""
    for name, formula in REFERENCE[["dataset", "formula"]].drop_duplicates().to_numpy():
        data = reference_data(name)
        one = build_design(formula, data)
        call = lme4_call(one).code
        text = call.removeprefix("lmer(").removesuffix(", data)")
        assert text == formula.replace("(1 | batch/cask)", "(1 | batch) + (1 | batch:cask)")
        other = build_design(text, data)
        np.testing.assert_array_equal(other.Z, one.Z)
        assert other.group_terms[0][1] == one.group_terms[0][1]


def run(code: str, data: pd.DataFrame) -> Any:
    """Execute a call as a reader would."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = eval(code, {"smf": smf, "np": np, "data": data})  # noqa: S307
        return model.fit(reml=True)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
        ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
        ("dyestuff", "Yield ~ 1 + (1 | Batch)"),
        ("pastes", "strength ~ 1 + (1 | batch/cask)"),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ],
)
def test_mixedlm_finds_lme4s_optimum(name: str, formula: str) -> None:
    data = hs.data.load(name)
    fit = run(mixedlm_call(build_design(formula, data)).code, data)
    rows = REFERENCE[
        (REFERENCE["dataset"].str.lower() == name) & (REFERENCE["kind"] == "logLik")
    ]
    wanted = rows[(rows["formula"] == formula) & (rows["method"] == "REML")]["estimate"]
    assert fit.llf == pytest.approx(float(wanted.iloc[0]), abs=1e-5)


@pytest.mark.parametrize(
    "formula",
    [
        "log(y) ~ Days + {x ** 2} + scale(x) + (1 | g)",
        "y ~ Days + b + (b | g)",
        "y ~ Days + (0 + b | g)",
        "y ~ Days + (0 + k | g)",
        "y ~ Days * k + C(i) + (Days | g)",
        "y ~ `my x` + (0 + `my x` | g)",
        "y ~ Days + (1 | h)",
        "y ~ Days - 1 + (1 | g:b)",
        "y ~ x.1 + log(x.1 + 9):Days + (x.1 | g)",
        "log(y.1) ~ {x.1 ** 2} + (0 + {x.1 ** 2} | g.1)",
        "y ~ `class` + `b 1` + (0 + `b 1` | g.1)",
        "y ~ `x (cm)` + log + log(Days + 20) + (1 | g)",
        "y ~ C(b) + u + (0 + u | g)",
    ],
)
def test_mixedlm_has_the_same_likelihood(formula: str) -> None:
    """At the parameters it stops at, whether or not they are its optimum."""
    data = oddly_named()
    data.loc[[4, 77], "x"] = np.nan
    design = build_design(formula, data)
    data = data[[*design.frame.columns]]  # patsy takes a column C for its own C()
    fit = run(mixedlm_call(design).code, data)
    factor = design.factors[0]
    cov = np.atleast_2d(fit.cov_re) if fit.k_re else np.diag(fit.vcomp)
    V = np.einsum("ia,ab,jb->ij", factor.Z, cov, factor.Z)
    V = V * (factor.index[:, None] == factor.index) + fit.scale * np.eye(design.N)
    solved = np.linalg.solve(V, np.column_stack([design.X, design.y]))
    XVX, XVy = design.X.T @ solved[:, :-1], design.X.T @ solved[:, -1]
    rest = design.y @ solved[:, -1] - XVy @ np.linalg.solve(XVX, XVy)
    wanted = -0.5 * (
        (design.N - design.P) * np.log(2 * np.pi)
        + np.linalg.slogdet(V)[1]
        + np.linalg.slogdet(XVX)[1]
        + rest
    )
    assert fit.llf == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(
    ("formula", "lme4_has", "mixedlm_has"),
    [
        ("y ~ T(k, ref='q') + (1 | g)", "R has no T()", "no T()"),
        ("y ~ np.tanh(x) + (1 | g)", "no np.tanh()", "no np.tanh()"),
        ("y ~ poly(x, 2) + (1 | g)", "", "no poly()"),
        ("y ~ offset(x) + (1 | g)", "", "no offset()"),
        ("y ~ x + (scale(x) || g)", "", "within each group by itself"),
        ("y ~ x + (k || g) + (0 + x + Days | g)", "", "one block of correlated"),
        ("y ~ x + (1 | g) + (x | h)", "", "the effects of h are not"),
        ("y ~ x + (bs(x, df=3) | g)", "", "bs() has other columns"),
        ("y ~ bs(x, df=4) + (1 | g)", "", "bs() has other columns"),
        ("y ~ C + (1 | g)", "", "hide patsy's own C; rename the column"),
        ("y ~ np + (1 | g)", "", "hide patsy's own np"),
        ("y ~ `it's` + (1 | g)", "", "in the name it's would need escapes; rename"),
        ('y ~ `a"b` + (1 | g)', "", 'in the name a"b would need escapes; rename'),
        ("y ~ `a\\b` + (1 | g)", "", "in the name a\\b would need escapes; rename"),
        ("y ~ x + Days + `x:Days` + (`x:Days` | g)", "", "reads like one of an inter"),
        ("y ~ x + (log(`x (cm)` + 9) | g)", "", "a blank or sign in x (cm)"),
        ("y ~ x + (q.1 | g)", "", "the value v'w of q.1 has quotes"),
    ],
)
def test_what_cannot_be_said_has_a_reason(
    formula: str, lme4_has: str, mixedlm_has: str
) -> None:
    design = build_design(formula, oddly_named())
    r, python = lme4_call(design), mixedlm_call(design)
    assert lme4_has in r.reason
    assert bool(r.code) == (not lme4_has)
    assert mixedlm_has in python.reason
    assert python.code == ""
    assert str(python).startswith("none: ")


def test_mixedlm_has_no_call_where_dropping_rows_would_lose_a_column() -> None:
    data = oddly_named()
    data.loc[3, "x.1"] = np.nan
    call = mixedlm_call(build_design("y ~ x.1 + (1 | g)", data))
    assert call.code == ""
    assert "drop the rows first" in call.reason
