"""A gate is retired for good by two approvers' order, and by nobody who holds its key."""

from __future__ import annotations

from pathlib import Path

import pytest
from central_fakes.folder import make_context, told
from central_fakes.server import GATE_ID, Bench
from core_fakes.approvals import signer
from typer.testing import CliRunner, Result

from gate_central.commands.central import app
from gate_central.errors import ForbiddenError
from gate_central.retirement import SignedRetirement
from gate_central.server_context import ServerContext
from gate_core.approval.errors import ApprovalError
from gate_core.audit_format.note import Note
from gate_core.mirror_client import wire
from gate_core.mirror_client.wire import Request


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "log")


@pytest.fixture
def context(bench: Bench, tmp_path: Path) -> ServerContext:
    return make_context(bench, tmp_path / "server")


def origin(bench: Bench) -> str:
    gate = bench.server.roster.find(GATE_ID)
    assert gate is not None
    return gate.origin


def run(tmp_path: Path, *words: object) -> Result:
    where = ["--dir", str(tmp_path / "server"), "--database", f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"]
    return CliRunner().invoke(app, [*map(str, words), *where])


async def test_whoever_holds_a_gates_key_ends_its_certificate_and_not_the_gate(bench: Bench) -> None:
    """A request with the key alone retired a gate for good."""
    assert (await bench.ask(Request("POST", "/retire"))).status == 204
    assert (await bench.ask(wire.bodies_request())).status == 403
    assert bench.server.roster.gone() == frozenset()
    assert standing(bench) == ["left"], "who looks at the fleet sees that it is gone"
    assert (await bench.ask(Request("POST", "/retire"))).status == 403
    again = bench.server.enrol(bench.log.signer.verifier)
    assert (await bench.ask(wire.bodies_request(), again)).status == 200


def standing(bench: Bench) -> list[str]:
    return [one.kind for one in bench.server.evidence.alarms(GATE_ID) if one.answer is None]


async def test_a_gate_that_its_certificate_ended_is_an_alarm_until_two_approvers_retire_it(
    context: ServerContext, bench: Bench, tmp_path: Path
) -> None:
    """A silent gate was an alarm; after one request with its stolen key `fleet` and `alarms` ended with 0."""
    (tmp_path / "server" / "central.toml").write_text("silent_after_minutes = 60\n")
    bench.server.roster = context.roster
    bench.server.show([bench.server.authority.certificate])
    gate = bench.gate
    assert (await bench.ask(Request("POST", "/retire"))).status == 204
    (said,) = [one for one in told(context) if one.kind == "gate_revoked"]
    assert said.fields == {"gate": GATE_ID, "by": f"certificate {gate.certificate}"}
    assert run(tmp_path, "fleet", "--quick").exit_code == 1
    shown = run(tmp_path, "alarms", GATE_ID)
    assert (shown.exit_code, "left" in shown.stdout) == (1, True)
    order = SignedRetirement.new(origin(bench)).signed_by(signer("anna")).signed_by(signer("ben"))
    (tmp_path / "order.note").write_bytes(order.note.to_bytes())
    assert run(tmp_path, "retire", GATE_ID, "--order", tmp_path / "order.note").exit_code == 0
    assert run(tmp_path, "alarms", GATE_ID).exit_code == 0
    assert run(tmp_path, "fleet", "--quick").exit_code == 0
    (kept,) = context.evidence.alarms(GATE_ID)
    assert kept.answer is not None
    assert kept.answer.by == "anna.example, ben.example"


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("by", [(), ("anna",), ("anna", "anna"), ("anna", "dora"), None], ids=str)
def test_one_approver_and_a_stranger_retire_nobody(bench: Bench, tmp_path: Path, by: tuple[str, ...] | None) -> None:
    note = tmp_path / "order.note"
    if by is None:
        done = run(tmp_path, "retire", GATE_ID)
        assert (done.exit_code, "two approvers order it" in done.stderr) == (2, True)
    else:
        order = SignedRetirement.new(origin(bench))
        for name in by:
            order = order.signed_by(signer(name))
        note.write_bytes(order.note.to_bytes() if by else b"nothing of the kind")
        assert run(tmp_path, "retire", GATE_ID, "--order", note).exit_code == 77
    assert bench.server.roster.gone() == frozenset()


def test_two_approvers_retire_a_gate_and_nobody_has_a_token_for_it_any_more(
    context: ServerContext, bench: Bench, tmp_path: Path
) -> None:
    note = tmp_path / "order.note"
    order = SignedRetirement.new(origin(bench)).signed_by(signer("anna")).signed_by(signer("ben"))
    note.write_bytes(order.note.to_bytes())
    assert run(tmp_path, "retire", GATE_ID, "--order", note).exit_code == 0
    assert bench.server.roster.gone() == {GATE_ID}
    (said,) = [one for one in told(context) if one.kind == "gate_retired"]
    assert said.fields["by"] == ["anna.example", "ben.example"]
    refused = run(tmp_path, "token", GATE_ID)
    assert (refused.exit_code, "is retired" in refused.stderr) == (77, True)
    with pytest.raises(ForbiddenError, match="retired"):
        bench.server.enrol(bench.log.signer.verifier)


@pytest.mark.usefixtures("context")
def test_an_order_for_another_gate_or_from_nowhere_is_refused(tmp_path: Path) -> None:
    other = SignedRetirement.new("border.example/other").signed_by(signer("anna")).signed_by(signer("ben"))
    (tmp_path / "order.note").write_bytes(other.note.to_bytes())
    assert run(tmp_path, "retire", GATE_ID, "--order", tmp_path / "order.note").exit_code == 77
    assert run(tmp_path, "retire", GATE_ID, "--order", tmp_path / "absent.note").exit_code == 74
    assert run(tmp_path, "retire", "gate-9999", "--order", tmp_path / "order.note").exit_code == 2


@pytest.mark.parametrize(
    "text", ["", "portcullis retirement/1\n", "portcullis erasure/1\nborder.example/g\n", "a\nb\n"]
)
def test_what_is_no_retirement_is_none(text: str) -> None:
    with pytest.raises(ApprovalError):
        SignedRetirement(Note(text, ()))
