"""The console connection between the real `screens` program and the console's client, over real sockets and TLS."""

from __future__ import annotations

from pathlib import Path

from fakes.console_gates import Console, console_gate, until
from msgspec.structs import replace

from gate_core.console_link import Answer, Challenge
from gate_core.evidence.reasons import Reason


async def test_a_console_hears_of_a_referral_with_its_reasons_and_hands_in_an_order(tmp_path: Path) -> None:
    console = Console(tmp_path)
    async with (
        console_gate(tmp_path, console.certificate) as made,
        console.watching("north-7", made.entry) as gate,
    ):
        await until(lambda: gate.up)
        assert gate.snapshot is not None
        assert (gate.snapshot.gate, gate.snapshot.state, gate.snapshot.in_service) == ("north-7", "idle", True)
        await made.refer("c1", Reason.FACE_BELOW_THRESHOLD)
        await until(lambda: gate.snapshot and gate.snapshot.waiting)
        (waits,) = gate.snapshot.waiting
        assert (waits.crossing, [why.reason for why in waits.reasons]) == ("c1", ["face_below_threshold"])
        challenge = await gate.look()
        assert isinstance(challenge, Challenge)
        assert (challenge.issued_ms, challenge.version) == (81_234, 3)
        answer = await gate.order(b"whatever the officer signed")
        assert isinstance(answer, Answer)
        assert (answer.outcome, answer.detail, answer.state, answer.sealed) == ("done", "granted", "granted", None)
        made.desk.answer = replace(made.desk.answer, sealed=[b"a face", b""])
        answer = await gate.order(b"a view")
        assert isinstance(answer, Answer)
        assert answer.sealed == ["YSBmYWNl", ""]
        assert made.desk.orders == [b"whatever the officer signed", b"a view"]
