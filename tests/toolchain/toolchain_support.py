"""Running compiled programs and reading what they write."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
REFERENCE = HERE.parent / "data" / "cmdstan"


@dataclass(frozen=True)
class Csv:
    """An output file in its parts."""

    comments: list[str]
    names: list[str]
    rows: list[list[float]]

    def column(self, name: str) -> list[float]:
        """Return one column by its name."""
        index = self.names.index(name)
        return [row[index] for row in self.rows]

    def setting(self, key: str) -> str:
        """Return a value of the header without its ` (Default)`."""
        found = [line for line in self.comments if line.strip("# ").startswith(key + " =")]
        return found[0].partition("=")[2].replace("(Default)", "").strip()


def read_csv(path: Path) -> Csv:
    """Read an output file; every row has as many cells as there are names."""
    lines = path.read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    table = [line.split(",") for line in lines if line and not line.startswith("#")]
    names = [cell.strip() for cell in table[0]] if table else []
    rows = [[float(cell) for cell in row] for row in table[1:]]
    assert all(len(row) == len(names) for row in rows)
    return Csv(comments, names, rows)


@dataclass(frozen=True)
class Program:
    """A compiled Stan program."""

    executable: Path

    def run(
        self, arguments: str, where: Path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it in a directory with arguments separated by blanks."""
        return subprocess.run(
            [str(self.executable), *arguments.split()],
            cwd=where,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def done(self, arguments: str, where: Path, **environment: str) -> str:
        """Run it, see it succeed and return its standard output."""
        ended = self.run(arguments, where, **environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def refused(self, arguments: str, where: Path, **environment: str) -> str:
        """Run it, see it fail with exit status 1 and return its standard error."""
        ended = self.run(arguments, where, **environment)
        assert ended.returncode == 1, ended.stdout + ended.stderr
        return ended.stderr


def make(toolchain: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a CmdStan directory, as CmdStanPy does."""
    command = [os.environ.get("MAKE", "make"), *arguments]
    return subprocess.run(
        command, cwd=toolchain, capture_output=True, text=True, check=False
    )
