"""An event loop whose clock jumps to the next timer: hours of protocol run in a moment, and always the same way.

Only for code without threads or processes, and without sockets but those whose other end the test holds. When nothing can ever
happen again the run ends with an error instead of hanging.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class _Jumping(selectors.DefaultSelector):
    now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everybody waits and no timer is set")
            self.now_s += max(0.0, timeout)
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _Jumping) -> None:
        super().__init__(selector)
        self._jumping = selector

    def time(self) -> float:
        return self._jumping.now_s

    def block(self, seconds: float) -> None:
        """Time passes while nothing else runs."""
        self._jumping.now_s += seconds


def pass_time(seconds: float) -> None:
    """A call that does not return at once: so much of the running loop's time passes in it."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, _VirtualLoop)
    loop.block(seconds)


def virtual_loop() -> asyncio.SelectorEventLoop:
    """A loop for who runs it piece by piece; its clock stands still while something can happen at once."""
    return _VirtualLoop(_Jumping())


def in_virtual_time(test: Callable[Given, Coroutine[Any, Any, None]]) -> Callable[Given, None]:
    """A test that runs so from its beginning to its end."""

    @functools.wraps(test)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        run_virtual(test(*args, **kwargs))

    return run


def run_virtual(main: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=virtual_loop) as runner:
        return runner.run(main)
