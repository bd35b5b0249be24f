"""A passport's chip, and the reader on which it lies.

The card's side of ISO/IEC 7816-4, access control, Chip Authentication and secure messaging (ICAO 9303-11), for readers
over PC/SC (a private pcscd with the virtual reader vpcd) or over a plain socket.

ChipError
├── CardGoneError       the card was pulled out of the field
├── SmError             a protected command that the card must refuse; carries the status word
├── RefusedError        a command that the card must refuse, in or out of a session; carries the status word
└── ReaderGoneError     the reader stopped, died or did not start
"""


class ChipError(Exception):
    """Base of the errors of the simulated chip and reader."""


class CardGoneError(ChipError):
    """The card was pulled out of the field."""


class SmError(ChipError):
    """A command with invalid protection: the card answers with `status` unprotected and ends its session."""

    def __init__(self, status: int) -> None:
        super().__init__(f"secure messaging broken: {status:04X}")
        self.status = status


class RefusedError(ChipError):
    """A command that the card refuses with `status`, protected like any answer in a session."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused: {status:04X}")
        self.status = status


class ReaderGoneError(ChipError):
    """The reader stopped, died or did not start."""
