"""A log's key hands over to the next: the old one still verifies what it signed, and nothing that it signs afterwards counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.audit_logs import ORIGIN, SmallLog, crossing, wanted

from gate.audit.inbox import MirrorKeys
from gate.audit.reserve import Reserve
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError, BadSignatureError, KeyFileError
from gate_core.audit_format.export import Outlet, tiles
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.audit_format.statements import HANDOVERS_MAX, hand_over
from gate_verify.verify import verify


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    made = SmallLog(tmp_path)
    made.write(crossing("c1"))
    return made


def problems(log: SmallLog, *keys: Signer) -> list[tuple[str, ...]]:
    """What the verifier says of the log in each of its forms."""
    given = "\n".join(one.verifier.vkey for one in keys)
    bundle = log.folder / "log.bundle"
    bundle.write_bytes(log.bundle())
    return [verify(path, given).problems for path in (log.spool, bundle, log.database)]


def test_the_old_key_verifies_what_it_signed_and_leads_to_the_new_one(log: SmallLog) -> None:
    old = log.signer
    new = log.hand_over()
    assert problems(log, old) == [(), (), ()]  # its last checkpoint has the handover's own entry in it
    log.write(crossing("c2"))
    newest = log.hand_over()
    log.write(crossing("c3"))
    for keys in ((old,), (old, new), (new,), (newest,), (old, new, newest), (newest, old)):
        assert problems(log, *keys) == [(), (), ()], len(keys)
    report = verify(log.spool, old.verifier.vkey)
    told = [(one.vkey, one.since, one.until) for one in report.signers]
    vkeys = [one.verifier.vkey for one in (old, new, newest)]
    assert told == [(vkeys[0], 0, 6), (vkeys[1], 6, 12), (vkeys[2], 12, None)]
    tiles(Outlet(log.spool), log.folder / "out")
    assert verify(log.folder / "out", old.verifier.vkey).verified


def test_copies_from_before_and_after_a_handover_are_one_log(log: SmallLog) -> None:
    """Each copy that has it brings the old key's word along, and the older one is signed by the old key alone."""
    old, early = log.signer, log.folder / "early.bundle"
    early.write_bytes(log.bundle())
    log.hand_over()
    log.write(crossing("c2"))
    late = log.folder / "late.bundle"
    late.write_bytes(log.bundle())
    for paths in ((early, log.spool, late), (late, early), (log.database, late)):
        report = verify(paths[0], old.verifier.vkey, *paths[1:])
        assert (report.problems, report.entries) == ((), 11)


def test_a_stranger_or_another_logs_key_verifies_nothing(log: SmallLog) -> None:
    log.hand_over()
    log.write(crossing("c2"))
    for found in problems(log, Signer.generate(ORIGIN)):
        assert "not signed with the log's key" in found[0]


def test_what_the_old_key_signs_after_its_handover_is_no_checkpoint(log: SmallLog) -> None:
    """Its thief has the old key: the control is that the same note counts without the handover."""
    old = log.signer
    log.hand_over()
    log.write(crossing("c2"))
    forged = Checkpoint.parse(Outlet(log.spool).note().text).sign(old).to_bytes()
    (log.spool / "checkpoint").write_bytes(forged)
    assert "not signed with the log's key" in verify(log.spool, old.verifier.vkey).problems[0]
    (log.spool / "handovers/000").unlink()
    assert verify(log.spool, old.verifier.vkey).verified


def test_two_words_of_one_key_and_a_word_that_does_not_continue_are_problems(log: SmallLog) -> None:
    old = log.signer
    new = log.hand_over()
    stranger = Signer.generate(ORIGIN)
    (log.spool / "handovers/001").write_bytes(hand_over(old, stranger, since=6))
    assert "has handed over before" in verify(log.spool, old.verifier.vkey).problems[0]
    (log.spool / "handovers/001").write_bytes(hand_over(new, stranger, since=3))
    assert "does not continue" in verify(log.spool, old.verifier.vkey).problems[0]
    (log.spool / "handovers/001").write_bytes(b"nonsense")
    assert "handover 1" in verify(log.spool, old.verifier.vkey).problems[0]


def test_a_bundle_whose_first_line_holds_anything_is_one_problem(log: SmallLog) -> None:
    vkey = log.vkey
    log.hand_over()
    whole = log.bundle()
    for bad in (b'"handovers":[1]', b'"handovers":"x"', b'"handovers":["\\ud800"]'):
        start, end = whole.index(b'"handovers":'), whole.index(b',"since"')
        (log.folder / "bad.bundle").write_bytes(whole[:start] + bad + whole[end:])
        assert not verify(log.folder / "bad.bundle", vkey).verified


# ── the writer ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_until_the_old_key_is_replaced_either_start_signs_with_the_new_one(log: SmallLog) -> None:
    old, new = log.signer, Signer.generate(ORIGIN)
    log.successor = new
    with log.writer() as writer:
        assert writer.hand_over(wanted("log_key_changed"), 0)
        writer.append(crossing("c2"), 0)
        log.publish(writer)
    for signer, successor in ((old, new), (new, None), (new, new)):
        log.signer, log.successor = signer, successor
        with log.writer() as writer:
            assert not writer.awaits_handover
            assert writer.standing.problem is None
            writer.append(crossing("more"), 0)
            assert writer.standing.note is not None
            Note.parse(writer.standing.note).verify(new.verifier)
    for signer in (old, Signer.generate(ORIGIN)):
        log.signer, log.successor = signer, None
        with pytest.raises(KeyFileError), log.writer():
            pass


def test_a_receipt_of_before_the_handover_still_counts(log: SmallLog) -> None:
    mirror = Signer.generate("mirror.example/m", Algorithm.COSIGNATURE_V1)
    note = Outlet(log.spool).note()
    receipt = note.with_signatures([mirror.cosign(note.text, 1)]).to_bytes()
    log.hand_over()
    with log.writer() as writer:
        writer.take_receipt(receipt, mirror.verifier, 0)
        assert writer.standing.mirrored == 5


class Full(Reserve):
    def _allocate(self, _: int) -> bool:
        return False


def test_on_a_full_disk_the_old_key_goes_on(log: SmallLog) -> None:
    log.successor = Signer.generate(ORIGIN)
    with log.writer(reserve=Full(log.folder / "none", 4096)) as writer:
        assert not writer.hand_over(wanted("log_key_changed"), 0)
        assert writer.awaits_handover
        assert writer.handovers == ()


# ── the note ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_log_follows_its_mirror_by_the_newest_keys_word_alone(tmp_path: Path) -> None:
    first, second, third = (Signer.generate("mirror.example/m", Algorithm.COSIGNATURE_V1) for _ in range(3))
    known = MirrorKeys(first.verifier, tmp_path / "keys")
    known.take(hand_over(first, second, at_s=1))
    known.take(hand_over(first, second, at_s=1))
    with pytest.raises(BadSignatureError):
        known.take(hand_over(first, third, at_s=1))  # of a key that has handed over
    with pytest.raises(BadFormatError):
        known.take(b"nonsense")
    assert known.newest == second.verifier
    assert MirrorKeys(first.verifier, tmp_path / "keys").newest == second.verifier
    assert MirrorKeys(third.verifier, tmp_path / "keys").newest == third.verifier  # enrolled elsewhere since
    assert HANDOVERS_MAX >= 64
