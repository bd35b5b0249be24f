"""Messages between the sync program and its importing child: one request, one outcome, in JSON."""

from __future__ import annotations

import msgspec

REQUEST_BYTES_MAX = 16 << 10
ANSWER_BYTES_MAX = 64 << 10
REFUSED_MAX = 20


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Request to import this folder into this store."""

    folder: str
    store: str
    signer: str
    test: bool


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A refused certificate or list, and why."""

    subject: str
    reason: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An import's outcome. `problem`: empty if there is none. `refused`: the first of `refused_in_all`.

    `version`: the store's, empty without a store. The counts are of the folder's content.
    """

    problem: str = ""
    replaced: bool = False
    version: str = ""
    certificates: int = 0
    revocation_lists: int = 0
    defect_lists: int = 0
    withdrawn: int = 0
    refused: list[Refused] = []
    refused_in_all: int = 0
    took_ms: int = 0
