"""Every key that is missing was to go, by a record that says so, or the log is not all here; one that was to go and is here contradicts it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from fakes.audit_logs import SmallLog, crossing, happening

from gate.audit.record import Header, canonical_json
from gate.audit.spool import key_path
from gate.audit.unsealing import Unsealer
from gate.audit.writer import Wanted
from gate.cli.audit_records import with_story
from gate.verify.accounts import Accounts
from gate.verify.bundle import EntryLine
from gate.verify.findings import Report
from gate.verify.verify import contents, verify

DAY = "2026-11-25"
NOTE = sha256(b"an order").hexdigest()
KEYS = 3  # one a crossing


def own(kind: str, **body: object) -> Wanted:
    """A record of the log program's own."""
    return Wanted.of(replace(happening(kind), about="administration"), canonical_json(body))


def made(folder: Path) -> tuple[SmallLog, list[str]]:
    """A log of three crossings, and the key of each."""
    log = SmallLog(folder)
    log.write(*(crossing(f"c{number}") for number in range(KEYS)))
    leaves = [line.leaf for line in contents(log.spool) if isinstance(line, EntryLine)]
    return log, list(dict.fromkeys(Header.parse(leaf).key for leaf in leaves))


def ordered(*keys: str) -> Wanted:
    return own("keys_erased", by=["anna.example", "ben.example"], keys=list(keys), note=NOTE)


def expired(count: int, *, day: str = DAY, about: str = "crossing") -> Wanted:
    return own("keys_expired", **{"class": about, "day": day, "keys": count})


def without(log: SmallLog, keys: Iterable[str]) -> None:
    for key in keys:
        (log.spool / key_path(key)).unlink()


def judged(log: SmallLog, *others: Path) -> Report:
    return with_story(verify(log.spool, log.vkey, *others), [log.spool, *others], Unsealer(log.auditors[:1]))


def wrong(report: Report) -> list[str]:
    """What is told of keys; the short crossings of these logs contradict themselves besides."""
    return [one for one in report.problems if "keys" in one]


Said = Callable[[list[str]], list[Wanted]]
PARTIAL: Mapping[str, tuple[Said, tuple[int, ...]]] = {
    "nobody said": (lambda _: [], (0,)),
    "one of two was ordered": (lambda keys: [ordered(keys[0])], (0, 1)),
    "one of two had expired": (lambda _: [expired(1)], (0, 1)),
    "another day had expired": (lambda _: [expired(1, day="2026-11-24")], (0,)),
    "the central server's own word": (lambda keys: [own("keys_erased", gate="g", keys=keys, note=NOTE)], (0,)),
    "none of that day": (lambda _: [expired(0)], (0,)),
}
WHOLE: Mapping[str, tuple[Said, tuple[int, ...]]] = {
    "nothing is missing": (lambda _: [], ()),
    "ordered": (lambda keys: [ordered(keys[0])], (0,)),
    "ordered twice over a death": (lambda keys: [ordered(keys[0]), ordered(keys[0])], (0,)),
    "expired": (lambda _: [expired(3)], (0, 1, 2)),
    "expired, and told twice over a death": (lambda _: [expired(2), expired(2)], (0, 1)),
    "filed late": (lambda _: [expired(1, day="2026-11-27")], (2,)),
    "both": (lambda keys: [ordered(keys[0]), expired(2)], (0, 1, 2)),
}


@pytest.mark.parametrize("name", PARTIAL)
def test_a_key_that_is_missing_without_a_word_makes_the_log_partial(tmp_path: Path, name: str) -> None:
    said, gone = PARTIAL[name]
    log, keys = made(tmp_path)
    log.write([*said(keys), own("clock_stepped")])
    without(log, (keys[at] for at in gone))
    report = judged(log)
    assert wrong(report) == []
    assert report.is_partial
    assert any(one.startswith("1 keys of 5 entries are not here") for one in report.unknown), report.unknown


@pytest.mark.parametrize("name", WHOLE)
def test_keys_that_were_to_go_are_accounted_for(tmp_path: Path, name: str) -> None:
    said, gone = WHOLE[name]
    log, keys = made(tmp_path)
    log.write([*said(keys), own("clock_stepped")])
    without(log, (keys[at] for at in gone))
    report = judged(log)
    assert (wrong(report), report.is_partial) == ([], False), report.unknown
    assert verify(log.spool, log.vkey).is_partial is bool(gone), "whoever opens nothing cannot tell"


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        (lambda keys: [ordered(keys[0])], ()),
        (lambda keys: [ordered(keys[0], keys[1])], (0,)),
        (lambda _: [expired(1)], ()),
        (lambda _: [expired(3)], (0, 1)),
        (lambda keys: [ordered(keys[0]), expired(1)], (0,)),
        (lambda _: [expired(1), expired(1, day="2026-11-26")], (0,)),
        (lambda _: [expired(1, about="device")], (0,)),
    ],
    ids=[
        "ordered",
        "one of two",
        "expired",
        "two of three",
        "not the order's",
        "each day's are its own",
        "class",
    ],
)
def test_a_key_that_was_to_go_and_is_here_is_a_contradiction(tmp_path: Path, said: Said, gone: tuple[int, ...]) -> None:
    log, keys = made(tmp_path)
    log.write([*said(keys), own("clock_stepped")])
    without(log, (keys[at] for at in gone))
    assert len(wrong(judged(log))) == 1


def test_a_copy_from_before_the_order_is_no_contradiction_and_nothing_is_missing(tmp_path: Path) -> None:
    log, keys = made(tmp_path)
    before = tmp_path / "before.bundle"
    before.write_bytes(log.bundle())
    log.write([ordered(keys[0])])
    without(log, keys[:1])
    report = judged(log, before)
    assert (wrong(report), report.is_partial) == ([], False), report.unknown
    assert [one.still_here for one in report.erasures] == [1]
    after = tmp_path / "after.bundle"
    after.write_bytes(log.bundle())
    assert not judged(log, after).is_partial


def test_each_order_is_told_with_who_gave_it_and_what_became_of_it(tmp_path: Path) -> None:
    log, keys = made(tmp_path)
    log.write([ordered(*keys[:2])])
    without(log, keys[:1])
    (first,) = judged(log).erasures
    assert (first.index, first.by, first.note) == (15, ("anna.example", "ben.example"), NOTE)
    assert (first.keys, first.still_here, first.at_mirror) == (2, 1, False)
    without(log, keys[1:2])
    log.write([own("keys_erased_at_mirror", note=NOTE, mirror="central.example")])
    (again,) = judged(log).erasures
    assert (again.still_here, again.at_mirror) == (0, True)


@pytest.mark.parametrize(
    "body", [{}, {"keys": 3, "note": NOTE}, {"keys": ["a"], "note": None}, {"keys": [1], "note": NOTE, "by": "anna"}]
)
def test_a_record_that_is_none_accounts_for_nothing(tmp_path: Path, body: dict[str, object]) -> None:
    log, keys = made(tmp_path)
    log.write([own("keys_erased", **body), own("keys_expired", **body), own("keys_erased_at_mirror", **body)])
    without(log, keys[:1])
    assert judged(log).is_partial


def test_a_lane_cannot_account_for_a_key(tmp_path: Path) -> None:
    """The log program writes of keys under `administration`, and takes no such record from anybody."""
    log, keys = made(tmp_path)
    log.write([Wanted.of(happening("keys_erased"), canonical_json({"by": [], "keys": keys, "note": NOTE}))])
    without(log, keys)
    assert judged(log).is_partial


@pytest.mark.parametrize("control", ["gone", "contradictions"])
def test_the_proof_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: str) -> None:
    log, keys = made(tmp_path)
    log.write([ordered(keys[0])])
    without(log, keys[:1] if control == "gone" else ())
    assert (judged(log).is_partial, len(wrong(judged(log)))) == (False, int(control != "gone"))
    monkeypatch.setattr(Accounts, control, lambda *_: frozenset())
    assert (judged(log).is_partial, len(wrong(judged(log)))) == (control == "gone", 0)
