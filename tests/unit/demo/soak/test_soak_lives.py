"""A small soak lives soundly; with a leak, without retention or without renewal its report is red."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gate.device_certificate.device import Identity
from gate.programs.lane.engine import Engine
from gate.programs.log.pruning import Pruning
from gate.programs.log.retention import Kept
from gate_core.audit_format.sealer import KeyRing
from gate_demo.soak import installation
from gate_demo.soak.days import Lived, Wishes, live
from gate_demo.soak.report import Report

pytestmark = [pytest.mark.long, pytest.mark.no_cover]
SEED, DAYS, CROSSINGS = 7, 6, 300
MANY = 1_300  # more records than the log always keeps


def wrong(found: Lived) -> set[str]:
    return {one.title for one in Report(found).checks() if not one.ok}


def test_a_sound_installation_passes(short_path: Path) -> None:
    found = live(Wishes(SEED, DAYS, CROSSINGS), short_path)
    assert [one.why for one in found.violations] == []
    assert wrong(found) == set()
    fields = Report(found).fields()
    assert fields["crossings"] == CROSSINGS
    assert fields["ok"] is True


def descriptor_a_crossing(monkeypatch: pytest.MonkeyPatch, opened: list[int]) -> None:
    """The log's key ring forgets to close something of each crossing."""
    drop: Callable[..., None] = KeyRing._drop

    def leaks(self: KeyRing, crossing: str) -> None:
        opened.append(os.open(os.devnull, os.O_RDONLY))
        drop(self, crossing)

    monkeypatch.setattr(KeyRing, "_drop", leaks)


def list_that_grows(monkeypatch: pytest.MonkeyPatch, opened: list[Any]) -> None:
    """The lane's engine keeps every event."""
    post: Callable[..., None] = Engine.post

    def leaks(self: Engine, event: Any) -> None:
        opened.append(event)
        post(self, event)

    monkeypatch.setattr(Engine, "post", leaks)


def retention_off(monkeypatch: pytest.MonkeyPatch, _opened: list[int]) -> None:
    """The log never deletes keys."""
    monkeypatch.setattr(installation, "WAIT_S", 2.0)
    monkeypatch.setattr(Kept, "is_over", lambda *_: False)


def pruning_off(monkeypatch: pytest.MonkeyPatch, _opened: list[int]) -> None:
    """The log never deletes entries that the central server holds."""

    async def drops_nothing(*_: object) -> None:
        pass

    monkeypatch.setattr(Pruning, "_drop", drops_nothing)


def never_renewed(monkeypatch: pytest.MonkeyPatch, _opened: list[int]) -> None:
    """Sync never renews the gate's certificate."""
    monkeypatch.setattr(Identity, "renewed_from", datetime(2999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("mutant", "crossings", "red"),
    [
        (descriptor_a_crossing, CROSSINGS, {"Open descriptors: flat"}),
        (list_that_grows, CROSSINGS, {"Entries of tables in memory: flat"}),
        (pruning_off, MANY, {"Records on the gate's disk: flat"}),
        (retention_off, CROSSINGS, {"Violations", "Keys of old days were deleted"}),
        (never_renewed, CROSSINGS, {"The gate's certificate was renewed before its end"}),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_mutant_turns_the_report_red(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, mutant: Callable[..., None], crossings: int, red: set[str]
) -> None:
    opened: list[int] = []
    mutant(monkeypatch, opened)
    try:
        found = live(Wishes(SEED, DAYS, crossings), short_path)
    finally:
        if mutant is descriptor_a_crossing:
            for descriptor in opened:
                os.close(descriptor)
    assert red <= wrong(found)
