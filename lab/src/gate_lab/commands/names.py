"""The subcommands of `gate` that this distribution adds, each with a sentence and its verbs."""

from __future__ import annotations

from typing import Final

NOUNS: Final = {
    "conformity": "The clauses of standards with the tests that show them, or open: no certificate",
    "document": "Travel documents: inspect, verify-sod, parse-mrz, read-mrz, verify-seal, verify-credential",
    "face": "Faces: compare, evaluate, cohort, evaluate-pad, pad-sheets",
    "fairness": "How a gate fares with groups of travellers, and whether one fares worse: page",
    "forecast": "Lanes and officers for a day: service, plan",
    "lists": "Signed lists of documents and people: sign, show",
    "policy": "Written rules before they are in force: check, diff, dry-run",
    "rights": "What travellers ask of whoever runs the gate: receipt, receive, extend, answer, list, access, card",
    "shadow": "A gate that only watches, beside the officer: report",
    "update": "Updates, and the operator's repository of them: publish",
}
