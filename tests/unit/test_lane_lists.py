"""The lists of a lane: what is marked as test never judges a document in service, and a broken store is one clear error."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from fakes.inspections import NOW
from fakes.sample_passports import utopia

from gate.programs.config import Config, ConfigError
from gate.programs.lane import program
from gate.programs.lane.lists import open_lists
from gate.trust.importing import import_sources
from gate.trust.sources import read_source

TABLE = {
    "gate_id": "gate-0001",
    "operator": "border.example",
    "barrier": {"port": "/dev/portcullis-barrier", "profile": "acme"},
    "swipe": {"port": "/dev/portcullis-swipe"},
    "camera": {"address": "rtsp.invalid"},
    "audit": {"recipients": ["age1a", "age1b"]},
}


def config_for(store: Path, purpose: str) -> Config:
    return msgspec.convert({**TABLE, "purpose": purpose, "paths": {"trust": str(store)}}, Config)


def store_of_utopia(folder: Path, *, test: bool) -> Path:
    path = folder / "trust.sqlite"
    sources = [read_source(name, data) for name, data in utopia().csca_files().items()]
    import_sources(path, sources, signer=None, test=test, now=NOW)
    return path


@pytest.mark.parametrize("purpose", ["demo", "trial"])
def test_a_demo_and_a_trial_may_judge_specimens(tmp_path: Path, purpose: str) -> None:
    assert len(open_lists(config_for(store_of_utopia(tmp_path, test=True), purpose))) == 3


def test_a_gate_in_service_refuses_to_start_on_specimens(tmp_path: Path) -> None:
    config = config_for(store_of_utopia(tmp_path, test=True), "service")
    with pytest.raises(ConfigError, match="3 certificates that are marked as test"):
        asyncio.run(program.run(config, stop=asyncio.Event()))


def test_a_gate_in_service_takes_lists_without_the_mark(tmp_path: Path) -> None:
    assert len(open_lists(config_for(store_of_utopia(tmp_path, test=False), "service"))) == 3


def test_a_store_that_is_none_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "trust.sqlite").write_bytes(b"not a database" * 100)
    for name in ("trust.sqlite", "absent.sqlite"):
        with pytest.raises(ConfigError, match=r"paths\.trust"):
            open_lists(config_for(tmp_path / name, "service"))
