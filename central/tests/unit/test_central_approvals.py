"""Central tells a gate the newest approval that it has shown, and never another gate's."""

from __future__ import annotations

from pathlib import Path

import pytest
from central_fakes.server import Bench
from core_fakes.approvals import signed

from gate_core.approval.note import Approval
from gate_core.audit_format.note import Signer
from gate_core.mirror_client.errors import BadAnswerError
from gate_core.mirror_client.wire import Response, approval_request, parse_approval


def note(origin: str, serial: int, digest: str = "ab") -> bytes:
    return signed(Approval(origin, serial, digest * 32)).note.to_bytes()


async def test_the_newest_that_a_gate_has_shown_is_told_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    async def newest(shown: bytes) -> bytes:
        return parse_approval(await bench.ask(approval_request(shown)))

    assert await newest(b"") == b""
    five, six = note(bench.origin, 5), note(bench.origin, 6)
    assert await newest(five) == five
    assert await newest(six) == six
    for older in (five, b"", note(bench.origin, 6, "cd")):
        assert await newest(older) == six, "a disk that was set back is told"


async def test_another_gates_approval_and_what_is_none_are_not_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    five = note(bench.origin, 5)
    for bad in (note("border.example/other", 9), b"x", five[:-10], five.replace(b"\n5\n", b"\n05\n"), five + five):
        answer = await bench.ask(approval_request(bad))
        assert (answer.status, parse_approval(answer)) == (422, b"")
    assert (await bench.ask(approval_request(b"y" * 20_000))).status == 400
    assert parse_approval(await bench.ask(approval_request(b""))) == b""


async def test_a_gate_is_told_its_own_only_and_a_stranger_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.ask(approval_request(note(bench.origin, 5)))
    other = bench.server.enrol(Signer.generate("border.example/gate-0002/demo").verifier, "gate-0002")
    assert parse_approval(await bench.ask(approval_request(b""), other)) == b""
    stranger = Bench(tmp_path / "stranger").certificate
    assert (await bench.ask(approval_request(b""), stranger)).status == 403


@pytest.mark.parametrize(("status", "body"), [(500, b""), (403, b""), (200, b"x" * 20_000)])
def test_an_answer_that_is_none_is_said(status: int, body: bytes) -> None:
    with pytest.raises(BadAnswerError):
        parse_approval(Response(status, "text/plain", body))


def test_a_mirror_that_knows_no_approvals_is_one_all_the_same() -> None:
    assert parse_approval(Response(404, "text/plain", b"Not Found")) == b""
