"""The contacts of one gate, by name: switched, read back, read and counted, all through the lines of one chip.

Promises: one contact is closed at a time, at most; everything is off when it is opened and, as far as the chip still obeys, when it is
closed. What is read of an output is what the chip says of it, not what was written.
"""

from __future__ import annotations

import contextlib
import enum
from dataclasses import dataclass

from drivers.barrier.contacts.gpio import Chip, Flag, Kernel, Lines
from drivers.barrier.contacts.profile import ContactsProfile, Input, Output
from gate_core.errors import LinkLostError, SetupError


class Contact(enum.Enum):
    """What the gate has an input for."""

    LEFT = "left"
    RIGHT = "right"
    STOP = "stop"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. `closed` and `lamp` are read back from the outputs; `active` are the lines of inputs whose condition holds.

    `passages`: how often left and right were counted since the contacts were opened.
    """

    closed: frozenset[Contact]
    lamp: int
    active: frozenset[int]
    passages: tuple[int, int]


class Wiring:
    """The contacts of one profile. Made by `open`."""

    def __init__(self, profile: ContactsProfile, outputs: Lines, levels: Lines, left: Lines, right: Lines) -> None:
        self._contacts = tuple(_contacts(profile))
        self._inputs = _inputs(profile)
        self._outputs = outputs
        self._levels = levels
        self._passages = (left, right)

    @classmethod
    def open(cls, kernel: Kernel, path: str, profile: ContactsProfile) -> Wiring:
        """Take the lines, the outputs first. Raises LinkLostError, or SetupError when they can never be had or the chip is another one."""
        chip = Chip.open(kernel, path)
        taken: list[Lines] = []
        try:
            _require_label(chip, path, profile)
            lamp = () if profile.lamp is None else profile.lamp.lines
            outputs = [*_contacts(profile).values(), *lamp]
            taken.append(chip.request([(output.line, output.flags) for output in outputs]))
            debounce_us = profile.debounce_ms * 1000
            taken.append(chip.request([(read.line, read.flags) for read in _inputs(profile)], debounce_us=debounce_us))
            # A request each: where one line's edges crowd out the other's, those would show with its next edge only.
            for read in (profile.status.passages_left, profile.status.passages_right):
                counted = [(read.line, read.flags | Flag.EDGE_RISING)]
                taken.append(chip.request(counted, debounce_us=debounce_us))
        except BaseException:
            for lines in taken:
                lines.close()
            raise
        finally:
            chip.close()
        return cls(profile, *taken)

    @property
    def edges_forgotten(self) -> int:
        """Edges of passages that the kernel had no room for, and counted."""
        return sum(counted.edges_forgotten for counted in self._passages)

    def switch(self, contact: Contact | None, *, lamp: int) -> None:
        """Close this contact and no other, and show these bits of the lamp. Raises LinkLostError."""
        closed = 0 if contact is None else 1 << self._contacts.index(contact)
        self._outputs.set(closed | lamp << len(self._contacts))

    def look(self) -> Seen:
        """Read everything. Raises LinkLostError.

        Passages last: what is counted is never older than the leaf that was seen.
        """
        outputs, levels = self._outputs.get(), self._levels.get()
        (left,), (right,) = (counted.edges() for counted in self._passages)
        return Seen(
            frozenset(contact for place, contact in enumerate(self._contacts) if outputs >> place & 1),
            outputs >> len(self._contacts),
            frozenset(read.line for place, read in enumerate(self._inputs) if levels >> place & 1),
            (left, right),
        )

    def close(self) -> None:
        """Switch everything off and let the lines go."""
        with contextlib.suppress(LinkLostError):
            self._outputs.set(0)
        for lines in (self._outputs, self._levels, *self._passages):
            lines.close()


def _require_label(chip: Chip, path: str, profile: ContactsProfile) -> None:
    if chip.label != profile.chip:
        raise SetupError(f"the chip {path} is {chip.label!r}, the profile is for {profile.chip!r}")


def _contacts(profile: ContactsProfile) -> dict[Contact, Output]:
    grant = profile.grant
    found = {
        Contact.LEFT: grant.left,
        Contact.RIGHT: grant.right,
        Contact.STOP: grant.stop,
        Contact.RELEASE: profile.release,
    }
    return {contact: output for contact, output in found.items() if output is not None}


def _inputs(profile: ContactsProfile) -> tuple[Input, ...]:
    """What is read as a level."""
    status = profile.status
    maybe = (status.closed, status.open, *status.presence, status.fire, status.emergency, *profile.alarms.values())
    return tuple(read for read in maybe if read is not None)
