"""The barrier contract catches wrong drivers: the guide's example with one fault each turns the named test red."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.roots import ROOT

from gate_contract import barrier as contract
from gate_contract.line_bench import standing
from gate_contract.plugin import told_to

EXAMPLE = ROOT / "docs/examples/ascii-gate"
DRIVER = EXAMPLE / "src/ascii_gate/barrier.py"
Edits = tuple[tuple[str, str], ...]
NEVER_STOPPED = (
    ("        def note() -> None:\n            wanted()\n", "        def note() -> None:\n"),
    ("            wanted()\n            if _granted(seen)", "            if _granted(seen)"),
)
# What is wrong; the edits that make it so; the test that catches it, and what that test is given.
FAULTS: dict[str, tuple[Edits, str, dict[str, object]]] = {
    "revokes in an emergency that outlasts its fire input": (
        (("if not _is_emergency(seen):", "if not seen.fire:"),),
        "an_emergency_that_outlasts_its_fire_input_closes_nothing_until_it_is_ended",
        {},
    ),
    "withdraw does nothing": (
        (
            (
                "        self.withdraw()\n        seen = self._latest",
                "        self._withdrawals += 1\n        seen = self._latest",
            ),
            (
                "def withdraw(self) -> None:\n        self._withdrawals += 1",
                "def withdraw(self) -> None:\n        pass",
            ),
        ),
        "a_grant_that_is_withdrawn_or_revoked_before_its_turn_is_never_written",
        {"wait_s": 0.0, "is_revoked": False},
    ),
    "revoke leaves the grant that waits": (
        (("        self.withdraw()\n        seen = self._latest", "        seen = self._latest"),),
        "a_grant_that_is_withdrawn_or_revoked_before_its_turn_is_never_written",
        {"wait_s": 0.0, "is_revoked": True},
    ),
    "writes a withdrawn grant again": (
        NEVER_STOPPED,
        "a_grant_that_is_withdrawn_while_its_answer_is_awaited_is_not_written_again",
        {},
    ),
    "does not compare the numbers of replies": (
        ((" and found.number == self._number:", ":"),),
        "the_late_answer_to_an_earlier_question_is_no_answer_to_a_grant",
        {"late_s": 0.4, "gap_s": 0.05},
    ),
    "swallows a cancellation": (
        (("except TimeoutError:", "except (TimeoutError, asyncio.CancelledError):"),),
        "who_gives_up_is_let_go_at_once_and_leaves_the_line_to_the_others",
        {},
    ),
    "clears every alarm": (
        ((" if alarm in alarms]", "]"),),
        "only_the_alarms_that_are_named_are_cleared",
        {},
    ),
    "grants again after silence": (
        (("seen = await self.status()  # the line keeps", "continue  # the line keeps"),),
        "a_lost_answer_grants_nobody_twice",
        {"answers": 1},
    ),
    "names no time to live": (
        (("time to live of", "no time of"),),
        "a_time_to_live_out_of_range_is_a_value_error",
        {"ttl_ms": 0},
    ),
}
Tell = Callable[[Edits, str, dict[str, object]], None]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tell]:
    """Hold the example's driver, edited, to one test of the contract."""
    for place in ("src", "tests"):
        monkeypatch.syspath_prepend(EXAMPLE / place)
    before = set(sys.modules)

    def told(edits: Edits, test: str, given: dict[str, object]) -> None:
        source = DRIVER.read_text()
        for old, new in edits:
            assert source.count(old) == 1, f"the example no longer has {old!r}"
            source = source.replace(old, new)
        driver = types.ModuleType("ascii_gate.barrier")
        monkeypatch.setitem(sys.modules, "ascii_gate.barrier", driver)
        exec(compile(source, str(DRIVER), "exec"), driver.__dict__)
        spec = importlib.util.spec_from_file_location("example_bench", EXAMPLE / "tests/conftest.py")
        assert spec is not None
        assert spec.loader is not None
        bench: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(bench)
        getattr(contract, f"test_{test}")(on_barrier=told_to(lambda: standing(bench.AsciiBench)), **given)

    yield told
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"ascii_gate", "board"}:
            del sys.modules[name]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_driver_with_this_fault_is_caught(tell: Tell, fault: str) -> None:
    edits, test, given = FAULTS[fault]
    tell((), test, given)
    with pytest.raises(BaseExceptionGroup) as caught:
        tell(edits, test, given)
    (found,) = caught.value.exceptions
    assert not isinstance(found, NameError | TypeError | AttributeError), "a fault of the edit"


@pytest.mark.parametrize("answers", [1, 2, 3])
def test_a_driver_may_ask_for_the_status_before_each_grant(tell: Tell, answers: int) -> None:
    edits = (("self._latest if is_fresh else await self.status()", "await self.status()"),)
    tell(edits, "a_lost_answer_grants_nobody_twice", {"answers": answers})
