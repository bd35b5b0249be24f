"""Encoders of requests to a mirror, and decoders of its answers: C2SP tlog-mirror, and our own extensions. Pure.

Answers are decoded strictly, with size limits, since the mirror is untrusted. `gate_core.mirror_client.round` decides
the order of requests.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import Note, Signature, decode_base64, encode_base64
from gate_core.audit_format.tiles import encode_entries
from gate_core.mirror_client.errors import BadAnswerError

ANSWER_BYTES_MAX = 64 * 1024
APPROVAL_BYTES_MAX = 16 * 1024
SIGNATURES_MAX = 16
KEYS_ASKED_MAX = 64  # age files in one answer
SHOW_RECEIPT = "/receipt"
HELD = "/held"
TICKET_BYTES_MAX = 1024
_LINE_BYTES_MAX = 2048
_U16, _U32, _U64 = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to the mirror."""

    method: str
    path: str
    body: bytes = b""
    content_type: str | None = None
    compress: bool = False  # C2SP: SHOULD for add-entries


@dataclass(frozen=True, slots=True)
class Response:
    """The mirror's HTTP response; `body` has at most ANSWER_BYTES_MAX bytes."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class MirrorInfo:
    """A mirror's state in a 409 or 202 answer: a known checkpoint's size, the next entry, a ticket to return."""

    size: int
    next_entry: int
    ticket: bytes


Told = TypeVar("Told")
Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Keys = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")], ...], msgspec.Meta(max_length=KEYS_ASKED_MAX)
]


class BodiesState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Our extension: the first entry whose body is missing, and missing age files."""

    next: Size
    keys: Keys = ()


class RoundState(msgspec.Struct, frozen=True):
    """Our extension: the mirror's state after a round, and its cosignature line if it has all entries."""

    size: Size
    next: Size
    bodies: Size
    keys: Keys
    cosignature: str | None


# ── C2SP tlog-mirror ─────────────────────────────────────────────────────────────────────────────────────────────────


def checkpoint_request(origin: str) -> Request:
    """Ask for the checkpoint that the mirror serves of a log."""
    return Request("GET", f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")


def pending_request(origin: str) -> Request:
    """Ask for the newest checkpoint that the mirror knows. Our extension: other mirrors do not answer it."""
    return Request("GET", f"/{hashlib.sha256(origin.encode()).hexdigest()}/pending")


def add_checkpoint(size_old: int, proof: Sequence[bytes], note: Note) -> Request:
    """Send a newer checkpoint (C2SP tlog-witness, add-checkpoint)."""
    lines = [f"old {size_old}", *(encode_base64(one) for one in proof), "", ""]
    return Request("POST", "/add-checkpoint", "\n".join(lines).encode() + note.to_bytes(), "text/plain")


def package(entries: Sequence[bytes], proof: Sequence[bytes]) -> bytes:
    """Encode one entry package: entries with their lengths, the number of hashes, the hashes."""
    return encode_entries(entries) + bytes([len(proof)]) + b"".join(proof)


def add_entries(origin: str, start: int, end: int, ticket: bytes, packages: Sequence[bytes]) -> Request:
    """Upload entries `[start, end)`, or the first packages of them."""
    name = origin.encode()
    head = _U16.pack(len(name)), name, _U64.pack(start), _U64.pack(end), _U16.pack(len(ticket)), ticket
    return Request(
        "POST", "/add-entries", b"".join((*head, *packages)), "application/octet-stream", compress=bool(packages)
    )


def parse_info(response: Response) -> MirrorInfo:
    """Read the answer 409 or 202 to add-entries. Raises BadAnswerError."""
    lines = _lines(response, "text/x.tlog.mirror-info")
    if len(lines) != 3:
        raise BadAnswerError("the mirror's state is three lines")
    try:
        ticket = decode_base64(lines[2])
    except BadFormatError as error:
        raise BadAnswerError("the mirror's ticket is not Base64") from error
    if len(ticket) > TICKET_BYTES_MAX:
        raise BadAnswerError(f"the mirror's ticket exceeds {TICKET_BYTES_MAX} bytes")
    return MirrorInfo(_number(lines[0]), _number(lines[1]), ticket)


def parse_size(response: Response) -> int:
    """Read the answer 409 to add-checkpoint. Raises BadAnswerError."""
    lines = _lines(response, "text/x.tlog.size")
    if len(lines) != 1:
        raise BadAnswerError("the mirror's size is one line")
    return _number(lines[0])


def parse_signatures(response: Response) -> tuple[Signature, ...]:
    """Read the cosignatures of the answer 200. Raises BadAnswerError."""
    return parse_signature_lines(_text(response))


def parse_signature_lines(text: str) -> tuple[Signature, ...]:
    """Read cosignatures, each a line. Raises BadAnswerError."""
    lines = text.split("\n")
    if lines.pop() or not 1 <= len(lines) <= SIGNATURES_MAX:
        raise BadAnswerError(f"the mirror's answer is 1 to {SIGNATURES_MAX} signature lines")
    try:
        return tuple(Signature.parse(line) for line in lines)
    except BadFormatError as error:
        raise BadAnswerError("the mirror's answer is no signature line") from error


def log_key(handover: bytes) -> Request:
    """Send a handover of the log's key. Our extension."""
    return Request("POST", "/log-key", handover, "text/plain")


def show_receipt(note: bytes) -> Request:
    """Send the mirror its own receipt for more than it has. Our extension."""
    return Request("POST", SHOW_RECEIPT, note, "text/plain")


def held_request() -> Request:
    """Ask for the mirror's signed statement of held entries and bodies. Our extension: older servers answer 404."""
    return Request("GET", HELD)


# ── ours: a round in one request ─────────────────────────────────────────────────────────────────────────────────────


def round_request(
    announced: Request, entries: tuple[int, int, bytes], lines: bytes, files: Mapping[str, bytes | None]
) -> Request:
    """Send a checkpoint with `entries` (start, end, package), bodies and age files; None: not in the spool."""
    start, end, package = entries
    parts = [_U32.pack(len(announced.body)), announced.body, _U64.pack(start), _U16.pack(end - start), package]
    parts += [_U32.pack(len(lines)), lines]
    for key_id, wrapped in files.items():
        content = wrapped or b""
        parts += [bytes.fromhex(key_id), _U32.pack(len(content)), content]
    return Request("POST", "/round", b"".join(parts), "application/octet-stream", compress=True)


def parse_round_state(response: Response) -> RoundState:
    """Read the answer to a round. Raises BadAnswerError."""
    return _decoded(response, RoundState, "the mirror's answer to a round")


# ── ours: sealed bodies and age files ────────────────────────────────────────────────────────────────────────────────


def bodies_request() -> Request:
    """Ask for the missing bodies and age files."""
    return Request("GET", "/bodies")


def put_sealed(lines: bytes) -> Request:
    """Send sealed bodies as JSON lines."""
    return Request("PUT", "/bodies/sealed", lines, "application/jsonl", compress=True)


def put_key(key_id: str, wrapped: bytes | None) -> Request:
    """Send an age file; None: it is not in the spool."""
    return Request("PUT", f"/bodies/keys/{key_id}", wrapped or b"", "application/age")


def approval_request(note: bytes) -> Request:
    """Send the gate's current approval, empty for none; the answer is the newest that central knows."""
    return Request("PUT", "/approval", note, "text/plain")


def expired_request(word: bytes) -> Request:
    """Send the log's statement of expired and deleted keys. Our extension: older servers answer 404."""
    return Request("POST", "/expired", word, "text/plain")


def erasure_request(order: bytes) -> Request:
    """Send a signed erasure order; the answer is the mirror's receipt. Our extension."""
    return Request("POST", "/erasure", order, "text/plain")


def parse_approval(response: Response) -> bytes:
    """Read the newest approval, empty for none; the log program verifies it. Raises BadAnswerError.

    404 (another mirror) and 422 (approval refused) count as none.
    """
    if response.status in {404, 422}:
        return b""
    if response.status != 200:
        raise BadAnswerError(f"the centre does not take the approval: {response.status} {reason_of(response)}")
    if len(response.body) > APPROVAL_BYTES_MAX:
        raise BadAnswerError(f"an approval of more than {APPROVAL_BYTES_MAX} bytes")
    return response.body


def parse_bodies(response: Response) -> BodiesState:
    """Read the missing bodies and age files. Raises BadAnswerError."""
    return _decoded(response, BodiesState, "the centre's answer about bodies")


def reason_of(response: Response) -> str:
    """Return a refusal's reason, printable, at most 200 characters."""
    text = response.body[:200].decode("ascii", "replace")
    return "".join(char if char.isprintable() else " " for char in text).strip() or "no reason given"


def _decoded(response: Response, type_: type[Told], what: str) -> Told:
    try:
        return msgspec.json.decode(response.body, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadAnswerError(f"{what} is not as agreed") from error


def _text(response: Response) -> str:
    try:
        return response.body.decode()
    except UnicodeDecodeError as error:
        raise BadAnswerError("the mirror's answer is not UTF-8") from error


def _lines(response: Response, content_type: str) -> list[str]:
    if response.content_type.partition(";")[0].strip() != content_type:
        raise BadAnswerError(f"the mirror's answer is not {content_type}")
    text = _text(response)
    if len(text) > _LINE_BYTES_MAX or not text.endswith("\n"):
        raise BadAnswerError("the mirror's answer is not made of lines")
    return text[:-1].split("\n")


def _number(line: str) -> int:
    if not (line.isascii() and line.isdigit()) or len(line) > 19 or str(int(line)) != line:
        raise BadAnswerError("the mirror's answer has no decimal number where one belongs")
    return int(line)
