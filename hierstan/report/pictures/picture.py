"""A picture on the page, and what is said about it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from matplotlib.figure import Figure
from matplotlib.text import Text

from hierstan.design import Design
from hierstan.fit import Fit
from hierstan.plots.failed import failure, say_failure
from hierstan.plots.names import bare


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and its texts.

    Attributes
    ----------
    name : str
        Of its files.
    section : str
        Where it stands.
    title, caption : str
        Above and below it.
    alt : str
        What is to be seen, for those who do not see it.
    figure : matplotlib.figure.Figure
        The picture itself.
    folded : bool
        Whether the page shows it on demand only.
    """

    name: str
    section: str
    title: str
    caption: str
    alt: str
    figure: Figure
    folded: bool = False

    @classmethod
    def of_fits(
        cls, fits: Mapping[str, Fit | None], *texts_and_figure: Any, **options: Any
    ) -> Self:
        """Make a picture that says which of the fits it shows failed their checks.

        Parameters
        ----------
        fits : mapping of str to Fit or None
            By the name to be given. One that failed is named in the caption and above the
            figure, which travels without it; a figure that names its fits already, by
            `hierstan.plots.failed.label_of`, is left as it is.
        *texts_and_figure, **options : Any
            As for the class.
        """
        made = cls(*texts_and_figure, **options)
        told = failure(n for n, f in fits.items() if f and not f.diagnostics.sound)
        if not told:
            return made
        words = (text.get_text() for text in made.figure.findobj(Text))
        if not any("(failed)" in word for word in words):
            say_failure(made.figure, told)
        return replace(made, caption=f"Mind that {told}. {made.caption}")


def units(design: Design) -> str:
    """Say what parameters are measured in, for a caption."""
    response = bare(design.formula.response)
    names = {effect for factor in design.factors for effect in factor.effects}
    names |= set(design.terms)
    whole = "Intercept, its sds and sigma are" if "Intercept" in names else "sigma is"
    others = ""
    if names - {"Intercept"}:
        others = ", other coefficients and sds in those per unit of their predictor"
    return f"{whole} in units of {response}{others}."
