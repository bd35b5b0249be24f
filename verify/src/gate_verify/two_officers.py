"""Judges admissions for which the site's rules require two officers: another officer ordered it before, in time and for
the same reasons, and both were shown the pictures (docs/protocols/audit-log.md, "Two officers").

The latest `started` lists the reasons that require two. If it lists none, and in logs from before that rule, no
admission requires two, except for the reason given by a written rule that requires it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gate_verify.audit_record import AuditRecord, table, text, words

STANDS_MS = 300_000 + 5_000  # validity of a first order; records are stamped a little later than the event
UNKNOWN = "lane_restarted"  # in the place of reasons that the lane does not know any more
BY_RULE = "rule_two_officers"
_SAYS_TWO = '"officers":2'  # a rule of the text that `rules_stated` holds, in its one spelling


@dataclass(slots=True)
class _Referral:
    """The state of one crossing by its records."""

    reasons: set[str] = field(default_factory=set)
    viewed: set[str] = field(default_factory=set)  # officers
    first: AuditRecord | None = None  # an order that another officer must second


class TwoOfficers:
    """Judges the records in order."""

    def __init__(self) -> None:
        self._of_two: frozenset[str] = frozenset()
        self._text = ""  # the end of the rules that were stated last
        self._referrals: dict[str, _Referral] = {}

    def take(self, told: AuditRecord) -> str:
        """Take a record. Returns the problem of an admission, or an empty string."""
        if told.kind == "started":  # with these rules; the lane has forgotten first orders
            self._of_two = frozenset(words(table(told.body, "rules").get("two_officers_for")))
            self._text = ""
            for one in self._referrals.values():
                one.first = None
        elif told.kind == "rules_stated":  # in one or several pieces
            self._text = self._text[-len(_SAYS_TWO) :] + text(told.body, "text")
            if _SAYS_TWO in self._text:
                self._of_two |= {BY_RULE}
        return "" if told.crossing is None else self._judged(told, told.crossing)

    def _judged(self, told: AuditRecord, crossing: str) -> str:
        one = self._referrals.setdefault(crossing, _Referral())
        if told.kind in {"closed", "revoked", "overruled"}:
            one.reasons.update(told.reasons)
        match told.kind:
            case "viewed":
                one.viewed.add(told.officer)
            case "would_admit":
                one.first = told
            case "obeyed" if text(told.body, "verb") == "refer":
                one.first = None
            case "disposition" | "closed" if told.kind == "disposition" or text(told.body, "verdict") == "admitted":
                del self._referrals[crossing]  # no admission follows
            case "overruled" if "replaced" not in (told.body or {}):
                first, one.first = one.first, None
                return self._lacks(one, first, told)
            case _:
                pass
        return ""

    def _lacks(self, one: _Referral, first: AuditRecord | None, second: AuditRecord) -> str:
        """Return what is missing for an admission that requires two."""
        of_two = sorted(one.reasons & (self._of_two | {BY_RULE} | ({UNKNOWN} if self._of_two else set())))
        if not of_two:
            return ""
        if first is None or first.officer == second.officer:
            return f"by {second.officer} alone, which takes two officers for {', '.join(of_two)}"
        both = f"by {first.officer} and {second.officer}"
        if set(first.reasons) != set(second.reasons):
            return f"{both} for different reasons"
        in_one_boot = first.boot == second.boot and None not in {first.monotonic_ms, second.monotonic_ms}
        if in_one_boot and (second.monotonic_ms or 0) - (first.monotonic_ms or 0) > STANDS_MS:
            return f"by {second.officer} long after {first.officer}, whose order stood no more"
        if unseen := sorted({first.officer, second.officer} - one.viewed):
            return f"{both}, without pictures shown to {', '.join(unseen)}"
        return ""
