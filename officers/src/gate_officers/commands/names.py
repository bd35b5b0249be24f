"""The `gate` command groups of this distribution, each with its help line."""

from __future__ import annotations

from typing import Final

NOUNS: Final = {
    "console": "The officers' console on a machine of its own: init, serve",
    "officer": "An officer's signed orders: authority",
}
