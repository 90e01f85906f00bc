"""Draw the pictures that the README shows, from the models that it shows.

``python notebooks/pictures.py`` writes them beside this file, with a directory as argument
there. `make notebooks` does so, too.
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

import hierstan as hs
from hierstan.plots.style import house_style


def radon_shrinkage() -> Figure:
    """Draw 85 counties' regressions, on their way to the partially pooled ones."""
    analysis = hs.analyze(
        "log_radon ~ floor + (floor || county)", hs.data.radon(), programs=["marginal"]
    )
    county = analysis.design.factors[0]
    return hs.plot.shrinkage(analysis.shrinkage(county), county.effects, county.name)


def sleepstudy_ladder() -> Figure:
    """Draw how a strong prior parts a posterior from REML."""
    check = hs.crosscheck(
        "Reaction ~ Days + (Days | Subject)", hs.data.sleepstudy(), posterior=True,
        priors={"sd(Days | Subject)": "half-normal(3)"},
    )  # fmt: skip
    return hs.plot.ladder(check.panels())


PICTURES = {"radon-shrinkage": radon_shrinkage, "sleepstudy-ladder": sleepstudy_ladder}


def main() -> None:
    """Write every picture as a PNG."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).parent
    parser.add_argument("directory", nargs="?", type=Path, default=here, help="where to")
    directory = parser.parse_args().directory
    for name, draw in PICTURES.items():
        with house_style():
            draw().savefig(directory / f"{name}.png", metadata={"Software": None})


if __name__ == "__main__":
    main()
