"""Service times of a site's gates and officers, as aggregates: quantiles and a share, no single crossing. Pure.

Measured from the table of crossings that `gate audit report --csv` writes. The result identifies no person: 21
quantiles of each time, and the number of crossings.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Self

import msgspec

CROSSINGS_MIN: Final = 100  # fewer could identify a person
QUANTILES: Final = 21
LONGEST_S: Final = 3600.0
_COLUMNS: Final = ("verdict", "took_s", "waited_s")


class ServiceError(ValueError):
    """The table of crossings or the file of service times is malformed; the message has the reason."""


Quantiles = Annotated[
    tuple[Annotated[float, msgspec.Meta(ge=0, le=LONGEST_S)], ...],
    msgspec.Meta(min_length=QUANTILES, max_length=QUANTILES),
]


class ServiceTimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The measurement: the number of crossings, how many were referred, and the quantiles from the lowest to the
    highest, in seconds, of the time in the lane and of the time from referral to the officer's decision (which includes
    the wait for the officer: too long rather than too short).
    """

    schema: Literal["forecast.service/1"] = "forecast.service/1"
    crossings: Annotated[int, msgspec.Meta(ge=CROSSINGS_MIN)]
    referred: Annotated[int, msgspec.Meta(ge=0)]
    lane_s: Quantiles
    officer_s: Quantiles | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for impossible numbers."""
        if self.referred > self.crossings:
            raise ValueError("more were referred than came")
        if self.referred and self.officer_s is None:
            raise ValueError("somebody was referred, and no officer took any time")
        for quantiles in (self.lane_s, self.officer_s or ()):
            if list(quantiles) != sorted(quantiles):
                raise ValueError("quantiles rise")

    @property
    def share_referred(self) -> float:
        """Return the share of crossings that an officer handles."""
        return self.referred / self.crossings

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Read what `to_bytes` wrote. Raises ServiceError."""
        try:
            return msgspec.json.decode(raw, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ServiceError(f"are no service times: {error}") from error

    def to_bytes(self) -> bytes:
        """Return the JSON for a file."""
        return msgspec.json.format(msgspec.json.encode(self)) + b"\n"


def measured(text: str) -> ServiceTimes:
    """Return the service times of a table of crossings. Raises ServiceError for a malformed table, and for fewer than CROSSINGS_MIN crossings."""
    lanes: list[float] = []
    officers: list[float] = []
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if missing := [name for name in _COLUMNS if name not in (rows.fieldnames or ())]:
            raise ServiceError(
                f"line 1: has no column {', '.join(missing)}; it is crossings.csv of gate audit report --csv"
            )
        for row in rows:
            _take(row, lanes, officers)
    except (csv.Error, ValueError) as error:
        raise error if isinstance(error, ServiceError) else ServiceError(f"line {rows.line_num}: {error}") from error
    if len(lanes) < CROSSINGS_MIN:
        raise ServiceError(f"has {len(lanes)} crossings that ended; fewer than {CROSSINGS_MIN} could tell of somebody")
    return ServiceTimes(
        crossings=len(lanes),
        referred=len(officers),
        lane_s=_quantiles(lanes),
        officer_s=_quantiles(officers) if officers else None,
    )


def _take(row: Mapping[str, str], lanes: list[float], officers: list[float]) -> None:
    if row["verdict"] not in {"admitted", "referred"} or not row["took_s"]:
        return
    lanes.append(_seconds(row["took_s"]))
    if row["verdict"] == "referred":
        officers.append(_seconds(row["waited_s"]) if row["waited_s"] else 0.0)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= LONGEST_S or math.isnan(value):
        raise ServiceError(f"{text} s is no time that a crossing takes")
    return value


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """Return the lowest value, those between, and the highest; linear between neighbours."""
    ordered = sorted(values)
    last = len(ordered) - 1
    found = []
    for number in range(QUANTILES):
        place = number * last / (QUANTILES - 1)
        low = math.floor(place)
        high = min(low + 1, last)
        found.append(round(ordered[low] + (place - low) * (ordered[high] - ordered[low]), 1))
    return tuple(found)
