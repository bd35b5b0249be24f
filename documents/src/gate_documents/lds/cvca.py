"""EF.CVCA: the chip's trusted authorities in Terminal Authentication, newest first (TR-03110-3 §A.7.2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.errors import CardCertificateError, MalformedError
from gate_documents.lds.files import File
from gate_documents.pki.cvc import reference

if TYPE_CHECKING:
    from gate_documents.lds.security_infos import TerminalAuthenticationInfo

FILE_BYTES: Final = 36
AUTHORITIES_MAX: Final = 2
_REFERENCE: Final = 0x42
_DEFAULT_IDENTIFIER: Final = 0x011C


def cvca_file(info: TerminalAuthenticationInfo | None) -> File:
    """The file, under the name that EF.DG14 gives it."""
    named = None if info is None else info.cvca_file
    return File("EF.CVCA", _DEFAULT_IDENTIFIER if named is None else named, _REFERENCE)


def parse_cvca(data: bytes) -> tuple[bytes, ...]:
    """The names of the authorities, filled up with zeros. Raises MalformedError."""
    filled = data.rstrip(b"\x00")
    found = tuple(tlv.elements(filled))
    if not 1 <= len(found) <= AUTHORITIES_MAX or any(one.tag != _REFERENCE for one in found):
        raise MalformedError("EF.CVCA does not hold one or two references")
    try:
        return tuple(reference(one.value) for one in found)
    except CardCertificateError as error:
        raise MalformedError(f"EF.CVCA: {error}") from error
