"""What the sync program and its importing child say to each other: one request, one outcome, in JSON."""

from __future__ import annotations

import msgspec

REQUEST_BYTES_MAX = 16 << 10
ANSWER_BYTES_MAX = 64 << 10
REFUSED_MAX = 20


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Import this folder into this store."""

    folder: str
    store: str
    signer: str
    test: bool


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate or list that was left out, and why; `older`: it would have rolled the store back."""

    subject: str
    reason: str
    older: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of an import. `problem` is empty when all is well; `refused` names the first of `refused_in_all`.

    `version` is the store's, empty when there is none; the counts are of what the folder brought.
    """

    problem: str = ""
    replaced: bool = False
    version: str = ""
    certificates: int = 0
    countries: int = 0
    revocation_lists: int = 0
    defect_lists: int = 0
    withdrawn: int = 0
    refused: list[Refused] = []
    refused_in_all: int = 0
    took_ms: int = 0
