"""What an import begins with and what it leaves out, as values: how sources come, what the store holds, and why not."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gate_documents.pki.certificate import Certificate

Edition = tuple[datetime, int | None]


class Way(enum.Enum):
    """How sources come.

    HANDED are an operator's files, each of which must do. DOWNLOADED is an operator's folder: what cannot be used is left out.
    WATCHED is a folder that fills by itself: as before, and a certificate by itself vouches for nothing.
    """

    HANDED = "handed"
    DOWNLOADED = "downloaded"
    WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A certificate or list that was left out, and why. `older`: it would have rolled back what is known."""

    subject: str
    reason: str
    older: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds already: its certificates, those of them that vouch for master lists, and how new its lists are.

    `signed_at` is by kind and publisher, the country of the list's signer. `editions` are the dates and numbers of revocation
    lists, by issuer and key, and `revocations` these lists in DER with their issuer; `signers` and `seal_signers` the
    fingerprints of those who sign documents and seals.
    """

    certificates: Sequence[Certificate] = ()
    vouching: Sequence[Certificate] = ()
    signed_at: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    editions: Mapping[tuple[bytes, bytes], Edition] = field(default_factory=dict)
    revocations: Sequence[tuple[bytes, bytes]] = ()
    signers: frozenset[bytes] = frozenset()
    seal_signers: frozenset[bytes] = frozenset()
