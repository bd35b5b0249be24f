"""What the lane's oracle holds records against: every crossing opened once, decided once, closed with one verdict, and settled once."""

from __future__ import annotations

from fakes.oracle_account import ADMITTED, CALLED, CROSSINGS_MAX, REFERRED, Account, FirstOrder, Seen

from gate.passage import records
from gate.passage.names import Disposition, IncidentKind, Wish
from gate.passage.policy import Verdict
from gate.passage.records import Record
from gate_core.evidence.crossing import CheckResult, FaceEvidence
from gate_core.evidence.reasons import Reason

CALLS = {Wish.HELP: (Reason.HELP_ASKED,), Wish.PROTECTION: (Reason.PROTECTION_ASKED,)}
NOT_SHOWN = frozenset({IncidentKind.REVOKE_NOT_SHOWN, IncidentKind.RELEASE_NOT_SHOWN})


class RecordChecks(Account):
    """Takes records in."""

    def writes(self, record: Record, now_ms: float, *, awaited: bool = False) -> None:
        """A record is given to the log."""
        self.note(now_ms, f"    WRITE{' AND WAIT' if awaited else ''} {in_short(record)}")
        match record:
            case records.Opened():
                self._opened(record, now_ms, awaited=awaited)
            case records.Decided():
                self._decided(record, now_ms, awaited=awaited)
            case records.WouldAdmit():
                self._would_admit(record, now_ms, awaited=awaited)
            case records.Overruled():
                self._overruled(record, now_ms, awaited=awaited)
            case records.Revoked(crossing, reasons):
                self._more_reasons(crossing, *(one.reason for one in reasons))
            case records.Asked(crossing, wish):
                self._more_reasons(crossing, *CALLS.get(wish, ()))
            case records.Obeyed(str() as crossing, verb=records.ObeyedVerb.REFER):
                self._taken_back(crossing)
            case records.Closed():
                self._closed(record)
            case records.Settled(crossing, _, disposition):
                self._settled(crossing, disposition)
            case records.Passed():
                self._passed(record)
            case records.Granted(crossing):
                self._known(crossing, "granted")
                self.granted.append(crossing)
            case _:
                self._context(record, now_ms)

    def heeds(self, record: Record) -> None:
        """An alarm that is an officer's to see, or an officer's word about alarms."""
        if isinstance(record, records.Incident) and record.waits:
            self.alarmed.add(record.incident.value)
        elif isinstance(record, records.Obeyed):
            self.alarmed -= {alarm.value for alarm in record.alarms}

    def _context(self, record: Record, now_ms: float) -> None:
        self.heeds(record)
        match record:
            case records.GrantEnded(crossing, records.GrantEnd.PASSAGE) if crossing in self.crossings:
                self.crossings[crossing].looked_for = False
            case records.Incident(incident=kind) if kind in NOT_SHOWN:
                self.told_ms = now_ms
            case records.Incident(incident=IncidentKind.ASKED_OFTEN):
                self._called_too_often()
            case records.Obeyed(verb=records.ObeyedVerb.ACKNOWLEDGE):
                self.asked_often = False
            case records.EmergencyBegan():
                self.emergency_recorded = self.standing = True
                self.state_lost = False
                self.revoking = (
                    None  # nothing is taken back in one, also in one that an officer ordered while no status comes
                )
            case records.EmergencyEnded():
                self.emergency_recorded = self.standing = self.state_lost = False
                self.freeing = None  # a release for an emergency is wanted until that ends
                if self.lane is None or self.emergency:
                    self.broken("7", "an emergency is recorded as ended that the controller has not left")
            case _:
                pass

    def _called_too_often(self) -> None:
        """An officer is told, and whoever is let through stays so."""
        self.count("called too often")
        self.asked_often, self.calling_ms = True, None
        if self.grant is not None and self.grant.must_revoke == CALLED:
            self.grant.must_revoke = ""

    def _known(self, crossing: str, what: str) -> Seen:
        seen = self.crossings.get(crossing)
        if seen is None:
            self.broken("10", f"{what}: {crossing}, which was never opened")
            raise AssertionError
        return seen

    def _opened(self, record: records.Opened, now_ms: float, *, awaited: bool) -> None:
        crossing = record.crossing
        if awaited is not record.document or crossing in self.crossings:
            self.broken("10", f"{crossing} is opened twice, or its opening is not waited for, or is")
        if self.closed and record.document:
            self.broken("line 5", f"{crossing} is opened in a lane that an officer closed")
        self.crossings[crossing] = Seen(now_ms)
        while len(self.crossings) > CROSSINGS_MAX:
            del self.crossings[next(iter(self.crossings))]

    def _decided(self, record: records.Decided, now_ms: float, *, awaited: bool) -> None:
        seen = self._known(record.crossing, "decided")
        if not awaited or seen.decided is not None or not seen.open_durable or seen.verdict is not None:
            self.broken("10", f"{record.crossing} is decided twice, too early or too late, or not waited for")
        seen.decided = record.decision
        self.count(record.decision.value)
        if (record.decision is Verdict.REFER) is not bool(record.reasons):
            self.broken("10", f"{record.decision.value} for the reasons {record.reasons}")
        if record.decision is Verdict.ADMIT:
            self._admits(seen, now_ms)

    def _may_go_alone(self, seen: Seen) -> bool:
        """By the rules of every walk: from twelve on, and not from ninety on."""
        return seen.document is not None and seen.document.age in range(12, 90)

    def _admits(self, seen: Seen, now_ms: float) -> None:
        policy, site = self.rules.policy, self.site
        if seen.document is None or any(check.result is not CheckResult.SUCCESSFUL for check in seen.document.checks):
            self.broken("11", "an admission whose document was not read, or has a check that did not pass")
        if self.rules.rule_set.rules and not self._may_go_alone(seen):
            self.broken("written rules", "an admission of somebody whom they have an officer see, or may")
        if seen.face is None or not self._is_traveller(seen.face):
            self.broken("11", f"an admission on the face {seen.face}")
        if seen.spoilt:
            self.broken("4", f"an admission although, since the comparison, {seen.spoilt}")
        if self.present_ms is None or now_ms - self.present_ms > policy.officer_presence_max_s * 1000:
            self.broken("9", "an admission without a fresh officer's presence")
        if site is None or not site.clock_sure:
            self.broken("15", "an admission without a sure clock")
        elif site.trust_age_days is None or site.trust_age_days > policy.trust_age_max_days:
            self.broken("11", "an admission without lists, or on old ones")

    def _is_traveller(self, face: FaceEvidence) -> bool:
        policy = self.rules.policy
        return (
            face.faces == 1
            and face.match is not None
            and face.match.value >= policy.face_match_min.value
            and face.liveness is not None
            and face.liveness.value >= policy.liveness_min.value
        )

    def _more_reasons(self, crossing: str, *reasons: Reason) -> None:
        if (seen := self.crossings.get(crossing)) is not None:
            seen.reasons |= frozenset(reasons)

    def _taken_back(self, crossing: str) -> None:
        if (seen := self.crossings.get(crossing)) is not None:
            seen.first = None

    def _takes_two(self, seen: Seen) -> bool:
        """A reason of the rule, or one that nobody knows any more."""
        of_two = self.rules.two_officers_for
        return bool(seen.reasons & of_two) or (bool(of_two) and Reason.LANE_RESTARTED in seen.reasons)

    def _would_admit(self, record: records.WouldAdmit, now_ms: float, *, awaited: bool) -> None:
        crossing, officer = record.crossing, record.order.officer
        seen = self._known(crossing, "an officer would admit")
        keys, shown = self.admits.get((crossing, officer), (frozenset(), False))
        if not (awaited and seen.waits and shown and self._takes_two(seen)):
            self.broken("two officers", f"{officer}'s first order over {crossing} is no such order")
        seen.first = FirstOrder(officer, keys, seen.reasons, now_ms)
        self.count("first of two")

    def _second(self, record: records.Overruled, seen: Seen, now_ms: float) -> None:
        """Where it takes two, another officer than the first one orders, in time and for the same reasons; both were shown pictures."""
        first, officer = seen.first, record.order.officer
        keys, shown = self.admits.get((record.crossing, officer), (frozenset(), False))
        if not self._takes_two(seen):
            return
        is_another = first is not None and first.officer != officer and not first.keys & keys
        if first is None or not (is_another and shown and first.durable and first.reasons == seen.reasons):
            self.broken("two officers", f"{officer} alone admits {record.crossing}: {first}, {seen.reasons}")
            return
        if now_ms - first.at_ms > self.rules.timing.first_word_max_ms:
            self.broken("two officers", f"the first order over {record.crossing} is too old")
        self.count("second of two")

    def _overruled(self, record: records.Overruled, now_ms: float, *, awaited: bool) -> None:
        crossing = record.crossing
        seen = self._known(crossing, "an officer admits")
        if not awaited or not seen.waits:
            self.broken("10", f"{crossing} is overruled and does not wait for an officer")
        self._second(record, seen, now_ms)
        seen.first = None
        seen.officers, seen.granted, seen.spoilt, seen.durable_ms = True, False, "", None

    def _closed(self, record: records.Closed) -> None:
        crossing, verdict = record.crossing, record.verdict
        seen = self._known(crossing, "closed")
        if seen.verdict is not None:
            self.broken("10", f"{crossing} has two verdicts")
        seen.verdict = verdict
        if verdict is ADMITTED and self.rules.policy.camera_sees_zone and not seen.out_of_view:
            self.broken("4", f"{crossing} is admitted, and the camera still sees its traveller")
        seen.reasons |= frozenset(one.reason for one in record.reasons)
        if verdict is REFERRED:
            self.calling_ms = None
        self.count(f"closed {verdict.value}")
        if (verdict is REFERRED) is not bool(record.reasons):
            self.broken("10", f"{crossing} is closed as {verdict.value} for the reasons {record.reasons}")
        if verdict is ADMITTED and not (seen.decided is Verdict.ADMIT and seen.granted and seen.passed):
            self.broken("10", f"{crossing} is closed as admitted: decided {seen.decided}, {seen.passed} passed")
        is_holders = not self.rules.policy.camera_sees_zone or (seen.out_of_view and not seen.looked_for)
        if verdict is REFERRED and seen.passed and is_holders and not seen.lacks_record:
            self.broken("line 6", f"{crossing} is closed as referred, and its traveller went through by the grant")
        seen.passed = 0 if verdict is REFERRED else seen.passed  # somebody else did, as far as is known

    def _settled(self, crossing: str, disposition: Disposition) -> None:
        seen = self._known(crossing, "an officer settles")
        if not seen.waits:
            self.broken("10", f"{crossing} is settled twice, or was never referred")
        seen.settled = True
        self.count(disposition.value)
        if (disposition is Disposition.ADMITTED_BY_OFFICER) is not bool(seen.passed):
            self.broken("10", f"{crossing} is settled as {disposition.value}, and {seen.passed} passed by its grant")

    def _passed(self, record: records.Passed) -> None:
        self.count(f"passed by {record.how.value}")
        self.written[record.direction] += record.count
        if record.crossing is None or record.how is not records.PassedBy.GRANT:
            return
        seen = self._known(record.crossing, "passed")
        seen.passed += record.count
        if not seen.granted or seen.passed > 1:
            self.broken("3", f"{seen.passed} passed by {record.crossing}'s grant")


def in_short(record: Record) -> str:
    """A record in one line."""
    if isinstance(record, records.Decided):
        return f"Decided({record.crossing}, {record.decision.value}, {[one.reason.value for one in record.reasons]})"
    if isinstance(record, records.Closed):
        return f"Closed({record.crossing}, {record.verdict.value}, {[one.reason.value for one in record.reasons]})"
    return str(record)
