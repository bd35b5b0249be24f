"""The product's one clock, read as a test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_core.programs import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def clock_reads(monkeypatch: pytest.MonkeyPatch, **readings: Callable[..., object]) -> None:
    """Have these functions of `gate_core.programs.clock` answer so until the test ends."""
    for name, reading in readings.items():
        monkeypatch.setattr(clock, name, reading)
