"""A passport's chip, and the reader that it lies on.

The card side of ISO/IEC 7816-4, BAC and secure messaging (ICAO 9303-11), offered to readers over PC/SC (a private pcscd
with the virtual reader vpcd) or over a plain socket.

ChipError
├── CardGoneError       the card was pulled out of the field
├── SmError             a protected command that the card must refuse; carries the status word
└── ReaderGoneError     the reader stopped, died or never came up
"""


class ChipError(Exception):
    """Whatever the simulated chip and reader may raise."""


class CardGoneError(ChipError):
    """The card was pulled out of the field."""


class SmError(ChipError):
    """A command whose protection does not hold: the card answers with `status` in plain and drops its session."""

    def __init__(self, status: int) -> None:
        super().__init__(f"secure messaging broken: {status:04X}")
        self.status = status


class ReaderGoneError(ChipError):
    """The reader stopped, died or never came up."""
