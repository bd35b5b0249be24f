"""Table of degraded modes: what a gate does while something is missing. Printed in docs/operations.md. Pure.

`gate.passage`, not this table, decides whether to open or refer. A test causes each mode on a lane and compares.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gate.programs.shared.config import Config
from gate.programs.shared.program_status import ProgramStatus
from gate_core.evidence.reasons import Reason

DAYS_LEFT_MIN: Final = 7.0  # a week's notice for everything that expires
DISK_SHARE_MIN: Final = 0.1
FRAMES_PER_SECOND_MIN: Final = 5.0  # the minimum that can be configured for a camera
# A traveller is being served: blockers that the lane reports now concern that traveller.
_SERVING = frozenset({"opening", "reading", "inspecting", "recording", "looking", "granted", "entering", "passing"})
OWN_WORDS = ("shadow", "closed_by_officer", "emergency", "traveller_waits_for_officer", "out_of_service")
_REASONS = frozenset(one.value for one in Reason)


def reasons_against(told: ProgramStatus, config: Config) -> list[str]:
    """Return every reason why no traveller could pass now; empty if one with a document in order could.

    A lane that serves a traveller counts as able; one where a traveller waits for an officer does not.
    """
    lane = told.lane
    against = [mode.name for mode in modes_now(told, config) if mode.lane is not Lane.OPEN]
    if not told.says("lane"):
        return against or ["lane_away"]
    if config.mode == "shadow":
        against.append("shadow")
    if lane.closed_by is not None:
        against.append("closed_by_officer")
    if lane.state in {"emergency", "referred", "overruling"}:
        against.append("emergency" if lane.state == "emergency" else "traveller_waits_for_officer")
    elif lane.state not in _SERVING:
        found = (one.partition(":")[0] for one in lane.blockers)
        against += [reason for reason in dict.fromkeys(found) if reason in _REASONS and not _is_a_mode(reason, against)]
    if not (against or lane.in_service or lane.state in _SERVING):
        against.append("out_of_service")
    return against


def _is_a_mode(reason: str, against: list[str]) -> bool:
    """True if a mode in `against` already reports this reason."""
    rows = {"lists_stale": "lists_old", "barrier_lost": "barrier_gone"}
    return rows.get(reason, reason) in against


class Lane(enum.Enum):
    """What the lane does with travellers in a mode."""

    OPEN = "open"
    REFERS = "refers"
    CLOSED = "closed"


IN_WORDS: Final = {
    Lane.OPEN: "invites and admits as always",
    Lane.REFERS: "invites, and refers everybody to an officer",
    Lane.CLOSED: "invites nobody",
}


@dataclass(frozen=True, slots=True)
class Mode:
    """One degraded mode: its condition `when`, the lane's behaviour, `more` effects, and whom to `tell`."""

    name: str
    when: str
    lane: Lane
    more: str
    tell: str
    holds: Callable[[ProgramStatus, Config], bool]

    @property
    def effect(self) -> str:
        """The lane's behaviour and further effects, as text."""
        return f"{IN_WORDS[self.lane]}; {self.more}" if self.more else IN_WORDS[self.lane]


def modes_now(told: ProgramStatus, config: Config) -> tuple[Mode, ...]:
    """Return the modes whose conditions the programs' status meets."""
    return tuple(mode for mode in MODES if mode.holds(told, config))


def _lost(*parts: str) -> Callable[[ProgramStatus, Config], bool]:
    return lambda told, _: any(part in told.lane.lost for part in parts)


def _blocked_by(reason: str) -> Callable[[ProgramStatus, Config], bool]:
    return lambda told, _: any(one.partition(":")[0] == reason for one in told.lane.blockers)


def _warned(of: str) -> Callable[[ProgramStatus, Config], bool]:
    return lambda told, _: of in told.lane.warnings


def _officer_is_absent(told: ProgramStatus, config: Config) -> bool:
    if config.mode == "shadow" or not told.says("lane"):
        return False
    ago_s = told.lane.officer_seen_ago_s
    return config.officers is None or ago_s is None or ago_s > config.rules.officer_presence_max_s


def _camera_is_slow(told: ProgramStatus, _: Config) -> bool:
    rate = told.lane.frames_per_second
    return rate is not None and rate < FRAMES_PER_SECOND_MIN


def _disk_is_short(told: ProgramStatus, _: Config) -> bool:
    free, total, days = told.log.disk_free_bytes, told.log.disk_total_bytes, told.log.disk_days_left
    if told.log.disk_full or free is None or not total:
        return False
    return free < DISK_SHARE_MIN * total or (days is not None and days < DAYS_LEFT_MIN)


def lists_days_left(told: ProgramStatus, config: Config) -> float | None:
    """Return the days until the lists are too old; None without lists or without an answer of the lane."""
    age_days = told.lane.trust_age_days
    return None if age_days is None else config.rules.trust_age_max_days - age_days


def _lists_are_ending(told: ProgramStatus, config: Config) -> bool:
    days = lists_days_left(told, config)
    return days is not None and 0.0 <= days < DAYS_LEFT_MIN


def _rules_are_ending(told: ProgramStatus, _: Config) -> bool:
    rules = told.lane.rules
    return rules is not None and (rules.days_left is None or rules.days_left < DAYS_LEFT_MIN)


def _certificate_is_ending(told: ProgramStatus, _: Config) -> bool:
    days = told.sync.certificate_days_left
    return days is not None and days < DAYS_LEFT_MIN


MODES: Final = (
    Mode("lane_away", "the lane program does not answer", Lane.CLOSED,
         "the barrier ends a grant by itself; the traveller's page shows that an officer will help", "the technician",
         lambda told, _: told.is_away("lane")),
    Mode("barrier_gone", "a barrier's controller is silent for 0.9 s, or its line is lost", Lane.CLOSED,
         "a grant is ended by the controller; release and fire are hard-wired", "the officer, then the technician",
         _lost("barrier", "first_barrier")),
    Mode("sensors_gone", "the sensor unit is silent for 0.9 s", Lane.CLOSED,
         "who is between two doors is offered the way back", "the officer, then the technician", _lost("sensors")),
    Mode("state_unknown", "the lane program ended uncleanly, and its state file is missing or cannot be read",
         Lane.CLOSED,
         "no door is opened or closed until an officer has looked and orders end-emergency or open-emergency",
         "the officer at once", lambda told, _: "state_unknown" in told.lane.notices),
    Mode("state_not_kept", "the lane's state file cannot be written", Lane.CLOSED,
         "orders are carried out, and who lays a document all the same is judged as ever; after a death of the lane program its state is unknown",
         "the technician at once", _lost("state")),
    Mode("readers_gone", "every reader of documents is lost", Lane.CLOSED, "no document can be laid", "the technician",
         _lost("reader")),
    Mode("one_reader_down", "one of several readers of documents is lost", Lane.OPEN,
         "documents are read by the other one", "the technician",
         lambda told, _: "reader" not in told.lane.lost and False in told.lane.readers.values()),
    Mode("chip_reader_gone", "no document child reaches a chip reader", Lane.REFERS, "no chip is read",
         "the officer, then the technician", lambda told, _: told.lane.chip != "up"),
    Mode("vision_away", "vision does not answer for 3 s", Lane.CLOSED, "", "the technician", _lost("vision")),
    Mode("camera_gone", "the camera gives no picture, or is not there", Lane.CLOSED, "it is tried again every second",
         "the technician", _lost("camera")),
    Mode("camera_slow", f"the camera gave fewer than {FRAMES_PER_SECOND_MIN:g} pictures a second at the last crossing",
         Lane.OPEN, "whose face is not compared within 8 s is referred", "the technician", _camera_is_slow),
    Mode("liveness_sensor_gone",
         "the sensor that says whether somebody lives does not answer, or is another one than its profile names",
         Lane.REFERS, "liveness is not run without its verdict", "the officer, then the technician",
         lambda told, _: told.vision.sensor.startswith("lost")),
    Mode("log_away", "the log program does not answer for 3 s, or cannot write", Lane.CLOSED,
         "a crossing that runs is referred; what happens is written once it is back", "the technician at once",
         lambda told, _: ("log" in told.lane.lost or told.is_away("log")) and not told.log.disk_full),
    Mode("disk_full", "the log has begun to use the room that it kept back", Lane.CLOSED,
         "what frees a person is still written", "the technician at once", lambda told, _: told.log.disk_full),
    Mode("head_unconfirmed",
         "since the machine was started neither the central server has confirmed that the log is the newest nor a supervisor accepted it",
         Lane.CLOSED, "the central server's next receipt ends it, or a supervisor's gate officer accept-head",
         "the supervisor", _blocked_by("head_unconfirmed")),
    Mode("disk_nearly_full",
         f"less than a tenth of the log's disk is free, or it is full in less than {DAYS_LEFT_MIN:g} days at this pace",
         Lane.OPEN, "", "the technician", _disk_is_short),
    Mode("lists_old", "the newest import of lists is older than rules.trust_age_max_days, or there is none",
         Lane.CLOSED, "", "the operator of the lists", _blocked_by("lists_stale")),
    Mode("lists_ending", f"the lists will be too old in less than {DAYS_LEFT_MIN:g} days", Lane.OPEN, "",
         "the operator of the lists", _lists_are_ending),
    Mode("rules_ending",
         f"a written rule that is in force will be over in less than {DAYS_LEFT_MIN:g} days, or none is in force",
         Lane.OPEN, "", "the author of the rule", _rules_are_ending),
    Mode("lists_not_imported", "what lies in the folder of lists cannot be imported", Lane.OPEN,
         "by the lists that it has, until they are too old", "the operator of the lists",
         lambda told, _: told.sync.lists is not None and bool(told.sync.lists.problem)),
    Mode("registers_away", "the registers' program does not answer", Lane.REFERS,
         "lists and registers are asked by hand", "the officer, then the technician",
         lambda told, _: told.is_away("registers")),
    Mode("register_silent",
         "a list or register that must answer cannot: it is missing, too old or not reached, or its key is not there",
         Lane.REFERS, "it is asked by hand; days on which a register is suspended stand in gate.toml",
         "the officer, then the operator of the lists",
         lambda told, _: any(one.state not in {"ready", "suspended"} for one in told.registers.registers.values())),
    Mode("signed_lists_refused",
         "a new edition of a signed list is refused, or what is to be told to owners of lists cannot be written",
         Lane.OPEN, "by the editions that are held, until they are too old", "the operator of the lists",
         lambda told, _: told.registers.problem is not None),
    Mode("clock_unsure",
         "no time service has synchronised the clock for eight hours, or it stands before the software's build, the last import of lists, the central server's last signature or, where no time service has the word, the last record",
         Lane.CLOSED, "", "the technician", _blocked_by("clock_unsure")),
    Mode("officer_absent",
         "no officer has said for rules.officer_presence_max_s that they are there, or the gate knows no authority",
         Lane.REFERS, "the referral calls one", "the supervisor", _officer_is_absent),
    Mode("barrier_alarm", "the controller shows an alarm, or one waits for an officer", Lane.CLOSED, "", "the officer",
         _blocked_by("barrier_alarm")),
    Mode("cabinet_open", "the cabinet is open", Lane.CLOSED, "", "the officer at once", _blocked_by("cabinet_open")),
    Mode("mains_lost", "the gate runs on its battery", Lane.CLOSED, "", "the officer, then the technician",
         _blocked_by("mains_lost")),
    Mode("central_away", "the central server, or sync, does not answer", Lane.OPEN,
         "the log stays here and is carried later", "the operator of the central server",
         lambda told, config: config.sync is not None and (told.is_away("sync") or bool(told.sync.problem))),
    Mode("certificate_ending", f"the device certificate ends in less than {DAYS_LEFT_MIN:g} days", Lane.OPEN,
         "the central server answers until then", "the technician", _certificate_is_ending),
    Mode("page_gone", "no browser paints the traveller's page; in a demo only after one did", Lane.CLOSED,
         "a traveller who has laid a document is referred; one who was admitted goes on", "the technician",
         _lost("screen")),
    Mode("screens_away", "the traveller's page is not served", Lane.OPEN,
         "but page_gone holds, too, 3 s later; without it, in a demo that no browser watches, travellers see nothing",
         "the officer, then the technician",
         lambda told, _: told.is_away("screens") or (told.says("screens") and told.screens.page != "shown")),
    Mode("throttled", "a thermal zone of the machine is at its passive trip point", Lane.OPEN,
         "whoever cannot be compared in time is referred", "the technician", lambda told, _: bool(told.vision.hot)),
    Mode("machine_late", "the lane's loop is late by more than 250 ms", Lane.OPEN,
         "a look at the lane that is older than 300 ms refers", "the technician", lambda told, _: told.lane.late),
    Mode("line_poor", "one in a hundred questions to a board or unit stays without an answer", Lane.OPEN,
         "each is asked again", "the technician", _warned("line_poor")),
    Mode("orders_late",
         "a board confirmed one of the last 20 revocations and releases later than 0.6 s after its cause", Lane.OPEN, "a person may be freed late", "the technician at once: the machine, then the line",
         _warned("orders_late")),
    Mode("leaf_slow", "a leaf takes half as long again as it did", Lane.OPEN, "", "the technician",
         _warned("leaf_slow")),
    Mode("chips_failing", "a quarter of the last chips were lost while they were read", Lane.OPEN,
         "whose chip is not read is referred", "the technician", _warned("chips_failing")),
    Mode("pages_unclear", "a quarter of the last pages could not be read", Lane.OPEN,
         "whose page is not read is referred", "the technician: clean the glass, look at its lamps and its focus",
         _warned("pages_unclear")),
    Mode("light_poor", "every second of the last travellers was asked for more light", Lane.OPEN,
         "whose face is not seen well is referred", "the technician: look at the lamps and the camera's exposure",
         _warned("light_poor")),
)  # fmt: skip
