"""Evidence, policy and decisions as record fields and back, so that a decision can be replayed years later."""

from __future__ import annotations

from typing import Any

import msgspec

from gate.passage.evidence import Evidence
from gate.passage.policy import Decision, Policy, decide


class RecordError(Exception):
    """A record does not hold what its kind promises."""


def fields_of(body: dict[str, Any]) -> dict[str, Any]:
    """A record's body as plain JSON values: enums by value, dates as text, dataclasses as tables."""
    fields: dict[str, Any] = msgspec.to_builtins(body)
    return fields


def replay(body: dict[str, Any]) -> tuple[Decision, bool]:
    """Take the decision of a `decided` record again; the second value says whether verdict and reasons are the same.

    Reasons that only the moment knew (a document pulled away, a time limit) may stand in the record beside the policy's.
    Raises RecordError when the record holds no evidence.
    """
    try:
        evidence = msgspec.convert(body["evidence"], Evidence)
        policy = msgspec.convert(body["policy"], Policy)
        recorded = {(item["reason"], item["detail"]) for item in body["reasons"]}
        verdict = body["decision"]
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise RecordError(f"not a decided record: {error}") from error
    again = decide(evidence, policy)
    found = {(objection.reason.value, objection.detail) for objection in again.objections}
    if verdict == "admit":
        return again, not found
    return again, found <= recorded and bool(recorded)
