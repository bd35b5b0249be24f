"""The kinds of signed lists: the store's name of each, its recognition and parser, and who vouches for its signer.

A new kind is a parser and a row in the table of lists of defects, which are kept whole. Master lists, of CSCA certificates, are a kind of
their own. Revocation lists are none: their issuer signs them itself.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from gate_documents.pki import defect_list, deviation_list, master_list
from gate_documents.pki.certificate import Certificate
from gate_documents.pki.known_defects import KnownDefects
from gate_documents.pki.master_list import MasterList
from gate_documents.pki.signed_data import SignedMessage, parse_signed_message


class Vouching(enum.Enum):
    """Who vouches for a list's signer, besides the operator with `--signer`."""

    NOBODY = enum.auto()
    CHOSEN_CSCA = enum.auto()  # one that the operator gave as a file, or that its own country's list names
    ANY_CSCA = enum.auto()  # every one that is known


class TellsDefects(Protocol):
    """The parsed form of a list of defects. It always has a signing time."""

    @property
    def message(self) -> SignedMessage:
        """The signed message that contains it."""

    @property
    def signed_at(self) -> datetime:
        """The signing time."""

    @property
    def entries(self) -> tuple[KnownDefects, ...]:
        """The entries, each with its documents."""

    def verify(self) -> Certificate:
        """Verify the signature and return the signer's certificate. Raises DocumentError."""


P = TypeVar("P", MasterList, TellsDefects)


@dataclass(frozen=True, slots=True)
class ListKind(Generic[P]):
    """One kind. `content_type`: the type of the signed content.

    `name` is stored and recorded and never changes: the words without spaces (`freshness.in_words`).
    """

    name: str
    content_type: str
    parse: Callable[[bytes], P]
    vouching: Vouching


@dataclass(frozen=True, slots=True)
class ListOfCertificates:
    """A parsed master list."""

    kind: ListKind[MasterList]
    parsed: MasterList


@dataclass(frozen=True, slots=True)
class ListOfDefects:
    """A parsed list of defects."""

    kind: ListKind[TellsDefects]
    parsed: TellsDefects
    der: bytes


SignedList = ListOfCertificates | ListOfDefects

MASTER_LIST: Final = ListKind(
    "MasterList", master_list.CONTENT_TYPE, master_list.parse_master_list, Vouching.CHOSEN_CSCA
)
LISTS_OF_DEFECTS: Final[tuple[ListKind[TellsDefects], ...]] = (
    ListKind("DeviationList", deviation_list.CONTENT_TYPE, deviation_list.parse_deviation_list, Vouching.ANY_CSCA),
    ListKind("DefectList", defect_list.CONTENT_TYPE, defect_list.parse_defect_list, Vouching.NOBODY),
)


def read_list(data: bytes) -> SignedList:
    """Parse a list by its signed content's type; any unknown type must be a master list. Raises DocumentError."""
    content_type = parse_signed_message(data, "a list").content_type
    for of_defects in LISTS_OF_DEFECTS:
        if of_defects.content_type == content_type:
            return ListOfDefects(of_defects, of_defects.parse(data), data)
    return ListOfCertificates(MASTER_LIST, MASTER_LIST.parse(data))


def signing_time(one: SignedList) -> datetime | None:
    """Return the signing time stated in a list."""
    return one.parsed.message.signers[0].signing_time
