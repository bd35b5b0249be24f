"""The traveller's page's words in every language (`gate.screens.texts`), and which way a language's script runs."""

from __future__ import annotations

from typing import Final

from gate.screens.texts import Texts

_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})
_TEXTS: Final = Texts(__package__)

available = _TEXTS.available
t = _TEXTS.t
text_ids = _TEXTS.text_ids


def direction(language: str) -> str:
    """`rtl` for a script that runs from right to left, else `ltr`: a value of HTML's `dir`."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"
