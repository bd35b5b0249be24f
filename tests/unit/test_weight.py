"""How many lines of Python each distribution holds: a limit that only goes down, towards the target.

A change that needs more lines takes them from elsewhere in the same distribution. Where a count is well below its limit, lower the limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.roots import PACKAGES


@dataclass(frozen=True)
class Weight:
    packages: frozenset[str]
    limit: int
    target: int

    def too_heavy(self, name: str, packages: dict[str, Path]) -> str:
        count = sum(map(lines, (packages[one] for one in self.packages)))
        over = f"{name} holds {count:,} lines of Python, limit {self.limit:,}, target {self.target:,}"
        return over if count > self.limit else ""


def lines(package: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in package.rglob("*.py"))


def weight(packages: Iterable[str], limit: int, target: int) -> Weight:
    return Weight(frozenset(packages), limit, target)


# The limit is the count rounded up to the next hundred on the day when it was last lowered; blank lines and docstrings count.
WEIGHTS = {
    "appliance": weight(("gate", "drivers", "models", "gate_core"), 69_300, 62_000),
    "core": weight(("gate_core",), 9_300, 15_000),
    "documents": weight(("gate_documents",), 9_400, 10_000),
    "verify": weight(("gate_verify",), 5_100, 5_000),
    "central": weight(("gate_central",), 7_000, 7_000),
    "officers": weight(("gate_officers",), 3_900, 5_000),
    "lab": weight(("gate_lab",), 10_000, 10_000),
    "hardware-sim": weight(("hardware_sim", "gate_demo"), 28_800, 26_000),
    "all distributions": weight(PACKAGES, 135_000, 122_000),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_no_distribution_gets_heavier(name: str) -> None:
    assert not (said := WEIGHTS[name].too_heavy(name, PACKAGES)), said


def test_every_package_is_weighed() -> None:
    of_ones_own = [one.packages for name, one in WEIGHTS.items() if name != "all distributions"]
    assert frozenset().union(*of_ones_own) | {"gate_contract"} == frozenset(PACKAGES)


def test_one_line_more_than_the_limit_is_said_with_the_target(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    file = tmp_path / "room/one.py"
    limited = weight(("a",), 3, 2)
    file.write_text("x = 1\n" * 3)
    assert limited.too_heavy("a", {"a": tmp_path}) == ""
    file.write_text("x = 1\n" * 3 + "\n")
    assert limited.too_heavy("a", {"a": tmp_path}) == "a holds 4 lines of Python, limit 3, target 2"
