"""Keys that handed over, of the log and of those who cosign: what counts of the earlier ones, and what is told where nobody can know."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from core_fakes.sealed_log import ORIGIN, crossing
from core_fakes.sealed_log import plain_record as wanted
from verify_fakes.audit_logs import StoredLog

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.export import Outlet, bundle
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.audit_format.statements import hand_over
from gate_verify.findings import Report, UnreadableError
from gate_verify.verify import Known, verify

MIRROR = "central.example/mirror"
AT_S = 1_795_600_000


@pytest.fixture
def log(tmp_path: Path) -> StoredLog:
    """Five entries under the first key; then it hands over, and five more are under the second one."""
    made = StoredLog(tmp_path / "log")
    made.folder.mkdir()
    made.write(crossing("c1"))
    return made


def rotate(log: StoredLog) -> tuple[Signer, Signer]:
    old = log.signer
    return old, log.hand_over()


def given(*keys: Signer) -> str:
    return "\n".join(one.verifier.vkey for one in keys)


def forked(log: StoredLog, thief: Signer, name: str = "fork") -> StoredLog:
    """What somebody who holds that key makes: a log of its own, under the same name."""
    other = StoredLog(log.folder.parent / name, thief, log.auditors)
    other.folder.mkdir()
    other.write([wanted("release")], crossing("c8"), crossing("c9"))
    return other


def with_words(log: StoredLog, *words: bytes) -> Path:
    """The log as a bundle whose first line tells these handovers."""
    out = io.BytesIO()
    bundle(Outlet(log.spool), out)
    first, rest = out.getvalue().split(b"\n", 1)
    fields = json.loads(first)
    fields.pop("handovers", None)
    if words:
        fields["handovers"] = [one.decode() for one in words]
    path = log.folder / f"{len(words)}.bundle"
    path.write_bytes(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n" + rest)
    return path


# ── the log's keys ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fork_signed_by_the_stolen_old_key_is_not_verified_where_its_handover_was_taken_away(log: StoredLog) -> None:
    old, new = rotate(log)
    fork = forked(log, old)
    report = verify(with_words(fork), given(old, new))
    assert not report.intact
    assert report.problems[0] == "the checkpoint is not signed with the log's key"
    assert f"no handover to {ORIGIN}+{new.verifier.key_id.hex()} is here" in report.problems[1]
    (apart,) = [one for one in report.unknown if "handed over" in one]
    assert old.verifier.key_id.hex() in apart
    assert report.is_partial
    assert verify(with_words(fork), given(old)).verified, "whoever says that the old key is the newest believes it"


def test_a_fork_to_which_the_stolen_old_key_vouches_for_the_thiefs_next_one_is_not_verified(log: StoredLog) -> None:
    old, new = rotate(log)
    log.write(crossing("c2"))
    thief = Signer.generate(ORIGIN)
    fork = forked(log, thief)
    path = with_words(fork, hand_over(old, thief, since=3))
    assert not verify(path, given(old, new)).intact
    for paths in ((path, log.spool), (log.spool, path)):
        report = verify(paths[0], given(old, new), *paths[1:])
        assert any("has handed over before, to another" in one for one in report.problems)


def test_what_an_old_key_signs_beyond_its_handover_says_so(log: StoredLog) -> None:
    old, new = rotate(log)
    words = Outlet(log.spool).handovers()
    report = verify(with_words(forked(log, old), *words), given(old, new))
    assert report.problems[0] == "the checkpoint is not signed with the log's key"
    assert report.problems[1].endswith("which has handed over after 6 entries")


def test_a_copy_that_only_an_earlier_key_has_signed_is_partial_until_the_newest_bears_it_out(log: StoredLog) -> None:
    """Within its range whoever has had the old key can make any history, handover and all: nothing here shows that it is not one."""
    early = with_words(log)
    old, new = rotate(log)
    at_the_handover = verify(log.spool, given(old, new))
    assert (at_the_handover.verified, at_the_handover.is_partial) == (True, True)
    assert "an earlier one has signed all that is here" in at_the_handover.unknown[0]
    word = log.spool / "handovers/000"
    short = verify(early, given(old, new), word)
    assert short.verified
    assert "entries 5 to 5" in short.unknown[1]
    log.write(crossing("c2"))
    whole = verify(early, given(old, new), log.spool)
    assert (whole.verified, whole.is_partial) == (True, False)


def test_a_handover_in_a_file_of_its_own_joins_the_keys(log: StoredLog) -> None:
    old, new = rotate(log)
    word = Path(shutil.copy(log.spool / "handovers/000", log.folder / "word.note"))
    log.write(crossing("c2"))
    newest = with_words(log)
    assert verify(newest, given(new)).verified
    assert [verify(newest, given(old), *others).verified for others in ((), (word,))] == [False, True]
    assert not any("handed over" in one for one in verify(newest, given(old, new), word).unknown)
    word.write_bytes(word.read_bytes().replace(b"\n6\n", b"\n7\n"))
    assert verify(newest, given(old, new), word).problems == (
        "word.note: handover 0: one of the two keys has not signed it",
    )
    with pytest.raises(UnreadableError, match="only notes"):
        verify(word, given(old))


def test_handovers_are_joined_whichever_copy_tells_them_first(log: StoredLog) -> None:
    old, new = rotate(log)
    first = Outlet(log.spool).handovers()
    log.write(crossing("c2"))
    _, newest = rotate(log)
    log.write(crossing("c3"))
    second = Outlet(log.spool).handovers()[1:]
    late = with_words(log, *second)
    late = late.rename(log.folder / "late.bundle")
    for paths in ((late, log.spool), (log.spool, late)):
        report = verify(paths[0], given(old, newest), *paths[1:])
        assert (report.problems, len(report.signers)) == ((), 3)
    # A hole in the row: what was before it is not joined.
    hole = verify(late, given(old, new, newest))
    assert (hole.verified, hole.is_partial) == (True, True)
    assert [one.vkey for one in hole.signers] == [new.verifier.vkey, newest.verifier.vkey]
    assert not verify(with_words(forked(log, old), *second), given(old, new, newest)).verified
    assert first != second


# ── the cosigners' keys ──────────────────────────────────────────────────────────────────────────────────────────────


def mirror() -> Signer:
    return Signer.generate(MIRROR, Algorithm.COSIGNATURE_V1)


def receipt(log: StoredLog, key: Signer, at_s: int, name: str) -> Path:
    note = Outlet(log.spool).note()
    path = log.folder / name
    path.write_bytes(Note(note.text, (*note.signatures, key.cosign(note.text, at_s))).to_bytes())
    return path


def cosigned(log: StoredLog, mirrors: list[Signer], *others: Path) -> Report:
    return verify(log.spool, log.vkey, *others, known=Known(cosigners=given(*mirrors)))


def test_what_the_earlier_mirror_key_signed_before_its_handover_counts_and_nothing_later(log: StoredLog) -> None:
    first, second = mirror(), mirror()
    early = receipt(log, first, AT_S - 10, "early.note")
    log.write(crossing("c2"))
    (log.spool / "mirror-handovers").mkdir()
    (log.spool / "mirror-handovers/000").write_bytes(hand_over(first, second, at_s=AT_S))
    late = receipt(log, first, AT_S + 1, "late.note")
    newest = receipt(log, second, AT_S + 2, "newest.note")
    for mirrors in ([first, second], [first], [second]):
        report = cosigned(log, mirrors, early, late, newest)
        assert report.verified
        told = [(mark.size, mark.checked, mark.key_id == first.verifier.key_id.hex()) for mark in report.cosignatures]
        assert told == [(5, True, True), (10, False, True), (10, True, False)], len(mirrors)
        assert any("had handed over at 2026-11-25T09:46:40Z" in one for one in report.unknown)


def test_where_no_handover_joins_two_mirror_keys_only_the_newest_counts(log: StoredLog) -> None:
    first, second, thief = mirror(), mirror(), mirror()
    early = receipt(log, first, AT_S, "early.note")
    newest = receipt(log, second, AT_S, "newest.note")
    report = cosigned(log, [first, second], early, newest)
    assert report.verified
    assert [mark.checked for mark in report.cosignatures] == [False, True]
    assert any("what the earlier one signed does not count" in one for one in report.unknown)
    word = log.folder / "word.note"
    word.write_bytes(hand_over(first, second, at_s=AT_S))
    assert [mark.checked for mark in cosigned(log, [first, second], early, newest, word).cosignatures] == [True, True]
    word.write_bytes(hand_over(first, thief, at_s=AT_S))
    stolen = receipt(log, thief, AT_S, "stolen.note")
    marks = cosigned(log, [first, second], stolen, word).cosignatures
    assert [mark.checked for mark in marks] == [False], "the thief's next key is not the one that was given last"


def test_a_mirrors_handover_counts_only_with_both_signatures_and_never_for_the_log(log: StoredLog) -> None:
    first, second = mirror(), mirror()
    whole = Note.parse(hand_over(first, second, at_s=AT_S))
    word = log.folder / "word.note"
    for signatures in (whole.signatures[:1], whole.signatures[1:]):
        word.write_bytes(Note(whole.text, tuple(signatures)).to_bytes())
        (problem,) = cosigned(log, [first], word).problems
        assert "has not signed it" in problem
    mixed = hand_over(log.signer, Signer.generate(ORIGIN, Algorithm.COSIGNATURE_V1))
    word.write_bytes(mixed)
    assert not cosigned(log, [first], word).verified


def test_a_checkpoint_of_a_retired_key_leaves_the_auditor_a_way(log: StoredLog) -> None:
    """A receipt from before, given without the copy that tells the handover."""
    early = Checkpoint.parse(Outlet(log.spool).note().text).sign(log.signer).to_bytes()
    note = log.folder / "early.note"
    note.write_bytes(early)
    old, new = rotate(log)
    log.write(crossing("c2"))
    stripped = with_words(log)
    refused = verify(stripped, given(old, new), note)
    assert [one.partition(":")[0] for one in refused.problems] == ["early.note", "early.note"]
    assert verify(stripped, given(old, new), note, log.spool / "handovers/000").verified
