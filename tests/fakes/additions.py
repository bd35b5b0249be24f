"""A copy of the product with something added to it, to see how many files an addition touches and that the copy really has it."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.roots import ROOT, search_path

ROOMS = ("gate", "drivers", "models", "core", "documents", "verify")
BORING = ("__pycache__", "train", "evaluate")


@dataclass(frozen=True, slots=True)
class Copy:
    """The product's packages in a folder of their own; what is not copied is the checkout's."""

    folder: Path

    @classmethod
    def into(cls, folder: Path) -> Copy:
        for room in ROOMS:
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns(*BORING))
        return cls(folder)

    def add(self, path: str, text: str) -> None:
        """Write a new file."""
        file = self.folder / path
        assert not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def edit(self, path: str, *changes: tuple[str, str]) -> None:
        """Replace each first text, which stands in the file once, by the second."""
        file = self.folder / path
        text = file.read_text()
        for old, new in changes:
            assert text.count(old) == 1, (path, old, text.count(old))
            text = text.replace(old, new)
        file.write_text(text)

    def touched(self) -> list[str]:
        """The files that are not as the checkout has them."""
        return sorted(f"{room}/{path}" for room in ROOMS for path in _others(ROOT / room, self.folder / room))

    def run(self, *arguments: str | Path) -> str:
        """What a Python program prints when the copy is what it imports."""
        path = os.pathsep.join((search_path(self.folder), search_path(ROOT)))
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout.decode()

    def gate(self, *arguments: str | Path) -> Any:
        """The answer of a command."""
        return json.loads(self.run("-m", "gate.cli", *arguments, "--json"))


def _others(ours: Path, copied: Path) -> list[str]:
    compared = filecmp.dircmp(ours, copied, ignore=list(BORING))
    below = [f"{name}/{one}" for name in compared.common_dirs for one in _others(ours / name, copied / name)]
    new = [path for name in compared.right_only for path in _files(copied / name, copied)]
    return [*compared.diff_files, *new, *below]


def _files(path: Path, base: Path) -> list[str]:
    found = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return [str(file.relative_to(base)) for file in found if "__pycache__" not in file.parts]
