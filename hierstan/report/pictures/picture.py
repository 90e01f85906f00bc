"""A picture on the page, and what is said about it."""

from dataclasses import dataclass

from matplotlib.figure import Figure


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
