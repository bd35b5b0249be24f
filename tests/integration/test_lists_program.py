"""The sync program and its importing child on real folders: lists that come, go back, are hostile, and a child that dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import tomllib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w
from document_fakes.master_lists import NOW, master_list, party, revocation_list
from fakes.read_clock import clock_reads

from gate.programs.children.child_handle import ChildLostError
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config
from gate.programs.shared.runner import status_of
from gate.programs.sync import program as sync
from gate.programs.sync.lists import import_in_child
from gate.programs.sync.lists_messages import Outcome, Request
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError

DEADLINE_S = 30.0
CSCA = party("CSCA")
OTHER = party("Other CSCA")
STRANGER = party("Stranger", country="ZZ")
SIGNER = party("List signer", issuer=CSCA, authority=False, lists=True)
STRANGERS_SIGNER = party("List signer", country="ZZ", issuer=STRANGER, authority=False, lists=True)
AT = NOW - timedelta(days=20)  # the child's clock is the machine's: nothing may be of its future
EARLIER = AT - timedelta(days=1)
LATER = AT + timedelta(days=1)


class Site:
    """A folder for downloads, a store and a configuration."""

    def __init__(self, root: Path, **extra: Any) -> None:
        self.folder, self.store = root / "downloads", root / "trust" / "trust.sqlite"
        for one in (self.folder, self.store.parent, root / "run"):
            one.mkdir()
        self.signer = root / "signer.cer"
        self.signer.write_bytes(CSCA.der)
        table = {
            "purpose": "trial",
            "gate_id": "gate-0001",
            "operator": "border.example",
            "paths": {
                "run": str(root / "run"),
                "trust": str(self.store),
                "inbox": str(root / "inbox"),
                "spool": str(root / "spool"),
            },
            "barrier": {"port": "none"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": ["age1a"]},
            "lists": {"folder": str(self.folder), "signer": str(self.signer), "check_every_ms": 50, **extra},
        }
        self.path = root / "gate.toml"
        self.path.write_text(tomli_w.dumps(table))
        self.config = configuration.load(self.path)
        self.request = Request(folder=str(self.folder), store=str(self.store), signer=str(self.signer), test=False)

    def deliver(self, name: str, data: bytes) -> None:
        """As downloaders do: under another name first."""
        (self.folder / f"{name}.part").write_bytes(data)
        (self.folder / f"{name}.part").rename(self.folder / name)

    def imported_by_hand(self, *files: bytes) -> str:
        sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
        signer = read_source("signer", CSCA.der).content
        return import_sources(self.store, sources, signer=signer, test=False, now=clock.now()).version  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@contextlib.asynccontextmanager
async def running(config: Config) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(sync.run(config, stop=stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task


async def until(config: Config, question: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The lists' part of the status once it answers the question with yes."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            status = await status_of(config, "sync")
            detail: Any = None if status is None else status.detail["lists"]
            if status is not None and question(detail):
                assert status.state == ("degraded" if detail["problem"] else "ready")
                return dict(detail)
            await asyncio.sleep(0.02)


def versions(site: Site) -> str:
    return TrustStore.open(site.store).version


def nothing_is_left_over(site: Site) -> bool:
    return {one.name for one in site.store.parent.iterdir()} <= {site.store.name, f"{site.store.name}.lock"}


async def test_lists_come_by_themselves_and_each_change_is_said_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gate.sync")
    async with running(site.config):
        empty = await until(site.config, lambda lists: lists["problem"] is not None)
        assert (empty["state"], empty["problem"]) == ("failing", "the folder holds no list")
        site.deliver("UT.ml", master_list(SIGNER, [CSCA.der, OTHER.der], signed_at=AT))
        first = await until(site.config, lambda lists: lists["certificates"] == 2)
        assert (first["state"], first["problem"], first["version"]) == ("ready", None, versions(site))
        site.deliver("UT.crl", revocation_list(CSCA, 5, at=AT, number=1))
        second = await until(site.config, lambda lists: lists["revocation_lists"] == 1)
        assert second["version"] == versions(site) != first["version"]
    assert [one for one in caplog.messages if "list" in one] == [
        "lists_not_imported",
        "lists_well_again",
        "lists_replaced",
        "lists_replaced",
    ]
    assert nothing_is_left_over(site)


async def test_an_older_list_leaves_the_store_as_it_is_and_is_an_alarm_until_it_is_gone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    current = master_list(SIGNER, [CSCA.der], signed_at=AT)
    before = site.imported_by_hand(current, revocation_list(CSCA, 5, at=AT, number=7))
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der, OTHER.der], signed_at=EARLIER))
    site.deliver("UT.crl", revocation_list(CSCA, at=AT, number=6))
    async with running(site.config):
        lists = await until(site.config, lambda lists: lists["problem"] is not None)
        assert "an older list was delivered" in lists["problem"]
        assert {one["subject"] for one in lists["refused"]} == {"UT.ml", "UT.crl"}
        assert versions(site) == before
        (site.folder / "UT.crl").unlink()
        site.deliver("UT.ml", current)
        assert (await until(site.config, lambda lists: lists["problem"] is None))["version"] == before
    assert versions(site) == before
    assert caplog.messages.count("lists_not_imported") == 1


async def test_what_nobody_vouches_for_leaves_the_store_as_it_is(site: Site) -> None:
    before = site.imported_by_hand(CSCA.der)
    site.deliver("ZZ.ml", master_list(STRANGERS_SIGNER, [STRANGER.der], signed_at=AT))
    site.deliver("ZZ.cer", STRANGER.der)
    async with running(site.config):
        lists = await until(site.config, lambda lists: lists["problem"] is not None)
    assert lists["problem"].startswith("nothing in the folder can be taken: ")
    assert versions(site) == before


async def test_a_folder_that_goes_away_and_comes_back_is_said_and_imported_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gate.sync")
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der], signed_at=AT))
    async with running(site.config):
        await until(site.config, lambda lists: lists["certificates"] == 1)
        site.folder.rename(site.folder.with_name("away"))
        lists = await until(site.config, lambda lists: lists["problem"] is not None)
        assert "No such file" in lists["problem"]
        site.folder.with_name("away").rename(site.folder)
        await until(site.config, lambda lists: lists["problem"] is None)
    said = [one for one in caplog.messages if "list" in one]
    assert said == ["lists_replaced", "lists_not_imported", "lists_well_again"]


async def test_hostile_files_cost_themselves_only(site: Site, tmp_path: Path) -> None:
    outside = tmp_path / "outside.cer"
    outside.write_bytes(OTHER.der)
    (site.folder / "link.cer").symlink_to(outside)
    (site.folder / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(site.folder / "pipe.crl")
    for name in ("huge.ml", "huge.ldif"):
        with (site.folder / name).open("wb") as file:
            file.truncate(600 << 20)
    (site.folder / os.fsdecode(b"\xff\xfe.crl")).write_bytes(b"nonsense")
    (site.folder / "deep.ldif").write_bytes(b"dn: x\na:: " + b"MIAw" * 9000 + b"\n" + b" MIAw\n" * 200_000)
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der], signed_at=AT))
    async with running(site.config):
        lists = await until(site.config, lambda lists: lists["certificates"] == 1)
    assert (lists["problem"], lists["refused_in_all"]) == (None, 4)
    assert {one["subject"] for one in lists["refused"]} == {
        "huge.ml",
        "huge.ldif",
        "\ufffd\ufffd.crl",
        "deep.ldif, value 1",
    }
    json.dumps(lists).encode()


# ── the child ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_child_that_is_too_slow_is_ended(site: Site) -> None:
    with pytest.raises(ChildLostError, match="not done"):
        await import_in_child(site.request, deadline_s=0.01)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("kill -SEGV $$", "by signal SIGSEGV"),
        ("kill -XCPU $$", "because it took too long"),
        ("exit 3", "with exit code 3"),
        ("echo nonsense", "answered something else"),
        ("exec yes", "not done"),
    ],
)
async def test_a_child_that_dies_or_babbles_is_one_clear_error(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(ChildLostError, match=reason):
        await import_in_child(site.request, deadline_s=1.0)


async def test_a_child_that_cannot_be_asked_for_want_of_memory_is_one_clear_error(site: Site) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(ChildLostError, match=r"cannot be asked: /dev/shm: File too large"):
            await import_in_child(site.request)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_child_that_cannot_be_started_is_an_error_of_its_own(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/none/python")
    with pytest.raises(ChildLostError, match="cannot be started"):
        await import_in_child(site.request)


def child(site: Site, limits: str) -> Outcome:
    """The child with other limits, and without what measures coverage: it would not live within them."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    code = f"from gate.programs.sync import lists_child as child; {limits}; child.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(os.getpid())],
        input=msgspec.json.encode(site.request),
        capture_output=True,
        check=True,
        timeout=DEADLINE_S,
        env=plain,
    )
    return msgspec.json.decode(done.stdout, type=Outcome)


def test_a_child_that_reaches_its_limits_says_so_and_leaves_the_store(site: Site) -> None:
    before = site.imported_by_hand(CSCA.der)
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der, OTHER.der], signed_at=AT))
    assert "cannot be written" in child(site, "child.STORE_BYTES_MAX = 4096").problem
    assert versions(site) == before
    assert nothing_is_left_over(site)
    assert child(site, "pass").replaced


def test_a_folder_that_needs_too_much_memory_is_told(site: Site) -> None:
    for number in range(60):
        with (site.folder / f"{number}.crl").open("wb") as file:
            file.truncate(8 << 20)
    assert "memory" in child(site, "child.ADDRESS_SPACE_BYTES_MAX = 1 << 20").problem


def test_a_child_of_nobody_ends_before_it_reads_anything(site: Site) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gate.programs.sync.lists_child", "1"],
        input=b"{}",
        capture_output=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode != 0
    assert b"the parent has ended" in done.stderr
    assert nothing_is_left_over(site)


async def test_a_folder_that_cannot_be_read_is_a_problem_and_no_death(site: Site) -> None:
    site.folder.rmdir()
    outcome = await import_in_child(site.request)
    assert "No such file" in outcome.problem
    assert not site.store.exists()


@pytest.mark.parametrize(
    ("content", "reason"), [(b"nonsense", "a certificate"), (None, "No such file")], ids=["nonsense", "missing"]
)
async def test_a_signer_that_cannot_be_read_is_told_with_its_setting(
    site: Site, content: bytes | None, reason: str
) -> None:
    site.signer.unlink() if content is None else site.signer.write_bytes(content)
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der], signed_at=AT))
    problem = (await import_in_child(site.request)).problem
    assert problem.startswith("lists.signer: ")
    assert reason in problem


async def test_a_damaged_store_is_not_replaced(site: Site) -> None:
    site.store.write_bytes(b"no database at all" * 500)
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der], signed_at=AT))
    outcome = await import_in_child(site.request)
    assert "trust.sqlite" in outcome.problem
    assert not outcome.replaced
    assert site.store.read_bytes().startswith(b"no database")


async def test_two_imports_at_once_are_told_apart(site: Site) -> None:
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der], signed_at=AT))
    from gate.trust.list_import import replacing

    with replacing(site.store):
        assert "another import is under way" in (await import_in_child(site.request)).problem
    assert (await import_in_child(site.request)).replaced


# ── the program around it ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_lost_child_is_a_problem_of_the_lists_and_not_the_end_of_the_program(site: Site) -> None:
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der], signed_at=AT))
    async with running(site.config):
        async with asyncio.timeout(DEADLINE_S):
            while not (importing := importing_children()):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        os.kill(importing[0], signal.SIGKILL)
        detail = await until(site.config, lambda lists: lists["problem"] is not None)
    assert detail["problem"] == "the importing process ended by signal SIGKILL"


def importing_children() -> list[int]:
    """The importing children of this test's process."""
    ours = (Path("/proc/self/task") / str(threading.main_thread().native_id) / "children").read_text().split()
    return [int(pid) for pid in ours if b"lists_child" in (Path("/proc") / pid / "cmdline").read_bytes()]


async def test_a_gate_in_service_imports_nothing_by_a_clock_that_is_unsure(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock_reads(monkeypatch, is_synchronised=lambda _: False)
    site.deliver("UT.ml", master_list(SIGNER, [CSCA.der], signed_at=AT))
    config = msgspec.structs.replace(site.config, purpose="service")
    async with running(config):
        detail = await until(config, lambda lists: lists["problem"] is not None)
    assert "the clock is not synchronised" in detail["problem"]
    assert not site.store.exists()


async def test_neither_a_mirror_nor_lists_is_nothing_to_do(site: Site) -> None:
    with pytest.raises(ConfigError, match="enrol"):
        await sync.run(msgspec.structs.replace(site.config, lists=None), stop=asyncio.Event())


async def said_by(site: Site, *command: str) -> tuple[int | None, str]:
    """Run a `gate` command; its exit code and what it printed."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gate.cli", *command, "--config", str(site.path)), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await started.communicate()
    return started.returncode, out.decode()


async def test_the_commands_say_how_the_import_goes(site: Site) -> None:
    async with running(site.config):
        await until(site.config, lambda lists: lists["problem"] is not None)
        code, text = await said_by(site, "sync", "status")
        assert (code, text.splitlines()) == (
            1,
            [
                "no central server is configured",
                "lists failing, last replaced before the program started",
                "problem: the folder holds no list",
            ],
        )
        _, text = await said_by(site, "status")
        assert "the folder holds no list" in text
        site.deliver("UT.ml", master_list(SIGNER, [CSCA.der], signed_at=AT))
        await until(site.config, lambda lists: lists["certificates"] == 1)
        code, text = await said_by(site, "sync", "status", "--json")
        document = json.loads(text)
        assert (code, document["schema"], document["lists"]["state"]) == (0, "sync.status/1", "ready")
        _, text = await said_by(site, "status", "--json")
        assert json.loads(text)["lists"]["import"]["version"] == versions(site)


def test_lists_that_are_for_demos_only_are_refused_in_service(site: Site) -> None:
    table = tomllib.loads(site.path.read_text())
    table["purpose"] = "service"
    table["barrier"]["profile"] = "acme"
    table["lists"]["test"] = True
    site.path.write_text(tomli_w.dumps(table))
    with pytest.raises(ConfigError, match=r"lists\.test: purpose = service refuses"):
        configuration.load(site.path)
