"""What crosses a hardware port. Plain values: importing this module loads no image or serial library."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate_core.evidence.crossing import Alarm, PadResult

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Direction(enum.Enum):
    """Which way a traveller crosses, as the lane staff name it."""

    ENTRY = "entry"
    EXIT = "exit"


class LeafPosition(enum.Enum):
    """Where the barrier's leaf is. UNKNOWN is never treated as closed."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class LampColour(enum.Enum):
    """What the lamp above the lane shows."""

    OFF = "off"
    RED = "red"
    GREEN = "green"
    AMBER = "amber"


@dataclass(frozen=True, slots=True)
class BarrierStatus:
    """One answer of the barrier controller. `bodies` is the number of separate bodies that the beams see in the zone (0, 1, 2 or more). Counters grow by
    one a passage, go on at 0 at 2**32, and begin at 0 with each of the controller's `restarts`. `may_be_old`: on a line that answers too late, whose leaf is
    unknown for that reason alone.
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
    """One answer of the sensor unit of a two-door lane: who and what is between its doors.

    `people` is the number of bodies that the counter tells apart (0, 1, 2 or more); None means that it cannot tell, and is never treated
    as nobody, nor as one. `object_left` None is never treated as nothing. What the unit counted before its power went does not speak for
    now: `session` is another number then. `age_ms` is how old the measurement of people and object is by the unit's own word, and the
    time that the asking took: it may be younger, and is never older. Button, cabinet and mains are no older than that, either.
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
    """The lines of a machine-readable zone as a reader gave them, unchecked. `source` names the driver."""

    lines: tuple[str, ...]
    source: str

    def __repr__(self) -> str:
        """Never shows the lines: they are personal data."""
        return f"MrzLines({len(self.lines)} lines from {self.source})"


class VendorCheck(enum.Enum):
    """What a multispectral reader's own service may say of a page. None of them proves or disproves a document by itself."""

    B900_INK = "b900_ink"  # the MRZ stays dark in infrared of about 900 nm (ICAO 9303-3 §4.1)
    INFRARED_DROPOUT = "infrared_dropout"  # inks that must vanish in infrared do
    PORTRAIT_INFRARED = "portrait_infrared"  # the portrait in infrared is that in white light
    DULL_PAPER = "dull_paper"  # the paper does not shine in ultraviolet of about 365 nm
    ULTRAVIOLET_PATTERN = "ultraviolet_pattern"  # the fluorescent print is the issuer's


class PageResult(enum.Enum):
    """How a vendor's check of a page ended. UNDETERMINED is never treated as passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """One check by a vendor's service. `score` is its own measure from 0 (unlike) to 1 (alike), None when it gives none.

    `false_alarm_rate` is the share of genuine documents that the check fails, measured on this make of reader; None means
    unmeasured.
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
    """What a vendor's service says of the page whose picture follows; `reader` is make and model. At most one verdict a check."""

    reader: str
    verdicts: tuple[PageVerdict, ...]

    def __post_init__(self) -> None:
        if len({verdict.check for verdict in self.verdicts}) < len(self.verdicts):
            raise ValueError("a check has two verdicts")


class PagePresence(enum.Enum):
    """Whether a page lies on the reader, as the reader's own service says."""

    PRESENT = "present"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class PadVerdict:
    """A sensor's verdict on the person before the camera: who gave it, from which score on it says live, and how old its measurement is."""

    name: str
    version: str
    bound: float
    result: PadResult
    score: float | None
    age_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture: `pixels` is (height, width, 3) uint8 BGR. `seq` grows by one a decoded frame, `at_s` is monotonic seconds."""

    pixels: npt.NDArray[np.uint8]
    seq: int
    at_s: float

    def __repr__(self) -> str:
        """Never shows pixels."""
        return f"Frame(seq={self.seq})"


@dataclass(frozen=True, slots=True)
class CameraControls:
    """What a camera's exposure and gain are to be, as multiples of its calibrated values."""

    exposure: float = 1.0
    gain: float = 1.0

    def __post_init__(self) -> None:
        if not (0.1 <= self.exposure <= 10.0 and 0.1 <= self.gain <= 10.0):
            raise ValueError("exposure and gain lie between a tenth and ten times the calibrated values")
