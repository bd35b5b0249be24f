"""Whatever bytes come, `receive` gives a message of its union or raises the channel's own error."""

from __future__ import annotations

import asyncio
import copy
import enum
import math
import socket
from typing import Any

import msgspec
import pytest
from fakes.hostile_bytes import NAN, NOT_UTF_8, PIECES, bodies, framed, kinds, pack, spoiled
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.channel import child_messages, document_messages, order_messages, vision_messages
from gate.channel.errors import BadMessageError, ChannelError
from gate.channel.message import Status
from gate.channel.row import PROGRAMS
from gate.channel.sockets import adopt
from gate.channel.table import CHANNELS
from gate_core.evidence.crossing import Check, CheckId, CheckResult, DocumentEvidence, PageEvidence

ALIKE = {f"status-{name}" for name in PROGRAMS[1:]}
ROWS = [channel for channel in CHANNELS.every() if channel.to_listener is not None and channel.name not in ALIKE]
UNIONS = {
    **{f"{channel.name}, to the listener": channel.to_listener for channel in ROWS},
    **{f"{channel.name}, to the caller": channel.to_caller for channel in ROWS},
    "to a face child": child_messages.ToChild,
    "from a face child": child_messages.FromChild,
    "to the page child": child_messages.ToPageChild,
    "from the page child": child_messages.FromPageChild,
    "to a document child": document_messages.ToDocument,
    "from a document child": document_messages.FromDocument,
}


async def heard(union: Any, wire: bytes) -> tuple[list[Any], ChannelError]:
    """What an end makes of these bytes: messages, and the error that the last of them ends in."""
    ours, theirs = socket.socketpair()
    connection = await adopt(ours, incoming=union)
    got = []
    theirs.setblocking(False)

    async def send() -> None:
        await asyncio.get_running_loop().sock_sendall(theirs, wire)
        theirs.shutdown(socket.SHUT_WR)

    sending = asyncio.ensure_future(send())
    try:
        while True:
            got.append(await connection.receive())
    except ChannelError as error:
        return got, error
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        connection.close()
        theirs.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize("union", UNIONS.values(), ids=UNIONS)
@settings(max_examples=25)
@given(data=st.data())
def test_only_messages_and_the_channels_errors_come_out(union: Any, data: st.DataObject) -> None:
    wire = data.draw(st.lists(bodies(union), min_size=1, max_size=3).map(lambda some: b"".join(map(framed, some))))
    wire += data.draw(st.sampled_from([b"", b"\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x09ab"]))
    got, error = asyncio.run(heard(union, wire))
    assert all(type(message) in kinds(union) for message in got)
    assert type(error).__module__ == "gate.channel.errors"


@pytest.mark.parametrize("union", UNIONS.values(), ids=UNIONS)
def test_each_field_of_each_kind_bears_each_piece(union: Any) -> None:
    async def all_of_them() -> None:
        for kind in kinds(union):
            for piece in PIECES:
                got, error = await heard(union, framed(spoiled(kind, [piece])))
                assert isinstance(error, ChannelError), (kind, piece)
                assert all(type(message) in kinds(union) for message in got)

    asyncio.run(all_of_them())


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ([NOT_UTF_8], UnicodeDecodeError),
        ([pack("vision"), pack("ready"), b"\x81\xa1a" + b"\x91" * 50_000 + b"\xc0"], RecursionError),
    ],
)
def test_the_decoder_alone_lets_other_errors_out(values: list[bytes], error: type[Exception]) -> None:
    body = spoiled(Status, values)
    with pytest.raises(error):
        msgspec.msgpack.decode(body, type=vision_messages.FromVision)
    got, raised = asyncio.run(heard(vision_messages.FromVision, framed(body)))
    assert (got, type(raised)) == ([], BadMessageError)


@pytest.mark.parametrize(
    "body",
    [
        spoiled(vision_messages.VideoDoubted, [pack("c1"), pack("nonsense")]),
        spoiled(vision_messages.TrackChanged, [pack("c1"), pack("nonsense")]),
        spoiled(vision_messages.CameraStatus, [pack("no such id!")]),
        spoiled(vision_messages.CameraStatus, [NOT_UTF_8]),
        spoiled(vision_messages.CameraStatus, [pack("c1"), pack("x" * 501)]),
        spoiled(vision_messages.FaceSeen, [pack("c1"), pack(10**9), pack("none")]),
        spoiled(vision_messages.FaceSeen, [pack("c1"), pack(1), pack("nonsense")]),
        spoiled(vision_messages.FaceSeen, [pack("c1"), pack(1), pack("none"), pack(-1)]),
        spoiled(vision_messages.TrackChanged, [pack("c1"), pack("lost"), pack(1 << 53)]),
        pack({"type": "Status", "program": "vision", "state": "ready", "detail": {"a": b"bytes"}}),
        pack({"type": "Status", "program": "vision", "state": "ready", "detail": {"a": float("nan")}}),
        pack({"type": "Status", "program": "vision", "state": "ready", "detail": {"a": {1: 2}}}),
        pack({"type": "Status", "program": "vision", "state": "ready", "detail": {"a": [[[[[[[[[[]]]]]]]]]]}}),
    ],
)
def test_what_no_honest_vision_says_is_no_message(body: bytes) -> None:
    got, error = asyncio.run(heard(vision_messages.FromVision, framed(body)))
    assert got == []
    assert type(error) is BadMessageError


@pytest.mark.parametrize(
    "evidence",
    [
        DocumentEvidence((Check(CheckId.MRZ, CheckResult.FAILED),) * (document_messages.EVIDENCE_ITEMS_MAX + 1)),
        DocumentEvidence((), weak_algorithms=("",) * (document_messages.EVIDENCE_ITEMS_MAX + 1)),
        DocumentEvidence((), issuer="x" * document_messages.EVIDENCE_BYTES_MAX),
        DocumentEvidence((), issuer="\x01" * (document_messages.EVIDENCE_BYTES_MAX // 6)),
        DocumentEvidence((), page=PageEvidence("", "", math.nan, 1)),
    ],
)
def test_evidence_that_could_not_be_recorded_is_no_message(evidence: DocumentEvidence) -> None:
    body = msgspec.msgpack.encode({"type": "DocumentJudged", "evidence": evidence})
    got, error = asyncio.run(heard(document_messages.FromDocument, framed(body)))
    assert got == []
    assert isinstance(error, BadMessageError)


CHECK = {"id": "mrz", "result": "successful"}
PAGE = {"type": "PageRead", "page": 1, "source": "x", "format": "TD3", "weakest": 1.0, "accepted": True}
WAITS = {"crossing": "c1", "objections": [{"reason": "page_check"}]}
LOOK = {
    "gate": "g",
    "officers": True,
    "state": "open",
    "running": None,
    "closed_by": None,
    "issued_ms": 1,
    "nonce": "n",
    "version": 1,
}


@pytest.mark.parametrize(
    ("union", "message"),
    [
        (document_messages.FromDocument, {"type": "DocumentJudged", "evidence": {"checks": [CHECK]}}),
        (vision_messages.FromVision, PAGE | {"findings": [{"id": "dull_paper", "result": "successful"}]}),
        (order_messages.Look, LOOK | {"type": "Look", "referred": [WAITS]}),
    ],
)
def test_an_unknown_field_is_refused_in_evidence_too(union: Any, message: dict[str, Any]) -> None:
    """Wherever a map in it may stand: with a field that nobody knows, the same message is none."""
    got, _ = asyncio.run(heard(union, framed(msgspec.msgpack.encode(message))))
    assert len(got) == 1

    def maps(of: Any) -> list[dict[str, Any]]:
        inner = of.values() if isinstance(of, dict) else of if isinstance(of, list) else ()
        return [*([of] if isinstance(of, dict) else []), *(one for below in inner for one in maps(below))]

    for at in range(len(maps(message))):
        more = copy.deepcopy(message)
        maps(more)[at]["more"] = 1
        got, error = asyncio.run(heard(union, framed(msgspec.msgpack.encode(more))))
        assert (got, type(error)) == ([], BadMessageError), more


def test_nan_is_no_share() -> None:
    fields = [pack(1), pack("x"), pack("TD3"), NAN, pack(True), pack([])]
    got, error = asyncio.run(heard(vision_messages.FromVision, framed(spoiled(vision_messages.PageRead, fields))))
    assert (got, type(error)) == ([], BadMessageError)
    fields[3] = pack(1.0)
    got, _ = asyncio.run(heard(vision_messages.FromVision, framed(spoiled(vision_messages.PageRead, fields))))
    assert len(got) == 1, "with a number in NaN's place it is a message"


def test_a_choice_is_an_enum_everywhere() -> None:
    """No field of a message that is one of a few words is a bare string."""
    named = {"kind", "encoding", "change", "trouble", "disposition", "purpose", "screen", "guidance", "objections"}
    bare = []
    for union in UNIONS.values():
        for kind in kinds(union):
            fields = msgspec.structs.fields(kind)
            bare += [f"{kind.__name__}.{f.name}" for f in fields if f.name in named and not _is_choice(f.type)]
    assert bare == []


def _is_choice(of: Any) -> bool:
    if isinstance(of, type) and issubclass(of, enum.Enum):
        return True
    return any(map(_is_choice, getattr(of, "__args__", ())))
