"""Records as the fields that are sealed and back, so that a decision can be replayed years later."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from gate.channel.messages import BODY_BYTES_MAX
from gate.passage.counting import Counters
from gate.passage.policy import Decision, Verdict, decide
from gate.passage.records import Decided, Record


class RecordError(Exception):
    """A record does not hold what its kind promises."""


def fields_of(record: Record) -> dict[str, Any]:
    """A record's fields as plain JSON values: enums by value, dates as text, dataclasses as tables. Its crossing is not among them."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    fields.pop("crossing", None)
    return fields


def encode(record: Record) -> bytes:
    """The bytes that are sealed: canonical JSON, keys in order, no spaces, ASCII.

    Raises RecordError for what JSON has no spelling for, and for what is too long: the log would hang up on it each time.
    """
    try:
        body = json.dumps(fields_of(record), sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    except ValueError as error:
        raise RecordError(f"a record that cannot be written: {error}") from error
    if len(body) > BODY_BYTES_MAX:
        raise RecordError(f"a record of {len(body)} bytes")
    return body


def remember(record: Record) -> bytes:
    """What the log is to tell the lane's next start of this record: how far the books go. Empty for most."""
    counters = getattr(record, "counters", None)
    return b"" if counters is None else msgspec.json.encode(counters)


def counted(remembered: bytes) -> Counters | None:
    """How far the books went when the lane ended, None when nobody knows."""
    try:
        return msgspec.json.decode(remembered, type=Counters)
    except msgspec.DecodeError:
        return None


def replay(body: dict[str, Any]) -> tuple[Decision, bool]:
    """Take the decision of a `decided` record again; the second value says whether verdict and reasons are the same.

    Reasons that only the moment knew (a document pulled away, a time limit) may stand in the record beside the policy's.
    Raises RecordError when the record holds no evidence.
    """
    try:
        recorded = msgspec.convert({**body, "crossing": "", "policy": _as_of_then(body.get("policy"))}, Decided)
    except (TypeError, msgspec.ValidationError) as error:
        raise RecordError(f"not a decided record: {error}") from error
    again = decide(recorded.evidence, recorded.policy)
    if recorded.decision is Verdict.ADMIT:
        return again, not again.objections
    return again, set(again.objections) <= set(recorded.reasons) and bool(recorded.reasons)


def _as_of_then(policy: object) -> object:
    """The policy of a record as it was understood then: before it said where the camera stands, one body in the zone was nobody's objection."""
    return {"camera_inside_zone": True, **policy} if isinstance(policy, dict) else policy
