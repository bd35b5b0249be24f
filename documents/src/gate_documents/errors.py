"""All errors of `gate_documents`. A caller branches on the type, never on the text.

DocumentError
├── MrzError                text that is no machine-readable zone
├── CardAccessNumberError   text that is no card access number
├── MalformedError          bytes that break BER, the LDS, X.509 or CMS
│   ├── FileTooLongError      a file of the chip whose stated length exceeds the limit
│   └── RefusedListError      a readable revocation list that must not be relied on
├── AlgorithmUnknownError   an unknown algorithm, curve or parameter: nothing was shown either way
├── SignatureError          a signature, hash or proof of possession that is wrong
├── SignerMissingError      a signed message without its signer's certificate: nothing was shown either way
├── CardCertificateError    an invalid card-verifiable certificate of a control centre: not the document's fault
└── ChipError               the conversation with the chip
    ├── ChipLostError         the chip or its reader is gone; thrown in by the carrier of the APDUs
    ├── ChipStatusError       a status word that refuses; `status` is SW1 SW2
    ├── AccessDeniedError     the chip refused the key of the MRZ, or failed to prove that it knows it
    │   └── AccessUnknownError    the chip does not know Basic Access Control
    └── SecureMessagingError  an answer that breaks secure messaging: the session is over

No message holds personal data or bytes of a file.
"""

from __future__ import annotations


class DocumentError(Exception):
    """Any failure of reading or judging a travel document."""


class MrzError(DocumentError):
    """Text that is no machine-readable zone."""


class CardAccessNumberError(DocumentError):
    """Text that is no card access number."""


class MalformedError(DocumentError):
    """Bytes that break BER, the LDS, X.509 or CMS."""


class FileTooLongError(MalformedError):
    """A file of the chip whose stated length exceeds the limit."""


class RefusedListError(MalformedError):
    """A readable revocation list that must not be relied on."""


class AlgorithmUnknownError(DocumentError):
    """An unknown algorithm, curve or parameter."""


class SignatureError(DocumentError):
    """A signature, hash or proof of possession that is wrong."""


class SignerMissingError(DocumentError):
    """A signed message without its signer's certificate."""


class CardCertificateError(DocumentError):
    """An invalid card-verifiable certificate of a control centre, or one outside of the required chain."""


class ChipError(DocumentError):
    """Any failure of the conversation with the chip."""


class ChipLostError(ChipError):
    """The chip or its reader is gone."""


class ChipStatusError(ChipError):
    """The chip refused. `status` is SW1 SW2 as one number, such as 0x6A82."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what}: status {status:04X}")
        self.status = status


class AccessDeniedError(ChipError):
    """The chip refused the key of the MRZ, or failed to prove that it knows it."""


class AccessUnknownError(AccessDeniedError):
    """The chip does not know the first command of Basic Access Control."""


class SecureMessagingError(ChipError):
    """An answer that breaks secure messaging; the session sends nothing more.

    `status` is the status word of a chip that ended the session itself, by answering in clear.
    """

    def __init__(self, what: str, *, status: int | None = None) -> None:
        super().__init__(what if status is None else f"{what}: status {status:04X}")
        self.status = status
