"""The nouns of the `gate` command that this distribution brings, each with a sentence and its verbs."""

from __future__ import annotations

from typing import Final

NOUNS: Final = {
    "console": "The officers' console on a machine of its own: init, serve",
    "officer": "An officer's signed orders: authority",
}
