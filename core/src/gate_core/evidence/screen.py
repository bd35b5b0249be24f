"""The states of the traveller's screen: the same for all reasons of a referral except one (safety invariant 13)."""

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
    OTHER_LANE = "other_lane"  # another lane serves you, an officer will show you: the only referral with a reason
    EMERGENCY = "emergency"  # leave the lane now


class Purpose(enum.StrEnum):
    """The gate's purpose; all except SERVICE are marked on every screen (safety invariant 14)."""

    DEMO = "demo"
    TRIAL = "trial"
    SERVICE = "service"


class Guidance(enum.Enum):
    """Instructions to the traveller for the face camera and the page camera. Never a reason of a referral."""

    NONE = "none"
    LOOK_AT_CAMERA = "look_at_camera"
    COME_CLOSER = "come_closer"
    STEP_BACK = "step_back"
    MOVE_LEFT = "move_left"  # the traveller's own left; the screen is a mirror
    MOVE_RIGHT = "move_right"
    MOVE_UP = "move_up"
    MOVE_DOWN = "move_down"
    FACE_FORWARD = "face_forward"
    HOLD_STILL = "hold_still"
    OPEN_EYES = "open_eyes"
    CLOSE_MOUTH = "close_mouth"
    ONE_PERSON = "one_person"
    MORE_LIGHT = "more_light"
    PAGE_OPEN = "page_open"
    PAGE_TURN = "page_turn"
    PAGE_FLAT = "page_flat"
    PAGE_CLEAR = "page_clear"
    PAGE_STILL = "page_still"
    PAGE_GLARE = "page_glare"
