"""Selects the traveller's face among those before the camera, and detects other people there. No bystander is cut out, embedded or stored.

- A face that moves no more than the room for `PROVE_MS` is a **picture**, never the subject and no person, until it moves for a while. A face that
  has moved before may stay still for `STATUE_MS`.
- A face below another one, within its shoulders, is on its **chest**: never the subject, but a person, since it may be a child.
- Of the others, large enough and above the zone's lower edge, the largest that was there for `STABLE_FRAMES` is the **subject**, until it leaves or
  another is `LARGER` times its size. Faces at least `COMPANION_SIDE_MIN` times as large as it are its **companions**.
"""

import itertools
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from gate.face.detect import COMPANION_SIDE_MIN, COMPANION_SIDE_PX_MIN
from gate.face.values import Box, Face, Floats
from gate.picture import Picture

STABLE_FRAMES: Final = 3
PROVE_MS: Final = 800
STATUE_MS: Final = 3000
MOVING_FRAMES: Final = 2  # running, that prove a person
MOVING_FRAMES_OF_PICTURE: Final = 8  # that prove a mistake; who walks by in front of it takes fewer
FORGET_MS: Final = 600
LARGER: Final = 1.3
OVERLAP_MIN: Final = 0.25  # of a face and where it was a frame ago
SAME_PLACE_MIN: Final = 0.5  # of a picture and where one hung
PICTURES_MAX: Final = 16
_THUMB_WIDTH: Final = 160
_LOOK_BACK_MS: Final = 450  # a slow sway shows over this time
_THUMBS_MAX: Final = 16
_STILL_LEVELS: Final = 0.8  # grey levels that a small picture's noise stays below, without any change
_STILL_TIMES: Final = 1.6  # and times what the room changes
_CHEST_HEIGHTS: Final = 4.0  # how far down from a chin a shirt reaches, in faces
_CHEST_WIDTHS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a subject may stand. `bottom`: the lowest position of the eyes of a person of 140 cm, as a part of the picture's height.

    `side_px_min`: the smallest face that is asked to come closer; smaller ones are people in the hall.
    """

    bottom: float = 0.95
    side_px_min: float = 48.0


ANYWHERE: Final = Zone()


@dataclass(frozen=True, slots=True)
class Choice:
    """Result for the frame. `faces`: the subject and people beside it; `subject`: its number while it stays."""

    faces: int
    face: Face | None = None
    subject: int = 0


@dataclass(slots=True, eq=False)
class _Followed:
    """One face from frame to frame."""

    number: int
    face: Face
    since_ms: int
    seen_ms: int
    still_since_ms: int
    frames: int = 1
    moving: int = 0
    proved: bool = False
    picture: bool = False

    def take(self, *, moves: bool, picture_hung_here: bool, at_ms: int) -> None:
        """Judge whether it is a person, from its movement in this frame."""
        self.moving = self.moving + 1 if moves else 0
        if self.moving >= (MOVING_FRAMES_OF_PICTURE if self.picture else MOVING_FRAMES):
            self.picture, self.proved, self.still_since_ms = False, True, at_ms
        elif not moves:
            still_ms = at_ms - self.still_since_ms
            known = picture_hung_here and not self.proved
            self.picture = self.picture or known or still_ms >= (STATUE_MS if self.proved else PROVE_MS)


class Chooser:
    """The state of one camera in one crossing."""

    def __init__(self, zone: Zone = ANYWHERE) -> None:
        self._zone = zone
        self._followed: list[_Followed] = []
        self._numbers = itertools.count(1)
        self._subject = 0
        self._pictures: deque[Box] = deque(maxlen=PICTURES_MAX)
        self._thumbs: deque[tuple[int, Floats]] = deque(maxlen=_THUMBS_MAX)

    def choose(self, faces: tuple[Face, ...], frame: Picture, *, at_ms: int) -> Choice:
        """Take one frame's faces."""
        seen = self._associate(faces, at_ms)
        self._tell_pictures(seen, frame, at_ms)
        people = [one for one in seen if not one.picture]
        chosen = self._chosen(people, height=frame.shape[0])
        if chosen is None:
            return Choice(faces=0)
        self._subject = chosen.number
        side_min = max(COMPANION_SIDE_PX_MIN, COMPANION_SIDE_MIN * _side(chosen.face))
        beside = sum(1 for one in people if one is not chosen and one.proved and _side(one.face) >= side_min)
        return Choice(1 + beside, chosen.face, chosen.number)

    def _associate(self, faces: tuple[Face, ...], at_ms: int) -> list[_Followed]:
        """Assign each face to the one it continues, nearest first; return those in this frame."""
        pairs = sorted(
            ((one.face.box.overlap(face.box), one, face) for one in self._followed for face in faces),
            key=lambda pair: -pair[0],
        )
        continued: dict[int, _Followed] = {}
        for overlap, one, face in pairs:
            if overlap >= OVERLAP_MIN and id(face) not in continued and one not in continued.values():
                continued[id(face)] = one
                one.face, one.seen_ms, one.frames = face, at_ms, one.frames + 1
        for face in faces:
            if id(face) not in continued:
                continued[id(face)] = _Followed(next(self._numbers), face, at_ms, at_ms, at_ms)
        seen = [continued[id(face)] for face in faces]
        others = (one for one in self._followed if one not in seen and at_ms - one.seen_ms < FORGET_MS)
        self._followed = [*seen, *others]
        return seen

    def _tell_pictures(self, seen: Iterable[_Followed], frame: Picture, at_ms: int) -> None:
        """Mark pictures on a wall."""
        height, width = frame.shape[:2]
        scale = _THUMB_WIDTH / width
        small = cv2.resize(frame, (_THUMB_WIDTH, max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
        thumb = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
        self._thumbs.append((at_ms, thumb))
        for one in seen:
            before = self._thumb_before(at_ms, since_ms=one.since_ms)
            if before.shape != thumb.shape:
                continue
            # Under the exposure of this frame, which may have been challenged between them.
            before = before * np.float32(np.median(thumb / np.maximum(before, 1.0)))
            room = float(np.median(np.abs(thumb - before)))
            moves = _change_in(one.face.box, thumb, before, scale) > max(_STILL_LEVELS, _STILL_TIMES * room)
            was = one.picture
            hung_here = any(one.face.box.overlap(place) >= SAME_PLACE_MIN for place in self._pictures)
            one.take(moves=moves, picture_hung_here=hung_here, at_ms=at_ms)
            if one.picture and not was:
                self._pictures.append(one.face.box)

    def _thumb_before(self, at_ms: int, *, since_ms: int) -> Floats:
        """Return the small picture to compare with this frame's: the oldest of the recent ones, or else the one before, however old.

        On a busy machine frames are rare; compared with itself a frame would show no movement. A face's first frame has no other.
        """
        earlier = [(then_ms, thumb) for then_ms, thumb in self._thumbs if since_ms <= then_ms < at_ms]
        lately = [thumb for then_ms, thumb in earlier if then_ms >= at_ms - _LOOK_BACK_MS]
        return lately[0] if lately else earlier[-1][1] if earlier else self._thumbs[-1][1]

    def _chosen(self, people: list[_Followed], *, height: int) -> _Followed | None:
        able = [one for one in people if one.proved and one.frames >= STABLE_FRAMES]
        able = [one for one in able if _side(one.face) >= self._zone.side_px_min]
        able = [one for one in able if one.face.box.centre[1] <= self._zone.bottom * height]
        able = [one for one in able if not any(_on_chest(one.face.box, other.face.box) for other in people)]
        largest = max(able, key=lambda one: _side(one.face), default=None)
        held = next((one for one in able if one.number == self._subject), None)
        if held is not None and largest is not None and _side(largest.face) <= LARGER * _side(held.face):
            return held
        return largest


def _side(face: Face) -> float:
    return math.sqrt(face.box.area)


def _on_chest(box: Box, above: Box) -> bool:
    """True if `box` is where the shirt of the face `above` is."""
    x, y = box.centre
    over_x, over_y = above.centre
    below = above.bottom <= y <= above.bottom + _CHEST_HEIGHTS * above.height
    return box is not above and below and y > over_y and abs(x - over_x) <= _CHEST_WIDTHS * above.width


def _change_in(box: Box, now: Floats, before: Floats, scale: float) -> float:
    """Return how much a place changed, in grey levels, without an overall change of brightness."""
    left, top = max(0, round(box.left * scale)), max(0, round(box.top * scale))
    right, bottom = round(box.right * scale), round(box.bottom * scale)
    change = (now - before)[top:bottom, left:right]
    return float(np.abs(change - np.median(change)).mean()) if change.size else 0.0
