"""What the documents say stands where they say it: a file that was moved takes its mentions along."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXTS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
PATH = re.compile(
    r"\b(?:gate|drivers|models|tests|scripts|systemd|documents|hardware-sim|(?:core|central|lab|officers|verify)/(?:src|tests))/[\w./-]+"
    r"\.(?:py|toml|service|rules|html|js)\b"
)
TEST = re.compile(r"(?<![\w/])test_\w+\.py\b")
PLACES = (ROOT, *(ROOT / "docs/examples").iterdir())  # an example is named from its own folder
TESTS = {
    path.name
    for folder in ("tests", "hardware-sim/tests", "docs/examples")
    for path in (ROOT / folder).rglob("test_*.py")
}


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there(text: Path) -> None:
    said = text.read_text()
    assert not [path for path in PATH.findall(said) if not any((place / path).exists() for place in PLACES)]
    assert set(TEST.findall(said)) <= TESTS


def test_a_name_of_nothing_would_be_found() -> None:
    assert PATH.findall("see gate/passage/nowhere.py.") == ["gate/passage/nowhere.py"]
    assert TEST.findall("tests/unit/test_a.py, test_nowhere.py;") == ["test_nowhere.py"]
