"""The nouns of the `gate` command that this distribution brings, each with a sentence and its verbs."""

from __future__ import annotations

from typing import Final

NOUNS: Final = {"audit": "The audit log: verify, decrypt, access, report, erasure"}
