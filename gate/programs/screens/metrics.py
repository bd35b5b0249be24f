"""Table of the gate's Prometheus metrics, text format 0.0.4. Printed in docs/protocols/metrics.md. Pure.

Names are stable. Unknown values have no sample. Labels have closed vocabularies: no personal data, bounded series.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gate.passage.names import ClosedAs, Disposition, IncidentKind
from gate.programs.shared.config import Config
from gate.programs.shared.degraded_modes import MODES, lists_days_left, modes_now, reasons_against
from gate.programs.shared.program_status import ProgramStatus, Stage
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
DAY_S: Final = 86_400
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LABELS_MAX: Final = 16  # of a driver's vocabulary
_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_VERDICTS: Final = frozenset({*(one.value for one in ClosedAs), *(one.value for one in Disposition)})
_REASONS: Final = frozenset(one.value for one in Reason)
_INCIDENTS: Final = frozenset(one.value for one in IncidentKind)
_GUIDANCE: Final = frozenset(one.value for one in Guidance)

Labels = Mapping[str, str]
Sample = tuple[Labels, float]
Samples = Iterable[Sample]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: name, kind (counter, gauge or histogram), help, labels and samples."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...]
    samples: Callable[[ProgramStatus, Config], Samples]


def exposition(told: ProgramStatus, config: Config, *, version: str) -> str:
    """Return all metrics as text."""
    build = {"version": version, "purpose": config.purpose.value, "mode": config.mode}
    lines = ["# HELP portcullis_build_info What runs here.", "# TYPE portcullis_build_info gauge"]
    lines.append(f"portcullis_build_info{{{_written(build)}}} 1")
    for metric in METRICS:
        samples = list(metric.samples(told, config))
        if samples:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
            lines += [_line(metric, labels, value) for labels, value in samples]
    return "\n".join(lines) + "\n"


def _line(metric: Metric, labels: Labels, value: float) -> str:
    name = f"{metric.name}{labels.get('', '')}"  # the suffix of a histogram's part
    said = _written({label: text for label, text in labels.items() if label})
    return f"{name}{{{said}}} {value:.10g}" if said else f"{name} {value:.10g}"


def _written(labels: Labels) -> str:
    return ",".join(f'{name}="{text.translate(_ESCAPED)}"' for name, text in labels.items())


def _one(value: Callable[[ProgramStatus], float | None], *, of: str = "") -> Callable[[ProgramStatus, Config], Samples]:
    """Return a sampler for one number, if known. `of`: a program that must answer, so that its absence is not zero."""

    def samples(told: ProgramStatus, _: Config) -> Iterator[Sample]:
        if (not of or told.says(of)) and (known := value(told)) is not None:
            yield {}, known

    return samples


def _counted(
    label: str, counts: Callable[[ProgramStatus], Mapping[str, int]], of: frozenset[str]
) -> Callable[[ProgramStatus, Config], Samples]:
    """Return a sampler for a count per label. Starts at 0: else Prometheus sees no increase at the first event."""

    def samples(told: ProgramStatus, _: Config) -> Iterator[Sample]:
        if told.says("lane"):
            found = counts(told)
            yield from (({label: word}, found.get(word, 0)) for word in sorted(of))

    return samples


def _seconds(days: float | None) -> float | None:
    return None if days is None else days * DAY_S


def _programs(is_so: Callable[[ProgramStatus, str], bool]) -> Callable[[ProgramStatus, Config], Samples]:
    return lambda told, _: (({"program": name}, float(is_so(told, name))) for name in told.answers)


def _modes(told: ProgramStatus, config: Config) -> Iterator[Sample]:
    now = modes_now(told, config)
    for mode in MODES:
        yield {"mode": mode.name, "lane": mode.lane.value}, float(mode in now)


def _histogram(
    label: str, durations: Callable[[ProgramStatus], Mapping[str, Stage]]
) -> Callable[[ProgramStatus, Config], Samples]:
    def samples(told: ProgramStatus, _: Config) -> Iterator[Sample]:
        for name, one in sorted(durations(told).items()):
            if _LABEL.fullmatch(name):
                for bound, count in sorted(one.buckets.items(), key=lambda bucket: float(bucket[0])):
                    yield {"": "_bucket", label: name, "le": bound}, count
                yield {"": "_bucket", label: name, "le": "+Inf"}, one.count
                yield {"": "_sum", label: name}, one.sum_s
                yield {"": "_count", label: name}, one.count

    return samples


def _lines(told: ProgramStatus, _: Config) -> Iterator[Sample]:
    lane = told.lane
    lines = {"last": lane.barrier_line, "first": lane.first_barrier_line, "sensors": lane.sensors_line}
    for board, line in lines.items():
        for event, count in sorted(line.items())[:_LABELS_MAX]:
            if _LABEL.fullmatch(event):
                yield {"board": board, "event": event}, count


def _leaves(told: ProgramStatus, _: Config) -> Iterator[Sample]:
    for door in ("first", "last"):
        if (leaf := told.lane.leaves.get(door)) is not None:
            for movement, took_ms in (("opening", leaf.opening_ms), ("closing", leaf.closing_ms)):
                if took_ms is not None:
                    yield {"door": door, "movement": movement}, took_ms / 1000


def _results(told: ProgramStatus, **counts: int) -> Samples:
    return [({"result": result}, count) for result, count in counts.items()] if told.says("lane") else []


def _lists_left(told: ProgramStatus, config: Config) -> Samples:
    days = lists_days_left(told, config)
    return [] if days is None else [({}, days * DAY_S)]


METRICS: Final = (
    Metric("portcullis_ready", "gauge", "1 while a traveller could pass.", (),
         lambda told, config: [({}, float(not reasons_against(told, config)))]),
    Metric("portcullis_degraded", "gauge",
         "1 for a missing part (docs/operations.md); lane is the treatment of travellers without it.",
         ("mode", "lane"), _modes),
    Metric("portcullis_program_up", "gauge", "1 while a program answers.", ("program",), _programs(ProgramStatus.says)),
    Metric("portcullis_program_ready", "gauge", "1 while a program is ready.", ("program",),
         _programs(lambda told, name: told.states()[name] == "ready")),
    Metric("portcullis_crossings_total", "counter",
         "Ended crossings by the gate's verdict, and referrals by the officer's disposition.", ("verdict",),
         _counted("verdict", lambda told: told.lane.counters.crossings, _VERDICTS)),
    Metric("portcullis_referral_reasons_total", "counter", "Reasons of referred crossings; a crossing may have several.",
         ("reason",), _counted("reason", lambda told: told.lane.counters.reasons, _REASONS)),
    Metric("portcullis_incidents_total", "counter", "Incidents for officers and auditors.", ("incident",),
         _counted("incident", lambda told: told.lane.counters.incidents, _INCIDENTS)),
    Metric("portcullis_stage_seconds", "histogram", "Time from the document presented to a stage of the crossing.",
         ("stage", "le"), _histogram("stage", lambda told: told.lane.counters.stages)),
    Metric("portcullis_order_seconds", "histogram",
         "Time from the cause of a revocation or a release to the board's confirmation.", ("order", "le"),
         _histogram("order", lambda told: told.lane.counters.orders)),
    Metric("portcullis_guidance_total", "counter", "Instructions shown to travellers for the cameras.", ("guidance",),
         _counted("guidance", lambda told: told.lane.counters.guidance, _GUIDANCE)),
    Metric("portcullis_pages_total", "counter", "Pages presented to the camera or scanner.", ("result",),
         lambda told, _: _results(told, read=told.lane.counters.pages_read, unread=told.lane.counters.pages_unread)),
    Metric("portcullis_chips_total", "counter", "Chips contacted; failed: lost before the end.", ("result",),
         lambda told, _: _results(told, read=told.lane.counters.chips_read, failed=told.lane.counters.chips_failed)),
    Metric("portcullis_orders_refused_total", "counter", "Officers' orders without a valid signature, or not permitted to the officer.",
         (), _one(lambda told: told.lane.counters.orders_refused, of="lane")),
    Metric("portcullis_line_events_total", "counter", "Events on the line to a board, by its driver's counters.",
         ("board", "event"), _lines),
    Metric("portcullis_leaf_seconds", "gauge", "Duration of a leaf's latest movement.", ("door", "movement"), _leaves),
    Metric("portcullis_alarms", "gauge", "Alarms of the barrier that stand, or wait for an officer.", (),
         _one(lambda told: len(told.lane.alarms), of="lane")),
    Metric("portcullis_camera_frames_per_second", "gauge", "The camera's frame rate at the last comparison.", (),
         _one(lambda told: told.lane.frames_per_second)),
    Metric("portcullis_lane_lag_seconds", "gauge", "Longest delay of the lane's event loop in the last five seconds.",
         (), _one(lambda told: told.lane.lag_ms / 1000, of="lane")),
    Metric("portcullis_clock_sure", "gauge", "1 while the clock is sure.", (),
         _one(lambda told: None if told.lane.clock_sure is None else float(told.lane.clock_sure))),
    Metric("portcullis_lists_age_seconds", "gauge", "Age of the newest import of lists.", (),
         _one(lambda told: _seconds(told.lane.trust_age_days))),
    Metric("portcullis_lists_left_seconds", "gauge", "Time until the lists are too old to be used.", (), _lists_left),
    Metric("portcullis_certificate_left_seconds", "gauge", "Time until the device certificate expires.", (),
         _one(lambda told: _seconds(told.sync.certificate_days_left))),
    Metric("portcullis_records_owed", "gauge", "Records that the log has not confirmed to the lane yet.", (),
         _one(lambda told: told.lane.records_owed, of="lane")),
    Metric("portcullis_log_entries_total", "counter", "Entries of the audit log.", (),
         _one(lambda told: told.log.entries, of="log")),
    Metric("portcullis_log_mirrored_total", "counter", "Entries for which the log has a receipt of the central server.",
         (), _one(lambda told: told.log.mirrored, of="log")),
    Metric("portcullis_log_receipts_refused_total", "counter", "Receipts with an invalid signature or root.", (),
         _one(lambda told: told.log.receipts_refused, of="log")),
    Metric("portcullis_log_disk_free_bytes", "gauge", "Free space on the log's disk.", (),
         _one(lambda told: told.log.disk_free_bytes)),
    Metric("portcullis_log_disk_size_bytes", "gauge", "Size of the log's disk.", (),
         _one(lambda told: told.log.disk_total_bytes)),
    Metric("portcullis_log_disk_left_seconds", "gauge",
         "Time until the log's disk is full, at the rate since the start of the log program.", (),
         _one(lambda told: _seconds(told.log.disk_days_left))),
    Metric("portcullis_sync_pending_entries", "gauge", "Entries that sync has not uploaded to the central server yet.", (),
         _one(lambda told: told.sync.pending)),
    Metric("portcullis_pages_open", "gauge", "Browsers that show the traveller's page.", (),
         _one(lambda told: told.screens.pages, of="screens")),
)  # fmt: skip
