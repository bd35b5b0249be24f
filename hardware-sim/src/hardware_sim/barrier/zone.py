"""The lane around the leaf: light beams, and bodies that walk through at walking speed. Pure.

Positions are metres along the lane, increasing in entry direction. Beams are at 0.0, 0.4 and 0.8; the leaf is at the
middle one. A body is 0.45 deep, so it always breaks a beam while it is between the outer ones. Two bodies at a normal
distance leave a free beam between them. A body stops before a leaf that is not open wide enough.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from hardware_sim.barrier.leaf import OPEN_DEGREES

BEAMS_M = (0.0, 0.4, 0.8)
NONE_BROKEN = (False,) * len(BEAMS_M)
LEAF_M = BEAMS_M[1]
BODY_DEPTH_M = 0.45
WALK_M_S = 1.2
START_M = -0.6  # where a traveller stands before the camera
GONE_M = 2.0  # beyond, a body has left the lane in entry direction; before START_M, in exit direction
MARGIN_M = 0.05  # distance at which a body stops before a closed leaf
WIDE_ENOUGH_DEGREES = 0.75 * OPEN_DEGREES

CAMERA_M = LEAF_M + 1.0  # it sees the next person, and shows no whole face that is nearer to it than this
FACE_NEAR_M = 0.3


def nearness(centre_m: float) -> float:
    """Return how many times nearer to the camera than START_M a position is; a face appears larger by this factor."""
    return (CAMERA_M - START_M) / max(FACE_NEAR_M, CAMERA_M - centre_m)


class Place(enum.Enum):
    """Where a body is, for the world's story. INSIDE is between two doors."""

    WAITING = "waiting"
    IN_ZONE = "in_zone"
    INSIDE = "inside"
    PASSED = "passed"
    BACK = "back"


@dataclass(slots=True)
class Body:
    """One person. `speed_m_s` is positive in entry direction, 0 when standing. `outbound`: they came from the far side."""

    traveller: str
    centre_m: float = START_M
    speed_m_s: float = 0.0
    entered: bool = False
    at_leaf: bool = False
    across: bool = False  # beyond the leaf, seen from the entry side
    outbound: bool = False

    @property
    def front_m(self) -> float:
        """Return the position of the edge towards the exit side, in metres."""
        return self.centre_m + BODY_DEPTH_M / 2

    @property
    def rear_m(self) -> float:
        """Return the position of the edge towards the entry side, in metres."""
        return self.centre_m - BODY_DEPTH_M / 2

    def covers(self, at_m: float) -> bool:
        """Return True when the body covers this point of the lane."""
        return self.rear_m < at_m < self.front_m

    @property
    def in_zone(self) -> bool:
        """Return True when the body is between the outer beams, or breaks one."""
        return self.front_m > BEAMS_M[0] and self.rear_m < BEAMS_M[-1]

    @property
    def gone(self) -> bool:
        """Return True when the body has walked out of the lane, to either side."""
        return self.centre_m > GONE_M or (self.speed_m_s < 0 and self.centre_m < START_M)

    def walk(self, elapsed_ms: float, leaf_degrees: float) -> None:
        """Walk for this time, up to the leaf when it is not open wide enough."""
        target_m = self.centre_m + self.speed_m_s * elapsed_ms / 1000
        half_m = BODY_DEPTH_M / 2 + MARGIN_M
        if leaf_degrees < WIDE_ENOUGH_DEGREES and not self.covers(LEAF_M):
            if self.speed_m_s > 0 and self.centre_m < LEAF_M:
                target_m = max(self.centre_m, min(target_m, LEAF_M - half_m))
            elif self.speed_m_s < 0 and self.centre_m > LEAF_M:
                target_m = min(self.centre_m, max(target_m, LEAF_M + half_m))
        self.centre_m = target_m


def broken_beams(bodies: list[Body]) -> tuple[bool, ...]:
    """Return which beams are broken, entry side first."""
    if not bodies:
        return NONE_BROKEN
    spans = [(body.rear_m, body.front_m) for body in bodies]
    return tuple([any(rear_m < beam_m < front_m for rear_m, front_m in spans) for beam_m in BEAMS_M])
