"""Every key that is missing was to go, by a record that says so, or the log is not all here; one that was to go and is here contradicts it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from core_fakes.approvals import signer
from core_fakes.sealed_log import ORIGIN, crossing, happening
from typer.testing import CliRunner
from verify_fakes.audit_logs import StoredLog, Wanted
from verify_fakes.key_accounts import (
    DAY,
    KEYS,
    LATER,
    NOTE,
    begun,
    expired,
    judged,
    keys_of,
    made,
    opened,
    ordered,
    own,
    without,
    wrong,
)

from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.audit_format.record import canonical_json
from gate_core.audit_format.spool import key_path
from gate_core.audit_format.unsealer import Unsealer
from gate_verify.accounts import Accounts
from gate_verify.audit_record import AuditRecord
from gate_verify.commands.audit import app
from gate_verify.findings import Held, Ledger
from gate_verify.records import with_story
from gate_verify.verify import verify

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
    "told again when one had gone by order": (lambda _: [expired(2), expired(1)], (0, 1)),
    "the last day that can be": (lambda _: [expired(1, day="2026-12-25")], (2,)),
    "filed late": (lambda _: [expired(1, day="2026-11-27")], (2,)),
    "both": (lambda keys: [ordered(keys[0]), expired(2)], (0, 1, 2)),
    "an order of one that had expired and one that had not": (lambda keys: [expired(2), ordered(*keys[1:])], (0, 1, 2)),
    "ordered between two tellings": (lambda keys: [expired(3), ordered(keys[0]), expired(2)], (0, 1, 2)),
    "ordered twice, before it was counted too": (
        lambda keys: [ordered(keys[0]), expired(2), ordered(*keys[:2])],
        (0, 1, 2),
    ),
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
        (lambda keys: [expired(1, day="2026-11-24"), ordered(keys[0])], (0,)),
        (lambda _: [expired(1), expired(1, day="2026-11-26")], (0,)),
        (lambda _: [expired(1, about="device", day="2026-01-05")], (0,)),
    ],
    ids=[
        "ordered",
        "one of two",
        "expired",
        "two of three",
        "not the order's",
        "of an earlier day than what the order names",
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
    assert (first.index, first.by, first.signed) == (16, ("anna.example", "ben.example"), True)
    assert (first.keys, first.still_here, first.at_mirror) == (2, 1, False)
    without(log, keys[1:2])
    log.write([own("keys_erased_at_mirror", note=first.note, mirror="central.example")])
    (again,) = judged(log).erasures
    assert (again.still_here, again.at_mirror) == (0, True)


def test_people_read_of_each_order_who_gave_it_and_what_became_of_it(tmp_path: Path) -> None:
    log, keys = made(tmp_path)
    (tmp_path / "one.identity").write_text(f"{log.auditors[0]}\n")

    def said() -> list[str]:
        words = ["verify", log.spool, "--vkey", log.vkey, "--identity", tmp_path / "one.identity"]
        lines = CliRunner().invoke(app, [str(one) for one in words]).stdout.splitlines()
        return [one.partition(", order ")[0] + one[-40:] for one in lines if one.startswith("entry")]

    assert said() == []
    log.write([ordered(*keys[:2])])
    by = "entry 16: 2 keys ordered erased by anna.example, ben.example"
    (line,) = said()
    assert (line.startswith(by), line.endswith(": 2 are still here")) == (True, True), line
    without(log, keys[:2])
    (line,) = said()
    assert (line.startswith(by), line.endswith(": none is here")) == (True, True), line
    note = judged(log).erasures[0].note
    log.write([own("keys_erased_at_mirror", note=note), own("keys_erased", keys=[keys[2]], note=NOTE)])
    first, second = said()
    assert first.endswith(" none is here, nor at the central server")
    assert second.startswith("entry 18: 1 keys ordered erased by the gate's word alone")


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


BRIBED: Mapping[str, Said] = {
    "signed by nobody whom the start names": lambda keys: [ordered(keys[0], by=(signer("eve"), signer("mallory")))],
    "signed by one": lambda keys: [ordered(keys[0], by=(signer("anna"),))],
    "signed twice by one": lambda keys: [ordered(keys[0], by=(signer("anna"), signer("anna")))],
    "signed with other keys under their names": lambda keys: [
        ordered(keys[0], by=(Signer.generate("anna.example"), Signer.generate("ben.example")))
    ],
    "signed for another key": lambda keys: [ordered(keys[1], keys=[keys[0]])],
    "of another note": lambda keys: [ordered(keys[0], note=NOTE)],
    "no signatures at all": lambda keys: [ordered(keys[0], signatures=["x", 7, "\ud800"])],
    "forgotten the same day": lambda _: [expired(1, day=LATER)],
    "forgotten the day after": lambda _: [expired(1, day="2026-12-26")],
    "of a day to come": lambda _: [expired(1, day="9999-01-01")],
    "of no day": lambda _: [expired(1, day="zzzz")],
    "of a day in another spelling": lambda _: [expired(1, day="2026-W01-1")],
    "of no class": lambda _: [expired(1, about="x")],
    "fewer than none": lambda _: [expired(-1)],
    "after a day, of a class that is kept for half a year": lambda _: [expired(1, day=DAY, about="administration")],
}


@pytest.mark.parametrize("name", BRIBED)
def test_who_has_the_gate_explains_no_missing_key_by_a_record_of_their_own(tmp_path: Path, name: str) -> None:
    log, keys = made(tmp_path)
    log.write(BRIBED[name](keys))
    without(log, keys[:1])
    assert len(wrong(judged(log))) == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_an_order_whose_signatures_cannot_be_judged_is_the_gates_word(tmp_path: Path, *, is_known: bool) -> None:
    """Of logs from before records held them or without names, and of orders before any start."""
    log = begun(tmp_path) if is_known else StoredLog(tmp_path)
    log.write(crossing("c0"))
    (key,) = keys_of(log)
    body = {"by": ["anna.example", "ben.example"], "keys": [key], "note": NOTE}
    log.write([own("keys_erased", **body) if is_known else ordered(key)])
    without(log, [key])
    report = judged(log)
    assert (wrong(report), report.is_partial, [one.signed for one in report.erasures]) == ([], True, [False])
    assert any("the gate's word" in one for one in report.unknown), report.unknown


def test_copies_that_others_keep_longer_are_no_contradiction_and_said(tmp_path: Path) -> None:
    """The central server keeps by its own settings, and its holds; a folder of its export has its cosignature."""
    log, keys = made(tmp_path)
    log.write([expired(3)])
    bundle, folder = tmp_path / "central.bundle", tmp_path / "central"
    without(log, keys[:1])
    bundle.write_bytes(log.bundle())
    shutil.copytree(log.spool, folder)
    mirror = Signer.generate("central.example", Algorithm.COSIGNATURE_V1)
    note = Note.parse((folder / "checkpoint").read_bytes())
    (folder / "checkpoint").write_bytes(note.with_signatures([mirror.cosign(note.text, 1_798_300_000)]).to_bytes())
    assert len(wrong(judged(log))) == 1, "the gate's own"
    without(log, keys[1:])
    report = judged(log, bundle, folder)
    assert (wrong(report), report.is_partial) == ([], False), report.unknown
    kept = [one for one in report.unknown if one.startswith("why central")]
    assert sorted(one.partition(" of ")[0] for one in kept) == [
        "why central has 2 keys",
        "why central.bundle has 2 keys",
    ]


def test_no_key_goes_in_the_place_of_one_that_was_put_back(tmp_path: Path) -> None:
    """A day is held, the next one was forgotten; the courier puts the key of that back and takes one of the held day away."""
    log = begun(tmp_path)
    log.write([opened("held", "2026-11-20")], [opened("over", "2026-11-21")], [opened("young", LATER)])
    keys = keys_of(log)
    log.write([expired(1, day="2026-11-21")])
    log.spool.joinpath(key_path(keys[1])).rename(tmp_path / "aside")
    honest = judged(log)
    assert (wrong(honest), honest.is_partial) == ([], False)
    assert any(one.startswith("why spool has 1 keys of class crossing of 2026-11-20") for one in honest.unknown)
    log.spool.joinpath(key_path(keys[0])).rename(log.spool / "away")
    (tmp_path / "aside").rename(log.spool / key_path(keys[1]))
    (log.spool / "away").unlink()
    report = judged(log)
    assert (wrong(report), report.is_partial) == ([], True)


def test_an_ordered_key_of_entries_that_went_is_found_too(tmp_path: Path) -> None:
    log = begun(tmp_path)
    log.write([one for number in range(60) for one in crossing(f"c{number}")])
    log.write([ordered(keys_of(log)[0]), own("clock_stepped")])
    for piece in ("tile/entries/000", "sealed/000"):
        (log.spool / piece).unlink()
    (problem,) = wrong(judged(log))
    assert "1 of the 1 keys that were ordered erased" in problem


def test_a_copy_without_any_key_is_told_of_beside_a_whole_one_and_one_of_tiles_alone_is_not(tmp_path: Path) -> None:
    log, _ = made(tmp_path)
    other = tmp_path / "other"
    shutil.copytree(log.spool, other)
    shutil.rmtree(other / "keys")
    report = judged(log, other)
    assert (report.problems == judged(log).problems, report.is_partial) == (True, True)
    assert any(one.startswith("4 keys are missing in other and are there") for one in report.unknown), report.unknown
    shutil.rmtree(other / "sealed")
    for copies in ((log.spool, other), (other, log.spool)):
        report = with_story(verify(copies[0], log.vkey, copies[1]), copies, Unsealer(log.auditors[:1]))
        assert (report.problems == judged(log).problems, report.is_partial) == (True, False), copies


def test_what_is_told_does_not_hang_on_the_order_in_which_copies_are_given(tmp_path: Path) -> None:
    log, keys = made(tmp_path)
    whole = tmp_path / "whole.bundle"
    whole.write_bytes(log.bundle())
    without(log, keys)
    one, two = (
        with_story(verify(copies[0], log.vkey, copies[1]), copies, Unsealer(log.auditors[:1]))
        for copies in ((log.spool, whole), (whole, log.spool))
    )
    assert len(one.problems) == KEYS, "the short crossings contradict themselves"
    assert (one.problems, set(one.unknown)) == (two.problems, set(two.unknown))


def test_a_key_of_0_1_0_lies_with_the_class_and_day_of_its_latest_records() -> None:
    """It sealed lone records of whatever class; the upgrade files it with those of the latest hour."""
    rows = [("administration", 10), ("device", 11), ("administration", 11), ("administration", 9)]
    accounts = Accounts(ORIGIN)
    for index, (about, hour) in enumerate(rows):
        accounts.take(AuditRecord(index, f"{DAY}T{hour:02}:00:00Z", about, "k", kind="presence", body={}))
    said = {"class": "device", "day": DAY, "keys": 1}
    accounts.take(AuditRecord(4, "2027-12-01T11:00:00Z", "administration", "n", kind="keys_expired", body=said))
    held = Held("log", 5, frozenset({"n"}), frozenset({"k", "n"}), is_gates=True)
    ledger = Ledger({"k": 4, "n": 1}, (held,), is_whole=True, is_partial=False)
    assert list(accounts.contradictions(ledger)) == []
    assert list(ledger.unaccounted(accounts.gone)) == []


def test_a_clock_that_was_ahead_does_not_hide_that_an_expiry_counted_what_was_ordered_later(tmp_path: Path) -> None:
    log = begun(tmp_path)
    log.write([opened("a", "2026-11-28")], [own("clock_stepped", on=DAY)], [opened("b", DAY)], [opened("c", LATER)])
    keys = keys_of(log)
    log.write([expired(2), ordered(keys[0], keys[2])])  # `a` lies with the day that the clock was set back to
    without(log, keys)
    report = judged(log)
    assert (wrong(report), report.is_partial) == ([], False), report.unknown


def test_of_a_gate_whose_first_entries_went_nobody_knows_how_many_keys_were_to_go(tmp_path: Path) -> None:
    log = begun(tmp_path)
    log.write([one for number in range(60) for one in crossing(f"c{number}")])
    keys = keys_of(log)
    log.write([expired(len(keys))])
    without(log, keys)
    for piece in ("tile/entries/000", "sealed/000"):
        (log.spool / piece).unlink()
    report = judged(log)
    assert (report.since, wrong(report), report.is_partial) == (256, [], True)


@pytest.mark.parametrize("control", ["gone", "contradictions"])
def test_the_proof_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: str) -> None:
    log, keys = made(tmp_path)
    log.write([ordered(keys[0])])
    without(log, keys[:1] if control == "gone" else ())
    assert (judged(log).is_partial, len(wrong(judged(log)))) == (False, int(control != "gone"))
    monkeypatch.setattr(Accounts, control, lambda *_: frozenset())
    assert (judged(log).is_partial, len(wrong(judged(log)))) == (control == "gone", 0)


# ── honest gates ─────────────────────────────────────────────────────────────────────────────────────────────────────
