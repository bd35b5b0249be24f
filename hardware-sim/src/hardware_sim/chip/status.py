"""The chip's status words (ISO/IEC 7816-4 §5.6), by their meaning here."""

from __future__ import annotations

from typing import Final

DONE: Final = 0x9000
END_OF_FILE: Final = 0x6282
PROOF_WRONG: Final = 0x6300
WRONG_LENGTH: Final = 0x6700
LAST_COMMAND_EXPECTED: Final = 0x6883
NOT_ALLOWED: Final = 0x6982
CONDITIONS_MISSING: Final = 0x6985
NO_FILE_SELECTED: Final = 0x6986
MISSING_OBJECT: Final = 0x6987
WRONG_OBJECT: Final = 0x6988
WRONG_DATA: Final = 0x6A80
NOT_FOUND: Final = 0x6A82
WRONG_PARAMETERS: Final = 0x6A86
INCONSISTENT: Final = 0x6A87
NO_SUCH_REFERENCE: Final = 0x6A88
OUTSIDE_FILE: Final = 0x6B00
MORE: Final = 0x6100  # the lower byte is the number of bytes
SHORTER: Final = 0x6C00  # the lower byte is the number of bytes
NO_INSTRUCTION: Final = 0x6D00
NO_CLASS: Final = 0x6E00
