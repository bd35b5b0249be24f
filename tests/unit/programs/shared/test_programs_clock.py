"""When the clock counts as sure, and whose name the boot has."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from fakes.read_clock import clock_reads

from gate.programs.shared.program_status import LogTimes
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    path = tmp_path / "synchronized"
    path.touch()
    return path


def set_age(path: Path, age: timedelta) -> None:
    then = (clock.now() - age).timestamp()
    os.utime(path, (then, then))


def test_a_clock_that_was_just_synchronised_is_sure(flag: Path) -> None:
    assert clock.is_synchronised(flag)


@pytest.mark.parametrize("age", [timedelta(hours=8, minutes=1), timedelta(days=400), timedelta(minutes=-1)])
def test_a_synchronisation_of_long_ago_or_of_the_future_counts_for_nothing(flag: Path, age: timedelta) -> None:
    set_age(flag, age)
    assert not clock.is_synchronised(flag)


def test_without_a_time_service_the_clock_is_unsure(tmp_path: Path) -> None:
    assert not clock.is_synchronised(tmp_path / "nothing")


def test_a_folder_or_a_link_in_the_flags_place_counts_for_nothing(flag: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(flag)
    assert not clock.is_synchronised(link)
    assert not clock.is_synchronised(tmp_path)


def test_in_service_it_must_be_synchronised_and_elsewhere_it_must_only_not_run_backwards(
    flag: Path, tmp_path: Path
) -> None:
    missing, tomorrow = tmp_path / "missing", clock.now() + timedelta(days=1)
    assert not clock.is_sure(not_before=None, must_be_synchronised=True, flag=missing)
    assert clock.is_sure(not_before=None, must_be_synchronised=False, flag=missing)
    assert not clock.is_sure(not_before=tomorrow, must_be_synchronised=False, flag=flag)
    assert clock.is_sure(not_before=clock.now(), must_be_synchronised=True, flag=flag)


def test_the_clock_stands_after_build_import_and_signature_and_after_the_latest_record_unless_the_time_service_has_the_word() -> (
    None
):
    now, day = clock.now(), timedelta(days=1)
    nothing: dict[str, datetime | None] = {"imported": None, "written": None, "cosigned": None}
    assert clock.built() <= now
    assert clock.floor(**nothing, synchronised=False) == clock.built()
    assert clock.floor(**{**nothing, "imported": now + day}, synchronised=True) == now + day
    assert clock.floor(**{**nothing, "cosigned": now + day}, synchronised=True) == now + day - clock.MIRROR_AHEAD_MAX
    assert clock.floor(**{**nothing, "written": now + day}, synchronised=False) == now + day
    assert clock.floor(**{**nothing, "written": now + day}, synchronised=True) == clock.built()


def test_the_floor_grows_with_what_is_known_and_with_the_monotonic_clock_and_never_shrinks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_ms = 5_000
    clock_reads(monkeypatch, monotonic_ms=lambda: now_ms)
    floor = clock.Floor()
    assert floor.after(1_000_000) == 1_000_000
    assert floor.after(0) == 1_000_000
    now_ms += 7_200_000
    assert floor.after(1_000_000) == 1_007_200, "two hours have gone by, whatever the wall clock shows"
    assert floor.after(2_000_000) == 2_000_000
    now_ms += 999
    assert floor.after(0) == 2_000_000


def test_systemds_name_of_the_boot_is_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTCULLIS_BOOT", raising=False)
    kernels = clock.boot_id()
    monkeypatch.setenv("PORTCULLIS_BOOT", kernels.replace("-", ""))  # as `%b` has it
    assert clock.boot_id() == kernels


def test_nonsense_in_place_of_the_boots_name_is_a_mistake_in_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTCULLIS_BOOT", "%b")
    with pytest.raises(ConfigError, match="PORTCULLIS_BOOT"):
        clock.boot_id()


def test_the_builds_time_is_that_of_the_program_that_runs() -> None:
    """An update lays another program there meanwhile: it is looked at once."""
    assert clock.built() is clock.built()


@pytest.mark.parametrize("name", ["written", "cosigned"])
def test_a_time_that_says_no_zone_is_none(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="timezone"):
        msgspec.convert({name: "2026-11-28T02:00:00"}, LogTimes)
    assert msgspec.convert({name: "2026-11-28T02:00:00Z"}, LogTimes) != LogTimes()
