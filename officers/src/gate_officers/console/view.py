"""Builds the content of the officers' pages from the gates' states.

Pure: the same gates, alarms and viewer always give the same page. The machine's result for a face (reasons, score,
threshold, liveness) is only in `opinion`: the officer must first state what they see. No statistics about officers.
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

# Shown only after the officer has stated whether it is the same person.
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
    """The officer's statement on the two faces. The value is part of the order's reason; never renamed."""

    SAME = "said same"
    NOT_SAME = "said not same"
    NOT_COMPARED = "said cannot compare"


class Action(enum.Enum):
    """An officer's decision on a referral: a verb, its argument, and REASONS_EACH reasons in the texts."""

    ADMIT = "admit"
    TAKEN_OVER = "taken_over"
    WALKED_BACK = "walked_back"

    @property
    def verb(self) -> Verb:
        """The order's verb."""
        return Verb.ADMIT if self is Action.ADMIT else Verb.HAND_OVER

    @property
    def argument(self) -> str | None:
        """The order's argument."""
        return None if self is Action.ADMIT else self.value


REASONS_EACH: Final = 9


class Need(enum.IntEnum):
    """How urgently a gate needs an officer; the order of the tiles."""

    ALARM = 0
    WAITS = 1
    LOST = 2
    CALLED = 3
    NOTHING = 4


def need(seen: Seen, calls: Sequence[Call]) -> Need:
    """Return how urgently a gate needs an officer."""
    if any(call.kind in URGENT for call in calls):
        return Need.ALARM
    if seen.lost:
        return Need.LOST
    assert seen.lane is not None, "a gate without a lane is lost"
    if seen.lane.waiting:
        return Need.WAITS
    return Need.CALLED if calls else Need.NOTHING


def overview(gates: Sequence[Seen], calls: Sequence[Call], viewer: Certificate, say: Say, *, now_s: float) -> Json:
    """Return the overview: tiles, the most urgent first. `now_s` is on the alarms' clock."""
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
    """Name the lanes that count the viewer as present, for a page that stopped reporting it: only the lane ends it."""
    counted = [
        one.gate
        for one in gates
        if not one.lost and one.lane and viewer.officer in {there.officer for there in one.lane.officers}
    ]
    return say("presence-still", gates=", ".join(sorted(counted, key=_in_order))) if counted else ""


def _in_order(gate: str) -> list[tuple[int, str]]:
    """Return a sort key in natural order: north-2 before north-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", gate)]


def _sound(open_calls: Sequence[Call], viewer: Certificate, *, waits: int) -> str:
    """Return the sound that the page plays. A supervisor hears only escalated alarms, and lanes without an officer."""
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
    """Return the lane's state as text."""
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
    """Return the seconds that a crossing has waited; None if the gate does not report it."""
    return None if waiting.waiting_s is None else waiting.waiting_s + seen.lane_age_s


def _two(waiting: Waits, viewer: Certificate, say: Say) -> str:
    """Return which of two required officers has ordered to admit, without their reason; empty if one is enough."""
    if not waiting.two_officers:
        return ""
    if waiting.first is None:
        return say("two-needed")
    return say("two-yours") if waiting.first == viewer.officer else say("two-first", officer=waiting.first)


def _why(waiting: Waits, say: Say) -> str:
    return "; ".join(dict.fromkeys(_reason(one, say) for one in dict.fromkeys(why.reason for why in waiting.reasons)))


def _reason(reason: str, say: Say) -> str:
    """Return a reason as text; every face reason has the same one, since the officer has not looked yet."""
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
    """Return the flags of a traveller who is not waiting, if the viewer may see flags."""
    if Sight.FLAGS not in sees(viewer):
        return []
    return [say("flag-of-nobody", flag=say.known("flag", flag)) for flag in lane.flags]


def _notes(lane: LaneEvent, say: Say) -> list[str]:
    """Return the notices that are no alarms, and the degraded modes."""
    notices = [say.known("call", one) for one in lane.notices if one not in CALLING]
    return [*notices, *(f"{one.effect} ({one.tell})" if one.tell else one.effect for one in lane.degraded)]


def _present(seen: Seen, say: Say) -> str:
    if seen.lost or seen.lane is None:
        return ""
    names = ", ".join(sorted({one.officer or say("present-unnamed") for one in seen.lane.officers}))
    return say("present-who", officers=names) if names else say("present-nobody")


def _last(lane: LaneEvent, say: Say) -> str:
    """Return the stages of the last crossing with their times in seconds, in order."""
    told = [stage for stage in _STAGES if stage in lane.last]
    return " · ".join(f"{say.known('stage', stage)} {lane.last[stage]:.1f} s" for stage in told)


# ── a decision ───────────────────────────────────────────────────────────────────────────────────────────────────────


def decision(waiting: Waits, seen: Seen, viewer: Certificate, say: Say) -> Json:
    """Return what a crossing's page shows before the officer's statement: all but the machine's result for the face."""
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
    """Return the machine's result for the face, shown after the officer's statement."""
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
    """One check of the document or its page, from the crossing's evidence."""

    id: Word
    result: Word
    reason: Text = ""
    clause: Word = ""


class _Findings(msgspec.Struct, frozen=True):
    """The crossing's findings. None: not measured."""

    checks: tuple[_Check, ...] = ()
    page_checks: tuple[_Check, ...] = ()
    access: Word | None = None
    face_score: float | None = None
    face_threshold: float | None = None
    liveness: float | None = None
    liveness_bound: float | None = None
    quality: tuple[Word, ...] = ()


def read_findings(found: Mapping[str, Any]) -> _Findings:
    """Decode a waiting crossing's findings. Unknown members of a newer gate are ignored; invalid findings count as
    empty, since the officer looks at document and traveller anyway.
    """
    try:
        return msgspec.convert(found, _Findings)
    except msgspec.ValidationError:
        return _Findings()


def _explained(reasons: Iterable[Why], say: Say) -> list[Json]:
    """Return each reason once, with all its details."""
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
    """Return the one reason that replaces all check reasons when nothing of the document could be read."""
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
    """Return a measured value and its bound; the verdict is also text, since colour alone is not enough."""
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

# The groups of a lane's page, in order. `present`, `admit` and `hand-over` are on other pages.
CONTROLS: Final = (
    ("people", (Verb.RELEASE, Verb.OPEN_EMERGENCY, Verb.END_EMERGENCY)),
    ("lane", (Verb.ACKNOWLEDGE, Verb.PAUSE, Verb.CLOSE, Verb.OPEN, Verb.REFER)),
    ("service", (Verb.DIRECTION, Verb.MODE)),
    ("maintenance", (Verb.MAINTAIN, Verb.CONSENT, Verb.ACCEPT_HEAD)),
)


def controls(viewer: Certificate, say: Say) -> list[Json]:
    """Return the verbs that the viewer's role may order, in groups."""
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


OPEN_MAX: Final = 16  # items of one gate in a handover
OPEN_WORDS_MAX: Final = 200  # characters of an item


def open_things(gates: Sequence[Seen], calls: Sequence[Call], say: Say) -> list[Json]:
    """Return the open matters of each gate for the next shift, limited in number and length. Reasons and flags are left
    out: officers who may read them see them on the waiting crossing's page.
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
