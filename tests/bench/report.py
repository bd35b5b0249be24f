"""`python -m bench.report`: run every measurement and show the rows. Exit 1 when a ratio misses its floor."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
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
from gate_core.command_line.output import emit_json, note, say

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
    central.looks,
    central.gates_connected,
    central.nation,
    central.forgetting,
)
# Rows whose names do not begin with the measurement's own.
ROWS = {
    face_chain.measure: ("face_chain",),
    liveness_blocked.measure: ("liveness_blocked",),
    face_loop.against_naive: ("face_naive",),
    face_loop.loop_cpu: ("face_loop_cpu",),
    face_loop.guidance_p95: ("face_guidance_p95",),
    face_loop.loop_cores: ("face_loop_cores",),
    face_loop.loop_memory: ("face_loop_grows",),
    lists.lists_opened: ("lists_open", "lists_memory"),
    lists.lists_decision: ("lists_decision_p95", "lists_looked_up"),
    lists.lists_names: ("lists_name_found",),
    lists.lists_recall: ("lists_recall", "lists_false_hits"),
    pages.page_read_passporteye: ("page_read_eye",),
    painted.painted_p50: ("page_painted_p50",),
    painted.painted_p95: ("page_painted_p95",),
    barrier.doubled_grants: ("doubled",),
    barrier.leaf_moving: ("leaf", "confirmed"),
    barrier.lost_and_back: ("cut", "replug"),
    audit.reported: ("audit_reported",),
    audit_writing.grouped: ("audit_group_of_64",),
    audit_writing.crossing: ("audit_crossing_durable",),
    audit_writing.on_a_slower_disk: ("audit_group_of_64_slower_disk", "audit_crossing_durable_slower_disk"),
    audit_writing.crossing_cpu: ("audit_crossing_cpu",),
    central.central_store: ("central_entry", "central_live_round"),
    central.looks: ("central_look",),
    central.gates_connected: ("central_gates_shown_out", "central_memory_a_connection"),
    central.nation: ("central_nation",),
}
ASK_PEERS = {
    face_chain.measure,
    pages.page_read,
    pages.page_read_passporteye,
    pages.page_of_text,
    pages.page_not_exact_rapidocr,
    pages.page_not_exact_passporteye,
}


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--peers", type=Path, help="the interpreter of the peers' environment")
    parser.add_argument("--asks-peers", action="store_true", help="measure nothing; exit 0 if peers are needed, else 1")
    parser.add_argument("--only", default="", metavar="PREFIX", help="the rows whose names begin so, and no others")
    parser.add_argument("--rounds", type=int, default=20, help="how often to measure")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    arguments = parser.parse_args()
    wanted = [one for one in MEASUREMENTS if _gives(one, arguments.only)]
    if not wanted:
        parser.error(f"no row's name begins with {arguments.only}")
    if arguments.asks_peers:
        return 0 if ASK_PEERS.intersection(wanted) else 1
    logging.getLogger("gate").addHandler(logging.NullHandler())  # a line that is lost on purpose is no news
    bench = Bench(peers=arguments.peers or Path(), rounds=arguments.rounds)
    rows: list[Row] = []
    for measure in wanted:
        found = measure(bench)
        rows += found if isinstance(found, list) else [found] if found is not None else []
    rows = [row for row in rows if row.name.startswith(arguments.only)]
    if arguments.json:
        emit_json("bench/1", {"rows": [_fields(row) for row in rows]})
    else:
        for row in rows:
            say(_line(row))
    missed = [row.name for row in rows if row.floor is not None and (row.ratio is None or row.ratio > row.floor)]
    for name in missed:
        note(f"{name} misses its floor")
    return 1 if missed else 0


def _gives(measure: Callable[..., object], prefix: str) -> bool:
    """Whether a measurement has rows whose names begin so, or may have."""
    names = ROWS.get(measure, (measure.__name__,))
    return any(one.startswith(prefix) or prefix.startswith(one) for one in names)


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
