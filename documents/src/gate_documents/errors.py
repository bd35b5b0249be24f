"""Everything `gate_documents` may raise. A caller branches on the type, never on the text.

DocumentError
├── MrzError                text that is no machine-readable zone
├── CardAccessNumberError   text that is no card access number
├── MalformedError          bytes that break BER, the LDS, X.509 or CMS
│   ├── FileTooLongError      a file of the chip that says that it is longer than what is read of it
│   └── RefusedListError      a revocation list that can be read and must not be relied on
├── AlgorithmUnknownError   an algorithm, curve or parameter that we do not know: nothing was shown either way
├── SignatureError          a signature, hash or proof of possession that is wrong
├── SignerMissingError      a signed message without its signer's certificate: nothing was shown either way
├── CardCertificateError    a control centre's card-verifiable certificate that is none: nothing of the document is at fault
└── ChipError               the conversation with the chip
    ├── ChipLostError         the chip or its reader went away; thrown in by whoever carries the APDUs
    ├── ChipStatusError       a status word that says no; `status` is SW1 SW2
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
    """A file of the chip that says that it is longer than what is read of it."""


class RefusedListError(MalformedError):
    """A revocation list that can be read and must not be relied on."""


class AlgorithmUnknownError(DocumentError):
    """An algorithm, curve or parameter that we do not know."""


class SignatureError(DocumentError):
    """A signature, hash or proof of possession that is wrong."""


class SignerMissingError(DocumentError):
    """A signed message without its signer's certificate."""


class CardCertificateError(DocumentError):
    """A control centre's card-verifiable certificate that is none, or no part of the chain that was wanted."""


class ChipError(DocumentError):
    """Any failure of the conversation with the chip."""


class ChipLostError(ChipError):
    """The chip or its reader went away."""


class ChipStatusError(ChipError):
    """The chip said no. `status` is SW1 SW2 as one number, such as 0x6A82."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(f"{what}: status {status:04X}")
        self.status = status


class AccessDeniedError(ChipError):
    """The chip refused the key of the MRZ, or failed to prove that it knows it."""


class AccessUnknownError(AccessDeniedError):
    """The chip does not know the command that Basic Access Control begins with."""


class SecureMessagingError(ChipError):
    """An answer that breaks secure messaging; nothing more is said in this session.

    `status` is the status word of a chip that ended the session itself, by answering in clear.
    """

    def __init__(self, what: str, *, status: int | None = None) -> None:
        super().__init__(what if status is None else f"{what}: status {status:04X}")
        self.status = status
