"""Turns what the gates tell into what an officer's pages show.

Pure: the same gates, alarms and viewer always give the same page. What would tell an officer what the machine thinks of a face (its
reasons, score, threshold, liveness) is in `opinion` and nowhere else, since the officer says first what they see. Nothing here counts
or compares officers.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gate_core.console_link import LaneEvent, Text, Waits, Why, Word
from gate_core.evidence.names import Role
from gate_core.evidence.reasons import Reason
from gate_core.evidence.service_scope import EVERYBODY
from gate_core.orders.certificate import Certificate, Sight, may_order, sees
from gate_core.orders.verbs import VERBS, Verb
from gate_core.web_pages.texts import Say
from gate_officers.console.alarms import CALLING, NOBODY_PRESENT, URGENT, Call, Seen

Json = dict[str, Any]

# Told only after the officer has said whether it is the same person.
OPINIONS: Final = frozenset(
    one.value
    for one in (
        Reason.FACE_MISSING,
        Reason.FACES_SEVERAL,
        Reason.FACE_NOT_COMPARED,
        Reason.FACE_BELOW_THRESHOLD,
        Reason.LIVENESS_NOT_RUN,
        Reason.LIVENESS_BELOW_BOUND,
        Reason.PORTRAIT_UNUSABLE,
    )
)
_OF_CHECKS: Final = frozenset({Reason.DOCUMENT_CHECK_FAILED.value, Reason.DOCUMENT_CHECK_ABORTED.value})
_REASONS: Final = frozenset(one.value for one in Reason)
_STAGES: Final = ("chip_read", "face_compared", "decided", "passed")


class Said(enum.Enum):
    """What an officer said of the two faces. Stands in the reason of the order, in these words; never renamed."""

    SAME = "said same"
    NOT_SAME = "said not same"
    NOT_COMPARED = "said cannot compare"


class Action(enum.Enum):
    """What an officer does with a referral: a verb, its argument, and nine reasons in the texts."""

    ADMIT = "admit"
    TAKEN_OVER = "taken_over"
    WALKED_BACK = "walked_back"

    @property
    def verb(self) -> Verb:
        """The order that it is."""
        return Verb.ADMIT if self is Action.ADMIT else Verb.HAND_OVER

    @property
    def argument(self) -> str | None:
        """The order's argument."""
        return None if self is Action.ADMIT else self.value


REASONS_EACH: Final = 9


class Need(enum.IntEnum):
    """How much a gate needs somebody; the order of the tiles."""

    ALARM = 0
    WAITS = 1
    LOST = 2
    CALLED = 3
    NOTHING = 4


def need(seen: Seen, calls: Sequence[Call]) -> Need:
    """How much a gate needs somebody."""
    if any(call.kind in URGENT for call in calls):
        return Need.ALARM
    if seen.lost:
        return Need.LOST
    assert seen.lane is not None, "a gate without a lane is lost"
    if seen.lane.waiting:
        return Need.WAITS
    return Need.CALLED if calls else Need.NOTHING


def hall(gates: Sequence[Seen], calls: Sequence[Call], viewer: Certificate, say: Say, *, now_s: float) -> Json:
    """The overview: tiles, whoever needs somebody first. `now_s` is the clock of the calls."""
    tiles = []
    for seen in gates:
        own = [call for call in calls if call.gate == seen.gate]
        longest_s = max((one.waiting_s or 0.0 for one in seen.lane.waiting), default=0.0) if seen.lane else 0.0
        tiles.append(((need(seen, own), -longest_s, _in_order(seen.gate)), _tile(seen, own, viewer, say, now_s)))
    shown = [tile for _, tile in sorted(tiles, key=lambda one: one[0])]
    waits = sum(len(seen.lane.waiting) for seen in gates if seen.lane)
    open_calls = [call for call in calls if call.by is None]
    return {
        "tiles": shown,
        "sound": _sound(open_calls, viewer, waits=waits),
        "still": _still_present(gates, viewer, say),
        "title": say("title-counts", alarms=len(open_calls), waits=waits) if open_calls or waits else "",
    }


def _still_present(gates: Iterable[Seen], viewer: Certificate, say: Say) -> str:
    """Where lanes count the viewer as present, for a page that has stopped saying so: presence ends at the lane, and not here."""
    counted = [
        one.gate
        for one in gates
        if not one.lost and one.lane and viewer.officer in {there.officer for there in one.lane.officers}
    ]
    return say("presence-still", gates=", ".join(sorted(counted, key=_in_order))) if counted else ""


def _in_order(gate: str) -> list[tuple[int, str]]:
    """Names as people count: north-2 before north-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", gate)]


def _sound(open_calls: Sequence[Call], viewer: Certificate, *, waits: int) -> str:
    """Which sound the page plays. A supervisor's stays quiet until nobody has answered, or nobody is there to."""
    mine = [
        call
        for call in open_calls
        if viewer.role is not Role.SUPERVISOR or call.escalated or call.kind == NOBODY_PRESENT
    ]
    if not any(may_order(viewer, verb) for verb in Verb):
        return ""
    if any(call.escalated for call in mine):
        return "escalated"
    if any(call.kind in URGENT or call.kind == NOBODY_PRESENT for call in mine):
        return "alarm"
    return "call" if (mine or waits) and viewer.role is not Role.SUPERVISOR else ""


def _tile(seen: Seen, calls: Sequence[Call], viewer: Certificate, say: Say, now_s: float) -> Json:
    lane, needs = seen.lane, need(seen, calls)
    return {
        "gate": seen.gate,
        "need": needs.name.lower(),
        "icon": _icon(seen, needs),
        "state": say("state-lost") if seen.lost else state_words(lane, say),
        "lost": seen.lost,
        "lost_s": seen.silent_s if seen.lost else None,
        "trouble": seen.trouble,
        "mark": say(f"mark-{lane.purpose}") if lane and lane.purpose in {"demo", "trial"} else "",
        "running": None if lane is None else lane.running,
        "serves": "" if lane is None else _serves(lane, say),
        "waits": [] if lane is None else [_waits(one, seen, viewer, say) for one in _longest_first(lane)],
        "calls": [_call(call, say, now_s) for call in calls],
        "notes": [] if lane is None else [*_flags(lane, viewer, say), *_notes(lane, say)],
        "present": _present(seen, say),
        "nobody": any(call.kind == NOBODY_PRESENT for call in calls),
        "last": "" if lane is None else _last(lane, say),
    }


def _icon(seen: Seen, needs: Need) -> str:
    if needs not in {Need.CALLED, Need.NOTHING}:
        return needs.name.lower()
    assert seen.lane is not None, "a gate without a lane is lost"
    if seen.lane.state != "idle":
        return "runs"
    return "open" if seen.lane.in_service and seen.lane.closed_by is None else "closed"


def state_words(lane: LaneEvent | None, say: Say) -> str:
    """The lane's state in words."""
    if lane is None or lane.state is None:
        return say("state-lost")
    if lane.state == "idle" and lane.closed_by is not None:
        return say("state-closed_by", officer=lane.closed_by)
    if lane.state == "idle" and not lane.in_service:
        return say("state-out_of_service")
    return say.known("state", lane.state)


def _serves(lane: LaneEvent, say: Say) -> str:
    found = [] if lane.direction is None else [say.known("direction", lane.direction)]
    if lane.travellers is not None and lane.travellers != EVERYBODY.name:
        found.append(say.known("travellers", lane.travellers))
    return " · ".join(found)


def _longest_first(lane: LaneEvent) -> list[Waits]:
    return sorted(lane.waiting, key=lambda one: -(one.waiting_s or 0.0))


def _waits(waiting: Waits, seen: Seen, viewer: Certificate, say: Say) -> Json:
    return {
        "crossing": waiting.crossing,
        "waits_s": _waits_s(waiting, seen),
        "why": _why(waiting, say) if Sight.REASONS in sees(viewer) else "",
        "decides": Sight.REASONS in sees(viewer),
        "two": _two(waiting, viewer, say) if Sight.REASONS in sees(viewer) else "",
        "first": waiting.first is not None and may_order(viewer, Verb.REFER),
        "flags": [say.known("flag", flag) for flag in waiting.flags] if Sight.FLAGS in sees(viewer) else [],
    }


def _waits_s(waiting: Waits, seen: Seen) -> float | None:
    """How long it has waited by now; None where the gate does not tell."""
    return None if waiting.waiting_s is None else waiting.waiting_s + seen.lane_age_s


def _two(waiting: Waits, viewer: Certificate, say: Say) -> str:
    """Where it takes two officers: who has ordered to admit, and who must yet. Never why they did."""
    if not waiting.two_officers:
        return ""
    if waiting.first is None:
        return say("two-needed")
    return say("two-yours") if waiting.first == viewer.officer else say("two-first", officer=waiting.first)


def _why(waiting: Waits, say: Say) -> str:
    return "; ".join(dict.fromkeys(_reason(one, say) for one in dict.fromkeys(why.reason for why in waiting.reasons)))


def _reason(reason: str, say: Say) -> str:
    """A reason in words, before the officer has looked."""
    return say.known("reason", "face" if reason in OPINIONS else reason)


def _call(call: Call, say: Say, now_s: float) -> Json:
    return {
        "kind": call.kind,
        "words": say.known("call", call.kind),
        "do": say.known("call-do", call.kind),
        "since_s": max(0.0, now_s - call.since_s),
        "by": "" if call.by is None else say("call-by", officer=call.by),
        "went": "" if call.went is None else say("call-went", officer=call.went),
        "escalated": call.escalated,
        "urgent": call.kind in URGENT,
    }


def _flags(lane: LaneEvent, viewer: Certificate, say: Say) -> list[str]:
    """Those over somebody who does not wait, for whoever is shown flags."""
    if Sight.FLAGS not in sees(viewer):
        return []
    return [say("flag-of-nobody", flag=say.known("flag", flag)) for flag in lane.flags]


def _notes(lane: LaneEvent, say: Say) -> list[str]:
    """What else an officer must know, beside what calls for somebody."""
    notices = [say.known("call", one) for one in lane.notices if one not in CALLING]
    return [*notices, *(f"{one.effect} ({one.tell})" if one.tell else one.effect for one in lane.degraded)]


def _present(seen: Seen, say: Say) -> str:
    if seen.lost or seen.lane is None:
        return ""
    names = ", ".join(sorted({one.officer or say("present-unnamed") for one in seen.lane.officers}))
    return say("present-who", officers=names) if names else say("present-nobody")


def _last(lane: LaneEvent, say: Say) -> str:
    """The last crossing's stages that an officer can do something with, in the order in which they come, in tenths of a second."""
    told = [stage for stage in _STAGES if stage in lane.last]
    return " · ".join(f"{say.known('stage', stage)} {lane.last[stage]:.1f} s" for stage in told)


# ── a decision ───────────────────────────────────────────────────────────────────────────────────────────────────────


def decision(waiting: Waits, seen: Seen, viewer: Certificate, say: Say) -> Json:
    """What the page of a crossing shows before the officer has said what they see: everything but the machine's opinion of the face."""
    findings = read_findings(waiting.findings)
    unread = bool(findings.checks) and all(one.result in {"failed", "aborted"} for one in findings.checks)
    said = OPINIONS | _OF_CHECKS if unread else OPINIONS
    reasons = [_unread(say)] if unread else []
    return {
        "crossing": waiting.crossing,
        "waits_s": _waits_s(waiting, seen),
        "reasons": reasons + _explained([one for one in waiting.reasons if one.reason not in said], say),
        "about_face": any(one.reason in OPINIONS for one in waiting.reasons),
        "pictures": viewer.officer in waiting.sealed_for and Sight.PICTURES in sees(viewer),
        "two": _two(waiting, viewer, say),
        "first": waiting.first is not None and may_order(viewer, Verb.REFER),
        "access": findings.access,
        "checks": [_check(one, say) for one in findings.checks],
        "page_checks": [_check(one, say) for one in findings.page_checks],
        "flags": [say.known("flag", flag) for flag in waiting.flags] if Sight.FLAGS in sees(viewer) else [],
        "actions": [_action(action, say) for action in Action if may_order(viewer, action.verb)],
    }


def opinion(waiting: Waits, say: Say) -> Json:
    """What the machine thinks of the face, for an officer who has said what they see."""
    findings = read_findings(waiting.findings)
    return {
        "reasons": _explained([one for one in waiting.reasons if one.reason in OPINIONS], say),
        "numbers": [
            _number("face", findings.face_score, findings.face_threshold, say),
            _number("liveness", findings.liveness, findings.liveness_bound, say),
        ],
        "quality": [say.known("quality", one) for one in findings.quality],
    }


class _Check(msgspec.Struct, frozen=True):
    """One check of document or page, as the crossing's evidence has it."""

    id: Word
    result: Word
    reason: Text = ""
    clause: Word = ""


class _Findings(msgspec.Struct, frozen=True):
    """What was found. A number that is None was not measured."""

    checks: tuple[_Check, ...] = ()
    page_checks: tuple[_Check, ...] = ()
    access: Word | None = None
    face_score: float | None = None
    face_threshold: float | None = None
    liveness: float | None = None
    liveness_bound: float | None = None
    quality: tuple[Word, ...] = ()


def read_findings(found: Mapping[str, Any]) -> _Findings:
    """The findings of a crossing that waits, read once. Members that a newer gate adds are passed over; findings that cannot be read are none, since the
    officer looks at document and traveller either way.
    """
    try:
        return msgspec.convert(found, _Findings)
    except msgspec.ValidationError:
        return _Findings()


def _explained(reasons: Iterable[Why], say: Say) -> list[Json]:
    """Each reason once, with all that it is about."""
    details: dict[str, list[str]] = {}
    for one in reasons:
        details.setdefault(one.reason, []).extend([one.detail] if one.detail else [])
    return [
        {
            "words": say.known("reason", reason),
            "detail": ", ".join(about),
            "do": say.known("do", reason) if reason in _REASONS else say("do-unknown"),
        }
        for reason, about in details.items()
    ]


def _unread(say: Say) -> Json:
    """What stands in the place of all the checks of a document of which nothing was read."""
    return {"words": say("reason-unread"), "detail": "", "do": say("do-unread")}


def _check(check: _Check, say: Say) -> Json:
    return {
        "name": say.known("check", check.id),
        "result": say.known("result", check.result),
        "tone": {"successful": "good", "failed": "bad", "aborted": "bad"}.get(check.result, "unsure"),
        "reason": check.reason,
        "clause": check.clause,
    }


def _number(what: str, measured: float | None, bound: float | None, say: Say) -> Json:
    """A number beside its bound; the verdict in words, since a colour alone says nothing."""
    if measured is None:
        return {"name": say(f"{what}-name"), "value": say(f"{what}-none"), "bound": "", "verdict": "", "tone": "unsure"}
    enough = bound is not None and measured >= bound
    return {
        "name": say(f"{what}-name"),
        "value": f"{measured:.2f}",
        "bound": "" if bound is None else say("number-bound", bound=f"{bound:.2f}"),
        "verdict": say(f"{what}-{'enough' if enough else 'short'}"),
        "tone": "good" if enough else "bad",
    }


def _action(action: Action, say: Say) -> Json:
    return {
        "id": action.value,
        "verb": action.verb.value,
        "argument": action.argument,
        "name": say(f"action-{action.value}"),
        "reasons": [say(f"why-{action.value}-{number}") for number in range(1, REASONS_EACH + 1)],
    }


# ── what may be ordered ──────────────────────────────────────────────────────────────────────────────────────────────

# In the order in which they stand on a lane's page, with what stands together. `present`, `admit` and `hand-over` have pages of
# their own.
CONTROLS: Final = (
    ("people", (Verb.RELEASE, Verb.OPEN_EMERGENCY, Verb.END_EMERGENCY)),
    ("lane", (Verb.ACKNOWLEDGE, Verb.PAUSE, Verb.CLOSE, Verb.OPEN, Verb.REFER)),
    ("service", (Verb.DIRECTION, Verb.MODE)),
    ("maintenance", (Verb.MAINTAIN, Verb.CONSENT, Verb.ACCEPT_HEAD)),
)


def controls(viewer: Certificate, say: Say) -> list[Json]:
    """What this viewer may order, in groups; nothing that the lane would refuse for the role."""
    groups = {group: [_control(one, say) for one in verbs if may_order(viewer, one)] for group, verbs in CONTROLS}
    return [{"name": say(f"controls-{group}"), "verbs": verbs} for group, verbs in groups.items() if verbs]


def _control(verb: Verb, say: Say) -> Json:
    row = VERBS[verb]
    return {
        "verb": verb.value,
        "name": say(f"verb-{verb.value}"),
        "what": say(f"verb-{verb.value}-what"),
        "running": row.crossing,
        "arguments": [{"value": one, "name": say.known("direction", one)} for one in row.arguments],
        "named": row.named,
    }


# ── handing over ─────────────────────────────────────────────────────────────────────────────────────────────────────


OPEN_MAX: Final = 16  # things of one gate in a handover
OPEN_WORDS_MAX: Final = 200  # letters of one


def open_things(gates: Sequence[Seen], calls: Sequence[Call], say: Say) -> list[Json]:
    """What is open at each gate, for whoever comes next. Without reasons and flags: whoever may read them sees them at the crossing, while it
    waits. Within bounds, whatever a gate says.
    """
    return [
        {
            "gate": seen.gate,
            "state": (say("state-lost") if seen.lost else state_words(seen.lane, say))[:OPEN_WORDS_MAX],
            "things": [thing[:OPEN_WORDS_MAX] for thing in _open_at(seen, calls, say)[:OPEN_MAX]],
        }
        for seen in sorted(gates, key=lambda one: _in_order(one.gate))
    ]


def _open_at(seen: Seen, calls: Sequence[Call], say: Say) -> list[str]:
    waiting = _longest_first(seen.lane) if seen.lane else []
    return [
        *(say.known("call", call.kind) for call in calls if call.gate == seen.gate),
        *(say("handover-waits", crossing=one.crossing) for one in waiting),
        *(_notes(seen.lane, say) if seen.lane else ()),
    ]
