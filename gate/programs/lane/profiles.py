"""Log profiles (BSI TR-03135-2 §4.3): what of a record is written down, as the site has chosen and two persons approved.

`full` is everything that a record holds, so that a decision can be taken again. `basic` holds nothing personal: neither what a document or a face says of a traveller, nor who of the
staff did something, nor free words, in which anything may stand. `standard` holds of a traveller whom the gate itself let pass what `basic` does, and all the rest as `full`: every
decision against somebody can be taken again. Left out are fields, never records, and a record of which something is left out names its profile. Which fields are
personal is said here once; a test walks every kind of record and wants each text named there or proven harmless.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from gate.passage.orders import Said
from gate.passage.policy import Verdict
from gate.passage.records import ApprovalSettings, Decided, EntryDecided, Record
from gate_core.evidence.crossing import Check, DocumentEvidence, FaceEvidence
from gate_core.evidence.reasons import Objection
from gate_core.evidence.registers import RegisterFinding

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Profile = Literal["full", "standard", "basic"]
PERSONAL: Final[Mapping[type, frozenset[str]]] = {
    Check: frozenset({"reason"}),
    DocumentEvidence: frozenset(
        {"issuer", "document_type", "issued", "expires", "authorities", "nationality", "sex", "age"}
    ),
    FaceEvidence: frozenset({"match", "liveness", "cues", "pad"}),
    Objection: frozenset({"detail"}),
    RegisterFinding: frozenset({"register", "cause", "edition", "handle", "about"}),
    Said: frozenset({"officer", "reason"}),
    ApprovalSettings: frozenset({"persons", "keys"}),
}


def is_whole(record: Record, profile: Profile) -> bool:
    """True when nothing of a record is left out."""
    if profile == "standard":
        return not (isinstance(record, Decided | EntryDecided) and record.decision is Verdict.ADMIT)
    return profile == "full"


def without_personal(record: DataclassInstance) -> dict[str, object]:
    """The fields of a record, as plain JSON values, that are not personal."""
    left_out = PERSONAL.get(type(record), frozenset())
    names = [one.name for one in dataclasses.fields(record) if one.name not in left_out]
    return {name: _plain(getattr(record, name)) for name in names}


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return without_personal(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(one) for one in value]
    return msgspec.to_builtins(value)
