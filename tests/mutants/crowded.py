"""Which mutants of the crossing's machine the crowd before two doors kills, each in a copy of the tree, and by which promise.

PYTHONPATH=tests .venv/bin/python -m mutants.crowded [PART OF A NAME]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from fakes.lane_promises import CLAIMS
from mutants.explored import OF_PASSAGE
from mutants.run import copied, lives, played
from mutants.sixty import Mutant

SEEDS, STEPS = 100, 4_000
_RUN = """
import json, sys
from fakes.crowded_lane import Crowd
from fakes.lane_promises import BrokenPromiseError
broken, steps = {}, 0
for seed in range(int(sys.argv[1])):
    try:
        crowd = Crowd(seed, calm=0.2)
        crowd.run(int(sys.argv[2]))
    except BrokenPromiseError as error:
        name = str(error).partition(":")[0]
        broken[name] = broken.get(name, 0) + 1
    except Exception as error:
        broken[type(error).__name__] = broken.get(type(error).__name__, 0) + 1
    if sum(broken.values()) >= int(sys.argv[3]):
        break
print(json.dumps(broken))
"""
# One for each promise that the passage's own mutants leave green.
STAGE, ENDING, ORDERS = (
    "gate/passage/passage_stage.py",
    "gate/passage/crossing_end.py",
    "gate/passage/officer_commands.py",
)
MINE = tuple(
    Mutant(name, file, old, new, two_doors=True)
    for name, file, old, new in (
        ("i1_fresh_look", STAGE, " and lane.seen_since(state.since_ms)", ""),
        (
            "i3_once",
            STAGE,
            'return revoke(state, (Objection(Reason.BARRIER_LOST, "grant"),))',
            "return state, (Grant(state.crossing, rules.timing.grant_ttl_ms, state.door),)",
        ),
        (
            "i6_who_is_inside",
            STAGE,
            "        if objections:\n            return refer(state, objections)\n        ttl_ms",
            "        ttl_ms",
        ),
        (
            "i6_seen_closed",
            STAGE,
            "    if spoil := opens(lane, event) or spoils(lane, event, state.crossing, matters):\n        return refer(state, (spoil,))\n    if isinstance(event, events.NotRecorded) and event.crossing == state.crossing:\n        return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))  # the log withdraws its receipt\n    if _is_looked_at(lane, state, event):\n        by_officer = state.officers is not None\n        objections = keeps_closed(rules.policy, lane, state.door, now_ms=now_ms, by_officer=by_officer)\n        if state.officers is None:\n            objections += site_objections(lane.site_evidence(now_ms), rules.policy)\n        if objections:\n            return refer(state, objections)\n",
            "    if _is_looked_at(lane, state, event):\n",
        ),
        ("i9_presence", "gate/passage/policy.py", "    if absent and not policy.shadow:", "    if False:"),
        (
            "i15_clock",
            STAGE,
            "objections += site_objections(lane.site_evidence(now_ms), rules.policy)",
            "objections += ()",
        ),
        ("i11_checks", "gate/passage/policy.py", "        *document_objections(evidence.document, policy),\n", ""),
        ("i11_face", "gate/passage/policy.py", "    objections.extend(_liveness_objections(face, policy))\n", ""),
        ("i2_release", ORDERS, "freed: list[Effect] = [Release(way_out), Write(", "freed: list[Effect] = [Write("),
        ("i2_emergency", ORDERS, "released = tuple(Release(door) for door in doors)", "released = ()"),
        (
            "i3_passages",
            "gate/passage/passage_reconciliation.py",
            "        (Direction.EXIT, now.just_left, others),\n",
            "",
        ),
        ("i4_revokes", STAGE, "if objections := strays(lane, state, event):", "if objections := ():"),
        (
            "i4_walked_back",
            "gate/passage/abort_conditions.py",
            "if state.entered and seen.bodies == 0 and not enclosed:",
            "if False:",
        ),
        ("i4_not_shown", STAGE, "    if granting is not None and now_ms", "    if False and now_ms"),
        (
            "i4_again",
            "gate/passage/desired_barrier_state.py",
            "    if wanted is None:\n        return replace(door_state, revoking",
            "    if wanted is None or True:\n        return door_state, ()\n    if wanted is None:\n        return replace(door_state, revoking",
        ),
        (
            "i7_nothing_closes",
            "gate/passage/alarms.py",
            "is_emergency = lane.emergency() or isinstance(turn.state, Emergency)",
            "is_emergency = lane.emergency()",
        ),
        (
            "i7_begins",
            "gate/passage/emergency.py",
            "(*others, shown, *through, *effects_then)",
            "(*others, *through, *effects_then)",
        ),
        (
            "i7_end",
            "gate/passage/emergency.py",
            "    if not lane.emergency():\n        following",
            "    if True:\n        following",
        ),
        (
            "i7_screen",
            "gate/passage/traveller_requests.py",
            "        case Emergency():\n            return state, called",
            "        case Emergency():\n            return state, (Show(Screen.OFFICER), *called)",
        ),
        ("i7_held", "gate/passage/emergency.py", "now_ms - state.held_ms >= rules.timing.emergency_hold_ms", "False"),
        ("i8_way_back_alone", "gate/passage/way_back.py", " or _may_leave(lane, now_ms, timing):", ":"),
        ("i8_way_back", "gate/passage/way_back.py", "if not is_due or", "if True or"),
        ("i8_call", "gate/passage/way_back.py", "is_due = interior.called or waits.at_once", "is_due = waits.at_once"),
        (
            "i10_opened",
            "gate/passage/decision_stage.py",
            "(Write(opened, awaited=True), Show(Screen.WAIT))",
            "(Write(opened, awaited=True), StartCrossing(crossing), Show(Screen.WAIT))",
        ),
        ("i10_one_verdict", ENDING, "(*found, *_found(state), *objections)", "objections"),
        ("i10_waits", "gate/passage/open_referrals.py", "    return waiting[-WAITING_MAX:]", "    return waiting[-1:]"),
        (
            "i10_nobody_else",
            "gate/passage/lane.py",
            "not self.lost and not self.blockers and self.closed_by is None",
            "not self.lost and not self.blockers",
        ),
        (
            "i12_view",
            ORDERS,
            "turn.state, (written,)\n\n\ndef _flag",
            "turn.state, (written, Answer(ordered.number, Outcome.DONE))\n\n\ndef _flag",
        ),
        ("i12_erased", ENDING, "        Erase(state.crossing, _shown_of(unique)),\n", ""),
        ("i13_same_screen", ENDING, "one.reason is Reason.NOT_SERVED for", "one.reason is Reason.OFFICER_ABSENT for"),
        (
            "i13_go",
            STAGE,
            "return Looking(state.crossing, now_ms, entry=state.entry), (LookAtLane(),)",
            "return Looking(state.crossing, now_ms, entry=state.entry), (LookAtLane(), Show(Screen.GO))",
        ),
        (
            "i7_unknown",
            "gate/passage/emergency.py",
            "if state.held_ms is not None and (is_back or now_ms - state.held_ms >=",
            "if (is_back or now_ms - (state.held_ms or 0) >=",
        ),
    )
)


def crowded(tree: Path, *, seeds: int = SEEDS, enough: int = 3) -> tuple[str, ...]:
    """Every promise that this tree breaks, with how often."""
    ended = played(tree, _RUN, str(seeds), str(STEPS), str(enough))
    if ended.returncode:
        return (ended.stderr.strip().splitlines()[-1],)
    return tuple(f"{name} {times}" for name, times in json.loads(ended.stdout).items())


def main(mutants: Iterable[Mutant] = (*OF_PASSAGE, *MINE)) -> int:
    """Try the mutants whose name holds a text. Exit code 1 when a promise stays green in all of them."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    broken: Counter[str] = Counter()
    tried = killed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        for mutant in mutants:
            if wanted not in mutant.name:
                continue
            found = lives(mutant, tree, crowded).troubles
            tried, killed = tried + 1, killed + bool(found)
            broken.update(one.split()[0] for one in found)
            sys.stdout.write(
                f"{'two' if mutant.two_doors else 'one'} | {mutant.name} | {', '.join(found) or 'SURVIVES'}\n"
            )
            sys.stdout.flush()
    green = [name for name in CLAIMS if name not in broken]
    sys.stdout.write(f"{killed} of {tried} killed; never red: {', '.join(green) or 'none'}\n")
    return int(bool(green) and not wanted)


if __name__ == "__main__":
    raise SystemExit(main())
