"""The values of one frame: the lens, the light, a person's look, and the ground truth that results.

Pure values. Angles in degrees, lengths in centimetres; shares are 0 to 1. "Left" and "right" are the picture's, not
the person's.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Generic, Protocol, TypeVar

KEYS_MAX = 256
Rgb = tuple[float, float, float]  # linear light
FPS = 15
EXPOSURE_S = 0.012  # of one frame; movement during it is blurred
EYES_BELOW_CROWN_CM = 11.5
DARK: Rgb = (0.0, 0.0, 0.0)
_YAW_DEG_MAX, _PITCH_DEG_MAX, _ROLL_DEG_MAX = 40.0, 30.0, 45.0
_DISTANCE_CM_MIN, _DISTANCE_CM_MAX = 30.0, 600.0
_HEIGHT_CM_MIN, _HEIGHT_CM_MAX = 100.0, 220.0


class Movable(Protocol):
    """A value that can be interpolated with others of its type."""

    def towards(self, other: Any, share: float, /) -> Any:  # noqa: ANN401 - of its own kind
        """Return the interpolation to another value; `share` is 0 to 1."""


Value = TypeVar("Value", bound=Movable)


@dataclass(frozen=True, slots=True)
class Key(Generic[Value]):
    """A value and its time in seconds."""

    at_s: float
    value: Value


@dataclass(frozen=True, slots=True)
class Timeline(Generic[Value]):
    """Keys in the order of their times. In between, a value accelerates and slows down; `even` keeps the speed constant."""

    keys: tuple[Key[Value], ...]
    even: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.keys) <= KEYS_MAX:
            raise ValueError(f"a line of time has 1 to {KEYS_MAX} keys, not {len(self.keys)}")
        times = [key.at_s for key in self.keys]
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("keys must follow one another in time")

    def at(self, at_s: float) -> Value:
        """Return the value at a time, in seconds."""
        later = next((index for index, key in enumerate(self.keys) if key.at_s > at_s), len(self.keys))
        if later == 0:
            return self.keys[0].value
        if later == len(self.keys):
            return self.keys[-1].value
        one, other = self.keys[later - 1], self.keys[later]
        share = (at_s - one.at_s) / (other.at_s - one.at_s)
        moved: Value = one.value.towards(other.value, share if self.even else share * share * (3 - 2 * share))
        return moved


def still(value: Value) -> Timeline[Value]:
    """Return the timeline of a constant value."""
    return Timeline((Key(0.0, value),))


class Wears(enum.Enum):
    """An object that a person wears or holds before the face."""

    GLASSES = "glasses"
    SUNGLASSES = "sunglasses"
    HAT = "hat"
    FACE_MASK = "face_mask"
    BEARD = "beard"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Lens:
    """A fixed camera that looks straight ahead from `height_cm` above the floor; `focal_px` is its focal length."""

    width_px: int
    height_px: int
    focal_px: float
    height_cm: float

    def px_per_cm(self, distance_cm: float) -> float:
        """Return the pixels for one centimetre at a distance."""
        return self.focal_px / distance_cm

    def place_px(self, *, sideways_cm: float, above_floor_cm: float, distance_cm: float) -> tuple[float, float]:
        """Return the pixel (x, y) of a point in space."""
        scale = self.px_per_cm(distance_cm)
        return (self.width_px / 2 + sideways_cm * scale, self.height_px / 2 - (above_floor_cm - self.height_cm) * scale)


KIOSK = Lens(640, 480, focal_px=896.0, height_cm=157.0)  # narrow, for travellers whose eyes are at about its height
UPRIGHT = Lens(720, 960, focal_px=820.0, height_cm=158.0)  # sees eyes of people 140 to 200 cm tall from 85 cm on


@dataclass(frozen=True, slots=True)
class Lighting:
    """The light in the hall, and that of the traveller's display.

    `level` 1 is a lit kiosk, 0.05 dusk; `side` is -1 (window on the left only) to 1 (lamp on the right only); `backlit`
    is 0 to 1: at 1 the hall is bright and the face dark; `display` is the light of the screen beside the lens, 0 to 1
    for each colour.
    """

    level: float = 1.0
    side: float = -1.0
    backlit: float = 0.0
    display: Rgb = DARK

    def __post_init__(self) -> None:
        _within("level", self.level, 0.0, 8.0)
        _within("side", self.side, -1.0, 1.0)
        _within("backlit", self.backlit, 0.0, 1.0)
        for share in self.display:
            _within("display", share, 0.0, 1.0)

    def towards(self, other: Lighting, share: float) -> Lighting:
        """Return the interpolation to another light; `share` is 0 to 1."""
        red, green, blue = (between(a, b, share) for a, b in zip(self.display, other.display, strict=True))
        return Lighting(
            level=between(self.level, other.level, share),
            side=between(self.side, other.side, share),
            backlit=between(self.backlit, other.backlit, share),
            display=(red, green, blue),
        )


@dataclass(frozen=True, slots=True)
class Look:
    """How one person stands before the lens at one moment.

    Positive `yaw_deg` turns the face to the picture's right, positive `pitch_deg` lifts it, positive `roll_deg` tilts
    it clockwise. `closed_left`, `closed_right`, `mouth_open` and `smile` are shares. Eyes and mouth have steps of a
    half; a smile is drawn fully or not at all, and only with a closed mouth. Faces turned further than about 15 degrees
    sideways, or 5 up or down, are drawn neutral, and the truth states it.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    closed_left: float = 0.0
    closed_right: float = 0.0
    mouth_open: float = 0.0
    smile: float = 0.0
    distance_cm: float = 75.0
    sideways_cm: float = 0.0
    height_cm: float = 170.0

    def __post_init__(self) -> None:
        _within("yaw", self.yaw_deg, -_YAW_DEG_MAX, _YAW_DEG_MAX)
        _within("pitch", self.pitch_deg, -_PITCH_DEG_MAX, _PITCH_DEG_MAX)
        _within("roll", self.roll_deg, -_ROLL_DEG_MAX, _ROLL_DEG_MAX)
        for share in (self.closed_left, self.closed_right, self.mouth_open, self.smile):
            _within("share", share, 0.0, 1.0)
        _within("distance", self.distance_cm, _DISTANCE_CM_MIN, _DISTANCE_CM_MAX)
        _within("height", self.height_cm, _HEIGHT_CM_MIN, _HEIGHT_CM_MAX)

    @property
    def eyes_above_floor_cm(self) -> float:
        """Return the height of the eyes above the floor."""
        return self.height_cm - EYES_BELOW_CROWN_CM

    def towards(self, other: Look, share: float) -> Look:
        """Return the interpolation to another look; `share` is 0 to 1."""
        return Look(**{name: between(getattr(self, name), getattr(other, name), share) for name in _LOOK_FIELDS})


_LOOK_FIELDS = tuple(field.name for field in fields(Look))


def between(one: float, other: float, share: float) -> float:
    """Return the interpolation of two numbers."""
    return one + (other - one) * share


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} out of range: {value}")


@dataclass(frozen=True, slots=True)
class PersonTruth:
    """The truth of one face in one frame. `box_px` (left, top, right, bottom) may exceed the picture.

    `identity` is the person whose face it is; `attack` is the class of the artefact that shows it, None for a living
    person. Eyes and mouth are as drawn, not as requested.
    """

    identity: str
    attack: str | None
    box_px: tuple[float, float, float, float]
    eyes_px: tuple[float, float]
    eye_distance_px: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    closed_left: float
    closed_right: float
    mouth_open: float
    smile: float
    distance_cm: float
    height_cm: float | None
    visible: float
    wears: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """The truth of one frame; the nearest face first."""

    at_s: float
    people: tuple[PersonTruth, ...]
    light: Lighting

    def as_json(self) -> dict[str, object]:
        """Return JSON values, for a line of `truth.jsonl`."""
        return {
            "at_s": round(self.at_s, 4),
            "people": [_plain(person) for person in self.people],
            "light": _plain(self.light),
        }


def _plain(value: Any) -> Any:  # noqa: ANN401 - any of the values above and what they hold
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, PersonTruth | Lighting):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
