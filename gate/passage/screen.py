"""What the traveller's screen shows: few states, the same for every cause of a referral (safety invariant 13)."""

from __future__ import annotations

import enum


class Screen(enum.Enum):
    """The traveller's screen."""

    CLOSED = "closed"  # lane out of service: please use another lane
    WELCOME = "welcome"  # present your document
    LOOK = "look"  # document is being read, look at the camera
    WAIT = "wait"  # one moment
    GO = "go"  # walk through
    OFFICER = "officer"  # an officer will help you
    EMERGENCY = "emergency"  # leave the lane now


class Guidance(enum.Enum):
    """How the traveller can help the camera. Never says why a crossing is referred."""

    NONE = "none"
    LOOK_AT_CAMERA = "look_at_camera"
    COME_CLOSER = "come_closer"
    STEP_BACK = "step_back"
    CENTRE = "centre"
    FACE_FORWARD = "face_forward"
    HOLD_STILL = "hold_still"
    ONE_PERSON = "one_person"
    MORE_LIGHT = "more_light"
