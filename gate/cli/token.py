"""The one-time token of enrolment: from a file, from a pipe, or asked for without echo. Never an argument, which everybody on the machine reads."""

from __future__ import annotations

import getpass
import re
import sys
from typing import TYPE_CHECKING, Final

from gate.provision.steps import ContentStepError, StepError

if TYPE_CHECKING:
    from pathlib import Path

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")  # 128 bits (gate central token)
_BYTES_MAX: Final = 1024


def read_token(path: Path | None) -> str:
    """The token in the file, else on standard input. Raises StepError, and ContentStepError for what is no token; neither repeats it."""
    if path is not None:
        try:
            with path.open("rb") as file:
                raw = file.read(_BYTES_MAX)
        except OSError as error:
            raise StepError(f"cannot read the token file {path}: {error.strerror}") from error
        return _checked(raw.decode("ascii", "replace"), str(path))
    try:
        text = getpass.getpass("token: ") if sys.stdin.isatty() else sys.stdin.readline(_BYTES_MAX)
    except (EOFError, UnicodeDecodeError):
        text = ""
    return _checked(text, "standard input")


def _checked(text: str, place: str) -> str:
    token = text.strip()
    if _TOKEN.fullmatch(token) is None:
        raise ContentStepError(f"{place} holds no token, which is the 22 characters that gate central token prints")
    return token
