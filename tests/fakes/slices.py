"""The long tests in ten slices of nearly equal time: a landing runs the slice of its day, so that ten days run all of them.

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
SECONDS_FILE: Final = ROOT / "tests/long_seconds.toml"


def seconds() -> dict[str, int]:
    """Measured seconds of each file's long tests by its path; of a file that takes long by the beginnings of its node ids."""
    return tomllib.loads(SECONDS_FILE.read_text())


def slices(taken: Mapping[str, int]) -> dict[str, int]:
    """The slice of each entry, 0 to 9: the longest first, each into the slice with the least so far."""
    filled = [0.0] * SLICES
    found = {}
    for name, took in sorted(lasting(taken).items(), key=lambda entry: (-entry[1], entry[0])):
        found[name] = filled.index(min(filled))
        filled[found[name]] += took
    return found


def lasting(taken: Mapping[str, int]) -> dict[str, float]:
    """By how many seconds each entry makes its slice longer: of two that run at once, somewhat more than half."""
    return {name: took if name.startswith("tests/e2e/") else AT_ONCE * took for name, took in taken.items()}


def slice_of(node: str, found: Mapping[str, int]) -> int | None:
    """The slice of a test by its node id: that of the longest entry which it begins with; None if there is none."""
    entry = max((name for name in found if node.startswith(name)), key=len, default=None)
    return None if entry is None else found[entry]
