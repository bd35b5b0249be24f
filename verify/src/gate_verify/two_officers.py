"""Judges admissions for which the site's rules require two officers: another officer ordered it before, in time and for
the same reasons, and both were shown the pictures (docs/protocols/audit-log.md, "Two officers").

The latest `started` lists the reasons that require two. If it lists none, and in logs from before that rule, no
admission requires two, except for the reason given by a written rule that requires it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STANDS_MS = 300_000 + 5_000  # validity of a first order; records are stamped a little later than the event
UNKNOWN = "lane_restarted"  # in the place of reasons that the lane does not know any more
BY_RULE = "rule_two_officers"
_SAYS_TWO = '"officers":2'  # a rule of the text that `rules_stated` holds, in its one spelling


@dataclass(frozen=True, slots=True)
class _First:
    """An order that another officer must second."""

    officer: str
    reasons: frozenset[str]
    at_ms: int | None
    boot: str | None


@dataclass(slots=True)
class _Referral:
    """The state of one crossing by its records."""

    reasons: set[str] = field(default_factory=set)
    viewed: set[str] = field(default_factory=set)  # officers
    first: _First | None = None


class TwoOfficers:
    """Judges records of crossings in order, and each `started`."""

    def __init__(self) -> None:
        self._of_two: frozenset[str] = frozenset()
        self._text = ""  # the end of the rules that were stated last
        self._referrals: dict[str, _Referral] = {}

    def started(self, body: Mapping[str, object]) -> None:
        """The lane restarted with these rules; it has forgotten first orders."""
        rules = body.get("rules")
        named = rules.get("two_officers_for") if isinstance(rules, Mapping) else None
        self._of_two = frozenset(str(one) for one in named) if isinstance(named, list) else frozenset()
        self._text = ""
        for one in self._referrals.values():
            one.first = None

    def stated(self, body: Mapping[str, object]) -> None:
        """Take written rules, which are recorded separately in one or several pieces."""
        self._text = self._text[-len(_SAYS_TWO) :] + str(body.get("text", ""))
        if _SAYS_TWO in self._text:
            self._of_two |= {BY_RULE}

    def take(self, kind: str, crossing: str, body: Mapping[str, object], *, at_ms: int | None, boot: str | None) -> str:
        """Take a record. Returns the problem of an admission, or an empty string."""
        one = self._referrals.setdefault(crossing, _Referral())
        if kind in {"closed", "revoked", "overruled"}:
            one.reasons |= _reasons(body)
        officer = _officer(body.get("order"))
        match kind:
            case "viewed":
                one.viewed.add(officer)
            case "would_admit":
                one.first = _First(officer, _reasons(body), at_ms, boot)
            case "obeyed" if body.get("verb") == "refer":
                one.first = None
            case "disposition" | "closed" if kind == "disposition" or body.get("verdict") == "admitted":
                del self._referrals[crossing]  # no admission follows
            case "overruled" if "replaced" not in body:
                first, one.first = one.first, None
                return self._lacks(one, first, officer, _First(officer, _reasons(body), at_ms, boot))
            case _:
                pass
        return ""

    def _lacks(self, one: _Referral, first: _First | None, officer: str, second: _First) -> str:
        """Return what is missing for an admission that requires two."""
        of_two = sorted(one.reasons & (self._of_two | {BY_RULE} | ({UNKNOWN} if self._of_two else set())))
        if not of_two:
            return ""
        if first is None or first.officer == officer:
            return f"by {officer} alone, which takes two officers for {', '.join(of_two)}"
        if first.reasons != second.reasons:
            return f"by {first.officer} and {officer} for different reasons"
        in_one_boot = first.boot == second.boot and first.at_ms is not None and second.at_ms is not None
        if in_one_boot and (second.at_ms or 0) - (first.at_ms or 0) > STANDS_MS:
            return f"by {officer} long after {first.officer}, whose order stood no more"
        if unseen := sorted({first.officer, officer} - one.viewed):
            return f"by {first.officer} and {officer}, without pictures shown to {', '.join(unseen)}"
        return ""


def _reasons(body: Mapping[str, object]) -> frozenset[str]:
    told = body.get("reasons")
    return (
        frozenset(str(one.get("reason")) for one in told if isinstance(one, Mapping))
        if isinstance(told, list)
        else frozenset()
    )


def _officer(order: object) -> str:
    return str(order.get("officer", "")) if isinstance(order, Mapping) else ""
