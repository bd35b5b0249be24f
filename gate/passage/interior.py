"""What a lane knows of the space between its doors and of its cabinet: the newest look of the sensors, and how many agreed. Pure.

What the sensors cannot tell is neither nobody nor one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.passage.events import SensorsSeen
from gate_core.evidence.crossing import InsideEvidence, Notice

LOOKS_MIN = 2  # looks of the sensors that must agree before somebody is taken for gone


@dataclass(frozen=True, slots=True)
class Waits:
    """Somebody waits between the doors. `at_once`: the way back is due; `calls_again`: they press on or anew."""

    since_ms: int
    offered_ms: int | None = None
    at_once: bool = False
    calls_again: bool = False


@dataclass(frozen=True, slots=True)
class Interior:
    """What the sensors say of the space between the doors and of the cabinet: the newest look, when it came, and how many `looks` running
    agreed on the people, in one session; `counted_ms` is when the last of these came. `called`: the call button was pressed, and no officer has acknowledged it.
    `went_in` is how many more the doors counted in than out, since they were last believed to have forgotten somebody who left; or whom they
    did not count, and who was seen waiting.
    """

    seen: SensorsSeen | None = None
    heard_ms: int = 0
    looks: int = 0
    counted_ms: int = 0
    called: bool = False
    went_in: int = 0
    waits: Waits | None = None

    def observe(self, seen: SensorsSeen, now_ms: int) -> Interior:
        """The interior after a look of the sensors. One that may be the measurement of the look before is no second look."""
        before = self.seen
        agrees = before is not None and (before.session, before.people) == (seen.session, seen.people)
        is_another = now_ms - seen.age_ms > self.counted_ms
        looks = self.looks + is_another if agrees else 1
        counted_ms = self.counted_ms if agrees and not is_another else now_ms
        called = self.called or seen.call_pressed
        return replace(self, seen=seen, heard_ms=now_ms, looks=looks, counted_ms=counted_ms, called=called)

    def counted(self, went_in: int) -> Interior:
        """The interior after the doors counted so many more in than out."""
        return self if not went_in else replace(self, went_in=max(0, self.went_in + went_in))

    def unseen(self) -> Interior:
        """The interior while the sensors do not answer."""
        return replace(self, seen=None, looks=0)

    def evidence(self, now_ms: int) -> InsideEvidence | None:
        """The interior as evidence, None when nothing is known."""
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
        """How many are inside, None when nobody knows."""
        return None if self.seen is None else self.seen.people

    @property
    def nobody(self) -> bool:
        """True when the sensors agree with themselves that nobody is inside."""
        return self.people == 0 and self.looks >= LOOKS_MIN

    @property
    def is_empty(self) -> bool:
        """True when nobody is seen inside, and nobody went in who did not come out."""
        return self.nobody and not self.went_in

    @property
    def object_alone(self) -> bool:
        """True when something lies inside, and nobody is there whose it could be."""
        return self.nobody and self.seen is not None and self.seen.object_left is True

    def notices(self) -> tuple[Notice, ...]:
        """What an officer must know now of the inside."""
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
