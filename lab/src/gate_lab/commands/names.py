"""The nouns of the `gate` command that this distribution brings, each with a sentence and its verbs."""

from __future__ import annotations

from typing import Final

NOUNS: Final = {
    "conformity": "The clauses of standards with the tests that show them, or open: no certificate",
    "face": "Faces: compare, evaluate, cohort, evaluate-pad, pad-sheets",
    "fairness": "How a gate fares with groups of travellers, and whether one fares worse: page",
    "forecast": "Lanes and officers for a day: service, plan",
    "shadow": "A gate that only watches, beside the officer: report",
}
