"""`python -m bench.report`: run every measurement and show the rows. Exit 1 when a ratio misses its floor."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from bench import (
    audit,
    audit_writing,
    barrier,
    central,
    console_painted,
    documents,
    face_chain,
    face_loop,
    lists,
    liveness_blocked,
    pages,
    painted,
    whole_gate,
)
from bench.rows import Bench, Row
from gate.cli.output import emit_json, note, say

MEASUREMENTS = (
    face_chain.measure,
    liveness_blocked.measure,
    face_loop.against_naive,
    face_loop.loop_cpu,
    face_loop.guidance_p95,
    face_loop.loop_cores,
    face_loop.loop_memory,
    whole_gate.status_cold,
    whole_gate.programs_ready,
    whole_gate.decision_p50,
    whole_gate.decision_p95,
    whole_gate.programs_memory,
    whole_gate.programs_idle,
    documents.sod_extra,
    documents.sod_judged,
    documents.sod_worst,
    documents.trust_import,
    documents.trust_load,
    documents.revocation_reasons,
    lists.lists_opened,
    lists.lists_decision,
    lists.lists_names,
    lists.lists_recall,
    documents.read_undelayed,
    documents.read_slow,
    documents.read_slow_ours,
    documents.pace_host,
    pages.page_read,
    pages.page_read_passporteye,
    pages.page_median,
    pages.page_p95,
    pages.page_nothing,
    pages.page_of_text,
    pages.page_not_exact,
    pages.page_not_exact_rapidocr,
    pages.page_not_exact_passporteye,
    painted.painted_p50,
    painted.painted_p95,
    console_painted.console_painted_p95,
    console_painted.console_painted_p50,
    barrier.doubled_grants,
    barrier.leaf_moving,
    barrier.lost_and_back,
    audit.verified,
    audit.reported,
    audit_writing.grouped,
    audit_writing.crossing,
    audit_writing.on_a_slower_disk,
    audit_writing.crossing_cpu,
    central.central_store,
    central.gates_connected,
    central.nation,
    central.forgetting,
)


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--peers", type=Path, required=True, help="the interpreter of the peers' environment")
    parser.add_argument("--rounds", type=int, default=20, help="how often to measure")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    arguments = parser.parse_args()
    logging.getLogger("gate").addHandler(logging.NullHandler())  # a line that is lost on purpose is no news
    bench = Bench(peers=arguments.peers, rounds=arguments.rounds)
    rows: list[Row] = []
    for measure in MEASUREMENTS:
        found = measure(bench)
        rows += found if isinstance(found, list) else [found] if found is not None else []
    if arguments.json:
        emit_json("bench/1", {"rows": [_fields(row) for row in rows]})
    else:
        for row in rows:
            say(_line(row))
    missed = [row.name for row in rows if row.floor is not None and (row.ratio is None or row.ratio > row.floor)]
    for name in missed:
        note(f"{name} misses its floor")
    return 1 if missed else 0


def _fields(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "ours": round(row.ours, 3),
        "peer": None if row.peer is None else round(row.peer, 3),
        "ratio": None if row.ratio is None else round(row.ratio, 4),
        "unit": row.unit,
        "peer_name": row.peer_name,
        "floor": row.floor,
    }


def _line(row: Row) -> str:
    ours = f"{row.name:32} {row.ours:10.2f} {row.unit}"
    if row.peer is None or row.ratio is None:
        return ours
    beside = f"{ours}   {row.peer:10.2f} {row.unit} {row.peer_name}"
    if not row.ratio:
        return beside
    return f"{beside}   1/{1 / row.ratio:.1f}" if row.ratio < 1 else f"{beside}   {row.ratio:.1f}"


if __name__ == "__main__":
    sys.exit(main())
