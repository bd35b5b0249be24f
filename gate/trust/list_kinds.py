"""The kinds of signed lists: what the store calls each, how it is told from the others and read, and who vouches for its signer.

A new kind is a parser of its own and a row in one of two tables: it brings CSCA certificates, or it tells of defects and is kept whole. Revocation
lists are in neither: their issuer signs them itself.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from gate_documents.pki import defect_list, deviation_list, master_list
from gate_documents.pki.certificate import Certificate
from gate_documents.pki.known_defects import KnownDefects
from gate_documents.pki.signed_data import SignedMessage, parse_signed_message


class Vouching(enum.Enum):
    """Whose word is taken for a list's signer, beside that of the operator who names it as `--signer`."""

    NOBODY = enum.auto()
    CHOSEN_CSCA = enum.auto()  # one that the operator gave as a file, or that its own country's list names
    ANY_CSCA = enum.auto()  # every one that is known


class Signed(Protocol):
    """What a parser makes of a list."""

    @property
    def message(self) -> SignedMessage:
        """The message that carries it, and its signature."""

    def verify(self) -> Certificate:
        """The certificate of the list's signer, once its signature was checked. Raises DocumentError."""


class NamesCertificates(Signed, Protocol):
    """A list that brings certificates."""

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """In DER, and unread."""


class TellsDefects(Signed, Protocol):
    """A list that tells of defects. It always says when it was signed."""

    @property
    def signed_at(self) -> datetime:
        """When that was."""

    @property
    def entries(self) -> tuple[KnownDefects, ...]:
        """What it says, of which documents."""


P = TypeVar("P", bound=Signed)


@dataclass(frozen=True, slots=True)
class ListKind(Generic[P]):
    """One kind. `content_type` is the type of what is signed.

    `name` stands in stores and records and is never changed: the words that people read, run together (`freshness.in_words`).
    """

    name: str
    content_type: str
    parse: Callable[[bytes], P]
    vouching: Vouching


@dataclass(frozen=True, slots=True)
class ListOfCertificates:
    """A list that was read and brings certificates."""

    kind: ListKind[NamesCertificates]
    parsed: NamesCertificates


@dataclass(frozen=True, slots=True)
class ListOfDefects:
    """A list that was read and tells of defects."""

    kind: ListKind[TellsDefects]
    parsed: TellsDefects
    der: bytes


SignedList = ListOfCertificates | ListOfDefects

MASTER_LIST: Final[ListKind[NamesCertificates]] = ListKind(
    "MasterList", master_list.CONTENT_TYPE, master_list.parse_master_list, Vouching.CHOSEN_CSCA
)
LISTS_OF_CERTIFICATES: Final[tuple[ListKind[NamesCertificates], ...]] = (MASTER_LIST,)
LISTS_OF_DEFECTS: Final[tuple[ListKind[TellsDefects], ...]] = (
    ListKind("DeviationList", deviation_list.CONTENT_TYPE, deviation_list.parse_deviation_list, Vouching.ANY_CSCA),
    ListKind("DefectList", defect_list.CONTENT_TYPE, defect_list.parse_defect_list, Vouching.NOBODY),
)


def read_list(data: bytes) -> SignedList:
    """Read a list, by the type of what was signed; whatever is of no other kind must be a master list. Raises DocumentError."""
    content_type = parse_signed_message(data, "a list").content_type
    for of_defects in LISTS_OF_DEFECTS:
        if of_defects.content_type == content_type:
            return ListOfDefects(of_defects, of_defects.parse(data), data)
    kind = next((one for one in LISTS_OF_CERTIFICATES if one.content_type == content_type), MASTER_LIST)
    return ListOfCertificates(kind, kind.parse(data))


def signing_time(one: SignedList) -> datetime | None:
    """When a list says that it was signed."""
    return one.parsed.message.signers[0].signing_time
