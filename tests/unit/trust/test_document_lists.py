"""The lists that a document child opens: what is marked as test never judges a document in service, and a broken store is one clear error."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
from pathlib import Path

import pytest
from document_fakes.inspections import NOW
from document_fakes.sample_passports import utopia

from gate.programs.lane import program
from gate.programs.lane.document.child import ListsError, open_lists
from gate.programs.shared.config import Config, parse
from gate.trust import store
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_core.settings.config_file import ConfigError
from gate_documents.pki.revocation import parse_revocation_list

TABLE = {
    "gate_id": "gate-0001",
    "operator": "border.example",
    "barrier": {"port": "/dev/portcullis-barrier", "profile": "acme"},
    "swipe": {"port": "/dev/portcullis-swipe"},
    "camera": {"address": "http://192.0.2.7/"},
    "audit": {"recipients": ["age1a", "age1b"]},
}


def config_for(store: Path, purpose: str) -> Config:
    return parse({**TABLE, "purpose": purpose, "paths": {"trust": str(store), "run": str(store.parent / "run")}})


def store_of_utopia(folder: Path, *, test: bool) -> Path:
    path = folder / "trust.sqlite"
    sources = [read_source(name, data) for name, data in utopia().csca_files().items()]
    import_sources(path, sources, signer=None, test=test, now=NOW)
    return path


def test_a_demo_and_a_trial_may_judge_specimens(tmp_path: Path) -> None:
    assert len(open_lists(store_of_utopia(tmp_path, test=True), service=False)) == 3


def test_a_gate_in_service_refuses_to_start_on_specimens(tmp_path: Path) -> None:
    config = config_for(store_of_utopia(tmp_path, test=True), "service")
    config.runtime("lane").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"paths\.trust: .*3 certificates or lists that are marked as test"):
        asyncio.run(program.run(config, stop=asyncio.Event()))


def test_a_revocation_list_for_demos_is_no_list_of_a_gate_in_service(tmp_path: Path) -> None:
    path = store_of_utopia(tmp_path, test=False)
    name, data = next(iter(utopia().crl_files().items()))
    import_sources(path, [read_source(name, data)], signer=None, test=True, now=NOW)
    with pytest.raises(ListsError, match="1 certificates or lists that are marked as test"):
        open_lists(path, service=True)


def test_what_was_opened_is_asked_and_not_the_file_that_has_its_name_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store_of_utopia(tmp_path, test=True)
    opened = TrustStore.open(path)
    (tmp_path / "service").mkdir()
    store_of_utopia(tmp_path / "service", test=False).replace(path)
    monkeypatch.setattr(TrustStore, "open", lambda _: opened)
    with pytest.raises(ListsError, match="marked as test"):
        open_lists(path, service=True)


def test_a_gate_in_service_takes_lists_without_the_mark(tmp_path: Path) -> None:
    assert len(open_lists(store_of_utopia(tmp_path, test=False), service=True)) == 3


def test_no_list_is_left_to_be_parsed_while_a_traveller_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store_of_utopia(tmp_path, test=False)
    name, data = next(iter(utopia().crl_files().items()))
    import_sources(path, [read_source(name, data)], signer=None, test=False, now=NOW)
    opened = open_lists(path, service=True)
    monkeypatch.setattr(store, "parse_revocation_list", None)
    assert opened.revocation_lists(parse_revocation_list(data).issuer_id)


def test_a_list_in_the_store_that_cannot_be_read_is_told_with_its_setting(tmp_path: Path) -> None:
    path = store_of_utopia(tmp_path, test=False)
    name, data = next(iter(utopia().crl_files().items()))
    import_sources(path, [read_source(name, data)], signer=None, test=False, now=NOW)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        digest = hashlib.sha256(b"\x30\x00").digest()
        connection.execute("UPDATE revocation_list SET der = x'3000', sha256 = ?", (digest,))
    with pytest.raises(ListsError, match="holds a list that cannot be read"):
        open_lists(path, service=True)


def test_a_store_that_is_none_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "trust.sqlite").write_bytes(b"not a database" * 100)
    for name in ("trust.sqlite", "absent.sqlite"):
        with pytest.raises(ListsError, match=r"^cannot be opened as a trust store"):
            open_lists(tmp_path / name, service=True)
