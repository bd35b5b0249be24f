"""The state of the space between the doors and of the cabinet: the sensors' newest status, and how many consecutive ones agreed. Pure.

If the sensors cannot tell, the number of people is unknown: neither 0 nor 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.passage.events import SensorsSeen
from gate_core.evidence.crossing import InsideEvidence, Notice

LOOKS_MIN = 2  # looks that must agree before a person counts as gone


@dataclass(frozen=True, slots=True)
class Waits:
    """A person waits between the doors. `at_once`: the way back is due; `calls_again`: the button is pressed still or again."""

    since_ms: int
    offered_ms: int | None = None
    at_once: bool = False
    calls_again: bool = False


@dataclass(frozen=True, slots=True)
class Interior:
    """The sensors' state of the space between the doors and of the cabinet: the newest status, its time, and how many
    consecutive `looks` agreed on the people in one session; `counted_ms`: time of the last of these. `called`: the call
    button was pressed and is not acknowledged. `went_in`: people counted in minus people counted out by the doors,
    since the count was last found too high; or uncounted people who were seen waiting.
    """

    seen: SensorsSeen | None = None
    heard_ms: int = 0
    looks: int = 0
    counted_ms: int = 0
    called: bool = False
    went_in: int = 0
    waits: Waits | None = None

    def observe(self, seen: SensorsSeen, now_ms: int) -> Interior:
        """Return the state after a status of the sensors. One that may repeat the previous measurement does not count again."""
        before = self.seen
        agrees = before is not None and (before.session, before.people) == (seen.session, seen.people)
        is_another = now_ms - seen.age_ms > self.counted_ms
        looks = self.looks + is_another if agrees else 1
        counted_ms = self.counted_ms if agrees and not is_another else now_ms
        called = self.called or seen.call_pressed
        return replace(self, seen=seen, heard_ms=now_ms, looks=looks, counted_ms=counted_ms, called=called)

    def counted(self, went_in: int) -> Interior:
        """Return the state after the doors counted more people in than out by this number."""
        return self if not went_in else replace(self, went_in=max(0, self.went_in + went_in))

    def unseen(self) -> Interior:
        """Return the state while the sensors do not answer."""
        return replace(self, seen=None, looks=0)

    def evidence(self, now_ms: int) -> InsideEvidence | None:
        """Return the state as evidence, None if unknown."""
        if self.seen is None:
            return None
        seen = self.seen
        return InsideEvidence(
            age_ms=now_ms - self.heard_ms + seen.age_ms,
            people=seen.people,
            object_left=seen.object_left,
            looks=self.looks,
            session=seen.session,
            cabinet_open=seen.cabinet_open,
            mains_present=seen.mains_present,
            help_called=self.called,
        )

    @property
    def people(self) -> int | None:
        """The number of people inside; None: unknown."""
        return None if self.seen is None else self.seen.people

    @property
    def nobody(self) -> bool:
        """True if enough consecutive looks agree that nobody is inside."""
        return self.people == 0 and self.looks >= LOOKS_MIN

    @property
    def is_empty(self) -> bool:
        """True if nobody is seen inside, and nobody entered without leaving."""
        return self.nobody and not self.went_in

    @property
    def object_alone(self) -> bool:
        """True if an object is inside and nobody is there to own it."""
        return self.nobody and self.seen is not None and self.seen.object_left is True

    def notices(self) -> tuple[Notice, ...]:
        """Return the conditions inside that officers must know."""
        found = {
            Notice.PERSON_INSIDE: self.waits is not None and self.waits.offered_ms is not None,
            Notice.HELP_CALLED: self.called,
            Notice.LEFT_OBJECT: self.object_alone,
            Notice.CABINET_OPEN: self.cabinet_open,
            Notice.MAINS_LOST: self.mains_lost,
        }
        return tuple(notice for notice, is_so in found.items() if is_so)

    @property
    def cabinet_open(self) -> bool:
        """True when the cabinet is seen open."""
        return self.seen is not None and self.seen.cabinet_open

    @property
    def mains_lost(self) -> bool:
        """True when the gate is seen to run on its battery."""
        return self.seen is not None and not self.seen.mains_present
