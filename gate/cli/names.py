"""The nouns of the `gate` command, each with a sentence and its verbs, and where a noun's module is. Nothing is imported."""

from __future__ import annotations

NAME = "gate"  # also where it is started as a module

NOUNS = {
    "audit": "The audit log: verify, export, decrypt, access, report, erasure, erase",
    "barrier": "Traces of a barrier's board: record, replay",
    "central": "The central server: erase, prune, acts, retirement, import, init, token, revoke, retire, rotate, serve, pages, fleet, alarms, answer, export, site, person",
    "config": "The configuration, and who stands behind it: check, show, diff, key, vkey, approve, install",
    "conformity": "The clauses of standards with the tests that show them, or open: no certificate",
    "console": "The officers' console on a machine of its own: init, serve",
    "demo": "A whole gate on simulated hardware",
    "document": "Travel documents: inspect, verify-sod, parse-mrz, read-mrz, read, verify-seal, verify-credential",
    "drill": "Scripted days for officers at a simulated gate, scored for their own eyes",
    "exchange": "A site's exchange, which knows for minutes which documents its gates have read: init, serve",
    "face": "Faces: compare, evaluate, cohort, evaluate-pad, pad-sheets",
    "fairness": "How a gate fares with groups of travellers, and whether one fares worse: page",
    "forecast": "Lanes and officers for a day: service, plan",
    "lists": "Signed lists of documents and people: sign, show",
    "models": "Model files: list, fetch, verify, accept, bench",
    "notices": "The boards that tell travellers what happens to their data",
    "officer": "An officer's signed orders: admit, refer, hand-over, view, flag, release, open-emergency, end-emergency, acknowledge, close, pause, maintain, consent, open, direction, mode, accept-head, present, list, authority",
    "policy": "Written rules before they are in force: check, diff, dry-run",
    "provision": "From a bare machine to a gate in service: init, find-reader, enrol, rotate-log-key, seal, decommission, report",
    "rights": "What travellers ask of whoever runs the gate: receipt, receive, extend, answer, list, access, card",
    "run": "The programs of the appliance",
    "selftest": "Every device, model, list, clock and disk",
    "shadow": "A gate that only watches, beside the officer: report",
    "simulate": "The real lane in a simulated world on a virtual clock",
    "status": "The running programs",
    "support-bundle": "What a maker needs, in one file, and nothing personal",
    "sync": "The outbox to the central server: status, push, export-usb",
    "trust": "Certificates and lists that documents are judged against: import, list, report",
    "update": "Updates, and the operator's repository of them: status, fetch, apply, back, check, publish",
}


def module_of(noun: str) -> str:
    """The module of a noun."""
    return f"gate.cli.{noun.replace('-', '_')}"
