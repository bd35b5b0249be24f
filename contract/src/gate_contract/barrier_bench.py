"""What a barrier's author fills in: the driver before a simulated board, whose world the contract's stories control.

    # conftest.py
    @pytest.fixture
    def barrier_bench() -> Callable[[], AbstractAsyncContextManager[BarrierBench]]:
        return lambda: standing(MyBench)  # `gate_contract.line_bench` has what happens on a line

    # test_contract.py
    from gate_contract.barrier import *

The stories take minutes of the loop's time, in a loop whose clock jumps: the simulated board takes its time from the loop, too.
Trouble that a line cannot have is a method that does nothing.
"""

from __future__ import annotations

import abc
import functools
import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import Literal

from gate_core.ports.drivers import Alarm, BarrierDriver, Direction

Damage = Literal["pieces", "loss", "delay", "bits", "bytes", "bursts", "echo", "everything"]


class BarrierBench(abc.ABC):
    """A driver that is not connected, and its board at rest. Counts are the board's own and from the start."""

    barrier: BarrierDriver
    fire_ends_it = False  # the emergency ends with the fire input; else by `end_emergency` alone
    takes_ttl = True  # an order to grant carries its time to live; else the board has a time of its own
    shows_fire = True  # in the status, beside the emergency

    # ── what the board was told ──────────────────────────────────────────────────────────────────────────────────────

    @abc.abstractmethod
    def grants(self, direction: Direction) -> int:
        """Grants that it heard, each time that it heard one."""

    @abc.abstractmethod
    def releases(self) -> int:
        """Releases that it heard; where a release is an opening to the exit, grants to the exit."""

    @abc.abstractmethod
    def closings(self) -> int:
        """Orders that it heard that close the leaf or take a grant back."""

    @abc.abstractmethod
    def stands(self, direction: Direction) -> bool:
        """True while it lets somebody pass."""

    # ── what happens at the board ────────────────────────────────────────────────────────────────────────────────────

    @abc.abstractmethod
    def pass_through(self, direction: Direction) -> None:
        """Somebody walks through."""

    @abc.abstractmethod
    def occupy(self, *, occupied: bool) -> None:
        """Somebody stands before the leaf, or nobody does."""

    @abc.abstractmethod
    def set_fire(self, *, active: bool) -> None:
        """Switch the fire input."""

    @abc.abstractmethod
    def latch(self) -> Collection[Alarm]:
        """Raise two alarms or more whose cause has ended, and return them. Empty: the board cannot clear them one by one."""

    @abc.abstractmethod
    def turn_key(self) -> None:
        """Somebody ends the emergency at a board that keeps it until then."""

    @abc.abstractmethod
    def power_cycle(self) -> None:
        """The board's power goes and comes back."""

    @abc.abstractmethod
    def refuse(self) -> None:
        """From now on it does not carry out what it is told."""

    # ── what happens on the line ─────────────────────────────────────────────────────────────────────────────────────

    @abc.abstractmethod
    def unplug(self) -> None:
        """Pull the cable out of the host; nothing opens until it is put back."""

    @abc.abstractmethod
    def replug(self) -> None:
        """Put it back."""

    @abc.abstractmethod
    def deafen(self, *, deaf: bool = True) -> None:
        """Cut the wire, the port stays: nothing arrives at the board."""

    @abc.abstractmethod
    def lose(self, requests: int) -> None:
        """The next requests do not arrive."""

    @abc.abstractmethod
    def mute(self, answers: int) -> None:
        """The next answers do not arrive; the board has obeyed."""

    @abc.abstractmethod
    def delay(self, seconds: float) -> None:
        """Every answer comes so late from now on."""

    @abc.abstractmethod
    def damage(self, damage: Damage) -> None:
        """Lines that are opened from now on do this to bytes in both directions; an echo is the host's end's."""


Story = Callable[[BarrierBench], Awaitable[None]]
OnBarrier = Callable[[Story], None]


def story(told: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test that is told to `on_barrier`: its first parameter is the bench, the others are pytest's."""
    _, *others = inspect.signature(told).parameters.values()

    def test(on_barrier: OnBarrier, **given: object) -> None:
        on_barrier(lambda bench: told(bench, **given))

    functools.update_wrapper(test, told)
    bench = inspect.Parameter("on_barrier", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    test.__signature__ = inspect.Signature([bench, *others])  # type: ignore[attr-defined] # what pytest reads
    return test
