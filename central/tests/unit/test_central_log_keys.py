"""A gate's log key changes, and the central server follows the old key's word alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from central_fakes.server import GATE_ID, Bench
from core_fakes.sealed_log import ORIGIN

from gate_central.archive import export, is_intact
from gate_central.errors import BadRequestError, ForbiddenError
from gate_core.audit_format.note import Signer
from gate_core.audit_format.statements import hand_over
from gate_core.mirror_client import wire
from gate_verify.verify import verify


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.grow()
    return made


async def test_a_log_goes_on_under_its_next_key_and_is_whole(bench: Bench, tmp_path: Path) -> None:
    old = bench.log.signer
    assert await bench.round() is not None
    bench.log.hand_over()
    bench.client = bench.new_client()
    assert await bench.round() is not None
    bench.grow()
    receipt = await bench.round()
    assert receipt is not None
    assert receipt.checkpoint.size == 11
    mirrors = [bench.server.signer.verifier]
    assert is_intact(bench.server.ledger, bench.gate, mirrors)
    assert bench.gate.log_newest == bench.log.signer.verifier
    assert bench.gate.log == old.verifier
    export(bench.server.ledger, bench.gate, tmp_path / "out")
    for signer in (old, bench.log.signer):
        assert verify(tmp_path / "out", signer.verifier.vkey).verified
    bench.client = bench.new_client()
    assert await bench.round() is not None  # what was followed is told again, and changes nothing


async def test_nobody_elses_word_and_no_broken_word_is_followed(bench: Bench) -> None:
    await bench.round()
    old, new, stranger = bench.log.signer, Signer.generate(ORIGIN), Signer.generate(ORIGIN)
    roster = bench.server.roster
    for wrong in (hand_over(stranger, new, since=9), hand_over(old, new, since=4)):
        with pytest.raises(ForbiddenError):
            roster.follow_log_key(GATE_ID, wrong)
        assert (await bench.ask(wire.log_key(wrong))).status == 403
    with pytest.raises(BadRequestError):
        roster.follow_log_key(GATE_ID, b"nonsense")
    assert (await bench.ask(wire.log_key(bytes(9000)))).status == 400
    roster.follow_log_key(GATE_ID, hand_over(old, new, since=6))
    with pytest.raises(ForbiddenError):
        roster.follow_log_key(GATE_ID, hand_over(old, stranger, since=6))
    assert bench.gate.log_newest == new.verifier


async def test_what_the_old_key_signs_after_its_word_is_refused(bench: Bench) -> None:
    await bench.round()
    bench.server.roster.follow_log_key(GATE_ID, hand_over(bench.log.signer, Signer.generate(ORIGIN), since=5))
    bench.grow()
    head = bench.log.spool / "checkpoint"
    sent = await bench.ask(wire.Request("POST", "/add-checkpoint", b"old 5\n\n" + head.read_bytes(), "text/plain"))
    assert (sent.status, b"not signed by the gate's log key" in sent.body) == (403, True)


def test_a_gate_that_enrols_again_has_its_newest_key(bench: Bench) -> None:
    old, new = bench.log.signer, Signer.generate(ORIGIN)
    bench.server.roster.follow_log_key(GATE_ID, hand_over(old, new, since=5))
    bench.server.enrol(new.verifier)
    with pytest.raises(ForbiddenError, match="another log key"):
        bench.server.enrol(old.verifier)
