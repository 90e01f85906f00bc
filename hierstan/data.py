"""Data sets that come with the package, each with its provenance.

Every function returns a fresh frame, read from the CSV file of the same name. No value is
missing unless the function says so. Grouping columns are strings even where they look like
numbers: "308" is the name of a subject. The files hold every column in full precision,
logarithms included, so that R or the command line, given the file alone, read the same
numbers. ``data/README.md`` says more about origins, licences and traps.
"""

import difflib
import inspect
from collections.abc import Callable

import pandas as pd

from hierstan.errors import InputError
from hierstan.resources import directory

Loader = Callable[[], pd.DataFrame]


def radon() -> pd.DataFrame:
    """Radon in 919 homes of Minnesota's 85 counties.

    Several "radon" data sets circulate. This one adds 0.1 to every activity before taking
    the logarithm. Gelman and Hill replace only the three zeros by 0.1, which moves the
    REML estimates of ``floor + (1 | county)`` from 1.492, -0.663 to 1.462, -0.693; others
    also add 0.1 to uranium. Counties have 1 to 116 homes; 25 counties have basements only,
    so a regression for such a county alone has no slope.

    Returns
    -------
    pandas.DataFrame
        919 rows in the order of the survey: the ``survey == "MN"`` part of `radon_us`.

        - ``county``: name of the county;
        - ``log_radon``: log(activity + 0.1);
        - ``floor``: where the detector stood, 0 = basement, 1 = first floor;
        - ``activity``: radon in the air of the home, pCi/L (1 pCi/L is 37 Bq/m³);
        - ``uranium``: uranium in the soil of the county, ppm;
        - ``log_uranium``: log(uranium), without any offset.

    References
    ----------
    Price, Nero and Gelman (1996), doi:10.1097/00004032-199612000-00009.
    Gelman and Hill (2007), chapter 12, doi:10.1017/CBO9780511790942.

    Examples
    --------
    >>> radon()["log_radon"].head(4).round(6).tolist()
    [0.832909, 0.832909, 1.098612, 0.09531]
    """
    return _read("radon", county=str, floor=int)


def radon_us() -> pd.DataFrame:
    """Radon in 12,289 homes of 467 counties in nine states.

    The State/EPA Residential Radon Surveys, mostly of 1987 to 1989. Of their 12,777 homes,
    287 are left out because the floor is unknown (coded 9), and 201 more because the
    county is (198 have county code 999, three a code that no county has). The 83
    activities of 0 are kept: their ``log_radon`` is log(0.1). The 165 homes in four
    counties whose uranium reads 0, taken to mean "not measured", are kept with uranium
    missing. County names repeat between states (four have a Washington), so group by
    ``fips``; 22 names that were blank are those of other homes with the same code. `radon`,
    with the references, is ``survey == "MN"``; ``state == "MN"`` has 262 homes more.

    Returns
    -------
    pandas.DataFrame
        12,289 rows in the order of the survey.

        - ``survey``: a state's, or ``R5``: tribal lands in Michigan, Minnesota, Wisconsin;
        - ``state``: postal code of the state where the home stands;
        - ``county``: name of the county, or of the tribal community in survey ``R5``;
        - ``fips``: five digits that identify the county;
        - ``log_radon``: log(activity + 0.1);
        - ``floor``: where the detector stood, 0 = basement, 1 to 3 = that floor;
        - ``activity``, ``uranium``, ``log_uranium``: as in `radon`.

    Examples
    --------
    >>> radon_us()[["fips", "county"]].nunique().tolist()
    [467, 384]
    """
    return _read("radon_us", survey=str, state=str, county=str, fips=str, floor=int)


def sleepstudy() -> pd.DataFrame:
    """Reaction times of 18 subjects over ten days of short sleep.

    The group that was allowed three hours in bed, each subject on every day. ``Days`` is
    the day of the study and not, as often said, of deprivation: days 0 and 1 were
    training, day 2 the baseline, and sleep was cut after it. The usual model takes all ten.

    Returns
    -------
    pandas.DataFrame
        180 rows: ``Reaction`` (average reaction time of the day, ms), ``Days`` (0 to 9) and
        ``Subject`` (a number, as a string).

    References
    ----------
    Belenky et al. (2003), J. Sleep Research 12, 1-12, doi:10.1046/j.1365-2869.2003.00337.x.

    Examples
    --------
    >>> sleepstudy().iloc[0].to_dict()
    {'Reaction': 249.56, 'Days': 0, 'Subject': '308'}
    """
    return _read("sleepstudy", Days=int, Subject=str)


def dyestuff() -> pd.DataFrame:
    """Yield of dyestuff from six batches of an intermediate product.

    Returns
    -------
    pandas.DataFrame
        30 rows, five for each batch: ``Batch`` (of the intermediate product, H-acid; A to
        F) and ``Yield`` (of dyestuff, Naphthalene Black 12B; grams of standard colour).

    References
    ----------
    Davies and Goldsmith (1972), Statistical Methods in Research and Production, sec. 6.4.

    Examples
    --------
    >>> dyestuff().groupby("Batch")["Yield"].mean().tolist()
    [1505.0, 1528.0, 1564.0, 1498.0, 1600.0, 1470.0]
    """
    return _read("dyestuff", Batch=str)


def dyestuff2() -> pd.DataFrame:
    """Made-up yields that vary less between batches than within them.

    REML and ML both put the standard deviation between batches at exactly zero (a singular
    fit), where a posterior mean cannot be: the smallest example of the two disagreeing.

    Returns
    -------
    pandas.DataFrame
        30 rows, five for each batch: ``Batch`` (A to F) and ``Yield`` (no unit).

    References
    ----------
    Box and Tiao (1973), Bayesian Inference in Statistical Analysis, sec. 5.1.2.

    Examples
    --------
    >>> dyestuff2()["Yield"].head(2).tolist()
    [7.298, 3.846]
    """
    return _read("dyestuff2", Batch=str)


def penicillin() -> pd.DataFrame:
    """Six samples of penicillin, each tested on all of 24 plates.

    Two crossed factors. The names of plates a to f and samples A to F differ only by case.

    Returns
    -------
    pandas.DataFrame
        144 rows, each combination once: ``diameter`` (of the zone where growth is
        inhibited, whole mm), ``plate`` (a to x) and ``sample`` (A to F).

    References
    ----------
    Davies and Goldsmith (1972), as for `dyestuff`, sec. 6.6.

    Examples
    --------
    >>> bool(penicillin().value_counts(["plate", "sample"]).eq(1).all())
    True
    """
    return _read("penicillin", plate=str, sample=str)


def pastes() -> pd.DataFrame:
    """Strength of a chemical paste, two assays of each of 30 casks.

    Casks are nested in deliveries, and cask a of batch A has nothing to do with cask a of
    batch B. ``(1 | batch/cask)`` and ``(1 | batch) + (1 | sample)`` are the same model;
    ``(1 | batch) + (1 | cask)`` is another one.

    Returns
    -------
    pandas.DataFrame
        60 rows: ``strength`` (the sources name no unit), ``batch`` (delivery, A to J),
        ``cask`` (within the delivery, a to c) and ``sample`` (A:a to J:c, names the cask).

    References
    ----------
    Davies and Goldsmith (1972), as for `dyestuff`, sec. 6.5.

    Examples
    --------
    >>> pastes()[["cask", "sample"]].nunique().tolist()
    [3, 30]
    """
    return _read("pastes", batch=str, cask=str, sample=str)


def eight_schools() -> pd.DataFrame:
    """Effects of coaching on test scores in eight schools.

    One estimate from each of eight experiments. Its error is known, which
    ``y ~ 1 + (1 | school)`` would ignore: with one row a school, that model cannot tell the
    two variances apart. These data are for programs that take ``sigma`` as data.

    Returns
    -------
    pandas.DataFrame
        8 rows: ``school`` (A to H), ``y`` (estimated effect of coaching, points of the
        verbal SAT) and ``sigma`` (standard error of that estimate, points).

    References
    ----------
    Rubin (1981), J. Educational Statistics 6, 377-401, doi:10.3102/10769986006004377.

    Examples
    --------
    >>> eight_schools()["y"].tolist()
    [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]
    """
    return _read("eight_schools", school=str)


_LOADERS: dict[str, Loader] = {
    "radon": radon,
    "radon_us": radon_us,
    "eight_schools": eight_schools,
    "sleepstudy": sleepstudy,
    "dyestuff": dyestuff,
    "dyestuff2": dyestuff2,
    "penicillin": penicillin,
    "pastes": pastes,
}


def names() -> tuple[str, ...]:
    """Return the names of all packaged data sets.

    Examples
    --------
    >>> "sleepstudy" in names()
    True
    """
    return tuple(_LOADERS)


def load(name: str) -> pd.DataFrame:
    """Return the packaged data set of this name (one of `names`), as its function does.

    Raises
    ------
    InputError
        When no data set has this name; the message lists the names, close ones first.

    Examples
    --------
    >>> load("radon").shape
    (919, 6)
    """
    return _loader(name)()


def describe(name: str) -> str:
    """Return the title of a data set: the first line of its function's docstring.

    It is empty where Python strips docstrings (``-OO``). Errors are those of `load`.

    Examples
    --------
    >>> describe("pastes")
    'Strength of a chemical paste, two assays of each of 30 casks.'
    """
    return (inspect.getdoc(_loader(name)) or "").partition("\n")[0]


def _loader(name: str) -> Loader:
    if name in _LOADERS:
        return _LOADERS[name]
    close = difflib.get_close_matches(name.lower(), _LOADERS)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise InputError(
        f"No packaged data set is called {name!r}.{hint} Known: {', '.join(_LOADERS)}."
    )


def _read(name: str, **types: type) -> pd.DataFrame:
    # Read as text, then converted: the CSV parser of pandas 2 may miss the last digit, and
    # the option against it is deprecated in pandas 3. What has no type is a measurement.
    text = pd.read_csv(directory("data") / f"{name}.csv", dtype=str)
    return text.astype({column: types.get(column, float) for column in text.columns})
