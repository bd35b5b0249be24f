"""The values that hardware ports exchange. Importing this module loads no image or serial library."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate_core.evidence.crossing import Alarm, PadResult

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Direction(enum.Enum):
    """Direction of a passage through the barrier."""

    ENTRY = "entry"
    EXIT = "exit"


class LeafPosition(enum.Enum):
    """Position of the barrier's leaf. UNKNOWN is never treated as closed."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class LampColour(enum.Enum):
    """Colour of the lamp above the lane."""

    OFF = "off"
    RED = "red"
    GREEN = "green"
    AMBER = "amber"


@dataclass(frozen=True, slots=True)
class BarrierStatus:
    """One status of the barrier controller. `bodies`: separate bodies in the beams' zone (0, 1, 2 or more). Counters
    grow by one per passage, wrap to 0 at 2**32, and start at 0 after each of the controller's `restarts`. `may_be_old`:
    the line answers too late, and the leaf is unknown only for that reason.
    """

    position: LeafPosition
    bodies: int
    count_entry: int
    count_exit: int
    grants_left_entry: int
    grants_left_exit: int
    fire: bool
    emergency_open: bool
    alarms: frozenset[Alarm]
    restarts: int
    may_be_old: bool = False


@dataclass(frozen=True, slots=True)
class InsideStatus:
    """One status of the sensor unit of a two-door lane: people and objects between the doors.

    `people`: number of separate bodies (0, 1, 2 or more); None: unknown, never treated as 0 or 1. `object_left` None is
    never treated as False. `session` changes at each power-up, after which older counts are invalid. `age_ms`: maximum
    age of all values: the unit's reported age plus the time of the request.
    """

    people: int | None
    object_left: bool | None
    call_pressed: bool
    cabinet_open: bool
    mains_present: bool
    session: int
    age_ms: int

    def __post_init__(self) -> None:
        if self.age_ms < 0 or (self.people is not None and self.people < 0):
            raise ValueError("neither an age nor a number of people is below 0")


@dataclass(frozen=True, slots=True)
class MrzLines:
    """The lines of a machine-readable zone from a reader, unchecked. `source`: the driver's name."""

    lines: tuple[str, ...]
    source: str

    def __repr__(self) -> str:
        """Never shows the lines: they are personal data."""
        return f"MrzLines({len(self.lines)} lines from {self.source})"


class VendorCheck(enum.Enum):
    """Page checks by a multispectral reader's own service. None of them alone proves a document genuine or false."""

    B900_INK = "b900_ink"  # the MRZ stays dark in infrared of about 900 nm (ICAO 9303-3 §4.1)
    INFRARED_DROPOUT = "infrared_dropout"  # inks that must vanish in infrared do
    PORTRAIT_INFRARED = "portrait_infrared"  # the portrait in infrared is that in white light
    DULL_PAPER = "dull_paper"  # the paper does not shine in ultraviolet of about 365 nm
    ULTRAVIOLET_PATTERN = "ultraviolet_pattern"  # the fluorescent print is the issuer's


class PageResult(enum.Enum):
    """Result of a vendor's page check. UNDETERMINED is never treated as passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """One check by a vendor's service. `score`: from 0 (unlike) to 1 (alike), None if it reports none.

    `false_alarm_rate`: share of genuine documents that fail, measured on this make of reader; None: not measured.
    """

    check: VendorCheck
    result: PageResult
    score: float | None = None
    false_alarm_rate: float | None = None

    def __post_init__(self) -> None:
        for value in (self.score, self.false_alarm_rate):
            if value is not None and not 0.0 <= value <= 1.0:
                raise ValueError("a score and a rate lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class PageVerdicts:
    """A vendor's verdicts on the page whose picture follows, at most one per check. `reader`: make and model."""

    reader: str
    verdicts: tuple[PageVerdict, ...]

    def __post_init__(self) -> None:
        if len({verdict.check for verdict in self.verdicts}) < len(self.verdicts):
            raise ValueError("a check has two verdicts")


class PagePresence(enum.Enum):
    """Whether a page is on the reader, as its service reports."""

    PRESENT = "present"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class PadVerdict:
    """A PAD sensor's verdict: its name and version, its threshold `bound` for live, and the measurement's age."""

    name: str
    version: str
    bound: float
    result: PadResult
    score: float | None
    age_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture. `pixels`: (height, width, 3) uint8 BGR. `seq`: grows by one per frame. `at_s`: monotonic seconds."""

    pixels: npt.NDArray[np.uint8]
    seq: int
    at_s: float

    def __repr__(self) -> str:
        """Never shows pixels."""
        return f"Frame(seq={self.seq})"


@dataclass(frozen=True, slots=True)
class CameraControls:
    """A camera's exposure and gain, as multiples of the calibrated values (0.1 to 10)."""

    exposure: float = 1.0
    gain: float = 1.0

    def __post_init__(self) -> None:
        if not (0.1 <= self.exposure <= 10.0 and 0.1 <= self.gain <= 10.0):
            raise ValueError("exposure and gain lie between a tenth and ten times the calibrated values")
