"""Whom records are sealed for is whom the lane's start named: others are found, and an honest change of them is none."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyrage
import pytest
from core_fakes.sealed_log import plain_record as wanted
from verify_fakes.audit_logs import OWN_KINDS, StoredLog

from gate_core.audit_format.record import Header
from gate_core.audit_format.sealer import CrossingKey, Sealer
from gate_core.audit_format.spool import key_path
from gate_core.audit_format.unsealer import Unsealer, readers_of
from gate_verify.audit_record import AuditRecord
from gate_verify.bundle import EntryLine
from gate_verify.findings import Report
from gate_verify.recipients import NamedRecipients
from gate_verify.records import with_story
from gate_verify.verify import contents, verify

OURS, THEIRS = ("a" * 64, "b" * 64), ("a" * 64, "c" * 64)


def digest(hashes: Iterable[str]) -> str:
    return sha256("\n".join(sorted(hashes)).encode()).hexdigest()


Row = tuple[str | None, str, Any]


def judged(*rows: Row) -> tuple[str, ...]:
    """Records: what kind, sealed for whom, and, of a start, whom it names."""
    named = NamedRecipients()
    for index, (kind, recipients, names) in enumerate(rows):
        about = "device" if kind in {None, "started"} else "crossing"
        body = None if kind is None else {} if names is None else {"recipients": names}
        named.take(AuditRecord(index, "", about, "k", kind, body=body, recipients=recipients))
    return named.contradictions()


START: Row = ("started", digest(OURS), list(OURS))
RECORD: Row = ("opened", digest(OURS), None)
STRANGE: Row = ("opened", digest(THEIRS), None)
OWN: Row = ("clock_stepped", digest(THEIRS), None)
START_THEIRS: Row = ("started", digest(THEIRS), list(THEIRS))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ((RECORD, START, RECORD, RECORD), ()),
        ((START, STRANGE), ("entry 1 is",)),
        ((START, STRANGE, STRANGE, RECORD, STRANGE), ("entries 1 to 2 are", "entry 4 is")),
        ((START, RECORD, START_THEIRS, STRANGE), ()),
        ((START, OWN, OWN, START_THEIRS, STRANGE), ()),
        ((START, OWN, STRANGE, START_THEIRS), ("entries 1 to 2 are",)),
        ((START, OWN, START), ("entry 1 is",)),
        ((START, OWN), ("entry 1 is",)),
        ((("started", digest(THEIRS), list(OURS)),), ("entry 0 is",)),
        ((("started", digest(OURS), "nonsense"),), ("entry 0 is",)),
        ((("started", "", None), ("opened", "", None)), ()),
        ((START, ("opened", "", None)), ("entry 1 is",)),
        ((("started", "", None), STRANGE), ()),
        ((START, ("started", digest(OURS), []), STRANGE), ("entry 1, a start of the lane, is",)),
        ((START, ("started", digest(THEIRS), None), STRANGE), ("entry 1, a start of the lane, is",)),
        ((START, (None, digest(THEIRS), None), STRANGE), ()),
        ((START, (None, digest(OURS), None), STRANGE), ("entry 2 is",)),
    ],
)
def test_what_is_sealed_for_others_than_the_start_before_named_is_found(
    rows: tuple[Row, ...], found: tuple[str, ...]
) -> None:
    assert tuple(one.partition(" sealed")[0] for one in judged(*rows)) == found


def test_each_kind_that_the_log_writes_of_its_own_may_be_sealed_for_those_whom_the_next_start_names() -> None:
    for kind in OWN_KINDS:
        assert judged(START, (kind, digest(THEIRS), None), START_THEIRS) == (), kind


def reported(log: StoredLog) -> Report:
    return with_story(verify(log.spool, log.vkey), [log.spool], Unsealer([log.auditors[0]]))


def started(log: StoredLog) -> dict[str, object]:
    return {"recipients": list(log.recipients)}


def test_a_log_that_seals_for_a_stranger_too_is_not_verified_by_whoever_can_open_it(tmp_path: Path) -> None:
    log = StoredLog(tmp_path)
    log.write([wanted("started", body=started(log)), wanted("presence")])
    honest = reported(log)
    assert (honest.verified, [one.since for one in honest.recipients]) == (True, [0])
    watched = dataclasses.replace(log, auditors=(*log.auditors, pyrage.x25519.Identity.generate()))
    watched.write([wanted("incident")])
    found = reported(log)
    assert [one.since for one in found.recipients] == [0, 2], "in clear, for whoever holds no key"
    assert found.problems == ("entry 2 is sealed for others than the start of the lane before named",)
    watched.write([wanted("started", body=started(watched))])
    assert reported(log).problems == found.problems, "a start afterwards excuses nothing of the lane's"


# ── age files ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Wrapping(Sealer):
    """Seals for the recipients that the headers name, and wraps the keys for others."""

    def __init__(self, named: Sequence[str], wrapped_for: Sequence[Sequence[str]]) -> None:
        super().__init__(named)
        self._for = [[pyrage.x25519.Recipient.from_str(one) for one in some] for some in wrapped_for]

    def new_key(self) -> CrossingKey:
        self._recipients = self._for.pop(0) if len(self._for) > 1 else self._for[0]
        return super().new_key()


def wrapped(folder: Path, *readers: str) -> tuple[StoredLog, Unsealer]:
    """A log whose keys, the start's, c1's and c2's, are wrapped for some of the two auditors, a and b, and a stranger, s; the last of these for the rest."""
    auditors = (pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate())
    people = dict(zip("abs", (*auditors, pyrage.x25519.Identity.generate()), strict=True))
    keys = {name: str(one.to_public()) for name, one in people.items()}
    some = [[keys[one] for one in names] for names in readers]
    log = StoredLog(folder, auditors=auditors, sealing=lambda named: Wrapping(named, some))
    log.write([wanted("started", body=started(log)), wanted("opened", "c1"), wanted("opened", "c2")])
    return log, Unsealer(log.auditors[:1])


def keys_of(log: StoredLog, unsealer: Unsealer, path: Path | None = None) -> list[str]:
    path = path or log.spool
    report = with_story(verify(path, log.vkey), [path], unsealer)
    assert report.intact
    assert report.verified is not bool(report.problems)
    return [one for one in report.problems if "keys" in one]


@pytest.mark.parametrize(
    ("readers", "says"),
    [
        (("abs",), "3 keys, the first of entry 0, are for 3 readers, and the start of the lane names 2"),
        (("a",), "3 keys, the first of entry 0, are for 1 readers, and the start of the lane names 2"),
        (("ab", "ab", "abs"), "1 keys, the first of entry 2, are for 3 readers, and the start of the lane names 2"),
        (("ab", "a", "ab"), "1 keys, the first of entry 1, are for 1 readers, and the start of the lane names 2"),
        (("ab", "bs", "ab"), "1 keys, the first of entry 1, do not open for "),
        (("ab", "b", "ab"), "1 keys, the first of entry 1, do not open for "),
        (("ab", "ss", "ab"), "1 keys, the first of entry 1, do not open for "),
    ],
)
def test_keys_that_are_wrapped_for_others_than_the_start_named_are_found(
    tmp_path: Path, readers: tuple[str, ...], says: str
) -> None:
    found = keys_of(*wrapped(tmp_path, *readers))
    assert any(one.startswith(says) for one in found), found


def test_a_stranger_in_the_place_of_an_auditor_is_found_by_that_auditor_alone(tmp_path: Path) -> None:
    log, mine = wrapped(tmp_path, "ab", "as")
    theirs = Unsealer(log.auditors[1:])
    assert (keys_of(log, mine), len(keys_of(log, theirs))) == ([], 1)
    assert len(keys_of(log, Unsealer(log.auditors))) == 1, "each identity by itself"


def test_keys_that_are_wrapped_for_whom_the_start_named_are_none(tmp_path: Path) -> None:
    log, unsealer = wrapped(tmp_path, "ab")
    assert keys_of(log, unsealer) == []


def test_keys_from_before_the_start_that_names_their_set_are_held_to_it_too(tmp_path: Path) -> None:
    stranger = str(pyrage.x25519.Identity.generate().to_public())
    log = StoredLog(tmp_path, sealing=lambda two: Wrapping(two, [[*two, stranger], two]))
    log.write([wanted("opened", "c1"), wanted("opened", "c2")])
    log = dataclasses.replace(log, sealing=Sealer)
    unsealer = Unsealer(log.auditors[:1])
    other = "1 keys, the first of entry 1, are for other readers than an earlier key of the same set"
    assert keys_of(log, unsealer) == [other], "no start names anybody, and yet one set has one number of readers"
    log.write([wanted("started", body=started(log))])
    problem = "1 keys, the first of entry 0, are for 3 readers, and the start of the lane names 2"
    assert keys_of(log, unsealer) == [problem]
    part = tmp_path / "part.bundle"
    part.write_bytes(log.bundle(since=1))
    assert keys_of(log, unsealer, part) == []


def test_an_identity_that_no_start_named_need_not_open_anything(tmp_path: Path) -> None:
    log, _ = wrapped(tmp_path, "ab")
    both = Unsealer([log.auditors[0], pyrage.x25519.Identity.generate()])
    assert keys_of(log, both) == []


def with_a_third(folder: Path, *readers: str) -> tuple[StoredLog, Report]:
    """After an honest start one, of a set that a stranger is in as well, whose key is wrapped for these readers, and what follows for all of that set."""
    log, stranger = StoredLog(folder), pyrage.x25519.Identity.generate()
    log.write([wanted("started", body=started(log)), wanted("presence")])
    people = dict(zip("abs", (str(one.to_public()) for one in (*log.auditors, stranger)), strict=True))
    sealed = [[people[one] for one in names] for names in (*readers, "abs")]
    watched = dataclasses.replace(
        log, auditors=(*log.auditors, stranger), sealing=lambda named: Wrapping(named, sealed)
    )
    watched.write(
        [wanted("started", body=started(watched))], *([wanted("opened", f"c{number}")] for number in range(3))
    )
    return log, reported(log)


@pytest.mark.parametrize("readers", ["s", "bs", "sss"])
def test_a_start_that_an_auditor_cannot_open_hides_no_third_reader(tmp_path: Path, readers: str) -> None:
    """The other keys of that set open for the auditor, and have a stanza more or less."""
    _, report = with_a_third(tmp_path, readers)
    assert report.problems == (
        "3 keys, the first of entry 3, are for other readers than an earlier key of the same set",
    )
    assert any(one.startswith("who can read 4 keys: they are for the set ") for one in report.unknown), report.unknown


def test_a_set_that_no_start_names_is_told_of_as_unknown(tmp_path: Path) -> None:
    log, report = with_a_third(tmp_path, "abs")
    assert not any(one.startswith("who can read") for one in report.unknown), "the start opens and names it"
    leaves = [one.leaf for one in contents(log.spool) if isinstance(one, EntryLine)]
    (log.spool / key_path(Header.parse(leaves[2]).key)).unlink()
    report = reported(log)
    assert any(one.startswith("who can read 3 keys: they are for the set ") for one in report.unknown), report.unknown
    assert report.is_partial


class Bogus(Sealer):
    """Seals with another key than the age file holds, or with what is no key."""

    secret_bytes = 32

    def new_key(self) -> CrossingKey:
        secret = os.urandom(self.secret_bytes)
        return CrossingKey(os.urandom(32), pyrage.encrypt(secret, self._recipients), self._digest)


class Short(Bogus):
    secret_bytes = 31


@pytest.mark.parametrize(
    ("sealing", "why"),
    [(Bogus, "the sealed body does not open with its key"), (Short, "the age file holds something else than a key")],
)
def test_a_crossing_that_was_sealed_so_that_its_own_key_does_not_open_it_is_a_problem(
    tmp_path: Path, sealing: type[Bogus], why: str
) -> None:
    log = StoredLog(tmp_path)
    log.write([wanted("started", body=started(log)), wanted("presence")])
    dataclasses.replace(log, sealing=sealing).write([wanted(kind, "c1") for kind in ("opened", "closed")])
    copy = tmp_path / "copy.bundle"
    copy.write_bytes(log.bundle())
    report = with_story(verify(log.spool, log.vkey, copy), [log.spool, copy], Unsealer(log.auditors[:1]))
    assert (report.problems, report.intact) == ((f"entries 2-3: {why}",), True)


def test_an_auditor_who_is_named_twice_is_one_reader(tmp_path: Path) -> None:
    auditor = pyrage.x25519.Identity.generate()
    log = StoredLog(tmp_path, auditors=(auditor, auditor))
    log.write([wanted("started", body=started(log)), wanted("presence")])
    assert reported(log).problems == ()


@pytest.mark.parametrize(
    ("stanzas", "count"),
    [
        ("-> X25519 a\nb\n", 1),
        ("-> X25519 a\nb\n-> X25519 c\nd\n-> q7-grease z\n\n", 2),
        ("-> X25519 a\nb\n-> p-grease z\n\n-> q-grease\n\n", 2),
        ("-> X25519 a\nb\n-> ssh-ed25519 c d\ne\n", 2),
        ("-> scrypt a 18\nb\n", 1),
        ("", 0),
    ],
)
def test_every_stanza_is_a_reader_but_the_one_that_the_library_adds(stanzas: str, count: int) -> None:
    assert readers_of(f"age-encryption.org/v1\n{stanzas}--- mac\n-> X25519 no\n".encode()) == count


def test_nothing_is_no_age_file() -> None:
    assert [readers_of(one) for one in (b"", b"\x00" * 99, b"age-encryption.org/v1\n")] == [0, 0, 0]
