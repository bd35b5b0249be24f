"""The closed vocabulary of referral reasons. Members are stored in the audit log and are never renamed.

Travellers are shown only NOT_SERVED; all other referrals look the same and take the same time (safety invariant 13).
Officers see all, with their details.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reason(enum.Enum):
    """Why a crossing was referred to an officer."""

    # The document
    DOCUMENT_CHECK_FAILED = "document_check_failed"
    DOCUMENT_CHECK_UNDETERMINED = "document_check_undetermined"
    DOCUMENT_CHECK_ABORTED = "document_check_aborted"
    DOCUMENT_CHECK_MISSING = "document_check_missing"
    CHIP_AUTHENTICATION_ABSENT = "chip_authentication_absent"
    DOCUMENT_REMOVED = "document_removed"
    DOCUMENT_PRESENTED_AGAIN = "document_presented_again"
    TEST_DOCUMENT = "test_document"
    WEAK_ALGORITHM = "weak_algorithm"
    PAGE_CHECK = "page_check"
    # The traveller
    NOT_SERVED = "not_served"  # another lane serves them
    ENTRY_NOT_WRITTEN = "entry_not_written"  # a law requires a record of the entry or exit, which gates do not make
    NOT_ELIGIBLE = "not_eligible"  # as below: by the site's written rules
    RULE_OFFICER = "rule_officer"
    RULE_TWO_OFFICERS = "rule_two_officers"
    RULE_CUSTOMS = "rule_customs"
    RANDOM_CHECK = "random_check"  # selected at random, or the selection failed
    REGISTER_HIT = "register_hit"  # as below: by a list or register
    REGISTER_UNKNOWN = "register_unknown"
    FACE_MISSING = "face_missing"
    FACES_SEVERAL = "faces_several"
    FACE_NOT_COMPARED = "face_not_compared"
    FACE_BELOW_THRESHOLD = "face_below_threshold"
    LIVENESS_NOT_RUN = "liveness_not_run"
    LIVENESS_BELOW_BOUND = "liveness_below_bound"
    PORTRAIT_UNUSABLE = "portrait_unusable"
    SWAP_SUSPECTED = "swap_suspected"
    SWAP_NOT_CHECKED = "swap_not_checked"
    TRACK_LOST = "track_lost"
    TRACK_SWITCHED = "track_switched"
    HOLDER_IN_VIEW = "holder_in_view"  # a person passed, but the camera still sees the grant's holder
    HELP_ASKED = "help_asked"  # on the page, as below
    PROTECTION_ASKED = "protection_asked"
    # The lane
    ZONE_NOT_EMPTY = "zone_not_empty"
    BODIES_SEVERAL = "bodies_several"
    WALKED_BACK = "walked_back"
    REVERSE_PASSAGE = "reverse_passage"
    LANE_NOT_CLOSED = "lane_not_closed"
    LANE_STATUS_OLD = "lane_status_old"
    BARRIER_LOST = "barrier_lost"
    BARRIER_ALARM = "barrier_alarm"
    PASSAGE_BEYOND_GRANT = "passage_beyond_grant"
    NOBODY_INSIDE = "nobody_inside"
    PERSON_INSIDE = "person_inside"
    INSIDE_UNKNOWN = "inside_unknown"
    LEFT_OBJECT = "left_object"
    CABINET_OPEN = "cabinet_open"
    MAINS_LOST = "mains_lost"
    HELP_CALLED = "help_called"
    LANE_PAUSED = "lane_paused"
    RULE_CLOSED = "rule_closed"
    GRANT_NOT_USED = "grant_not_used"
    GRANT_NOT_SHOWN = "grant_not_shown"
    EMERGENCY = "emergency"
    RELEASED_BY_OFFICER = "released_by_officer"
    HELD_BY_OFFICER = "held_by_officer"
    SHADOW_MODE = "shadow_mode"  # the gate only observes: officers handle every traveller
    # The programs around it
    SENSORS_LOST = "sensors_lost"
    CAMERA_LOST = "camera_lost"
    CAMERA_TAMPERED = "camera_tampered"
    VISION_LOST = "vision_lost"
    SCREEN_LOST = "screen_lost"
    LOG_UNAVAILABLE = "log_unavailable"
    HEAD_UNCONFIRMED = "head_unconfirmed"  # the log may be outdated
    RECEIPT_LATE = "receipt_late"
    RECORD_REPLACED = "record_replaced"
    LANE_RESTARTED = "lane_restarted"
    OFFICER_ABSENT = "officer_absent"
    LISTS_STALE = "lists_stale"
    CLOCK_UNSURE = "clock_unsure"
    TIME_LIMIT = "time_limit"


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason with its detail: a check's id, a count, a device. The detail never has personal data."""

    reason: Reason
    detail: str = ""
