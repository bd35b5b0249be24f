"""What an officer at a terminal is shown of a lane: as on the console, only what the holder of a shift key may see."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from gate.channel import order_messages
from gate.passage.names import Outcome
from gate.programs.shared.config import Config
from gate_core.orders.certificate import sees
from gate_core.orders.errors import OrderError
from gate_core.orders.order import Shift
from gate_core.orders.verbs import VERBS, Power, Verb
from gate_core.programs.clock import now

# By the values of `gate_core.evidence.crossing.Notice`.
NOTICES: Final = {
    "revoke_not_shown": "a grant was taken back and the barrier keeps it; let nobody pass",
    "release_not_shown": "a release was ordered and the leaf stays closed; look yourself, the barrier is told again",
    "person_inside": "somebody waits inside before the closed leaf; look, and release them if they cannot leave",
    "help_called": "somebody pressed the call button; go there, the way back is open",
    "left_object": "something lies between the doors; the lane serves nobody until it is gone",
    "cabinet_open": "the gate's cabinet is open; look who is there",
    "mains_lost": "the gate runs on its battery and serves nobody",
    "referral_waits": "a traveller has waited for an officer for longer than they should",
    "lamp_refused": "the barrier does not take its lamp's colour; tell a technician",
    "asked_often": "the page called for help too often and refers nobody for it any more; look who presses it, and acknowledge",
    "state_unknown": "the lane ended uncleanly and its state file is lost: it may have been an emergency. Look; then order end-emergency or open-emergency",
    "head_unconfirmed": "nobody has confirmed since the machine was started that the log is the newest; the central server does, or a supervisor: accept-head",
    "freeing_refused": "somebody's order to release or to open was refused; look whether anybody is held, then whose key it was (journal, audit log), and acknowledge",
    "expired_key_used": "somebody ordered under a key whose shift is over; find out who has it, and acknowledge",
}


@dataclass(frozen=True, slots=True)
class LaneReport:
    """A lane's state as the lane gave it, for the holder of these sights."""

    look: order_messages.Look
    sights: frozenset[str]

    @property
    def hides_reasons(self) -> bool:
        """True if travellers wait, and the holder may not see why."""
        return bool(self.look.referred) and "reasons" not in self.sights

    @property
    def _flags(self) -> list[order_messages.Flag]:
        return self.look.flags if "flags" in self.sights else []

    def fields(self) -> dict[str, object]:
        """Return the report for JSON."""
        look = self.look
        return {
            "done": True,
            "gate": look.gate,
            "officers": look.officers,
            "running": look.running,
            "closed_by": look.closed_by,
            "direction": look.direction.value,
            "travellers": look.travellers,
            "sees": sorted(self.sights),
            "alarms": [alarm.value for alarm in look.alarms],
            "notices": [notice.value for notice in look.notices],
            "present": _plain_values(look.present),
            "flags": _plain_values(self._flags),
            **standing(look.state, look.referred, self.sights),
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines of the printed report."""
        look = self.look
        yield f"{look.gate}: {look.state}{f', closed by {look.closed_by}' if look.closed_by else ''}"
        yield f"  serves {look.direction.value}, {look.travellers}"
        if not look.officers:
            yield "no officer: everybody is referred ([officers] in gate.toml)"
        if look.running:
            yield f"  {look.running}  runs"
        for alarm in look.alarms:
            yield f"  alarm {alarm.value}: see what it is, then acknowledge it"
        for notice in look.notices:
            yield f"  {notice.value}: {NOTICES[notice.value]}"
        for officer in look.present:
            yield f"  {officer.officer} is present, seen {officer.seen_ms // 1000} s ago"
        for flag in self._flags:
            about = f"over {flag.crossing} " if flag.crossing else ""
            yield f"  flag {flag.concern.value} {about}by {flag.officer}, {flag.since_ms // 1000} s ago"
        for one in _visible(look.referred, self.sights):
            why = ", ".join(_reasons(one)) or "no reason is known any more"
            said = f": {why}" if "reasons" in self.sights else ""
            yield f"  {one.crossing}  waits for {one.since_ms // 1000} s{said}"
            if one.two_officers:
                first = f"; {one.first} has, and another must" if one.first else ""
                yield f"    two officers admit, each of whom was shown the pictures on a page{first}"


@dataclass(frozen=True, slots=True)
class OrderReport:
    """The lane's answer to an order, for the holder of these sights."""

    verb: Verb
    answer: order_messages.OrderAnswer
    sights: frozenset[str]

    @property
    def is_done(self) -> bool:
        """True if the lane did what was ordered."""
        return self.answer.outcome is Outcome.DONE

    @property
    def keeps_inside(self) -> bool:
        """True if an order that frees people was forbidden."""
        return self.answer.outcome is Outcome.FORBIDDEN and VERBS[self.verb].power is Power.FREES

    def fields(self) -> dict[str, object]:
        """Return the report for JSON."""
        answer = self.answer
        told = {"done": self.is_done, "outcome": answer.outcome.value, "detail": answer.detail}
        return {**standing(answer.state, answer.referred, self.sights), **told}

    def line(self) -> str:
        """Return the printed line."""
        outcome, detail = self.answer.outcome.value, self.answer.detail
        return f"{self.verb.value}: {(detail or 'done') if self.is_done else f'{outcome}: {detail}'}"


def sights_of(shift: Shift | None, settings: Config) -> frozenset[str]:
    """Return what the holder of a shift key may see, as on the console; nothing without a valid key of this gate."""
    if shift is None or settings.officers is None:
        return frozenset()
    try:
        certificate = shift.certified_by(b64decode(settings.officers.authority))
    except OrderError:
        return frozenset()
    is_valid = certificate.not_before <= now().timestamp() < certificate.until
    if not (is_valid and certificate.covers(settings.gate_id)):
        return frozenset()
    return frozenset(sight.value for sight in sees(certificate))


def standing(state: str, waiting: Sequence[order_messages.Waiting], sights: frozenset[str]) -> dict[str, object]:
    """Return the lane's state and who waits, as far as the sights allow, for JSON."""
    visible = _visible(waiting, sights)
    rows = zip(visible, _plain_values(visible), strict=True)
    return {"state": state, "referred": [{**fields, "objections": _reasons(one)} for one, fields in rows]}


def _visible(waiting: Sequence[order_messages.Waiting], sights: frozenset[str]) -> list[order_messages.Waiting]:
    hidden: dict[str, object] = {} if "flags" in sights else {"flags": []}
    if "reasons" not in sights:
        hidden |= {"objections": [], "findings": None, "sealed_for": [], "two_officers": False, "first": None}
    return [msgspec.structs.replace(one, **hidden) for one in waiting]


def _plain_values(structs: Sequence[object]) -> list[dict[str, object]]:
    plain: list[dict[str, object]] = msgspec.to_builtins(structs)
    return plain


def _reasons(waiting: order_messages.Waiting) -> list[str]:
    return [f"{one.reason.value}:{one.detail}" if one.detail else one.reason.value for one in waiting.objections]
