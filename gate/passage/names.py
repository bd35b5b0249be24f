"""Enumerations of the passage that messages and pages share with it; apart from its events and records so that they load quickly."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gate_core.evidence.crossing import Alarm, CameraTrouble
    from gate_core.evidence.reasons import Reason


class RecordClass(enum.Enum):
    """A record's subject, which the log has in clear."""

    CROSSING = "crossing"  # for every kind of record that belongs to a crossing
    DEVICE = "device"
    ADMINISTRATION = "administration"


class RecordKind(enum.Enum):
    """The kinds of audit records. Stored; never renamed."""

    STARTED = "started"
    OPENED = "opened"
    ENTRY_DECIDED = "entry_decided"
    DECIDED = "decided"
    OVERRULED = "overruled"
    GRANTED = "granted"
    PASSED = "passed"
    COUNTED = "counted"
    REVOKED = "revoked"
    GRANT_ENDED = "grant_ended"
    CLOSED = "closed"
    DISPOSITION = "disposition"
    INCIDENT = "incident"
    RELEASE = "release"
    EMERGENCY_BEGAN = "emergency_began"
    EMERGENCY_ENDED = "emergency_ended"
    ALARM_ENDED = "alarm_ended"
    PRESENCE = "presence"
    OBEYED = "obeyed"
    VIEWED = "viewed"
    WOULD_ADMIT = "would_admit"
    FLAGGED = "flagged"
    LISTS_UPDATED = "lists_updated"
    NOTICE_SHOWN = "notice_shown"
    RULES_STATED = "rules_stated"
    DRAW_COMMITTED = "draw_committed"
    DRAW_REVEALED = "draw_revealed"
    GROUPS_COUNTED = "groups_counted"
    STOPPED = "stopped"
    ASKED = "asked"
    HEAD_ACCEPTED = "head_accepted"


class Wish(enum.Enum):
    """A traveller's request on the page. Stored; never renamed."""

    HELP = "help"  # an officer
    PROTECTION = "protection"  # an officer, and that nothing about them leaves the gate
    MORE_TIME = "more_time"


class TrackChange(enum.Enum):
    """What happened to the tracked face after the comparison."""

    LOST = "lost"
    SWITCHED = "switched"
    SEVERAL = "several"


class Disposition(enum.Enum):
    """The result of a referral. Stored; never renamed."""

    ADMITTED_BY_OFFICER = "admitted_by_officer"
    WALKED_BACK = "walked_back"
    TAKEN_OVER = "taken_over"


class Concern(enum.Enum):
    """Why an officer flagged a person. Stored; never renamed."""

    CHILD = "child"
    TRAFFICKING = "trafficking"
    UNWELL = "unwell"
    OTHER = "other"


class Outcome(enum.Enum):
    """The answer to an order."""

    DONE = "done"
    ORDERED = "ordered"  # on its way; nothing has confirmed it yet
    ONE_MORE = "one_more"  # an admission that needs two officers: recorded, admits nobody yet
    IMPOSSIBLE = "impossible"  # not in this state of the lane, or not by this lane
    STALE = "stale"  # it answers an old challenge or version: look again
    FORBIDDEN = "forbidden"  # not by this key, here or now


class ClosedAs(enum.Enum):
    """The one verdict of a crossing."""

    ADMITTED = "admitted"
    REFERRED = "referred"


class IncidentKind(enum.Enum):
    """Events that an officer or auditor should see."""

    # What made a grant end, or came beside it
    PASSAGE_BEYOND_GRANT = "passage_beyond_grant"
    BODIES_SEVERAL = "bodies_several"
    WALKED_BACK = "walked_back"
    LANE_NOT_CLOSED = "lane_not_closed"
    TRACK_LOST = "track_lost"
    TRACK_SWITCHED = "track_switched"
    FACES_SEVERAL = "faces_several"
    HOLDER_IN_VIEW = "holder_in_view"  # another person passed: the camera still sees the grant's holder
    CAMERA_TAMPERED = "camera_tampered"
    DOCUMENT_PRESENTED_AGAIN = "document_presented_again"
    RELEASED_BY_OFFICER = "released_by_officer"
    HELD_BY_OFFICER = "held_by_officer"
    GRANT_REVOKED = "grant_revoked"  # for any other reason: `revoked` has them all
    RELEASE_OF_NOBODY = "release_of_nobody"  # an officer opened although the beams saw nobody inside
    # Officers' keys: `order` has the officer and what it lacked
    FREEING_REFUSED = "freeing_refused"  # an order to free people
    EXPIRED_KEY_USED = "expired_key_used"  # an order under one, whether it was refused or freed people
    # Orders to the barrier that no status shows in time
    GRANT_NOT_SHOWN = "grant_not_shown"
    REVOKE_NOT_SHOWN = "revoke_not_shown"
    RELEASE_NOT_SHOWN = "release_not_shown"
    EMERGENCY_NOT_ENDED = "emergency_not_ended"
    LAMP_REFUSED = "lamp_refused"
    # A person who is not being served
    PERSON_INSIDE = "person_inside"  # before a closed leaf, with nobody admitted
    WAY_BACK = "way_back"  # the first door was opened for a person inside
    HELP_CALLED = "help_called"  # the call button
    LEFT_OBJECT = "left_object"
    REFERRAL_WAITS = "referral_waits"  # no officer has answered it for longer than it may wait
    ASKED_OFTEN = "asked_often"  # calls on the page above the limit: for a while officers are only notified
    DOCUMENT_EARLY = "document_early"  # laid while the traveller before was still passing; taken up afterwards
    # A part of the gate is gone
    BARRIER_LOST = "barrier_lost"
    FIRST_BARRIER_LOST = "first_barrier_lost"
    SENSORS_LOST = "sensors_lost"
    CABINET_OPEN = "cabinet_open"
    MAINS_LOST = "mains_lost"
    VISION_LOST = "vision_lost"
    CAMERA_LOST = "camera_lost"
    READER_LOST = "reader_lost"
    LOG_LOST = "log_lost"
    SCREEN_LOST = "screen_lost"
    STATE_LOST = "state_lost"  # the lane's state file cannot be written
    STATE_UNKNOWN = "state_unknown"  # it was lost with an earlier run
    # The camera's video is doubted
    CAMERA_COVERED = "camera_covered"
    VIDEO_LOOPED = "video_looped"
    VIDEO_IGNORES_EXPOSURE = "video_ignores_exposure"
    # The barrier controller's alarms
    FORCED = "forced"
    OBSTRUCTED = "obstructed"
    OPEN_TOO_LONG = "open_too_long"
    REVERSE_PASSAGE = "reverse_passage"
    PASSAGE_WITHOUT_GRANT = "passage_without_grant"
    HOST_LOST = "host_lost"
    MOTOR_FAULT = "motor_fault"
    # The log itself
    RECORDS_LOST = "records_lost"
    RECORD_REFUSED = "record_refused"  # for good: a small one of its kind stands in its place

    @classmethod
    def of_reason(cls, reason: Reason) -> IncidentKind:
        """Return the incident of a revoked grant."""
        return cls.__members__.get(reason.name, cls.GRANT_REVOKED)

    @classmethod
    def of_loss(cls, part: enum.Enum) -> IncidentKind:
        """Return the incident of a lost `Part`."""
        return cls(f"{part.value}_lost")

    @classmethod
    def of_alarm(cls, alarm: Alarm) -> IncidentKind:
        """Return the incident of a controller's alarm."""
        return cls(alarm.value)

    @classmethod
    def of_trouble(cls, trouble: CameraTrouble) -> IncidentKind:
        """Return the incident of doubtful video."""
        return cls(trouble.value)
