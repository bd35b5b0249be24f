"""An oracle over one lane: it hears the events, sees what the lane does about them, and says which invariant was broken.

Written from docs/safety.md, the architecture's invariants and what attacks have found, and from nothing of the machine but its vocabulary:
it keeps an account of its own of every crossing, of the grant that is outstanding, of what officers asked for, and holds every act against
it. The lane under test (`fakes.lane_under_test`) calls `hears` with each event before the lane answers it, `sees` with each effect, and `rests`
once all that an event brought about has been done.
"""

from __future__ import annotations

from collections.abc import Sequence

from fakes.oracle_account import (
    AGAIN_MS,
    AT_REST_MS,
    CROSSING_MAX_MS,
    FRESH_MS,
    SOON_MS,
    Outstanding,
    PendingOrder,
    Seen,
)
from fakes.oracle_events import Hearing
from fakes.oracle_records import RecordChecks

from gate.passage import records
from gate.passage.effects import Answer, Effect, EndEmergency, Erase, Grant, Release, Revoke, Show, StartCrossing, Write
from gate.passage.events import Part
from gate.passage.names import Outcome
from gate.passage.orders import Admit, BePresent, LaneOrder
from gate.programs.lane.records import Remembered
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Screen
from gate_core.ports.values import Direction


class Oracle(Hearing, RecordChecks):
    """Takes in what the lane does."""

    def sees(self, effect: Effect) -> None:
        """The lane does this about the event that it heard last."""
        now_ms = self.now_ms
        match effect:
            case Write(record, awaited):
                self.writes(record, now_ms, awaited=awaited)
            case StartCrossing(crossing):
                self._touches(crossing, now_ms)
            case Grant(crossing, ttl_ms):
                self._grants(crossing, ttl_ms, now_ms)
            case Revoke():
                self._revokes(now_ms)
            case Release():
                self._releases(now_ms)
            case EndEmergency():
                self._ends_emergency(now_ms)
            case Answer(number, outcome):
                self._answers(number, outcome, now_ms)
            case Show(screen):
                self._shows(screen, now_ms)
            case Erase(crossing):
                self._erases(crossing, now_ms)
            case _:
                self.note(now_ms, f"    {effect}")

    def told(self, record: records.Record, now_ms: float) -> None:
        """A receipt is an event like others."""

    def _grants(self, crossing: str, ttl_ms: int, now_ms: float) -> None:
        self.note(now_ms, f"    GRANT {crossing}")
        self.count("grant")
        seen = self.crossings.get(crossing)
        if seen is None or seen.durable_ms is None or seen.granted:
            self.broken("1 and 3", f"a grant without an admission that is durable and unused ({crossing})")
            return
        if self.grant is not None:
            self.broken("3", f"a second grant while {self.grant.crossing}'s is outstanding")
        if not 1_000 <= ttl_ms <= self.rules.timing.grant_ttl_ms:
            self.broken("5", f"a grant of {ttl_ms} ms")
        if not seen.officers and (seen.verdict is not None or not seen.open_durable):
            self.broken("10", "a grant in a crossing that has its verdict, or whose opening is not durable")
        if seen.lacks_record:
            self.broken("line 2", "a grant in a crossing of which a record is missing")
        if seen.spoilt:
            self.broken("4", f"a grant although, since the comparison, {seen.spoilt}")
        self._look_at_lane(seen, now_ms)
        seen.granted, seen.durable_ms = True, None
        self.grant, self.revoking, self.freeing = Outstanding(crossing, now_ms), None, None

    def _look_at_lane(self, seen: Seen, now_ms: float) -> None:
        lane = self.lane
        if lane is None or self.lane_ms < (seen.durable_ms or 0) or now_ms - self.lane_ms > FRESH_MS:
            self.broken("1 and 6", "a grant without a fresh look at the lane after the receipt")
            return
        in_zone = lane.bodies > int(seen.officers)  # an officer sees who stands there
        if self.standing or self.state_lost:
            self.broken("7", "a grant in an emergency, or where nobody knows whether there is one")
        if not lane.closed or lane.grants_left or in_zone or lane.alarms or self.emergency:
            self.broken("4 and 6", f"a grant into a lane that is not at rest: {lane}")
        if self.alarmed:
            self.broken("line 5", f"a grant while no officer has acknowledged {sorted(self.alarmed)}")
        if not seen.officers and self.lost & {Part.VISION, Part.CAMERA}:  # a barrier that is heard is there
            self.broken("4 and 11", f"a grant without {sorted(part.value for part in self.lost)}")

    def _revokes(self, now_ms: float) -> None:
        self.note(now_ms, "    REVOKE")
        self.count("revoke")
        self.revoked_ms = now_ms
        if self.emergency or self.standing or self.state_lost:
            self.broken("7", "a closing order in an emergency, or where nobody knows whether there is one")
        # A grant that was just given no status may have shown yet; of an older one the newest status tells.
        is_new = self.grant is not None and now_ms - self.grant.at_ms < AGAIN_MS
        if is_new or (self.lane is not None and self.lane.grants_left):
            self.revoking = PendingOrder(now_ms if self.revoking is None else self.revoking.since_ms, now_ms)
        self.grant = None

    def _releases(self, now_ms: float) -> None:
        self.note(now_ms, "    RELEASE")
        self.count("release")
        if self.freeing is not None:
            self.freeing.at_ms = now_ms
        self.grant = None

    def _ends_emergency(self, now_ms: float) -> None:
        self.note(now_ms, "    END EMERGENCY")
        limit_ms = self.rules.timing.emergency_end_max_ms + SOON_MS
        if self.end_asked_ms is None or now_ms - self.end_asked_ms > limit_ms:
            self.broken("7", "an emergency is ended that no officer called over")
        if self.lane is None or self.lane.fire:
            self.broken("7", "an emergency is ended whose input is not seen clear")

    def _touches(self, crossing: str, now_ms: float) -> None:
        self.note(now_ms, f"    START {crossing}")
        seen = self.crossings.get(crossing)
        if seen is None or not seen.open_durable:
            self.broken("10", f"the chip of {crossing} is touched before its opening is durable")
            return
        seen.started = True

    def _erases(self, crossing: str, now_ms: float) -> None:
        self.note(now_ms, f"    ERASE {crossing}")
        if (seen := self.crossings.get(crossing)) is not None:
            seen.erased = True

    def _shows(self, screen: Screen, now_ms: float) -> None:
        if screen is not self.screen:
            self.note(now_ms, f"    SCREEN {screen.value}")
        self.screen = screen

    def _answers(self, number: int, outcome: Outcome, now_ms: float) -> None:
        self.note(now_ms, f"    ANSWER {number} {outcome.value}")
        command, fresh, _ = self.asked.pop(number, (None, True, 0.0))
        if command is None:
            self.broken("2", f"order {number} is answered twice, or was never given")
        if outcome not in {Outcome.DONE, Outcome.ORDERED}:
            return
        frees = command in {LaneOrder.RELEASE, LaneOrder.OPEN_EMERGENCY}
        if not (fresh or frees or isinstance(command, BePresent)):
            self.broken("stale orders", f"{command} was obeyed, and answers an old challenge")
        if command in {LaneOrder.CLOSE, LaneOrder.OPEN}:
            self.closed = command is LaneOrder.CLOSE

    # ── what it owes ─────────────────────────────────────────────────────────────────────────────────────────────────

    def rests(self) -> None:
        """Everything that the last event brought about is done."""
        now_ms = self.now_ms
        for number, (asked, _, asked_ms) in self.asked.items():
            waits_ms = (
                self.rules.timing.receipt_max_ms if isinstance(asked, Admit) else 0
            )  # the first of two waits for the log
            if now_ms - asked_ms > waits_ms + SOON_MS:
                self.broken("2", f"order {number} was not answered")
        if self.calling_ms is not None and now_ms - self.calling_ms > SOON_MS:
            self.broken("line 8", "somebody asked for an officer, and no officer is told")
        if self.went != self.written:
            self.broken("line 6", f"the controller counted {self.went}, the books say {self.written}")
        while self.granted:
            if (seen := self.crossings.get(crossing := self.granted.pop())) is not None and not seen.granted:
                self.broken("1", f"{crossing} is recorded as granted and no order went out")
        for crossing, seen in self.crossings.items():
            if seen.verdict is None and now_ms - seen.opened_ms > CROSSING_MAX_MS:
                self.broken("10", f"{crossing} has no verdict after {CROSSING_MAX_MS} ms")
            if seen.started and not seen.erased and (seen.waits or seen.settled or seen.verdict is not None):
                self.broken("12", f"{crossing} is closed and was not erased")
        self._grant_rests(now_ms)
        self._orders_rest(now_ms)
        self._screen_rests(now_ms)

    def _grant_rests(self, now_ms: float) -> None:
        grant, timing = self.grant, self.rules.timing
        if grant is None:
            return
        if grant.lost_ms is not None and now_ms - grant.lost_ms > timing.track_gap_max_ms + SOON_MS:
            grant.spoil("the face was lost and nobody came into the zone", grant.lost_ms + timing.track_gap_max_ms)
        if now_ms - grant.at_ms > timing.grant_ttl_ms + timing.grant_slack_ms + SOON_MS:
            self.broken("5", "a grant whose time is over was not ended")
        if grant.must_revoke and now_ms - grant.since_ms > SOON_MS:
            self.broken("4", f"no revoke within {SOON_MS} ms although {grant.must_revoke}")

    def _orders_rest(self, now_ms: float) -> None:
        if self.freeing is not None and now_ms > self.freeing.until_ms:
            self.freeing = None
        late_ms = self.rules.timing.order_shown_max_ms + AT_REST_MS
        for what, owed in (("revocation", self.revoking), ("release", self.freeing)):
            if owed is None or self.emergency:
                continue
            if self.lane_ms - owed.at_ms > AGAIN_MS:
                self.broken("line 1", f"status contradicts a {what}, and it is not repeated")
            if now_ms - owed.since_ms > late_ms and self.told_ms < owed.since_ms:
                self.broken("line 1", f"no status shows a {what}, and no incident says so")

    def _screen_rests(self, now_ms: float) -> None:
        if self.screen is Screen.GO and self.grant is None and not any(one.goes_on for one in self.crossings.values()):
            self.broken("3", "the screen says GO and nobody may pass")
        if self.emergency_ms is not None and now_ms - self.emergency_ms > SOON_MS:
            if self.screen is not Screen.EMERGENCY:
                self.broken("7", f"in an emergency the screen shows {self.screen.value}")
            if not self.emergency_recorded:
                self.broken("7", "an emergency that no record tells of")
        if self.standing and self.screen is not Screen.EMERGENCY:
            self.broken("7", f"an emergency that no officer ended, and the screen shows {self.screen.value}")
        if self.state_lost and self.screen is not Screen.CLOSED:
            self.broken("7", f"nobody knows whether there is an emergency, and the screen shows {self.screen.value}")
        if self.screen is not Screen.WELCOME:
            return
        if self.lost or self.lane is None or now_ms - self.lane_ms > 3 * AGAIN_MS:
            self.broken("line 5", f"travellers are invited without {self.lost or 'a status of the lane'}")
        elif alarms := self.lane.alarms or sorted(self.alarmed):
            self.broken("line 5", f"travellers are invited with {alarms}")
        elif self.closed:
            self.broken("line 5", "travellers are invited into a lane that an officer closed")
        if waiting := [crossing for crossing, seen in self.crossings.items() if seen.waits]:
            self.broken("line 7", f"travellers are invited while {waiting} wait for an officer")

    def _officers_word_of(self, durable: Sequence[records.Record]) -> None:
        """A lane that an officer closed, and an alarm that none acknowledged, outlive the program."""
        self.closed, self.alarmed = False, set()
        for record in durable:
            self.heeds(record)
            if isinstance(record, records.Obeyed) and record.verb in {
                records.ObeyedVerb.CLOSE,
                records.ObeyedVerb.OPEN,
            }:
                self.closed = record.verb is records.ObeyedVerb.CLOSE

    def starts(self, kept: Sequence[records.Record], told: Remembered, now_ms: float) -> None:  # noqa: ARG002 - it believes the log alone
        """The lane program starts anew: what it knew is gone, and its grants with it, and so is what the log had not taken; not an emergency."""
        self.note(now_ms, "==== a new start" + (", its state lost" if self.state_lost else ""))
        self.standing &= not self.state_lost
        self._starts_with(kept)

    def loses_state(self) -> None:
        """What the lane had written down of its state is gone with its next start."""
        self.state_lost = True

    def _starts_with(self, durable: Sequence[records.Record]) -> None:
        self.lane, self.lane_ms, self.grant, self.revoking, self.freeing = None, -1e9, None, None, None
        self.lost, self.present_ms, self.site, self.end_asked_ms, self.emergency_ms = set(), None, None, None, None
        self.asked.clear()
        self.granted.clear()
        self.emergency_recorded = self.asked_often = False
        self.calling_ms = None
        self._officers_word_of(durable)
        self.screen = Screen.CLOSED
        kept = {(type(record), records.crossing_of(record)) for record in durable}
        for crossing, seen in tuple(self.crossings.items()):
            seen.durable_ms, seen.erased = None, True  # its children ended with the program
            seen.first, seen.reasons = None, seen.reasons | {Reason.LANE_RESTARTED}
            if (records.Opened, crossing) not in kept and (records.Closed, crossing) not in kept:
                del self.crossings[crossing]
            if (records.Closed, crossing) not in kept:
                seen.verdict = None
                # What the camera said is known to the next start by this record alone.
                seen.out_of_view = seen.out_of_view and (records.GrantEnded, crossing) in kept
            if seen.officers or (records.Passed, crossing) not in kept:
                seen.passed = 0  # an officer settles it
            seen.settled = (records.Settled, crossing) in kept
        books = [record for record in durable if isinstance(record, records.Passed | records.Counted)]
        self.counted = books[-1].counters if books else None
        for direction in Direction:
            passed = (one for one in books if isinstance(one, records.Passed) and one.direction is direction)
            self.went[direction] = self.written[direction] = sum(one.count for one in passed)
