"""The nouns of the `gate` command in this distribution, with their descriptions and verbs."""

from __future__ import annotations

from typing import Final

NOUNS: Final = {
    "demo": "A whole gate on simulated hardware",
    "drill": "Scripted days for officers at a simulated gate, scored for their own eyes",
    "explore": "The crossing's machine explored breadth-first, judged by the safety invariants",
    "simulate": "The real lane in a simulated world on a virtual clock",
}
