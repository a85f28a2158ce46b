"""A scratch copy of the package and of its cases, to be changed as a recipe says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Scratch:
    """The copy below ``root``; its own code is what runs there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("conformance", "cases"):
            shutil.copytree(ROOT / name, root / name, ignore=ignore)

    def write(self, name: str, text: str) -> None:
        """A file."""
        (self.root / name).write_text(text, encoding="utf-8")

    def line(self, name: str, after: str, line: str, imports: str) -> None:
        """A line after another one, with what it takes to be imported."""
        file = self.root / name
        text = file.read_text(encoding="utf-8")
        assert text.count(after) == 1
        first = "from __future__ import annotations\n"
        text = text.replace(first, f"{first}{imports}\n", 1).replace(after, after + line)
        file.write_text(text, encoding="utf-8")

    def after(self, name: str, mark: str, text: str) -> None:
        """Text behind the only place that says this."""
        self._place(name, mark, mark + text)

    def before(self, name: str, mark: str, text: str) -> None:
        """Text in front of it."""
        self._place(name, mark, text + mark)

    def _place(self, name: str, mark: str, text: str) -> None:
        old = (self.root / name).read_text(encoding="utf-8")
        assert old.count(mark) == 1
        self.write(name, old.replace(mark, text))

    def conformance(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its command line."""
        return self.python("-m", "conformance.cli", *words)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its Python; nothing of the machine's own copy is imported."""
        return subprocess.run(
            [sys.executable, "-P", *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            check=False,
        )
