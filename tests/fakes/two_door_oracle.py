"""A judge over a lane of two doors: it hears what the lane is told, sees what the lane does, and says which promise was broken.

Written from docs/lane.md and docs/safety.md alone: it keeps an account of its own of what is durable, what each door and the sensors said and
when, which grant is outstanding and what was told to open, and believes no state of the machine.
"""

from __future__ import annotations

import json
from collections import Counter

from fakes.two_door_account import ASKED, OTHER, PART, Account, Crossing, Outstanding, Word

from gate.passage import records
from gate.passage.effects import Answer, Effect, Erase, Grant, OpenCamera, Release, Revoke, Show, StartCrossing, Write
from gate.passage.events import Part
from gate.passage.names import ClosedAs, IncidentKind, Outcome, Wish
from gate.passage.orders import Command, LaneOrder
from gate.passage.policy import Verdict
from gate.passage.records import ObeyedVerb
from gate.programs.lane.records import encode, replay
from gate_core.evidence.crossing import Door
from gate_core.evidence.screen import Screen


class Judge(Account):
    """Takes in what the lane does: `sees` with each effect, `rests` after the last that an event brought about."""

    # ── what the lane does ───────────────────────────────────────────────────────────────────────────────────────────

    def sees(self, effect: Effect) -> None:
        """The lane does this now."""
        self.new.append(effect)
        self.trace.append(f"               {effect}"[:400])
        match effect:
            case Write(record, awaited):
                self._writes(record, awaited=awaited)
            case Grant():
                self._grants(effect)
            case Revoke(door):
                if self.emergency or self._burns():
                    self.broken("7: something is taken back in an emergency")
                if not self._is_seen_gone(door):
                    self.revoking_ms.setdefault(door, self.now_ms)
                if self.grant is not None and self.grant.door is door:
                    self.grant = None
            case Release(door):
                self._releases(door)
            case StartCrossing() | OpenCamera() | Erase():
                self._touches(effect)
            case Answer(number, outcome):
                self._answers(number, outcome)
            case Show(screen):
                self.screen = screen
            case _:
                pass

    def _is_seen_gone(self, door: Door) -> bool:
        """True when the door's status has shown the grant and shows it no more, or is what the lane answers now."""
        if door not in self.doors:
            return False
        seen, heard_ms = self.doors[door]
        was_shown = self.met is None or self.met.door is not door or self.met.shown or heard_ms == self.now_ms
        return was_shown and not seen.grants_left

    def _touches(self, effect: StartCrossing | OpenCamera | Erase) -> None:
        known = self.crossings[effect.crossing]
        match effect:
            case StartCrossing():
                if not known.open_durable:
                    self.broken("10: the chip is touched before the opening is durable")
                known.started = True
            case OpenCamera(crossing):
                self._looks_at(crossing)
            case Erase():  # pragma: no branch - the type checker proves the match complete
                known.erased = True

    def _burns(self) -> bool:
        return any(seen.fire or seen.emergency_open for seen, _ in self.doors.values())

    def _grants(self, grant: Grant) -> None:
        crossing, door = grant.crossing, grant.door
        word, known = self.words.get(crossing), self.crossings[crossing]
        if word is None or word.told_ms is None or word.used or word.door not in {None, door}:
            self.broken(f"1: {door.value} is granted without a durable word that is unused: {word}")
            return
        officers = isinstance(word.record, records.Overruled)
        if self.grant is not None:
            self.broken(f"3: a second grant beside {self.grant}")
        if known.lacks_record or not (known.open_durable or officers) or (known.verdict is not None) is not officers:
            self.broken(f"10: a grant in {known}")
        if not 1_000 <= grant.ttl_ms <= self.rules.timing.grant_ttl_ms:
            self.broken("5: how long")
        for one in Door:
            self._at_rest(one, word.told_ms, opening=door)
        self._who_is_inside(word.told_ms, int(door is Door.LAST))
        if self.lost & {Part.SENSORS, Part.BARRIER, Part.FIRST_BARRIER} - self._spoke_since_lost():
            self.broken(f"11: a grant without {self.lost}")
        if not officers:
            self._site()
        if OTHER[door] in self.releasing and self.now_ms - self.releasing[OTHER[door]] < self.rules.timing.release_ms:
            self.broken("6: the other door was told to open, and may do so yet")
        word.used = True
        seen = self.doors[door][0]
        self.grant = Outstanding(crossing, door, self.now_ms, officers, entered=seen.bodies > 0)
        self.releasing.pop(door, None)
        self.revoking_ms.pop(door, None)
        self.reached[f"grant {door.value}{' by officer' if officers else ''}"] += 1

    def _spoke_since_lost(self) -> set[Part]:
        """Parts that are called lost and speak all the same."""
        spoke = {PART[door] for door in self.doors}
        return spoke | ({Part.SENSORS} if self.looks else set())

    def _at_rest(self, door: Door, told_ms: int, *, opening: Door) -> None:
        if door not in self.doors:
            self.broken(f"6: a grant while nobody knows of {door.value}")
        seen, heard_ms = self.doors[door]
        if heard_ms <= told_ms or self.now_ms - heard_ms > self.rules.policy.lane_age_max_ms:
            self.broken(f"1: a grant on an old word of {door.value}")
        bodies_max = 1 if door is opening else None if door is Door.FIRST else 0
        crowded = bodies_max is not None and seen.bodies > bodies_max
        if not seen.closed or seen.grants_left or seen.alarms or self.alarmed[door] or crowded or self._burns():
            self.broken(f"6: {opening.value} is granted while {door.value} says {seen}, {self.alarmed[door]}")

    def _who_is_inside(self, told_ms: int, people: int) -> None:
        if len(self.looks) < 2:
            self.broken("11: two looks of the sensors must agree")
        one, two = self.looks
        if two.heard_ms <= told_ms or self.now_ms - two.measured_ms > self.rules.policy.inside_age_max_ms:
            self.broken("1: a grant on an old look of the sensors")
        agree = (one.said.people, one.said.session) == (two.said.people, two.said.session)
        if not agree or two.said.people != people:
            self.broken(f"4: a grant for {people} with {one.said.people}, {two.said.people} seen")
        said = two.said
        if (
            self.called
            or said.cabinet_open
            or not said.mains_present
            or (people == 0 and said.object_left is not False)
        ):
            self.broken(f"4: a grant while {said}, called {self.called}")

    def _site(self) -> None:
        policy = self.rules.policy
        if self.present_ms is None or self.now_ms - self.present_ms > policy.officer_presence_max_s * 1000:
            self.broken("9: no officer is present")
        if (
            self.site is None
            or not self.site[0].clock_sure
            or self.now_ms - self.site[1] > policy.site_age_max_s * 1000
        ):
            self.broken("15: a grant with a clock or lists that nobody knows")
        if self.lost & {Part.VISION, Part.CAMERA}:
            self.broken("4: a grant while nobody sees the traveller")

    def _releases(self, door: Door) -> None:
        if self.grant is not None and self.grant.door is door:
            self.grant = None
        self.releasing.setdefault(door, self.now_ms)
        self.reached["release"] += 1
        if self.emergency or self._burns() or any(_begins(one) for one in self.asked.values()):
            return
        if door is Door.LAST:
            self.broken("6: the last door opens for somebody who is not let through")
        if self.now_ms - self.freed_ms <= self.rules.timing.release_ms + 500:
            return
        self.reached["way back"] += 1
        if Door.LAST in self.doors:
            seen = self.doors[Door.LAST][0]
            is_given_up = (
                self.now_ms - self.revoking_ms.get(Door.LAST, self.now_ms) >= self.rules.timing.order_shown_max_ms
            )
            pending = (seen.grants_left or Door.LAST in self.revoking_ms) and not is_given_up
            if not seen.closed or pending:
                self.broken(f"6: the way back opens while the last door says {seen}")

    def _looks_at(self, crossing: str) -> None:
        known = self.crossings[crossing]
        if known.camera or not known.let_in:
            self.broken("4: the camera opens twice, or for somebody who was not let in")
        known.camera = True
        closed = all(door in self.doors and self.doors[door][0].closed for door in Door)
        if not closed or [one.said.people for one in self.looks] != [1, 1]:
            self.broken("6: somebody is looked at before they are alone between closed doors")

    def _answers(self, number: int, outcome: Outcome) -> None:
        command = self.asked.pop(number, None)
        if command is None:
            self.broken("2: an order is answered twice")
        if command is LaneOrder.ACKNOWLEDGE and outcome in {Outcome.DONE, Outcome.ORDERED}:
            self.called = self.asked_often = False
            for door in Door:
                self.alarmed[door] = set()

    # ── the records ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _writes(self, record: records.Record, *, awaited: bool) -> None:
        crossing = records.crossing_of(record) or ""
        match record:
            case records.Opened():
                self.crossings[crossing] = Crossing()
                self.offered = (
                    self.offered and not record.document
                )  # who calls on the page changes nothing for whoever waits inside
            case records.EntryDecided() | records.Decided() | records.Overruled():
                self._decides(record, crossing)
            case records.Granted():
                if not any(isinstance(one, Grant) and one.crossing == crossing for one in self.new):
                    self.broken("1: recorded as granted, and no order went out")
            case records.Passed():
                self.written[record.door, record.direction] += record.count
                self._passed(record, crossing)
            case records.Closed(verdict=verdict):
                self._closes(crossing, verdict)
            case records.Settled():
                if self.crossings[crossing].settled:
                    self.broken("10: a second disposition")
                self.crossings[crossing].settled = True
            case _:
                self._of_the_lane(record)
        is_decision = isinstance(record, records.EntryDecided | records.Decided | records.Overruled)
        if awaited is not (is_decision or (isinstance(record, records.Opened) and record.document)):
            self.broken(f"2: {record.kind} is waited for, or is not")

    def _decides(self, record: records.EntryDecided | records.Decided | records.Overruled, crossing: str) -> None:
        if isinstance(record, records.Overruled):
            if self.crossings[crossing].verdict is not ClosedAs.REFERRED or self.crossings[crossing].settled:
                self.broken("10: an officer admits who does not wait")
            self.words[crossing] = Word(record, None)
            return
        door = Door.FIRST if isinstance(record, records.EntryDecided) else Door.LAST
        self.words.pop(crossing, None)
        if record.decision is Verdict.ADMIT:
            self.words[crossing] = Word(record, door)
        if not replay(json.loads(encode(record)), door=door)[1]:
            self.broken(f"a decision that cannot be taken again: {record}")
        self.reached[f"{record.kind.value} {record.decision.value}"] += 1

    def _of_the_lane(self, record: records.Record) -> None:
        match record:
            case records.EmergencyBegan():
                self.emergency = True
                self.reached["emergency"] += 1
            case records.EmergencyEnded():
                if not self.emergency or self._burns():
                    self.broken("7: an emergency ends that is none, or goes on")
                self.emergency = False
                self.releasing = {}
            case records.Incident(incident=IncidentKind.WAY_BACK):
                self.offered = True
            case records.Incident(incident=IncidentKind.ASKED_OFTEN):
                self.asked_often = True
                self.must_end = "" if self.must_end == ASKED else self.must_end
            case records.Obeyed(verb=ObeyedVerb.CONSENT | ObeyedVerb.OPEN as verb):
                self.maintained = verb is ObeyedVerb.CONSENT
            case _:
                pass

    def _passed(self, record: records.Passed, crossing: str) -> None:
        self.reached[f"passed {record.door.value} by {record.how.value}"] += 1
        if record.how is not records.PassedBy.GRANT:
            return
        met = self.met
        if met is None or (met.crossing, met.door) != (crossing, record.door) or record.count != 1:
            self.broken("3: who has no grant passes on one")
        self.grant = None
        self.must_end = ""
        if record.door is Door.FIRST:
            self.crossings[crossing].let_in = True
        else:
            self.crossings[crossing].through = True

    def _closes(self, crossing: str, verdict: ClosedAs) -> None:
        known = self.crossings[crossing]
        if known.verdict is not None:
            self.broken("10: a second verdict")
        if (verdict is ClosedAs.ADMITTED) is not known.through:
            self.broken("10: a verdict that the passage does not bear out")
        known.verdict = verdict
        self.reached[f"closed {verdict.value}"] += 1

    # ── afterwards ───────────────────────────────────────────────────────────────────────────────────────────────────

    def rests(self) -> None:
        """All that the event brought about is done."""
        if self.must_end and self.grant is not None and not (self.emergency or self._burns()):
            self.broken(f"4: the grant stands although {self.must_end}")
        if self.grant is not None and (self.emergency or self._burns()):
            self.grant = None
        if self.asked:
            self.broken("2: an order is not answered")
        self._is_heard()
        if self.counted != self.written and +Counter(self.counted) != +Counter(self.written):
            self.broken(f"3: counted {self.counted}, written {self.written}")
        if self._burns() and not self.emergency:
            self.broken("7: a fire is no emergency")
        if self.emergency is not (self.screen is Screen.EMERGENCY):
            self.broken(f"7: the screen shows {self.screen.value}, emergency {self.emergency}")
        goes_on = any(
            one.through and not (one.settled or one.verdict is ClosedAs.ADMITTED) for one in self.crossings.values()
        )
        if self.screen is Screen.GO and self.grant is None and not goes_on:
            self.broken("the screen says GO and nobody may")
        for effect in self.new:
            if isinstance(effect, Release):
                self._is_explained()
        for crossing in {records.crossing_of(one.record) for one in self.new if isinstance(one, Write)} - {None}:
            known = self.crossings.get(crossing or "")
            if known is not None and known.started and known.verdict is not None and not known.erased:
                self.broken("12: closed, and not erased")

    def _is_heard(self) -> None:
        if self.asking is None or (self.asking is Wish.HELP and self.asked_often):
            return
        if not any(one.waits for one in self.crossings.values()):
            self.broken("help: somebody asked for an officer, and none is told")

    def _is_explained(self) -> None:
        if self.offered:
            self.offered_ms = self.now_ms
        if self.emergency or self.now_ms - max(self.freed_ms, self.offered_ms) <= self.rules.timing.release_ms + 500:
            return
        self.broken("records: a door opens and no record says why")


def _begins(command: Command) -> bool:
    return command in {LaneOrder.OPEN_EMERGENCY, LaneOrder.RELEASE}
