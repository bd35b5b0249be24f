"""Master lists: the country signing certificates that one country has collected and signed (ICAO 9303-12 §7.1.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asn1crypto import core

from gate_documents.errors import MalformedError, SignatureError
from gate_documents.pki.asn1 import FIELDS_MAX, load, reading, require_few
from gate_documents.pki.certificate import Certificate
from gate_documents.pki.signed_data import SIGNED_BYTES_MAX, SignedMessage, parse_signed_message

CONTENT_TYPE: Final = "2.23.136.1.1.2"
CERTIFICATES_MAX: Final = 8192
_LIST_SIGNER: Final = "2.23.136.1.1.3"


class _Certificates(core.SetOf):  # type: ignore[misc] # asn1crypto is untyped
    _child_spec = core.Any


class _List(core.Sequence):  # type: ignore[misc]
    _fields = [("version", core.Integer), ("certificates", _Certificates)]  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class MasterList:
    """One list. `certificates` are in DER and unparsed: a single broken one does not invalidate the list."""

    message: SignedMessage
    certificates: tuple[bytes, ...]

    def verify(self) -> Certificate:
        """Verify the signature and return the signer's certificate. The caller must check who issued it."""
        signer = self.message.verify(tolerated=set())
        if _LIST_SIGNER not in signer.purposes:
            raise SignatureError("the signer's certificate is not one of a master list signer")
        return signer


def parse_master_list(data: bytes) -> MasterList:
    """Read a list. Raises MalformedError or AlgorithmUnknownError."""
    message = parse_signed_message(data, "a master list")
    if message.content_type != CONTENT_TYPE:
        raise MalformedError("a signed message that is no master list")
    parsed = load(_List, message.content, "a master list", bytes_max=SIGNED_BYTES_MAX)
    with reading("a master list"):
        require_few(parsed, FIELDS_MAX, "a master list")
        require_few(parsed["certificates"], CERTIFICATES_MAX, "a master list")
        if int(parsed["version"].native) != 0 or not len(parsed["certificates"]):
            raise MalformedError("a master list of an unknown version, or without certificates")
        return MasterList(message, tuple(one.dump() for one in parsed["certificates"]))
