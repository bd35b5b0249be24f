"""Sixty mutants of the lane, by somebody who wants to break its safety or its service: the passage, the engine, the keepers, the drivers.

Each is one change of one file. `SURVIVES` says why a simulation cannot tell one from the sound lane, or what of it the judge cannot see.
"""

from __future__ import annotations

from dataclasses import dataclass

DECIDING = "gate/passage/decision_stage.py"
EMERGENCY = "gate/passage/emergency.py"
GRANTING = "gate/passage/passage_stage.py"
MACHINE = "gate/passage/machine.py"
SPOILING = "gate/passage/abort_conditions.py"
POLICY = "gate/passage/policy.py"
WANTING = "gate/passage/desired_barrier_state.py"
WAY_BACK = "gate/passage/way_back.py"
OBEYING = "gate/passage/officer_commands.py"
TWO_OFFICERS = "gate/passage/two_officers.py"
ENGINE = "gate/programs/lane/engine.py"
PARTS = "gate/programs/lane/parts.py"
ORDERING = "gate/programs/lane/barrier_orders.py"
SESSION = "drivers/barrier/modbus/session.py"
# Where a room decides, nobody looks at the lane: a mutant that does brings the words.
LOOKS = "            return Looking(state.crossing, now_ms, entry=state.entry), (LookAtLane(),)\n"
LOOKING = "    from gate.passage.effects import LookAtLane; from gate.passage.states import Looking\n"


@dataclass(frozen=True)
class Mutant:
    """One change. `old` must stand in the file exactly once; `two_doors`: it belongs to a lane of two."""

    name: str
    file: str
    old: str
    new: str
    two_doors: bool = False


MUTANTS = (
    # ── one door: who is let through, and on what ────────────────────────────────────────────────────────────────────
    Mutant(
        "a decision to refer opens the door",
        GRANTING,
        "if state.decision.verdict is Verdict.REFER or state.spoiled:",
        "if state.spoiled:",
    ),
    Mutant(
        "what happens while the decision is written is forgotten",
        GRANTING,
        "if state.decision.verdict is Verdict.REFER or state.spoiled:",
        "if state.decision.verdict is Verdict.REFER:",
    ),
    Mutant(
        "the door opens before the decision is durable",
        DECIDING,
        "    return states.Recording(state.crossing, decision, now_ms), (Write(record, awaited=True), Show(Screen.WAIT))",
        f"{LOOKING}    if not decision.objections:\n        return Looking(state.crossing, now_ms), (Write(record), LookAtLane())\n"
        "    return states.Recording(state.crossing, decision, now_ms), (Write(record, awaited=True), Show(Screen.WAIT))",
    ),
    Mutant(
        "a decision that the log refused counts",
        GRANTING,
        f"{LOOKS}        case events.NotRecorded(state.crossing) | events.PartLost(Part.LOG):\n            return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))\n",
        f"{LOOKS}        case events.NotRecorded(state.crossing) | events.PartLost(Part.LOG):\n{LOOKS}",
    ),
    Mutant(
        "a document that was taken away counts",
        DECIDING,
        "removed=state.removed or state.document is not None",
        "removed=state.removed",
    ),
    Mutant(
        "whoever steps in after the traveller walked back uses the grant",
        SPOILING,
        "if state.entered and seen.bodies == 0 and not enclosed:",
        "if False:",
    ),
    Mutant(
        "nothing that the beams see takes a grant back",
        GRANTING,
        "            if objections := strays(lane, state, event):",
        "            if (objections := strays(lane, state, event)) and not state.crossing:",
    ),
    Mutant(
        "a passage ends when its time is over, not when the lane is at rest",
        GRANTING,
        "    if isinstance(event, events.DoorSeen | events.SensorsSeen) and lane.at_rest():",
        "    if not state.crossing:",
    ),
    Mutant(
        "a grant that nobody uses is waited for without end",
        GRANTING,
        "    if now_ms - state.since_ms > timing.grant_ttl_ms + timing.grant_slack_ms:",
        "    if now_ms < state.since_ms:",
    ),
    Mutant(
        "a document laid by another keeps the grant",
        SPOILING,
        "            return Objection(Reason.DOCUMENT_PRESENTED_AGAIN)",
        "            return None",
    ),
    Mutant(
        "a fire is nobody's business",
        MACHINE,
        "    elif lane.emergency() and (lane.state_unknown or not isinstance(state, Emergency)):",
        "    elif lane.emergency() and not state:",
    ),
    Mutant(
        "who is through is not said to be through",
        GRANTING,
        "            if lane.door_state(state.door).just_passed:\n                return passed(rules, lane, state, now_ms)\n",
        "",
    ),
    # ── one door: the policy ─────────────────────────────────────────────────────────────────────────────────────────
    Mutant(
        "what could not be checked passes",
        POLICY,
        "    if check.result is CheckResult.SUCCESSFUL:",
        "    if check.result is not CheckResult.FAILED:",
    ),
    Mutant(
        "any face is the document's",
        POLICY,
        "elif face.match.value < policy.face_match_min.value:",
        "elif face.match.value < 0:",
    ),
    Mutant(
        "a face that was not compared passes",
        POLICY,
        "    if face.match is None:\n        objections.append(Objection(Reason.FACE_NOT_COMPARED))\n    elif",
        "    if face.match is not None and",
    ),
    Mutant(
        "a picture lives",
        POLICY,
        "    if face.liveness.value < policy.liveness_min.value:",
        "    if face.liveness.value < 0:",
    ),
    Mutant("two before the camera are one", POLICY, "    elif face.faces > 1:", "    elif face.faces > 2:"),
    Mutant(
        "an officer who was there once is there",
        POLICY,
        "    absent = site.officer_seen_ago_s is None or site.officer_seen_ago_s > policy.officer_presence_max_s",
        "    absent = site.officer_seen_ago_s is None",
    ),
    # ── one door: what the barrier is told ───────────────────────────────────────────────────────────────────────────
    Mutant(
        "a revocation is told once",
        WANTING,
        "    return replace(door_state, revoking=replace(wanted, at_ms=now_ms)), (Revoke(door_state.door),)",
        "    return door_state, ()",
    ),
    Mutant(
        "a release is told once",
        WANTING,
        "    if revoked or now_ms - wanted.at_ms >= timing.order_again_ms:",
        "    if revoked:",
    ),
    Mutant(
        "a release is not remembered",
        OBEYING,
        "        lane = lane.with_door_state(replace(lane.door_state(door), released_ms=now_ms, freeing=told))",
        "        lane = lane.with_door_state(replace(lane.door_state(door), released_ms=now_ms, freeing=None and told))",
    ),
    Mutant(
        "an officer's admission is not waited for",
        OBEYING,
        "    return _on_its_way(turn, ordered, written, lane=lane, state=overruling)",
        f"{LOOKING}    looking = Looking(crossing, turn.now_ms, admission, entry)\n"
        "    return _on_its_way(turn, ordered, written, LookAtLane(), lane=lane, state=looking)",
    ),
    Mutant(
        "a settled referral keeps the lane",
        OBEYING,
        "    following, shown = go_on(lane, crossing) if crossing_of(turn.state) == crossing else (turn.state, ())",
        "    following, shown = turn.state, ()",
    ),
    Mutant(
        "presence is not noted",
        OBEYING,
        "    lane = replace(lane, officer_seen_ms=said_ms if seen_ms is None else max(seen_ms, said_ms))",
        "    lane = replace(lane, officer_seen_ms=said_ms if seen_ms is None else seen_ms)",
    ),
    Mutant(
        "who was referred waits for nobody",
        "gate/passage/open_referrals.py",
        "            return (*waiting, Referral(crossing, objections, now_ms))",
        "            return waiting",
    ),
    Mutant(
        "an alarm waits for ever",
        "gate/passage/alarms.py",
        "replace(one, waits=False)",
        "replace(one, waits=one.waits)",
    ),
    Mutant(
        "no alarm is cleared by the lane",
        "gate/passage/alarms.py",
        "    if not due or never or not door_state.at_rest():",
        "    if due or never or not door_state.at_rest():",
    ),
    Mutant(
        "one passage is none",
        "gate/passage/passage_reconciliation.py",
        "        if count:\n",
        "        if count > 1:\n",
    ),
    Mutant(
        "who passes beyond a grant is not in the books",
        "gate/passage/passage_reconciliation.py",
        "(Direction.ENTRY, now.just_passed - granted, others)",
        "(Direction.ENTRY, 0, others)",
    ),
    # ── one door: engine, keeper, driver ─────────────────────────────────────────────────────────────────────────────
    Mutant(
        "a revocation leaves the grant that waits behind it",
        ORDERING,
        "        overtaken = {kind, Kind.GRANT} if kind in _FIRST else {kind}",
        "        overtaken = {kind}",
    ),
    Mutant(
        "the barrier is asked ten times less often",
        PARTS,
        "call_at(after_pause_s(loop.time(), every_s), look.set)",
        "call_at(after_pause_s(loop.time(), every_s * 10), look.set)",
    ),
    Mutant("a barrier that comes back is not told of", PARTS, "        self._post(PartBack(self._part))\n", ""),
    Mutant(
        "a grant that stands is not seen",
        PARTS,
        "grants_left=status.grants_left_entry + status.grants_left_exit",
        "grants_left=status.grants_left_exit",
    ),
    Mutant(
        "a fire is not seen",
        PARTS,
        "        fire=status.fire,\n        emergency_open=status.emergency_open,",
        "        fire=False,\n        emergency_open=False,",
    ),
    Mutant(
        "what failed its check is believed",
        "drivers/modbus/frames.py",
        "    if frame != seal(frame[:-2]):",
        "    if not frame:",
    ),
    Mutant(
        "a grant outlives the traveller's face",
        GRANTING,
        "    if lost_ms is not None and now_ms - lost_ms > timing.track_gap_max_ms:",
        "    if lost_ms is not None and now_ms - lost_ms > timing.grant_ttl_ms:",
    ),
    Mutant(
        "a grant may stand while somebody waits for an officer",
        WANTING,
        "    return isinstance(state, Emergency) or (isinstance(state, Granted) and state.door is door)",
        "    return isinstance(state, Emergency) or (crossing_of(state) is not None and door is door)",
    ),
    Mutant(
        "a record that was refused is durable",
        "gate/programs/lane/record_outbox.py",
        "                answers.append(entry.not_recorded())",
        "                answers.append(entry.recorded())",
    ),
    Mutant(
        "an emergency is over when the input is clear",
        "gate/passage/door_state.py",
        "(self.seen.fire or self.seen.emergency_open)",
        "self.seen.fire",
    ),
    # ── two doors ────────────────────────────────────────────────────────────────────────────────────────────────────
    Mutant(
        "what was counted while the lane was dead is lost",
        "gate/programs/lane/records.py",
        "        return self.counted if door is Door.LAST else self.first_counted",
        "        return None",
        two_doors=True,
    ),
    Mutant(
        "the first door opens before that is durable",
        DECIDING,
        "    return recording, (Write(record, awaited=True), Show(Screen.WAIT))",
        f"{LOOKING}    if not decision.objections:\n        return Looking(state.crossing, now_ms, entry=states.Entry(state.document)), (Write(record), LookAtLane())\n"
        "    return recording, (Write(record, awaited=True), Show(Screen.WAIT))",
        two_doors=True,
    ),
    Mutant(
        "the face is not waited for",
        DECIDING,
        "    if state.face is not None or state.trouble or state.spoiled or lane.lost & {Part.VISION, Part.CAMERA}:",
        "    if True:",
        two_doors=True,
    ),
    Mutant(
        "who is inside is looked at while a door is open",
        DECIDING,
        "one.seen is not None and one.seen.closed and not one.seen.grants_left for one in lane.doors)\n    if enclosed and interior",
        "one.seen is not None for one in lane.doors)\n    if enclosed and interior",
        two_doors=True,
    ),
    Mutant(
        "an officer's word opens both doors",
        DECIDING,
        "            return states.Referred(state.crossing, officers.referral.objections), (Show(Screen.OFFICER),)",
        f"            {LOOKING.strip()}\n            return Looking(state.crossing, now_ms, officers), (LookAtLane(),)",
        two_doors=True,
    ),
    Mutant(
        "several people inside are one",
        "gate/programs/lane/parts.py",
        "    return SensorsSeen(**dataclasses.asdict(status))",
        '    return SensorsSeen(**dataclasses.asdict(status) | {"people": status.people and 1})',
        two_doors=True,
    ),
    Mutant(
        "a door that moves is closed",
        PARTS,
        "        closed=status.position is LeafPosition.CLOSED,",
        "        closed=status.position is not LeafPosition.OPEN,",
        two_doors=True,
    ),
    Mutant(
        "no way back by time",
        WAY_BACK,
        "interior.called or waits.at_once or now_ms - waits.since_ms >= limit_ms",
        "interior.called or waits.at_once",
        two_doors=True,
    ),
    Mutant(
        "the way back is offered once",
        WAY_BACK,
        "waits.offered_ms is not None and now_ms - waits.offered_ms < again_ms",
        "waits.offered_ms is not None",
        two_doors=True,
    ),
    Mutant(
        "the way back opens beside the last door",
        WAY_BACK,
        "    if not is_due or offered_lately or is_closing or _may_leave(lane, now_ms, timing):",
        "    if not is_due or offered_lately or is_closing:",
        two_doors=True,
    ),
    Mutant(
        "an officer sends somebody back, and nothing opens",
        OBEYING,
        "    return replace(lane, interior=replace(interior, waits=Waits(now_ms, at_once=True)))",
        "    return lane",
        two_doors=True,
    ),
    Mutant(
        "the call button is a moment's",
        "gate/passage/interior.py",
        "        called = self.called or seen.call_pressed",
        "        called = seen.call_pressed",
        two_doors=True,
    ),
    Mutant(
        "a call that was answered goes on",
        OBEYING,
        "        lane = replace(lane, interior=replace(interior, called=False))",
        "        lane = replace(lane, interior=replace(interior, called=True))",
        two_doors=True,
    ),
    Mutant(
        "a bag that was left is nobody's business",
        POLICY,
        "    if people == 0 and inside.object_left is not False:",
        "    if people == 0 and inside.object_left is None:",
        two_doors=True,
    ),
    Mutant(
        "whoever is inside is nobody to the first door",
        POLICY,
        "    elif inside.people > people:",
        "    elif inside.people > people + 1:",
        two_doors=True,
    ),
    Mutant(
        "a fire at one door leaves the other",
        EMERGENCY,
        "    return replace(emergency, held_ms=now_ms), (*others, shown, *through, *effects_then)",
        "    return emergency, (shown, *through, *effects_then)",
        two_doors=True,
    ),
    Mutant(
        "an emergency is held for as long as a release",
        EMERGENCY,
        "    if state.held_ms is not None and (is_back or now_ms - state.held_ms >= rules.timing.emergency_hold_ms):",
        "    if state.held_ms is not None and now_ms < state.held_ms:",
        two_doors=True,
    ),
    Mutant(
        "who goes back is not in the books",
        "gate/passage/passage_reconciliation.py",
        "        (Direction.EXIT, now.just_left, others),\n",
        "",
        two_doors=True,
    ),
    Mutant(
        "every grant is the last door's",
        ENGINE,
        "self._barriers[door].grant(ttl_ms)",
        "self._barriers[Door.LAST].grant(ttl_ms)",
        two_doors=True,
    ),
    Mutant(
        "every other order is the last door's",
        ENGINE,
        "        barrier = self._barriers[effect.door]",
        "        barrier = self._barriers[Door.LAST]",
        two_doors=True,
    ),
    Mutant(
        "nobody is released by the board",
        SESSION,
        "            yield from write(self._unit, release.holding, release.value)",
        "            yield from ()",
        two_doors=True,
    ),
)

# What of the sixty a simulation does not see, and why.
SURVIVES = {
    "what happens while the decision is written is forgotten": "a record takes fifteen milliseconds here, in which nobody does "
    "anything, and the look at the lane that follows sees whatever lasts",
    "a revocation leaves the grant that waits behind it": "a grant waits only while another order is on the line, and here none "
    "ever is; one that were written would be taken back with the next status",
}

# Mutants that no simulation can kill: something else of the gate does what they leave out. They are not among the sixty.
MADE_UP_FOR = (
    # The driver asks for the fate of a grant that was not answered, and says itself that it failed.
    Mutant(
        "a grant that no status shows is waited for",
        GRANTING,
        "    if granting is not None and now_ms - granting.since_ms >= timing.order_shown_max_ms:",
        "    if granting is not None and now_ms < granting.since_ms:",
    ),
    # The first status shows it, and the lane takes it back (`gate.passage.desired_barrier_state`).
    Mutant(
        "a new line leaves the grant from before",
        SESSION,
        "            yield from self.revoke()\n            status = yield from self._look()\n            if status.grants_left_entry or status.grants_left_exit:\n"
        '                raise SetupError("the controller keeps a grant that was revoked")\n',
        "            pass\n",
    ),
    # Nobody is invited while the leaf is open or somebody is in the zone, and who lays a document all the same is referred.
    Mutant(
        "the next crossing begins while somebody is in the zone",
        GRANTING,
        "    if isinstance(event, events.DoorSeen | events.SensorsSeen) and lane.at_rest():",
        "    if isinstance(event, events.DoorSeen | events.SensorsSeen):",
    ),
    # A grant that waits is overtaken, and gone.
    Mutant(
        "a revocation waits behind a grant",
        ORDERING,
        "        at = sum(one.kind in _FIRST for one in self._waiting) if kind in _FIRST else len(self._waiting)",
        "        at = len(self._waiting)",
    ),
)

# Not one of the sixty: in a simulation one officer works at a time, and the walks of the lane kill it (`fakes.hostile_lane`).
FIRST_AGAIN = Mutant(
    "the second officer may be the first",
    TWO_OFFICERS,
    "    return first.said.officer != ordered.said.officer and not first.keys & ordered.keys\n",
    "    return True\n",
)

# Not among the sixty, and killed by every simulation: who passes on somebody else's grant, and what the log says twice.
COMPANION_ADMITTED = Mutant(
    "whoever passes is the holder, whomever the camera still sees",
    GRANTING,
    "        rules.policy.camera_sees_zone\n",
    "        not rules.policy\n",
)
STAYS_AWAY = Mutant(
    "whoever is seen beside the passage is the one who passed, also where they came no nearer",
    GRANTING,
    "(proved_ms >= -state.beside_ms and not came_nearer)",
    "(proved_ms >= -state.beside_ms and not came_nearer and lost.seen_ago_ms < 0)",
)
ANY_RECEIPT = Mutant(
    "the receipt of whatever was written is the decision's",
    GRANTING,
    "        case events.Recorded(state.crossing, kind) if kind is _kind_of(state):",
    "        case events.Recorded(state.crossing, _):",
)

# Not one of the sixty: orders that the barrier's status contradicts are not told again.
TOLD_ONCE = Mutant(
    "every order is told once",
    WANTING,
    "    door_state, revoked = _take_back(door_state, state, seen, now_ms, timing)",
    "    if seen.door is door_state.door:\n        return door_state, ()\n    door_state, revoked = _take_back(door_state, state, seen, now_ms, timing)",
)
