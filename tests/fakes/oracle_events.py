"""How the lane's oracle updates its account for each event."""

from __future__ import annotations

from fakes.oracle_account import CALLED, Account, Outstanding, PendingOrder

from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    DoorSeen,
    Event,
    FaceCompared,
    FaceSeen,
    GrantFailed,
    NotRecorded,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordReplaced,
    SiteSeen,
    Tick,
    TrackChanged,
    TravellerAsked,
    VideoDoubted,
)
from gate.passage.names import RecordKind, TrackChange, Wish
from gate.passage.orders import Admit, BePresent, Hold, LaneOrder, Ordered
from gate.passage.policy import Verdict
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import Direction

OF_SOMEBODY = frozenset({Alarm.FORCED, Alarm.REVERSE_PASSAGE, Alarm.PASSAGE_WITHOUT_GRANT})
COUNTS = 2**32


class Hearing(Account):
    """Takes events in."""

    def hears(self, event: Event, now_ms: float, *, fresh: bool = True) -> None:
        """An event that the lane is about to answer. `fresh`: an order answers the newest challenge."""
        self.steps += 1
        self.now_ms = now_ms
        if not isinstance(event, Tick) and event != self.lane:
            self.note(now_ms, in_short(event))
        match event:
            case DoorSeen():
                self._lane_seen(event, now_ms)
            case PartLost(part):
                self._lost(part, now_ms)
            case PartBack(part):
                self.lost.discard(part)
            case SiteSeen():
                self.site = event
            case Ordered():
                self._ordered(event, now_ms, fresh=fresh)
            case TravellerAsked(wish=Wish.HELP | Wish.PROTECTION as wish):
                self._called(wish, now_ms)
            case RecordReplaced(str() as crossing):
                if (seen := self.crossings.get(crossing)) is not None:
                    seen.lacks_record = True
                self.spoil(crossing, "a record of it was refused for good", now_ms, before=True, of_lane=True)
            case Recorded(crossing, kind) | NotRecorded(crossing, kind):
                self._receipt(crossing, kind, now_ms if isinstance(event, Recorded) else None)
            case FaceSeen() | FaceCompared() | TrackChanged() | VideoDoubted():
                self._of_camera(event, now_ms)
            case _:
                self._of_document(event, now_ms)

    def _lost(self, part: Part, now_ms: float) -> None:
        self.lost.add(part)
        if part is Part.BARRIER:
            self.lane = None
            self.spoil_all("barrier was lost", now_ms, of_lane=True, decided=True)  # the decision looks at it anew
        elif part in {Part.VISION, Part.CAMERA}:
            self.spoil_all(f"{part.value} was lost", now_ms)

    def _receipt(self, crossing: str, kind: RecordKind, durable_ms: float | None) -> None:
        seen = self.crossings.get(crossing)
        if seen is None:
            return
        if kind is RecordKind.OPENED:
            seen.open_durable = seen.open_durable or durable_ms is not None
        if kind is RecordKind.WOULD_ADMIT and seen.first is not None:
            seen.first.durable = durable_ms is not None
            seen.first = seen.first if seen.first.durable else None
        admits = kind is RecordKind.DECIDED and seen.decided is Verdict.ADMIT and not seen.officers
        if admits or (kind is RecordKind.OVERRULED and seen.officers):
            seen.durable_ms = durable_ms if seen.durable_ms is None or durable_ms is None else seen.durable_ms

    # ── the traveller ────────────────────────────────────────────────────────────────────────────────────────────────

    def _of_document(self, event: Event, now_ms: float) -> None:
        match event:
            case DocumentPresented():
                self.spoil_all("a document was presented again", now_ms, of_lane=True)
            case DocumentRemoved():
                for seen in self.crossings.values():
                    # Before that, the inspection itself tells whether its chip was still there.
                    if seen.document is not None and not seen.granted and not seen.officers:
                        seen.spoilt = seen.spoilt or "the document was taken away"
            case DocumentRead(crossing, evidence) if (running := self.running(crossing)) is not None:
                running.document = evidence
            case GrantFailed(crossing) if self.grant is not None and self.grant.crossing == crossing:
                self.grant.spoil("the grant failed", now_ms)
            case _:
                pass

    def _of_camera(self, event: FaceSeen | FaceCompared | TrackChanged | VideoDoubted, now_ms: float) -> None:
        crossing = event.crossing
        if not isinstance(event, VideoDoubted):
            self._look(crossing, event.session, now_ms)
        if isinstance(event, TrackChanged) and event.change is not TrackChange.SEVERAL:
            if (seen := self.crossings.get(crossing)) is not None and seen.session == event.session:
                seen.out_of_view = True
        elif isinstance(event, FaceCompared) and (seen := self.crossings.get(crossing)) is not None:
            seen.out_of_view = False  # somebody is looked at again
        match event:
            case FaceCompared(evidence=evidence) if (running := self.running(crossing)) is not None:
                running.face = evidence
            case FaceSeen(faces=faces) if faces != 1:
                # Once granted, the traveller walks, and others are for the track and the beams to tell.
                if (seen := self.crossings.get(crossing)) is not None and not seen.granted:
                    self.spoil(crossing, f"{faces} faces", now_ms)
            case TrackChanged(change=change):
                grant = self.grant
                if change is not TrackChange.LOST or grant is None or grant.crossing != crossing:
                    self.spoil(crossing, f"track {change.value}", now_ms)
                elif grant.lost_ms is None:
                    grant.lost_ms = now_ms
            case VideoDoubted(trouble=trouble):
                self.spoil(crossing, trouble.value, now_ms, before=True)
            case _:
                pass

    def _look(self, crossing: str, session: int, now_ms: float) -> None:
        """What is seen in another session is not known to be who was seen before."""
        seen = self.crossings.get(crossing)
        if seen is None or not seen.started:
            return
        if seen.session is not None and seen.session != session:
            self.spoil(crossing, "another session of the camera", now_ms, before=True)
        seen.session = session

    def _called(self, wish: Wish, now_ms: float) -> None:
        """Somebody asks for an officer: one is told, and who was let through is not any more. Who waits already is asked about once. However often
        others called, whoever asks for protection is heard.
        """
        if self.asked_often and wish is Wish.HELP:
            return
        self.count("called")
        if self.grant is not None:
            self.grant.spoil(CALLED, now_ms)
        if self.calling_ms is None and not any(seen.waits for seen in self.crossings.values()):
            self.calling_ms = now_ms

    # ── officers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _ordered(self, event: Ordered, now_ms: float, *, fresh: bool) -> None:
        self.asked[event.number] = (event.command, fresh, now_ms)
        match event.command:
            case BePresent(age_ms):
                self._present(now_ms - age_ms)
            case Admit(crossing, shown) if fresh:
                self.admits[crossing, event.said.officer] = event.keys, shown
                self._present(now_ms)  # whoever lets somebody through is there
            case LaneOrder.RELEASE | LaneOrder.OPEN_EMERGENCY:
                self.freeing = PendingOrder(now_ms, now_ms, now_ms + self.rules.timing.release_ms)
                self.grant = None  # whoever passes now passes by the release
            case LaneOrder.END_EMERGENCY if fresh:
                self.end_asked_ms = now_ms
            case Hold(crossing) if fresh and self.grant is not None and self.grant.crossing == crossing:
                self.grant.spoil("an officer held the crossing", now_ms)
            case _:
                pass

    def _present(self, at_ms: float) -> None:
        self.present_ms = at_ms if self.present_ms is None else max(self.present_ms, at_ms)

    # ── the barrier ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _lane_seen(self, event: DoorSeen, now_ms: float) -> None:
        before, self.lane, self.lane_ms = self.lane, event, now_ms
        went = self._went(event)
        if self.emergency:
            self.grant = self.revoking = None  # nothing is taken back, and nobody passes by a grant
            self.emergency_ms = now_ms if self.emergency_ms is None else self.emergency_ms
        else:
            self.emergency_ms = None
        if not event.closed:
            self.freeing = None
        if not event.grants_left:
            self.revoking = None
        if self.grant is not None and went[Direction.ENTRY]:
            self.grant = None  # it was used; what comes beside it is the passage's affair
        elif self.grant is not None:
            alarms = set(event.alarms) - set(before.alarms if before is not None else ())
            self._beside(self.grant, event, alarms & OF_SOMEBODY, left=bool(went[Direction.EXIT]), now_ms=now_ms)

    @staticmethod
    def _beside(grant: Outstanding, event: DoorSeen, alarms: set[Alarm], *, left: bool, now_ms: float) -> None:
        """A grant follows one body."""
        if event.bodies > 1:
            grant.spoil("a second body was in the zone", now_ms)
        if left:
            grant.spoil("somebody came out", now_ms)
        if alarms:
            grant.spoil(f"the controller reports {sorted(alarm.value for alarm in alarms)}", now_ms)
        if grant.entered and event.bodies == 0:
            grant.spoil("the body went back", now_ms)
        if event.bodies:
            grant.entered, grant.lost_ms = True, None

    def _went(self, event: DoorSeen) -> dict[Direction, int]:
        """How many went through since the controller was last heard: a counter goes on at 0, and begins there at a power-up."""
        before, now = self.counted, event.counters
        self.counted = now
        if before is None:
            return dict.fromkeys(Direction, 0)
        anew = before.power_ups != now.power_ups
        went = {
            Direction.ENTRY: now.entry if anew else (now.entry - before.entry) % COUNTS,
            Direction.EXIT: now.exit if anew else (now.exit - before.exit) % COUNTS,
        }
        for direction, count in went.items():
            self.went[direction] += count
        return went


def in_short(event: Event) -> str:
    """An event in one line."""
    if isinstance(event, DocumentRead):
        return f"DocumentRead({event.crossing}, {sorted({check.result.value for check in event.evidence.checks})})"
    if isinstance(event, FaceCompared):
        return f"FaceCompared({event.crossing}, {event.evidence.match}, session {event.session})"
    if isinstance(event, Ordered):
        return f"Ordered({event.number}, version {event.version}, {event.said.officer}, {event.command})"
    return str(event)
