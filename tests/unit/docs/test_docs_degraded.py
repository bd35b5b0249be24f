"""The tables of docs/operations.md that the code has: degraded modes. `python tests/unit/docs/test_docs_degraded.py` draws them."""

from __future__ import annotations

from pathlib import Path

from gate.programs.shared.degraded import MODES

PAGE = Path(__file__).parents[3] / "docs/operations.md"


def table() -> str:
    rows = [f"| `{one.name}` | {one.when} | {one.effect} | {one.tell} |" for one in MODES]
    return "\n".join(["| mode | when | the lane | tell |", "| --- | --- | --- | --- |", *rows])


def test_the_page_has_every_mode() -> None:
    assert table() in PAGE.read_text()


if __name__ == "__main__":
    print(table())  # noqa: T201
