"""A support bundle holds nothing personal and no secret, wherever one was planted: searched for raw, in base64 and in hex."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.channel.message import Status
from gate.programs import selftest
from gate.programs.selftest import State
from gate.programs.shared.config import Audit, Config, Officers, Paths, Sync
from gate.programs.shared.program_status import ProgramStatus
from gate.programs.support.bundle import LEFT_OUT, Bundle, PartError, collect, event_kept, kept, without_secrets, write
from gate_core.evidence.screen import Purpose
from gate_core.programs.journal import EVENTS

MRZ = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
LINE = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
NAME = "Anna Maria Eriksson"
PASSWORD = "hunter2-correct-horse"
KEY = base64.b64encode(b"a private key of 32 bytes, secret").decode()
PORTRAIT = "\xff\xd8\xff\xe0 a portrait of somebody \x00\x01"
SECRETS = (MRZ, LINE, NAME, PASSWORD, KEY, PORTRAIT, "ERIKSSON", "Eriksson", "L898902C3")
PLANTED = " ".join(SECRETS)
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


def forms(secret: str) -> Iterator[bytes]:
    """Raw, as JSON escapes it, in hex, and in base64 at each of the places where its bytes may begin."""
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        inner = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
        yield inner[(shift * 4 + 2) // 3 + 1 : -1]


def found_in(content: bytes) -> list[str]:
    return [secret for secret in SECRETS if any(form and form in content for form in forms(secret))]


def config(folder: Path) -> Config:
    return Config(
        purpose=Purpose.TRIAL,
        gate_id="north-7",
        operator="border.example",
        paths=Paths(keys=str(folder), trust=str(folder / "trust.sqlite"), state=str(folder)),
        barrier=Modbus(port="/dev/b"),
        swipe=Elyctis(port="/dev/s"),
        camera=Network(
            address=f"http://192.0.2.7:8080/{PASSWORD}?token={PASSWORD}",
            credentials=f"/{PASSWORD}",
            plain_http_risk=f"{PASSWORD} {PASSWORD}",
        ),
        audit=Audit(recipients=(f"age1{PASSWORD}",)),
        officers=Officers(authority="C" * 43 + "="),
        sync=Sync(address=f"c.example:8443/{PASSWORD}", identity=PASSWORD, mirror_vkey=KEY),
    )


def planted(value: Any = None) -> dict[str, Any]:
    """A status with what must not leave in every place that takes text."""
    texts = {
        "state": PLANTED,
        "closed_by": NAME,
        "maintained_by": NAME,
        "problem": PLANTED,
        "camera": PLANTED,
        "chip": MRZ,
    }
    inner = {MRZ: 1, NAME: NAME, "requests": 7, "silences": PASSWORD if value else 0}
    return {
        **texts,
        "lost": [PLANTED, "camera"],
        "hinders": [f"lists_stale:{NAME}", "clock_unsure"],
        "notices": [NAME],
        "lists": {"alarms": [PLANTED], MRZ: PLANTED, "certificates": 7},
        "readers": {NAME: True, "swipe": True},
        "barrier_line": {MRZ: 1, "requests": 7},
        "direction": NAME,
        "travellers": NAME,
        "hot": [NAME],
        "page": PLANTED,
        "warnings": [NAME],
        "counters": {"crossings": {NAME: 1, "admitted": 3}, "reasons": {MRZ: 2}, "incidents": inner if value else {}},
    }


async def told(_: Config) -> ProgramStatus:
    return ProgramStatus.of(
        {name: Status(name, PLANTED[:60], planted()) for name in ("lane", "log", "vision", "sync", "screens")}
    )


def journal() -> Iterator[str]:
    for name, event in EVENTS.items():
        fields = {f"GATE_{field.upper()}": PLANTED for field in (*event.fields, *event.text)}
        about = {"MESSAGE": PLANTED, "_CMDLINE": PASSWORD, "__REALTIME_TIMESTAMP": "1795748400000000", "PRIORITY": "4"}
        yield json.dumps({**about, **fields, "GATE_EVENT": name, "GATE_PROGRAM": "lane"})
    yield json.dumps({"MESSAGE": PLANTED, "GATE_EVENT": PLANTED, "GATE_PROGRAM": "lane"})
    yield json.dumps({"MESSAGE": PLANTED, "GATE_EVENT": "ready", "GATE_PROGRAM": NAME})
    yield PLANTED


def plant(folder: Path) -> None:
    (folder / "log.key").write_text(f"PRIVATE+KEY+{PLANTED}")
    (folder / "trust.sqlite").write_bytes(PLANTED.encode() * 100)


async def tried(settings: Config) -> list[selftest.TestOutcome]:
    """Those that read files, with what must not leave in each, and one whose words are a device's."""
    outcomes = [selftest.TestOutcome(name, State.WRONG, PLANTED, 1) for name in ("swipe", "page", "chip", "camera")]
    for name in ("log_key", "trust"):
        try:
            detail, state = await selftest.TESTS[name](settings), State.WELL
        except Exception as error:  # noqa: BLE001 - whatever it says is what is looked at
            detail, state = f"{error} {PLANTED}", State.WRONG
        outcomes.append(selftest.TestOutcome(name, state, detail, 1))
    return outcomes


async def made(folder: Path, **sources: Any) -> tuple[Bundle, bytes]:
    plant(folder)
    bundle = await collect(config(folder), **{"told_by": told, "tests": tried, "journal": journal, **sources})
    file = io.BytesIO()
    write(bundle, file, NOW)
    return bundle, file.getvalue()


async def test_nothing_that_was_planted_anywhere_leaves(tmp_path: Path) -> None:
    _, content = await made(tmp_path)
    assert found_in(content) == []
    assert b"north-7" in content
    assert b"admitted" in content


@pytest.mark.parametrize("secret", SECRETS)
def test_what_leaves_would_be_found_in_every_form(secret: str) -> None:
    for form in (secret.encode(), secret.encode().hex().encode(), base64.b64encode(b"x" + secret.encode() + b"yz")):
        assert secret in found_in(b"before " + form + b" after")


@pytest.mark.parametrize("officer", ["4711", "1974-08-12", "lane"])
async def test_an_officer_whose_id_is_a_number_or_a_word_of_ours_is_left_out(tmp_path: Path, officer: str) -> None:
    async def closed(_: Config) -> ProgramStatus:
        return ProgramStatus.of({"lane": Status("lane", "ready", {"closed_by": officer})})

    bundle, _ = await made(tmp_path, told_by=closed)
    (status,) = (json.loads(part.content) for part in bundle.parts if part.name == "status.json")
    assert status["detail"]["lane"]["closed_by"] == LEFT_OUT


async def test_the_manifest_names_every_file_and_its_hash(tmp_path: Path) -> None:
    import hashlib

    _, content = await made(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = {one.name.removeprefix("support/"): tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
    manifest = json.loads(files.pop("manifest.json"))
    assert {one["name"]: one["sha256"] for one in manifest["files"]} == {
        name: hashlib.sha256(text).hexdigest() for name, text in files.items()
    }
    assert set(files) == {
        "versions.json", "configuration.json", "status.json", "metrics.txt", "selftest.json", "journal.jsonl"
    }  # fmt: skip
    events = [json.loads(line) for line in files["journal.jsonl"].splitlines()]
    assert [one["event"] for one in events] == list(EVENTS)
    assert json.loads(files["status.json"])["detail"]["lane"]["counters"]["crossings"] == {"admitted": 3}


async def test_a_journal_that_may_not_be_read_is_missing_and_said_so(tmp_path: Path) -> None:
    def closed() -> Iterator[str]:
        raise PartError("this user may not read the journal")
        yield ""

    bundle, _ = await made(tmp_path, journal=closed)
    assert bundle.missing == ("journal.jsonl: this user may not read the journal",)


def test_an_event_keeps_its_numbers_and_its_words() -> None:
    line = {
        "GATE_EVENT": "tampered",
        "GATE_PROGRAM": "lane",
        "GATE_INCIDENT": "forced",
        "GATE_DOOR": "last",
        "GATE_CROSSING": "c1",
        "PRIORITY": "4",
        "__REALTIME_TIMESTAMP": "1795748400000000",
    }
    assert event_kept(line) == {
        "event": "tampered", "program": "lane", "incident": "forced", "door": "last", "priority": 4,
        "realtime_us": 1795748400000000,
    }  # fmt: skip


def test_plain_data_keeps_its_shape() -> None:
    assert kept({"lost": ["camera", NAME], "lag_ms": 3, NAME: 1}) == {"lost": ["camera", LEFT_OUT], "lag_ms": 3}
    assert kept(["lists_stale:trust", "document_check_failed:mrz", b"bytes"]) == [
        LEFT_OUT,
        "document_check_failed:mrz",
        LEFT_OUT,
    ]


def test_of_a_configuration_addresses_keep_their_hosts_and_persons_are_counted(tmp_path: Path) -> None:
    told_ = without_secrets(config(tmp_path))
    assert told_["camera"]["address"] == "http://192.0.2.7:8080"  # type: ignore[index]
    assert told_["sync"]["address"] == "c.example:8443"  # type: ignore[index]
    assert told_["sync"]["identity"] == LEFT_OUT  # type: ignore[index]
    assert told_["audit"] == "1 recipients"
    assert told_["barrier"]["port"] == "/dev/b"  # type: ignore[index]
