"""Values passed between the stages of page reading. Those with a holder's data redact themselves.

Pictures are grey, (height, width) uint8; positions are pixels of the given picture, from its top left, x first.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]  # top left, top right, bottom right, bottom left, as the text is read
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]  # grey (h, w) or BGR (h, w, 3)

STRIP_WIDTH_PX = 704
STRIP_HEIGHT_PX = 32
FRAMES = 176  # a frame is 4 px of a strip
PITCH_PX_MIN = (
    6.0  # of a character in the picture: down to here drawn pages are read in full, below, some wrongly and surely
)
# Glare or wear may turn one character into another: an I without its foot is a T, read with confidence. Of 242 drawn MRZs
# that were let through, whole ones had 0.51 and more, those with light on a character 0.07 to 0.57.
PALEST_MIN = 0.5
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"
CLASSES = 1 + len(ALPHABET)  # class 0 is "no character begins here"


# Reads strips, (n, 1, 32, 704) float32, grey 0 to 1, dark on light, to (n, 176, 38) log-probabilities of classes. Raises RecogniserError.
Recogniser = Callable[[Floats], Floats]


class MrzFormat(enum.Enum):
    """The sizes of ICAO 9303: cards (TD1, TD2), passports (TD3), visas (MRV-A, MRV-B)."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"
    MRV_A = "MRVA"
    MRV_B = "MRVB"

    @property
    def shape(self) -> tuple[int, int]:
        """The number of lines, and of characters in each."""
        if self is MrzFormat.TD1:
            return 3, 30
        return 2, 36 if self in {MrzFormat.TD2, MrzFormat.MRV_B} else 44


class Why(enum.Enum):
    """Why a picture gave no reading, or what would improve the next one."""

    NO_MRZ = "no_zone"
    UPSIDE_DOWN = "upside_down"
    TOO_SMALL = "too_small"
    GLARE = "glare"
    BLURRED = "blurred"
    MOVING = "moving"
    COVERED = "covered"
    UNREADABLE = "unreadable"  # there are lines, and none of the other reasons is why they cannot be read


@dataclass(frozen=True, slots=True)
class LinePlace:
    """Position of one line of text: its centre line from the first to the last character's middle, and its height in pixels."""

    start: Point
    end: Point
    height_px: float


@dataclass(frozen=True, slots=True)
class Geometry:
    """The measured shape of an MRZ, compared with OCR-B in `gate.page.picture.crosscheck`.

    `pitch_px`: mean distance of two characters; `pitch_residual` and `baseline_residual`: distance of characters from
    the fitted pitch and baseline (root mean square of the worst line, in pitches); `spacing_px`: distance of
    neighbouring lines; `height_px`: height of a character; `rotation_deg`: direction of reading, clockwise in the
    picture, -180 to 180. None: too few characters to measure.
    """

    lines: tuple[LinePlace, ...]
    pitch_px: float
    pitch_residual: float
    baseline_residual: float | None
    spacing_px: float
    height_px: float | None
    rotation_deg: float


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """An MRZ that was read. It is evidence, not yet accepted: `gate.page.stream.votes` has the rule.

    `confidence` holds a probability for each character of each line. `alternatives`: other whole readings with valid check digits,
    such as with a letter O where a number has 0, to be tried with the chip. `repaired`: a character is not the likeliest one but
    required by the check digits; `crowded`: more characters are beside the MRZ's ends, which no MRZ has; `ends_seen`: False if the
    paper beside an MRZ that may be part of a longer one is not seen. `palest`: the palest character's darkness relative to the
    usual one of its line. `fit`, `lead`: how well the worst character fits its shape in OCR-B, and how clearly the most doubtful
    one has no other's (`gate.page.picture.shape`). `marks`: number of characters with ink between the lines
    (`gate.page.picture.measure`). `light`: brightness of the paper along the lines (`gate.page.stream.votes`).
    """

    format: MrzFormat
    lines: tuple[str, ...]
    confidence: tuple[tuple[float, ...], ...]
    check_digits: Mapping[str, bool]
    repaired: bool
    geometry: Geometry
    place: Quad
    crowded: bool = False
    ends_seen: bool = True
    palest: float = 1.0
    fit: float = 1.0
    lead: float = 1.0
    marks: int = 0
    light: tuple[float, ...] = ()
    alternatives: tuple[tuple[str, ...], ...] = ()
    hints: tuple[Why, ...] = ()

    @property
    def weakest(self) -> float:
        """The confidence of the least certain character."""
        return min(min(line) for line in self.confidence)

    @property
    def check_digits_hold(self) -> bool:
        """True when every check digit of the format holds."""
        return all(self.check_digits.values())

    def __repr__(self) -> str:
        """Never shows the lines: they are personal data."""
        return f"Reading({self.format.value}, weakest {self.weakest:.2f}, repaired {self.repaired})"


@dataclass(frozen=True, slots=True)
class NoReading:
    """No usable result. `reasons` are ordered, the most useful first; there is at least one."""

    reasons: tuple[Why, ...]
    place: Quad | None = field(default=None)

    @property
    def reason(self) -> Why:
        """The most useful reason."""
        return self.reasons[0]


class RecogniserError(Exception):
    """The line model is missing, not the pinned one, or broke its contract. A picture without an MRZ is no error, but a `NoReading`."""


# ── what a gate is told of the pages of a camera or a scanner ────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Read:
    """An MRZ was read, with or without the whole acceptance rule. `portrait`: its part of the page, None without one."""

    page: int
    reading: Reading
    accepted: bool
    portrait: Pixels | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Unread:
    """Something is there for long and cannot be read. Given once."""

    page: int


@dataclass(frozen=True, slots=True)
class Advised:
    """What would make the page readable, None for nothing; given when it changes."""

    why: Why | None


@dataclass(frozen=True, slots=True)
class Gone:
    """The page was removed, or another one replaced it."""

    page: int


Event = Read | Unread | Advised | Gone
