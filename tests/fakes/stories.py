"""Tests that are told to a bench, each in virtual time from beginning to end."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from gate_contract.virtual_time import run_virtual
from gate_core.ports.drivers import BarrierDriver


class Bench(Protocol):
    """Whatever holds a driver."""

    @property
    def barrier(self) -> BarrierDriver: ...


AnyBench = TypeVar("AnyBench", bound=Bench)


def on(
    make: Callable[..., AbstractAsyncContextManager[AnyBench]], *takes: str, connected: bool = True
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """A test whose first parameter is a bench, its driver connected. `takes`: parameters of the test that go to `make`."""

    def tell(told: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        async def run(given: dict[str, object]) -> None:
            async with make(**{name: given.pop(name) for name in takes}) as made:
                if connected:
                    await made.barrier.connect()
                await told(made, **given)

        def test(**given: object) -> None:
            run_virtual(run(given))

        _, *others = inspect.signature(told).parameters.values()
        taken = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in takes]
        functools.update_wrapper(test, told)
        others = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in others]
        test.__signature__ = inspect.Signature([*taken, *others])  # type: ignore[attr-defined] # what pytest reads
        return test

    return tell


def told_to(
    play: Callable[..., object], *more: object, takes: tuple[str, ...] = (), **others: object
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """A test that is the story which `play` takes first: what it is handed comes by place, what pytest gives by name alone.

    `takes`: parameters that `play` takes after the story; the test itself has them, too, if it names them.
    """

    def tell(story: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        def test(**given: object) -> None:
            chosen = [given[name] for name in takes]
            own = {one.name: given[one.name] for one in by_name}
            play(lambda *handed: story(*handed, **own), *chosen, *more, **others)

        functools.update_wrapper(test, story)
        every = inspect.signature(story).parameters.values()
        by_name = [one for one in every if one.kind is inspect.Parameter.KEYWORD_ONLY]
        named = {one.name for one in by_name}
        taken = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in takes if name not in named]
        test.__signature__ = inspect.Signature([*taken, *by_name])  # type: ignore[attr-defined] # what pytest reads
        return test

    return tell
