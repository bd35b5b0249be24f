"""EF.CardSecurity: security infos that a document signer has signed, needed for PACE-CAM (ICAO 9303-11 §4.4.3.5, 9303-10 §3.11.4).

Only its form is read here. Its signature is `message.verify()`, and the signer needs a trusted issuer like that of EF.SOD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.errors import MalformedError
from gate_documents.lds.security_infos import parse_security_infos
from gate_documents.pki.signed_data import SignedMessage, parse_signed_message

if TYPE_CHECKING:
    from gate_documents.lds.security_infos import SecurityInfos

CONTENT_TYPE: Final = "0.4.0.127.0.7.3.2.1"


@dataclass(frozen=True, slots=True)
class CardSecurity:
    """The signed security infos, and the message with the signature."""

    message: SignedMessage
    infos: SecurityInfos


def parse_card_security(data: bytes) -> CardSecurity:
    """Read EF.CardSecurity. Raises MalformedError or AlgorithmUnknownError."""
    message = parse_signed_message(data, "EF.CardSecurity")
    if message.content_type != CONTENT_TYPE:
        raise MalformedError("EF.CardSecurity signs content of another type")
    return CardSecurity(message, parse_security_infos(message.content, "EF.CardSecurity"))
