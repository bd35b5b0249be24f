"""The long tests in ten slices: a landing runs the slice of its day, so that ten days run all of them.

Those of tests/e2e run one at a time, the others two at a time (scripts/test).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Final

from fakes.roots import ROOT

SLICES: Final = 10
SLICE_S_MAX: Final = 20 * 60
AT_ONCE: Final = 0.6
SLICES_FILE: Final = ROOT / "tests/long_tests.toml"


def slices() -> list[dict[str, int]]:
    """Each slice: its entries, files or beginnings of node ids, each with its seconds."""
    tables = tomllib.loads(SLICES_FILE.read_text())
    return [tables[str(number)] for number in range(SLICES)]


def lasts_s(entries: Mapping[str, int]) -> float:
    """How long these entries take together: of two that run at once each takes somewhat more than half."""
    return sum(took if name.startswith("tests/e2e/") else AT_ONCE * took for name, took in entries.items())


def slice_of(node: str, held: list[dict[str, int]]) -> int | None:
    """The slice of a test by its node id: that of the longest entry with which it begins; None if there is none."""
    found = max(
        ((len(name), number) for number, entries in enumerate(held) for name in entries if node.startswith(name)),
        default=None,
    )
    return None if found is None else found[1]
