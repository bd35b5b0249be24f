"""Decision records are numbered 0001, 0002, … without a gap, each number once, in the file's name and in its title."""

from __future__ import annotations

from pathlib import Path

DECISIONS = Path(__file__).parents[3] / "docs" / "decisions"


def problems(titles: dict[str, str]) -> list[str]:
    """The faults of a set of decision records. `titles`: the first line of each file, by file name."""
    expected = [f"{number:04}" for number in range(1, len(titles) + 1)]
    numbers = sorted(name.partition("-")[0] for name in titles)
    found = [] if numbers == expected else [f"numbers {numbers}, expected {expected}"]
    return found + [name for name, title in titles.items() if not title.startswith(f"# {name.partition('-')[0]} ")]


def test_decision_numbers_are_unique_and_have_no_gap() -> None:
    records = (path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    titles = {path.name: path.read_text().partition("\n")[0] for path in records}
    assert titles
    assert problems(titles) == []


def test_a_gap_a_number_given_twice_and_a_wrong_title_are_found() -> None:
    assert problems({"0001-a.md": "# 0001 A", "0003-b.md": "# 0003 B"})
    assert problems({"0001-a.md": "# 0001 A", "0001-b.md": "# 0001 B"})
    assert problems({"0001-a.md": "# 0002 A"}) == ["0001-a.md"]
