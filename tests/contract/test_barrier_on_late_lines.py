"""Every barrier driver on lines whose answers come late, reordered, doubled or in bursts: nobody is granted twice, and no order waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

import pytest
from fakes.late_lines import DRIVERS, TROUBLES, Standing, after_prompt_seconds, on_late_line, standing
from fakes.tiers import quick_or_long

from drivers.barrier import driver as barrier_driver
from drivers.barrier.modbus import session as modbus_session
from drivers.barrier.orders import Pause
from drivers.barrier.promptness import Promptness
from gate_contract.cable import Trouble
from gate_contract.virtual_time import in_virtual_time, run_virtual
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NotWellError, RefusedError
from gate_core.ports.drivers import BarrierDriver
from gate_core.ports.values import Direction, LeafPosition

log = logging.getLogger(__name__)  # --log-cli-level=INFO shows the counts
QUICK = ["all 0.3 s late", "mixed", "doubled", "bursts"]
BORNE_S = {"lot": 0.6}  # all others bear 0.3
LINES = [driver for driver in DRIVERS if driver != "contacts"]
COUNT = 10_000


@pytest.mark.no_cover
@pytest.mark.parametrize("name", quick_or_long(TROUBLES, quick=QUICK))
@pytest.mark.parametrize("driver", DRIVERS)
def test_nobody_is_granted_twice_however_late_the_answers_come(driver: str, name: str) -> None:
    count = COUNT // 100 if name in QUICK else COUNT // 20
    found = on_late_line(driver, TROUBLES[name], count=count)
    log.info("%s, %s: %s", driver, name, found)
    assert found.grants == count
    assert found.doubled == 0


@pytest.mark.long
@pytest.mark.no_cover
@pytest.mark.parametrize("name", TROUBLES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_of_ten_thousand_grants_none_is_made_twice(driver: str, name: str) -> None:
    found = on_late_line(driver, TROUBLES[name], count=COUNT, seed=2)
    log.info("%s, %s: %s", driver, name, found)
    assert (found.grants, found.doubled) == (COUNT, 0)


SUDDEN = [
    [first_s, second_s, grant_s, *([fate_s] * 4)]
    for first_s in (0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.8)
    for second_s in (0.0, 0.15, 0.4)
    for grant_s in (0.5, 2.0)
    for fate_s in (1.0, 2.0)
]


@pytest.mark.parametrize("driver", quick_or_long(LINES, quick=("portcullis-sim", "lot")))
def test_nobody_is_granted_twice_on_a_line_that_was_prompt_until_now(driver: str) -> None:
    """It was trusted for having been prompt: a late answer of before passed for the one that says that the grant never came."""
    assert [plan for plan in SUDDEN if after_prompt_seconds(driver, plan) > 1] == []


def test_those_lines_see_a_driver_that_asks_in_the_shape_of_what_it_asked_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Promptness, "recent", lambda *_: frozenset())
    assert any(after_prompt_seconds("portcullis-sim", plan) > 1 for plan in SUDDEN)


class _Trusting(Promptness):
    """Takes what it hears for the answer to what it asked."""

    def overhear(self, shape: bytes, now_s: float, *, late_s: float) -> None:
        del shape, now_s, late_s

    def is_slow(self, now_s: float) -> bool:
        del now_s
        return False

    def owed(self) -> frozenset[bytes]:
        return frozenset()

    def recent(self, now_s: float) -> frozenset[bytes]:
        del now_s
        return frozenset()


def _trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off all that empties the line."""
    monkeypatch.setattr(modbus_session, "Pause", lambda _: Pause(0))
    monkeypatch.setattr(modbus_session.Session, "_unmistakable", lambda _: [])
    monkeypatch.setattr(modbus_session, "Promptness", _Trusting)
    monkeypatch.setattr(barrier_driver, "LISTEN_S_MAX", 0.0)


def test_the_table_sees_a_driver_that_does_not_empty_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _trust(monkeypatch)
    assert on_late_line("portcullis-sim", TROUBLES["all mixed"], count=300).doubled


@pytest.mark.parametrize("driver", LINES)
def test_the_delay_that_a_profile_states_is_borne_and_beyond_it_nothing_is_granted(driver: str) -> None:
    borne_s = BORNE_S.get(driver, 0.3)
    for late_s in (0.1, borne_s):
        assert on_late_line(driver, Trouble(share=1.0, late_s=(late_s, late_s)), count=60).stood >= 54
    for late_s in (borne_s + 0.2, 1.3, 2.0):
        found = on_late_line(driver, Trouble(share=1.0, late_s=(late_s, late_s)), count=60)
        assert (found.stood, found.doubled) == (0, 0)


@pytest.mark.parametrize("driver", LINES)
@in_virtual_time
async def test_a_line_that_answered_too_late_grants_nothing_and_goes_on_obeying_until_it_is_trusted_again(
    driver: str,
) -> None:
    trouble = Trouble(share=0.0, late_s=(1.0, 1.0), requests_lost=0.0)
    async with standing(driver, trouble) as stands:
        barrier = stands.barrier
        await _answer_once_too_late(stands, trouble)
        assert (await barrier.status()).position is LeafPosition.UNKNOWN
        assert barrier.describe()["late_answers"]
        with pytest.raises(RefusedError, match="late_ms_max"):
            await barrier.grant(Direction.ENTRY, 5000)
        assert stands.grants(Direction.ENTRY) == 0
        await barrier.release()
        await barrier.revoke()
        await _polled(stands, 20)
        assert (await barrier.status()).position is LeafPosition.CLOSED
        await barrier.grant(Direction.ENTRY, 5000)
        assert stands.grants(Direction.ENTRY) == 1


async def _answer_once_too_late(stands: Standing, trouble: Trouble) -> None:
    """Poll while the answers come a second late, and until they have come."""
    await stands.barrier.connect()
    trouble.share = 1.0
    await _polled(stands, 0.3)
    trouble.share = 0.0
    await _polled(stands, 3)


async def _polled(stands: Standing, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while loop.time() < until_s:
        try:
            await stands.barrier.status()
        except (LinkLostError, NotWellError):
            await _outcome(stands.barrier.connect())
        except NoReplyError:
            continue
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("driver", LINES)
@pytest.mark.parametrize("urgent", ["revoke", "release"])
def test_whoever_takes_permission_away_or_frees_does_not_wait_until_the_line_is_empty(driver: str, urgent: str) -> None:
    """The board obeys the grant and its answer never comes: while its fate is waited for, other orders go out at once."""

    async def story() -> float:
        trouble = Trouble(share=0.0, late_s=(60.0, 60.0), requests_lost=0.0)
        async with standing(driver, trouble) as stands:
            barrier, loop = stands.barrier, asyncio.get_running_loop()
            await barrier.connect()
            await barrier.grant(Direction.ENTRY, 5000)  # from now on the board has what a grant needs besides
            await barrier.revoke()
            await _polled(stands, 1)
            trouble.share = 1.0
            granting = asyncio.create_task(_outcome(barrier.grant(Direction.ENTRY, 5000)))
            await asyncio.sleep(0.15)  # its deadline is over
            trouble.share = 0.0
            began_s = loop.time()
            await _urgent(barrier, urgent)
            took_s = loop.time() - began_s
            await granting
            assert stands.grants(Direction.ENTRY) == 2
            return took_s

    assert run_virtual(story()) < 0.2


async def _urgent(barrier: BarrierDriver, order: str) -> None:
    await (barrier.revoke() if order == "revoke" else barrier.release())


async def _outcome(call: Awaitable[None]) -> None:
    try:
        await call
    except DriverError:
        return


@pytest.mark.parametrize("driver", LINES)
@in_virtual_time
async def test_the_self_test_says_that_a_line_answers_too_late(driver: str) -> None:
    trouble = Trouble(share=0.0, late_s=(1.0, 1.0), requests_lost=0.0)
    async with standing(driver, trouble) as stands:
        await _answer_once_too_late(stands, trouble)
        with pytest.raises(NotWellError, match="late_ms_max"):
            await stands.barrier.check()
