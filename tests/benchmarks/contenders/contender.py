"""What all contenders share: the request they read, their clock, and what they hand over.

A contender is a script that is started with the name of a request file as its argument, in
an environment of its own that need not have this package. It prints one line of JSON.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Run:
    """One run of one contender.

    Attributes
    ----------
    case : dict
        What is to be fitted, as `Case.write` tells it.
    options : dict
        What tells apart the contenders that share a script.
    chains, warmup, draws, cores, seed : int
        How it is to be sampled.
    cache : Path
        A folder for what may be kept from one run to the next.
    """

    def __init__(self) -> None:
        request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        self.folder = Path(request["folder"])
        self.case: dict[str, Any] = json.loads((self.folder / "case.json").read_text())
        self.options: dict[str, Any] = request["options"]
        self.cache = Path(request["cache"])
        self.chains: int = request["chains"]
        self.warmup: int = request["warmup"]
        self.draws: int = request["draws"]
        self.cores: int = request["cores"]
        self.seed: int = request["seed"]
        self._output = request["output"]
        self._started = float(os.environ["BENCHMARK_STARTED"])
        self._marks: dict[str, float] = {}

    @property
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """y, X, Z, group (from 0, one row per effect) and J (one per effect)."""
        with np.load(self.folder / "arrays.npz") as stored:
            return dict(stored)

    @property
    def data_file(self) -> Path:
        """The same rows as a table."""
        return self.folder / "frame.csv"

    @property
    def text_columns(self) -> dict[str, type]:
        """Grouping columns, which are names even where they look like numbers."""
        return {effect["factor"]: str for effect in self.case["effects"]}

    def mark(self, name: str) -> None:
        """Note the time since the process was started: ``"built"``, ``"sampled"``."""
        self._marks[name] = time.time() - self._started

    def elapsed(self, one: str, other: str) -> float:
        """Return the seconds between two marks."""
        return self._marks[other] - self._marks[one]

    def finish(
        self,
        draws: dict[str, npt.NDArray[np.float64]] | None = None,
        *,
        divergences: int = 0,
        sampling_seconds: float | None = None,
        failure: str | None = None,
    ) -> None:
        """Hand over.

        Parameters
        ----------
        draws : dict of str to ndarray, shape (chains, draws)
            By the names in the case; None from those that have no posterior.
        divergences : int
            Diverging transitions after warm-up.
        sampling_seconds : float
            Warm-up and draws without compilation; the time between the two marks if absent.
        failure : str
            What the contender itself says is wrong with its result.
        """
        if draws is not None:
            np.savez(self._output, **draws)
        if sampling_seconds is None:
            sampling_seconds = self.elapsed("built", "sampled")
        told = {
            "built_after": self._marks.get("built"),
            "sampling_seconds": sampling_seconds,
            "divergences": divergences,
            "failure": failure,
        }
        sys.stdout.write(json.dumps(told) + "\n")

    def named(
        self,
        beta: npt.NDArray[np.float64],
        tau: npt.NDArray[np.float64],
        rho: npt.NDArray[np.float64] | None,
        sigma: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Name draws of shape (chains, draws, ...) as the case does."""
        parts = [beta, tau, *([] if rho is None else [rho[..., None]]), sigma[..., None]]
        values = np.concatenate(parts, axis=-1)
        return dict(zip(self.case["names"], np.moveaxis(values, -1, 0), strict=True))
