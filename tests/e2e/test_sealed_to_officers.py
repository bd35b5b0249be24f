"""An officer who was present sees both faces and both machine-readable zones of a referral; no program of the gate does, and no file has them.

While the traveller waits, what the officer saw is searched for in the memory of every program and child, and in every file of the gate. That the
search finds what there is, this process shows: it holds the same values.
"""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from fakes import remains
from fakes.whole_gate import Gate, running

from gate.channel import order_messages
from gate.passage.names import Outcome
from gate.picture import decode
from gate.programs.shared.terminal import Terminal
from gate_core.command_line.key_files import read_authority
from gate_core.evidence.names import Role
from gate_core.evidence.screen import Screen
from gate_core.orders.certificate import Certificate, certify
from gate_core.orders.envelope import PARTS, info_of
from gate_core.orders.keys import new_key, public_text
from gate_core.orders.order import Shift
from gate_core.orders.verbs import Party, Verb
from gate_core.programs import clock

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.faces]

DEADLINE_S = 15.0
GONE_AFTER_S = 5.0  # what was freed is overwritten, and both children are gone
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SIMULATORS = ("world", "world.log")  # the simulated world's own, in the same folder
RUN_BYTES = 48


def officer_of(gate: Gate, opens: X25519PrivateKey) -> Shift:
    """An officer whose page can open what is sealed to them."""
    key, now_s = new_key(), int(clock.now().timestamp())
    wanted = Certificate(
        gates=None,
        key=public_text(key),
        not_before=now_s - 60,
        officer="anna",
        party=Party.POLICE,
        role=Role.OFFICER,
        sealing=b64encode(opens.public_key().public_bytes_raw()).decode(),
        trained=False,
        until=now_s + 3600,
    )
    return Shift(key, certify(wanted, read_authority(gate.stage.folder / "officers-authority.key")))


async def until_sealed(terminal: Terminal) -> order_messages.Waiting:
    """The one who waits, once something of them is sealed."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            for one in (await terminal.look()).referred:
                if one.sealed_for:
                    return one
            await asyncio.sleep(0.1)


def opened(
    answer: order_messages.OrderAnswer, key: X25519PrivateKey, gate: str, crossing: str
) -> tuple[dict[str, Any], ...]:
    """What the officer sees: the face, then the document."""
    assert answer.sealed is not None
    parts = zip(answer.sealed, PARTS, strict=True)
    return tuple(json.loads(SUITE.decrypt(sealed, key, info_of(gate, crossing, part))) for sealed, part in parts)


def left_of(gate: Gate, values: dict[str, bytes]) -> set[tuple[str, str]]:
    """What is found of these values, and where."""
    found = set()
    for name, program in gate.family.children.items():
        assert program.pid is not None
        for pid in remains.family_of(program.pid):
            found |= {(value, f"{name}: {remains.command_of(pid)}") for value in remains.in_memory(pid, values)}
    return found | {(value, "files") for value in remains.in_files(gate.stage.folder, values, but=SIMULATORS)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads other processes' memory")
@pytest.mark.parametrize("lane", ["one-door", "two-door"])  # of two the document was taken along by then
async def test_an_officer_who_was_present_sees_a_referral_and_no_program_has_it_in_clear(
    short_path: Path, lane: str
) -> None:
    opens = X25519PrivateKey.generate()
    async with running(short_path, lane=lane) as gate:
        gate.officer.absent = True  # the robot rests
        await gate.until(Screen.WELCOME)
        officer, gate_id = officer_of(gate, opens), gate.stage.config.gate_id
        terminal = await Terminal.reach(gate.stage.config.socket("orders"))
        assert (await terminal.order(officer, Verb.PRESENT)).outcome is Outcome.DONE
        visiting = asyncio.ensure_future(gate.visit("someone_elses_passport"))
        await gate.until(Screen.OFFICER)
        waits = await until_sealed(terminal)
        assert waits.sealed_for == ["anna"]
        assert waits.findings is not None
        assert waits.findings.face_score is not None
        await asyncio.sleep(GONE_AFTER_S)

        answer = await terminal.order(officer, Verb.VIEW, crossing=waits.crossing)
        assert (answer.outcome, answer.detail) == (Outcome.DONE, "")
        face, document = opened(answer, opens, gate_id, waits.crossing)
        pictures = {name: b64decode(face[name]) for name in ("live", "chip")}
        for jpeg in pictures.values():
            assert decode(jpeg).shape == (600, 480, 3)
        assert document["printed"] == document["chip"]
        assert document["differ"] == []
        second = document["chip"][1].encode()
        values = {
            "second line": second,
            "number": second[:9],
            **{name: jpeg[len(jpeg) // 2 :][:RUN_BYTES] for name, jpeg in pictures.items()},
            **{f"{name} in Base64": face[name][2000 : 2000 + RUN_BYTES].encode() for name in pictures},
        }
        assert set(remains.in_memory(os.getpid(), values)) == set(values), "the search finds what there is"
        assert await asyncio.to_thread(left_of, gate, values) == set()

        settled = await terminal.order(officer, Verb.HAND_OVER, crossing=waits.crossing, argument="taken_over")
        assert settled.outcome is Outcome.DONE
        again = await terminal.order(officer, Verb.VIEW, crossing=waits.crossing)
        assert (again.outcome, again.detail, again.sealed) == (Outcome.IMPOSSIBLE, "already decided by anna", None)
        terminal.close()
        visiting.cancel()
        await asyncio.gather(visiting, return_exceptions=True)
