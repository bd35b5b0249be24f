"""Profiles of gates controlled by pulses: their wiring as data (drivers/profiles/barrier/*.toml, or a site's file), parsed strictly.

A computer's lines have no watchdog: a program that dies during a pulse may leave a contact closed. So the gate must end an unused passage
(`grant_ends_by`, safety invariant 5), and a closed contact must not hold it open (`held_contact`). `assumed`: what its documents leave open.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from drivers.barrier.board import BoardProfile
from drivers.barrier.contacts.gpio import LINES_MAX, Flag
from drivers.profile_file import Table
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import LampColour
from gate_core.settings.toml_file import Wrong

TTL_MS_MAX = 30_000
_BIAS = {"pull_up": Flag.PULL_UP, "pull_down": Flag.PULL_DOWN, "none": Flag.NO_BIAS}


class Contact(enum.Enum):
    """The gate's inputs."""

    LEFT = "left"
    RIGHT = "right"
    STOP = "stop"
    RELEASE = "release"


class Output(Table, frozen=True, kw_only=True):
    """A line that switches a contact or a lamp. `active_low`: on at the low level."""

    line: Annotated[int, msgspec.Meta(ge=0, le=4095)]
    active_low: bool = False

    @property
    def flags(self) -> Flag:
        """The flags of the line request."""
        return Flag.OUTPUT | (Flag.ACTIVE_LOW if self.active_low else Flag(0))


class Input(Table, frozen=True, kw_only=True):
    """A line that is read. `active_low`: its condition holds at the low level. `bias`: the chip's resistor; None: unchanged."""

    line: Annotated[int, msgspec.Meta(ge=0, le=4095)]
    active_low: bool = False
    bias: Literal["pull_up", "pull_down", "none"] | None = None

    @property
    def flags(self) -> Flag:
        """The flags of the line request."""
        bias = Flag(0) if self.bias is None else _BIAS[self.bias]
        return Flag.INPUT | bias | (Flag.ACTIVE_LOW if self.active_low else Flag(0))

    @property
    def holds_when_cut(self) -> bool | None:
        """True if the condition holds with a cut wire; None if no resistor of the chip determines it."""
        if self.bias not in {"pull_up", "pull_down"}:
            return None
        return (self.bias == "pull_up") is not self.active_low


class Status(Table, frozen=True, kw_only=True):
    """The inputs. `passages_left` and `passages_right` close once per passage; each closing is counted.

    `closed` holds while the leaf rests closed; `open`, if there is such a contact, must not hold then. `presence`: one beam each.
    """

    closed: Input
    passages_left: Input
    passages_right: Input
    presence: Annotated[tuple[Input, ...], msgspec.Meta(min_length=1, max_length=8)]
    fire: Input
    open: Input | None = None
    emergency: Input | None = None


class Grant(Table, frozen=True, kw_only=True):
    """Contacts that request one passage to the left or right, and one that cancels the request.

    The gate ends an unused passage after `lasts_ms`.
    """

    left: Output
    right: Output
    pulse_ms: Annotated[int, msgspec.Meta(ge=100, le=500)]
    lasts_ms: Annotated[int, msgspec.Meta(ge=1000, le=TTL_MS_MAX)]
    stop: Output | None = None


class Lamp(Table, frozen=True, kw_only=True):
    """The lamp's lines, and each colour's value: one bit per line, the first line lowest."""

    lines: Annotated[tuple[Output, ...], msgspec.Meta(min_length=1, max_length=8)]
    colours: dict[LampColour, Annotated[int, msgspec.Meta(ge=0, le=255)]]


class ContactsProfile(BoardProfile, frozen=True, kw_only=True, tag="contacts"):
    """One gate and its wiring. `chip`: the GPIO chip's label, compared at every connect, because chip numbers change with the order of detection.

    `held_contact`: why a contact that stays closed does not hold the gate open: it requests one passage per closing, or a timer relay is in between.
    `release`: a contact that lets people out; without it, one passage in exit direction does.
    """

    source: str
    assumed: tuple[str, ...]
    held_contact: Literal["one_passage", "timer_relay"]
    chip: Annotated[str, msgspec.Meta(min_length=1, max_length=31)]
    status: Status
    grant: Grant
    release: Output | None = None
    lamp: Lamp | None = None
    alarms: dict[Alarm, Input] = msgspec.field(default_factory=dict)
    debounce_ms: Annotated[int, msgspec.Meta(ge=0, le=50)] = 0

    @property
    def ttl_ms(self) -> range:
        """The permitted times to live. A gate that ends passages by its own timer cannot end them earlier."""
        return range(self.grant.lasts_ms, TTL_MS_MAX + 1)

    @property
    def contacts(self) -> dict[Contact, Output]:
        """Return the wired contacts."""
        outputs = (self.grant.left, self.grant.right, self.grant.stop, self.release)
        return {contact: output for contact, output in zip(Contact, outputs, strict=True) if output is not None}

    def contradictions(self) -> list[Wrong]:
        """Return errors that types do not detect."""
        found = BoardProfile.contradictions(self)
        if self.verified == "hardware" or self.traces:
            found.append(
                Wrong("verified", "hardware needs traces, and there are none of contacts: they carry no bytes")
            )
        return [*found, *self._wrong_ends(), *self._wrong_lines(), *self._wrong_lamp()]

    def _wrong_ends(self) -> Iterator[Wrong]:
        ends = set(self.grant_ends_by)
        if others := sorted(ends - {"external_timer"}):
            yield Wrong(
                "grant_ends_by",
                f"{', '.join(others)}: lines of a computer have none; the gate behind them ends a grant",
            )
        if ends and "external_timer" not in ends:
            yield Wrong("grant_ends_by", "external_timer is missing: the gate's own time for a passage")

    def _wrong_lines(self) -> Iterator[Wrong]:
        taken: dict[int, str] = {}
        for key, line in self._lines():
            if line in taken:
                yield Wrong(key, f"is on line {line}, as {taken[line]} is")
            taken[line] = key
        if len(taken) > LINES_MAX:
            yield Wrong("", f"names {len(taken)} lines; {LINES_MAX} are the most")
        if self.status.closed.holds_when_cut:
            yield Wrong("status.closed", "would hold with its wire cut: turn its bias or its active_low round")

    def _lines(self) -> Iterator[tuple[str, int]]:
        """Yield every line with its key."""
        for contact, output in self.contacts.items():
            yield ("release" if contact is Contact.RELEASE else f"grant.{contact.value}"), output.line
        for output in () if self.lamp is None else self.lamp.lines:
            yield "lamp.lines", output.line
        for key in ("closed", "passages_left", "passages_right", "fire", "open", "emergency"):
            if (read := getattr(self.status, key)) is not None:
                yield f"status.{key}", read.line
        for read in self.status.presence:
            yield "status.presence", read.line
        for alarm, read in self.alarms.items():
            yield f"alarms.{alarm.value}", read.line

    def _wrong_lamp(self) -> Iterator[Wrong]:
        if self.lamp is None:
            return
        if missing := set(LampColour) - set(self.lamp.colours):
            yield Wrong("lamp.colours", f"lacks {', '.join(sorted(colour.value for colour in missing))}")
        if max(self.lamp.colours.values(), default=0) >> len(self.lamp.lines):
            yield Wrong("lamp.colours", f"has a value that {len(self.lamp.lines)} lines cannot show")
