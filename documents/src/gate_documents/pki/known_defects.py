"""Known defects of whole batches of documents, as values: one vocabulary for both kinds of list.

Issuers publish them in deviation lists (ICAO 9303-12 §10), inspecting states in defect lists (BSI TR-03129-2 §7).
`gate_documents.verdict.defects` applies them to the checks.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asn1crypto import core

from gate_documents.pki.asn1 import FIELDS_MAX, require_few
from gate_documents.pki.names import read_name, same_parts
from gate_documents.pki.signatures import digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from gate_documents.pki.certificate import Certificate


class Flaw(enum.Enum):
    """One kind of defect. Never stored; the lists themselves are."""

    DS_NOT_TRUSTED = "ds_not_trusted"
    DS_UNDER_INVESTIGATION = "ds_under_investigation"
    DS_REPLACED = "ds_replaced"
    DS_ENCODING = "ds_encoding"
    DS_SIGNATURE = "ds_signature"
    CSCA_ENCODING = "csca_encoding"
    DS_VALIDITY = "ds_validity"
    CSCA_VALIDITY = "csca_validity"
    CHIP_KEYS_COMPROMISED = "chip_keys_compromised"
    ACTIVE_KEYS_COMPROMISED = "active_keys_compromised"
    CHIP_AUTHENTICATION_FAILS = "chip_authentication_fails"
    ACTIVE_AUTHENTICATION_FAILS = "active_authentication_fails"
    PACE_CAM_FAILS = "pace_cam_fails"
    DATA_GROUP_MALFORMED = "data_group_malformed"
    DATA_GROUP_HASH = "data_group_hash"
    SOD_SIGNATURE = "sod_signature"
    COM_SOD = "com_sod"
    WRONG_SIGNER = "wrong_signer"
    ISSUING_COUNTRY = "issuing_country"
    CARD_SECURITY = "card_security"
    CHIP_SECURITY = "chip_security"
    MRZ_DATA = "mrz_data"
    MRZ_CHECK_DIGIT = "mrz_check_digit"
    CHIP = "chip"
    UNKNOWN_DOCUMENT_DEFECT = "unknown_document_defect"


@dataclass(frozen=True, slots=True)
class Defect:
    """One flaw with the data that its kind needs: data groups, the right country in upper case, a replacement in DER."""

    flaw: Flaw
    data_groups: frozenset[int] = frozenset()
    country: str = ""
    replacement: bytes = b""


@dataclass(frozen=True, slots=True)
class Facts:
    """The inspection's data for finding a document's defects. Personal, and never stored."""

    signer: Certificate
    document_type: str = ""
    document_number: str = field(default="", repr=False)
    issued: date | None = None


@dataclass(frozen=True, slots=True)
class Affected:
    """The affected documents: those that meet every given condition. Without any condition, none are.

    The document signer is given by issuer and serial number, key identifier, or the hash of its certificate. The issuer
    is the id of its name; `issuer` is that name in DER, with its parts in any order.
    """

    issuer_and_serial: tuple[bytes, int] | None = None
    issuer: bytes | None = None
    key_id: bytes | None = None
    certificate_hash: tuple[str, bytes] | None = None
    document_type: str | None = None
    issued: tuple[datetime, datetime] | None = None
    document_numbers: frozenset[str] | None = field(default=None, repr=False)

    def names(self, signer: Certificate) -> bool:
        """True if every condition on the document signer holds; also if there is none."""
        if self.issuer_and_serial is not None and not self._numbers(signer, *self.issuer_and_serial):
            return False
        if self.key_id not in (None, signer.key_id):
            return False
        if self.certificate_hash is not None:
            name, value = self.certificate_hash
            return digest(name, signer.der) == value
        return True

    def _numbers(self, signer: Certificate, issuer_id: bytes, serial: int) -> bool:
        if signer.serial != serial:
            return False
        return signer.issuer_id == issuer_id or (self.issuer is not None and same_parts(self.issuer, signer.issuer))

    @property
    def by_signer(self) -> bool:
        """True when the document signer is among the conditions."""
        return (self.issuer_and_serial, self.key_id, self.certificate_hash) != (None, None, None)

    def covers(self, facts: Facts) -> bool:
        """True for a document that meets every condition. An unknown property meets none."""
        conditions = [self.names(facts.signer)] if self.by_signer else []
        if self.document_type is not None:
            conditions.append(facts.document_type.replace("<", "").startswith(self.document_type.replace("<", "")))
        if self.issued is not None:
            first, last = self.issued
            conditions.append(facts.issued is not None and first.date() <= facts.issued <= last.date())
        if self.document_numbers is not None:
            conditions.append(facts.document_number in self.document_numbers)
        return bool(conditions) and all(conditions)


@dataclass(frozen=True, slots=True)
class KnownDefects:
    """One entry of a list: these documents have these defects. `country` limits the entry to one issuing country.

    A state's list applies only to its own documents, so an entry of a deviation list has its country; `None` is for the
    lists of a control centre that the operator trusts with the documents of every country.
    """

    affected: Affected
    defects: tuple[Defect, ...]
    country: str | None = None

    def covers(self, facts: Facts) -> bool:
        """True if the entry may apply to this document, and does."""
        return self.country in (None, facts.signer.issuer_country) and self.affected.covers(facts)


def flaws_of(signer: Certificate, entries: Iterable[KnownDefects]) -> frozenset[Flaw]:
    """Return the known flaws of everything that this signer has signed, without further facts."""
    facts = Facts(signer)
    return frozenset(defect.flaw for entry in entries if entry.covers(facts) for defect in entry.defects)


def named_signer(identifier: Any) -> Affected:  # noqa: ANN401 - asn1crypto is untyped
    """Return the documents of a signer given by issuer and serial number or by key, as in both lists; of any signer if omitted."""
    if isinstance(identifier, core.Void):
        return Affected()
    chosen: Any = identifier.chosen
    if identifier.name == "issuer_and_serial":
        require_few(chosen, FIELDS_MAX, "the name of a document signer")
        issuer = chosen["issuer"].dump()
        return Affected((read_name(issuer).id, int(chosen["serial_number"].native)), issuer)
    return Affected(key_id=bytes(chosen.native) if identifier.name == "key_id" else None)
