"""Records and their sealing: one spelling, bound bodies, keys that are forgotten in time."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from shutil import which
from typing import Any

import pyrage
import pytest
from core_fakes.sealed_log import BOOT, ORIGIN, TIME, happening
from msgspec.structs import replace

from gate_core.audit_format.errors import BadFormatError, SealError
from gate_core.audit_format.record import HEADER_BYTES_MAX, Header, canonical_json, time_text
from gate_core.audit_format.sealer import (
    KEY_LINGERS_MS,
    KEYS_MAX,
    LONE_RECORDS_MAX,
    READY_MAX,
    CrossingKey,
    KeyRing,
    SealedRecord,
    Sealer,
    plaintext,
    seal,
)
from gate_core.audit_format.unsealer import Closed, OpenedRecord, Unsealer

AUDITORS = [pyrage.x25519.Identity.generate() for _ in range(2)]
SEALER = Sealer([str(one.to_public()) for one in AUDITORS])
HAPPENING = happening("opened", "c1")


def sealed(body: dict[str, Any], key: CrossingKey, index: int = 0, origin: str = ORIGIN) -> SealedRecord:
    return seal(HAPPENING, plaintext(HAPPENING, canonical_json(body)), origin=origin, index=index, key=key)


def opened(unsealer: Unsealer, record: SealedRecord) -> OpenedRecord:
    found = unsealer.open(record.header, record.sealed)
    assert isinstance(found, OpenedRecord)
    return found


def test_every_auditor_opens_a_body_and_nobody_else() -> None:
    key = SEALER.new_key()
    record = sealed({"reasons": ["face_unsure"]}, key)
    for identity in AUDITORS:
        unsealer = Unsealer([identity])
        unsealer.learn(key.wrapped)
        found = opened(unsealer, record)
        assert found.body == {"reasons": ["face_unsure"]}
        assert (found.kind, found.crossing, found.time) == ("opened", "c1", TIME)
        assert (found.monotonic_ms, found.boot, found.id) == (1, BOOT, HAPPENING.id.hex())
    stranger = Unsealer([pyrage.x25519.Identity.generate()])
    assert not stranger.learn(key.wrapped)
    assert stranger.open(record.header, record.sealed) is Closed.FOREIGN


def test_a_body_whose_key_is_gone_does_not_open() -> None:
    record = sealed({}, SEALER.new_key())
    assert Unsealer(AUDITORS).open(record.header, record.sealed) is Closed.ERASED


def test_a_body_cannot_be_moved_to_another_record() -> None:
    key = SEALER.new_key()
    record, other = sealed({"a": 1}, key, index=1), sealed({"a": 2}, key, index=2)
    unsealer = Unsealer(AUDITORS)
    unsealer.learn(key.wrapped)
    assert unsealer.open(record.header, other.sealed) is Closed.OTHER_BODY
    forged = replace(record.header, sealed=other.header.sealed)
    assert unsealer.open(forged, other.sealed) is Closed.UNREADABLE


def test_a_body_cannot_be_moved_to_another_log() -> None:
    key = SEALER.new_key()
    record = sealed({"a": 1}, key)
    unsealer = Unsealer(AUDITORS)
    unsealer.learn(key.wrapped)
    assert opened(unsealer, record).body == {"a": 1}
    for elsewhere in (replace(record.header, origin="border.example/gate-0002/demo"), replace(record.header, index=9)):
        assert unsealer.open(elsewhere, record.sealed) is Closed.UNREADABLE


def test_an_age_file_with_something_else_opens_nothing() -> None:
    wrapped = pyrage.encrypt(b"short", [AUDITORS[0].to_public()])
    unsealer = Unsealer(AUDITORS)
    assert not unsealer.learn(wrapped)
    record = sealed({}, SEALER.new_key())
    named = replace(record.header, key=hashlib.sha256(wrapped).hexdigest())
    assert unsealer.open(named, record.sealed) is Closed.NO_KEY
    assert [one for one in Closed if not one.is_damage] == [Closed.ERASED, Closed.FOREIGN]


@pytest.mark.parametrize(
    "plain",
    [
        b"[]",
        b"{}",
        b"{}\n[]",
        b'{"kind":"opened"}\n{}',
        HAPPENING.envelope() + b"\n[]",
        HAPPENING.envelope() + b"\n{}\n{}",
    ],
)
def test_a_plaintext_that_is_not_envelope_and_body_is_refused(plain: bytes) -> None:
    key = SEALER.new_key()
    record = seal(HAPPENING, plain, origin=ORIGIN, index=0, key=key)
    unsealer = Unsealer(AUDITORS)
    unsealer.learn(key.wrapped)
    assert unsealer.open(record.header, record.sealed) is Closed.UNREADABLE


def test_a_body_has_one_of_three_lengths_and_the_sender_may_ask_for_a_longer_one() -> None:
    def length(body: bytes, bytes_min: int = 0) -> int:
        return len(plaintext(HAPPENING, body, bytes_min))

    assert length(b"{}") == length(b"{" + b" " * 1300 + b"}") == 1536
    assert length(b"{" + b" " * 2000 + b"}") == length(b"{}", 1537) == length(b"{}", 8192) == 8192
    assert length(b"{" + b" " * 8100 + b"}") == length(b"{}", 8193) == 49152
    with pytest.raises(BadFormatError, match="exceeds"):
        plaintext(HAPPENING, b"{}", 49153)


def test_the_senders_bytes_are_sealed_as_they_are() -> None:
    body = b'{"b":1,  "a":[1.50]}'
    assert plaintext(HAPPENING, body).rstrip().partition(b"\n")[2] == body


def test_a_key_does_not_show_itself() -> None:
    key = SEALER.new_key()
    assert key.secret.hex() not in repr(key)
    assert repr(key) == f"CrossingKey({key.id[:8]}…)"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}\n", b"{}\n{}", b" {}", '{"ü":1}'.encode(), b"{\x00}", b"{\x7f}", b"{" + b"x" * 49_000 + b"}"],
)
def test_a_body_that_is_not_one_line_or_too_long_is_refused(body: bytes) -> None:
    with pytest.raises(BadFormatError):
        plaintext(HAPPENING, body)


@pytest.mark.parametrize("value", [{"a": b"bytes"}, {"a": float("nan")}, {"a": datetime.now(UTC)}])
def test_what_has_no_spelling_in_json_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(BadFormatError):
        canonical_json(value)


@pytest.mark.parametrize("recipients", [[], ["nonsense"], ["age1qqqq"]])
def test_recipients_that_cannot_work_are_refused(recipients: list[str]) -> None:
    with pytest.raises(SealError):
        Sealer(recipients)


# ── headers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_header_has_one_spelling_and_comes_back() -> None:
    leaf = sealed({}, SEALER.new_key()).header.leaf()
    assert Header.parse(leaf).leaf() == leaf
    assert b" " not in leaf


def test_a_header_of_before_recipients_were_named_reads_as_it_was() -> None:
    leaf = sealed({}, SEALER.new_key()).header.leaf()
    older = re.sub(rb'"recipients":"[0-9a-f]*",', b"", leaf).replace(b'"v":3', b'"v":2')
    header = Header.parse(older)
    assert (header.leaf(), header.recipients) == (older, "")
    assert b"recipients" not in header.bound()


def test_a_header_names_whom_its_record_is_sealed_for_whatever_their_order() -> None:
    auditors = [str(one.to_public()) for one in AUDITORS]
    hashes = sorted(hashlib.sha256(one.encode()).hexdigest() for one in auditors)
    digest = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    for order in (auditors, auditors[::-1], [*auditors, auditors[0]]):
        assert sealed({}, Sealer(order).new_key()).header.recipients == digest
    assert sealed({}, Sealer(auditors[:1]).new_key()).header.recipients != digest


def test_any_other_spelling_of_a_header_is_refused() -> None:
    leaf = sealed({}, SEALER.new_key()).header.leaf()
    others = [
        leaf.replace(b'"v":3', b'"v":1'),
        leaf.replace(b'"v":3', b'"v":2'),
        leaf.replace(b'"v":3', b'"v":3.0'),
        leaf.replace(b'"recipients"', b'"Recipients"'),
        leaf.replace(b'"recipients":"', b'"recipients":"z'),
        re.sub(rb'"recipients":"[0-9a-f]*",', b"", leaf),
        re.sub(rb'"recipients":"[0-9a-f]*"', b'"recipients":""', leaf).replace(b'"v":3', b'"v":2'),
        leaf.replace(b",", b", ", 1),
        leaf.replace(b'"index":0', b'"index":-1'),
        leaf.replace(b'"class":"crossing"', b'"class":"granted"'),
        leaf.replace(b'"class":"crossing"', b'"class":"\\u0063rossing"'),
        leaf.replace(b'"origin":"border', b'"origin":"b order'),
        leaf.replace(b'"origin":"border', b'"origin":"b+order'),
        leaf.replace(b'"origin"', b'"Origin"'),
        leaf.replace(b'"hour":"2026', b'"hour":"x026'),
        leaf.replace(b":00:00Z", b":00:01Z"),
        leaf.replace(b'"sealed":"', b'"sealed":"z'),
        leaf + b" " * HEADER_BYTES_MAX,
        leaf[:-1],
        b"\xff",
        b"[]",
    ]
    for other in others:
        with pytest.raises(BadFormatError):
            Header.parse(other)


def test_the_header_says_no_more_than_class_and_hour() -> None:
    header = sealed({"verdict": "referred"}, SEALER.new_key()).header
    assert set(json.loads(header.leaf())) == {"v", "index", "class", "hour", "origin", "sealed", "key", "recipients"}
    assert (header.about, header.hour, header.origin) == ("crossing", "2026-11-25T10:00:00Z", ORIGIN)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": ""},
        {"kind": "a" * 41},
        {"crossing": ""},
        {"crossing": "ü"},
        {"crossing": None},
        {"about": "device"},
        {"about": "granted"},
        {"monotonic_ms": -1},
        {"monotonic_ms": 2**53},
        {"id": b"short"},
        {"time": "now"},
        {"boot": "X"},
    ],
)
def test_a_happening_out_of_bounds_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BadFormatError):
        dataclasses.replace(HAPPENING, **changed)


def test_times_are_written_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 11, 25, 12, 0, 0, 987_654, tzinfo=timezone(timedelta(hours=2)))
    assert time_text(moment) == "2026-11-25T10:00:00.987Z"


def test_json_that_cannot_be_written_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(BadFormatError):
        canonical_json(deep)


# ── the keys in memory ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_crossing_keeps_its_key_until_its_officer_had_time() -> None:
    ring = KeyRing(SEALER)
    key = ring.key_for(happening("opened", "c1"), 0)
    assert ring.key_for(happening("closed", "c1"), 10) is key
    assert ring.key_for(happening("incident", "c1"), 10 + KEY_LINGERS_MS - 1) is key
    assert ring.key_for(happening("incident", "c1"), 10 + KEY_LINGERS_MS) is not key


def test_keys_that_were_made_ready_seal_one_crossing_each_and_are_forgotten_with_the_others() -> None:
    ring = KeyRing(SEALER)
    ring.make_ready()
    ring.make_ready()
    assert len(ring) == 0, "they are no crossing's"
    used = {ring.key_for(happening("opened", f"c{number}"), 0).id for number in range(READY_MAX + 2)}
    used |= {ring.key_for(happening("presence"), 0).id}
    assert len(used) == READY_MAX + 3
    ring.make_ready()
    ready = {one.id for one in ring._ready}
    ring.drop_all()
    assert ring.key_for(happening("opened", "after"), 0).id not in ready | used


def test_a_disposition_is_the_last_record_with_a_crossings_key() -> None:
    ring = KeyRing(SEALER)
    key = ring.key_for(happening("opened", "c1"), 0)
    ring.key_for(happening("closed", "c1"), 1)
    assert ring.key_for(happening("disposition", "c1"), 2) is key
    ring.drop_old(2)
    assert len(ring) == 0


def test_a_crossing_that_goes_on_keeps_its_key() -> None:
    ring = KeyRing(SEALER)
    key = ring.key_for(happening("opened", "c1"), 0)
    ring.key_for(happening("closed", "c1"), 1)
    ring.key_for(happening("decided", "c1"), 2)
    assert ring.key_for(happening("granted", "c1"), 2 + KEY_LINGERS_MS) is key
    assert ring.key_for(happening("closed", "c1"), 3 + KEY_LINGERS_MS) is key
    ring.drop_old(4 + KEY_LINGERS_MS)
    assert len(ring) == 1


def test_the_oldest_key_goes_when_there_are_too_many() -> None:
    ring = KeyRing(SEALER)
    first = ring.key_for(happening("opened", "c0"), 0)
    for n in range(1, KEYS_MAX + 1):
        ring.key_for(happening("opened", f"c{n}"), 0)
    assert len(ring) == KEYS_MAX
    assert ring.key_for(happening("decided", "c0"), 0) is not first


def test_records_without_a_crossing_share_a_key_for_a_while() -> None:
    ring = KeyRing(SEALER)
    used = [ring.key_for(happening("presence", None), 0) for _ in range(LONE_RECORDS_MAX + 1)]
    assert len(set(map(id, used))) == 2
    assert used[0] is used[LONE_RECORDS_MAX - 1] is not used[LONE_RECORDS_MAX]


def test_no_key_is_left_after_all_are_dropped() -> None:
    ring = KeyRing(SEALER)
    crossing, lone = ring.key_for(happening("opened", "c1"), 0), ring.key_for(happening("presence", None), 0)
    ring.drop_all()
    assert len(ring) == 0
    assert ring.key_for(happening("opened", "c1"), 0) is not crossing
    assert ring.key_for(happening("presence", None), 0) is not lone


# ── auditors' files ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_identity_file_of_age_is_read(tmp_path: Path) -> None:
    path = tmp_path / "auditor.identity"
    path.write_text(f"# created: today\n\n{AUDITORS[0]}\n")
    unsealer = Unsealer.from_file(path)
    unsealer.learn(SEALER.new_key().wrapped)


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff", b"AGE-SECRET-KEY-1NONSENSE\n"])
def test_what_is_no_identity_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "auditor.identity"
    path.write_bytes(content)
    with pytest.raises(BadFormatError):
        Unsealer.from_file(path)


@pytest.mark.skipif(which("age") is None, reason="Debian's age is not installed")
def test_age_from_debian_opens_a_wrapped_key(tmp_path: Path) -> None:
    key = SEALER.new_key()
    (tmp_path / "key.age").write_bytes(key.wrapped)
    for n, identity in enumerate(AUDITORS):
        path = tmp_path / f"{n}.identity"
        path.write_text(f"{identity}\n")
        command = ["age", "--decrypt", "--identity", str(path), str(tmp_path / "key.age")]
        assert subprocess.run(command, capture_output=True, check=True, timeout=20).stdout == key.secret
