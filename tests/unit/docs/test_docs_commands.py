"""Every `gate` command that the documents show exists, with every option that they name."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from functools import cache
from pathlib import Path

import pytest

from gate_core.command_line.main import main

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def commands() -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                words = line.split("#")[0].split()
                words = words[words.index("--") + 1 :] if words[:1] == ["runuser"] else words
                if words[:1] == ["gate"]:
                    found.append((page.relative_to(ROOT).as_posix(), tuple(words[1:])))
    return found


@cache
def help_of(*path: str) -> tuple[int, str]:
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(output):
        patch.setattr(sys, "argv", ["gate", *path, "--help"])
        patch.setenv("COLUMNS", "200")
        patch.setenv("NO_COLOR", "1")
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return ended.value.code, output.getvalue()


def test_the_documents_show_commands() -> None:
    assert len(commands()) >= 10


@pytest.mark.parametrize(
    ("page", "words"), commands(), ids=lambda value: " ".join(value) if isinstance(value, tuple) else value
)
def test_a_command_in_the_documents_exists(page: str, words: tuple[str, ...]) -> None:
    code, text = help_of(words[0])
    assert code == 0, page
    depth = 1
    while (
        "Commands" in text and depth < len(words) and not words[depth].startswith("-")
    ):  # a noun may do something by itself
        depth += 1
        code, text = help_of(*words[:depth])
        assert code == 0, page
    for option in (word.split("=")[0] for word in words if word.startswith("--")):
        assert option in text, f"{page}: {option}"
