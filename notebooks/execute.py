"""Run the notebooks in fresh kernels and write them back, outputs included.

    python notebooks/execute.py            # all of them
    python notebooks/execute.py 2-funnel   # one, by name

What is written is as deterministic as the fits: no timings, no identities of cells, no
metadata of the machine, pictures with at most 256 colours (a third of their size).
"""

import argparse
import base64
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError as CellExecutionError
from nbformat import NotebookNode
from PIL import Image

HERE = Path(__file__).parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# A warning is an error, unless the kernel's own machinery has it.
_SETUP = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", module="ipykernel|IPython|jupyter_client|tornado|zmq")
"""


def notebooks() -> list[Path]:
    """Return the notebooks of this directory, in order."""
    return sorted(HERE.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    """Read a notebook."""
    return nbformat.read(path, as_version=4)


def source_hash(notebook: NotebookNode) -> str:
    """Return a hash of what the cells say, whatever came out of them."""
    cells = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def run(notebook: NotebookNode, claims: str = "") -> None:
    """Run all cells in a fresh kernel, in an empty directory; outputs replace old ones.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    claims : str
        Code to run after the last cell that leaves no trace, such as assertions.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        When a cell fails or warns.
    AssertionError
        When the claims do not hold.
    """
    with tempfile.TemporaryDirectory() as folder, _private(folder):
        client = NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": folder}},
            kernel_name="python3", kernel_manager_class=KernelManager,
            # The kernel listens on this machine only; it need not say so each time.
            extra_arguments=["--log-level=40"],
        )  # fmt: skip
        with client.setup_kernel():
            client.kc.execute_interactive(_SETUP, store_history=False, timeout=60)
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            reply = client.kc.execute_interactive(claims, store_history=False, timeout=60)
    if reply["content"]["status"] != "ok":
        traceback = "\n".join(reply["content"]["traceback"])
        raise AssertionError(re.sub(r"\x1b\[[\d;]*m", "", traceback))  # without colours


@contextmanager
def _private(folder: str) -> Iterator[None]:
    """Keep the user's IPython profile out of the run, and our imports in it."""
    before = dict(os.environ)
    paths = [str(HERE.parent), *filter(None, [before.get("PYTHONPATH")])]
    os.environ |= {"IPYTHONDIR": folder, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def normalize(notebook: NotebookNode) -> None:
    """Take out what is not about the cells and their outputs."""
    notebook.metadata = NotebookNode(
        kernelspec=KERNEL, language_info={"name": "python"}, source=source_hash(notebook)
    )
    notebook.nbformat_minor = 5
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number}"
        cell.metadata = NotebookNode()
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
            picture = output.get("data", {}).get("image/png")
            if picture is not None:
                # The size in the words beside it is that of this machine's fonts.
                output.data["text/plain"] = "<Figure>"
                output.data["image/png"] = _fewer_colours(picture)


def _fewer_colours(picture: str) -> str:
    """Store a PNG with a palette, without what it says of its maker."""
    image = Image.open(BytesIO(base64.b64decode(picture))).convert("RGB")
    file = BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def main() -> None:
    """Run the notebooks that are named, by default all, and write them back."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = {path.stem: path for path in notebooks()}
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    names = parser.parse_args().names
    if unknown := set(names) - set(known):
        parser.error(f"no notebook {min(unknown)!r}; there are {', '.join(known)}")
    for name in names or known:
        notebook = read(known[name])
        run(notebook)
        normalize(notebook)
        nbformat.write(notebook, known[name])


if __name__ == "__main__":
    main()
