"""No gate sees or changes anything of another's, whatever it sends: every route, with another gate's content."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from central_fakes.folder import make_context, order
from central_fakes.server import GATE_ID, Bench
from starlette.routing import Route

from gate_central.schema import metadata
from gate_core.audit_format.merkle import prove_subtree
from gate_core.audit_format.note import Signer
from gate_core.audit_format.statements import Expired
from gate_core.mirror_client import wire
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request

OTHER = "gate-0002"
# Of the gate that asks and nobody else's: what they carry names no log, or is served to every gate.
ITS_OWN = {
    "/.well-known/est/cacerts",
    "/.well-known/est/simpleenroll",
    "/.well-known/est/simplereenroll",
    "/authorities",
    "/bodies",
    "/held",
    "/mirror-keys",
    "/retire",
    "/updates/{path:path}",
}


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    """One gate has a log here, and goes on; the other asks."""
    made = Bench(tmp_path)
    made.grow(52)
    await made.round()
    made.grow()
    made.server.heed = make_context(made, tmp_path / "server").retention.heed
    made.server.show([made.server.authority.certificate])
    return made


def requests(bench: Bench) -> dict[str, Request]:
    """For each route what the first gate would send, and be answered."""
    log = SpoolLog(bench.log.spool)
    head = log.head()
    assert head is not None
    checkpoint, note = head
    start, size = 260, checkpoint.size
    package = wire.package(log.leaves(start, size), prove_subtree(log.hashes(size), 256, size, size))
    lines = log.sealed_lines(start, size, 10**6)
    key_id = hashlib.sha256(b"an age file").hexdigest()
    announced = wire.add_checkpoint(260, (), note)
    last = bench.client.last
    assert last is not None
    return {
        "/round": wire.round_request(announced, (start, size, package), lines, {key_id: b"an age file"}),
        "/receipt": wire.show_receipt(last.note),
        "/add-checkpoint": announced,
        "/add-entries": wire.add_entries(bench.origin, start, size, b"", (package,)),
        "/bodies/sealed": wire.put_sealed(lines),
        "/bodies/keys/{key_id}": wire.put_key(key_id, b"an age file"),
        "/approval": wire.approval_request(note.to_bytes()),
        "/{origin_hash}/checkpoint": wire.checkpoint_request(bench.origin),
        "/{origin_hash}/pending": wire.pending_request(bench.origin),
        "/log-key": wire.log_key(note.to_bytes()),
        "/expired": wire.expired_request(Expired({"crossing": date(2027, 1, 1)}).sign(bench.log.signer)),
        "/erasure": wire.erasure_request(order(bench.origin, [key_id])),
    }


def rows_of(bench: Bench, device: str) -> dict[str, list[tuple[object, ...]]]:
    with bench.server.ledger._engine.begin() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).where(table.c.device == device))]
            for table in metadata.sorted_tables
            if "device" in table.c
        }


async def test_another_gates_content_is_refused_on_every_route_and_changes_nothing(bench: Bench) -> None:
    certificate = bench.server.enrol(Signer.generate(f"border.example/{OTHER}/demo").verifier, OTHER)
    sent = requests(bench)
    routes = {route.path for route in bench.server.app.routes if isinstance(route, Route)}
    assert routes == set(sent) | ITS_OWN, "a new route needs a case here"
    before = rows_of(bench, GATE_ID)
    shown = (await bench.ask(wire.checkpoint_request(bench.origin))).body
    for path, request in sent.items():
        answer = await bench.ask(request, certificate)
        assert answer.status in {400, 403, 404, 409, 422}, path
        assert shown not in answer.body
        assert bench.origin.encode() not in answer.body.replace(b"border.example/gate-0002", b"")
    assert wire.parse_bodies(await bench.ask(wire.bodies_request(), certificate)).next == 0
    assert (await bench.ask(wire.held_request(), certificate)).status == 404, "nothing of its own is held"
    assert rows_of(bench, GATE_ID) == before
    assert rows_of(bench, OTHER)["package"] == []
    assert await bench.round() is not None, "and the first gate goes on"


async def test_who_retires_or_changes_its_authorities_does_so_for_itself_alone(bench: Bench) -> None:
    certificate = bench.server.enrol(Signer.generate(f"border.example/{OTHER}/demo").verifier, OTHER)
    before = rows_of(bench, GATE_ID)
    told = Request("POST", "/authorities", b"a" * 64 + b"\n", "text/plain")
    assert (await bench.ask(told, certificate)).status == 204
    assert (await bench.ask(Request("POST", "/retire"), certificate)).status == 204
    assert rows_of(bench, GATE_ID) == before
    assert (await bench.ask(wire.bodies_request(), certificate)).status == 403
    assert (await bench.ask(wire.bodies_request())).status == 200
