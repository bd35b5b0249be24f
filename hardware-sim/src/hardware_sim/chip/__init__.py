"""A passport's chip, and the reader that it lies on.

The card side of ISO/IEC 7816-4, access control, Chip Authentication and secure messaging (ICAO 9303-11), offered to readers over PC/SC (a private pcscd
with the virtual reader vpcd) or over a plain socket.

ChipError
├── CardGoneError       the card was pulled out of the field
├── SmError             a protected command that the card must refuse; carries the status word
├── RefusedError        a command that the card must refuse, session or not; carries the status word
└── ReaderGoneError     the reader stopped, died or never came up
"""


class ChipError(Exception):
    """Base of the errors of the simulated chip and reader."""


class CardGoneError(ChipError):
    """The card was pulled out of the field."""


class SmError(ChipError):
    """A command whose protection does not hold: the card answers with `status` in plain and drops its session."""

    def __init__(self, status: int) -> None:
        super().__init__(f"secure messaging broken: {status:04X}")
        self.status = status


class RefusedError(ChipError):
    """A command that the card refuses with `status`, protected like any answer when there is a session."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused: {status:04X}")
        self.status = status


class ReaderGoneError(ChipError):
    """The reader stopped, died or never came up."""
