"""Turns evidence into a decision.

Pure: the same evidence and policy always give the same decision, so an auditor can replay a record years later. A
missing or doubtful fact never opens the gate, and every objection is collected, not the first one only.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from gate.passage.conditions import Facts, Sex
from gate.passage.rule_set import NO_RULES, RuleSet
from gate_core.evidence.crossing import (
    AccessProtocol,
    Check,
    CheckId,
    CheckResult,
    DocumentEvidence,
    Door,
    DoorEvidence,
    Evidence,
    FaceEvidence,
    InsideEvidence,
    LaneEvidence,
    PadResult,
    Score,
    SiteEvidence,
    Swap,
)
from gate_core.evidence.names import Head, PageCheckId
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.registers import Register, register_objections
from gate_core.evidence.service_scope import EVERYBODY, Travellers


class Verdict(enum.Enum):
    """The gate opens or refers. It never refuses."""

    ADMIT = "admit"
    REFER = "refer"


@dataclass(frozen=True, slots=True)
class NoChipAuthentication:
    """Documents whose chips normally cannot authenticate: an issuer and a range of issue dates, inclusive."""

    issuer: str
    issued_from: date
    issued_to: date

    def covers(self, document: DocumentEvidence) -> bool:
        """True if the issuer matches and the issue date is known and in range."""
        return (
            document.issuer == self.issuer
            and document.issued is not None
            and self.issued_from <= document.issued <= self.issued_to
        )


@dataclass(frozen=True, slots=True)
class PadPolicy:
    """A sensor beside the camera must confirm liveness: this model, at least at this bound of its own, at most this long ago."""

    name: str
    versions: tuple[str, ...]
    bound: Score
    age_max_ms: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of a decision. Times of the lane are in `gate.passage.lane.Timing`."""

    face_match_min: Score
    liveness_min: Score
    officer_presence_max_s: int
    trust_age_max_days: int
    lane_age_max_ms: int = 300
    face_age_max_ms: int = 15_000  # from the comparison to the decision; the portrait is read last of the chip
    site_age_max_s: int = 60  # the lane looks at its lists and its clock every few seconds
    revocation_required: bool = True
    test_documents: bool = False  # demo and trial only
    weak_algorithms_refer: bool = True
    without_chip_authentication: tuple[NoChipAuthentication, ...] = ()
    page_checks_refer: tuple[PageCheckId, ...] = ()
    camera_inside_zone: bool = False  # the traveller is compared within the beams, so that one body there is theirs
    camera_sees_zone: bool = False  # who is before the leaf is in the picture, and who is through it is not
    sensors: bool = False  # the lane has a unit of sensors: what it does not report is unknown
    two_doors: bool = False  # the traveller is let into the lane by their document, and out of it by their face
    inside_age_max_ms: int = 600
    inside_looks_min: int = 2  # running looks of the sensors that agree on who is inside
    shadow: bool = False  # an officer does the work and the gate watches: it has no lane to judge, and opens nothing
    travellers: Travellers = EVERYBODY  # whom the lane served at that time
    without_entry_record: Travellers = EVERYBODY  # whose entry or exit no law requires to be recorded
    head_required: bool = False  # since boot, a mirror or a supervisor must confirm that the log is the newest
    random_checks_per_10000: int = 0  # of this many crossings an officer sees each traveller without any other reason
    registers: tuple[Register, ...] = ()  # each of which must have answered
    pad: PadPolicy | None = None  # beside the liveness score
    swap_check_minutes: int = 0  # face and document are held against those referred so lately
    rules: str = ""  # the SHA-256 of the written rules that stand beside these numbers


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with every objection; ADMIT has none."""

    verdict: Verdict
    objections: tuple[Objection, ...]


# The highest false match rate of any lane, whatever the purpose of a site's own evidence (TR-03121-3 4.10.1).
FMR_MAX: Final = 1e-3

# What counts as passed beside `successful`: a document without EF.COM is complete, since EF.COM is deprecated.
_MAY_BE_UNSUPPORTED = frozenset({CheckId.COM_SOD})

_REASON_OF_RESULT = {
    CheckResult.FAILED: Reason.DOCUMENT_CHECK_FAILED,
    CheckResult.UNDETERMINED: Reason.DOCUMENT_CHECK_UNDETERMINED,
    CheckResult.ABORTED: Reason.DOCUMENT_CHECK_ABORTED,
    CheckResult.NOT_SUPPORTED: Reason.DOCUMENT_CHECK_UNDETERMINED,
}


def decide(evidence: Evidence, policy: Policy, rule_set: RuleSet = NO_RULES) -> Decision:
    """Return the decision: ADMIT only without any objection. `rule_set`: the rules that `policy.rules` names."""
    stricter = policy
    if evidence.document is not None:  # the threshold that a rule asks of this traveller's face
        threshold = rule_set.face_match_min(facts_of(evidence), policy.face_match_min)
        stricter = replace(policy, face_match_min=threshold)
    face = face_objections(evidence.face, stricter)
    return _decided(evidence, policy, rule_set, Door.LAST, (*face, *page_objections(evidence, policy)))


def decide_entry(evidence: Evidence, policy: Policy, rule_set: RuleSet = NO_RULES) -> Decision:
    """Decide about the first of two doors: ADMIT lets the traveller into the lane, where the face is checked."""
    return _decided(evidence, policy, rule_set, Door.FIRST, ())


def _decided(
    evidence: Evidence, policy: Policy, rule_set: RuleSet, door: Door, of_the_face: tuple[Objection, ...]
) -> Decision:
    objections = (
        *document_objections(evidence.document, policy),
        *rule_objections(evidence, rule_set),
        *random_objections(evidence, policy),
        *_of_registers(evidence, policy),
        *of_the_face,
        *lane_objections(evidence.doors, policy, door=door),
        *site_objections(evidence.site, policy),
    )
    return Decision(Verdict.REFER if objections else Verdict.ADMIT, objections)


def document_objections(document: DocumentEvidence | None, policy: Policy) -> tuple[Objection, ...]:
    """Return the document's objections; a check that did not run is one."""
    if document is None:
        return (Objection(Reason.DOCUMENT_CHECK_MISSING, "document"),)
    found = {check.id: check for check in document.checks}
    objections = [
        problem
        for check_id in CheckId
        if (problem := _check_objection(check_id, found.get(check_id), document, policy))
    ]
    if document.test_issuer and not policy.test_documents:
        objections.append(Objection(Reason.TEST_DOCUMENT))
    if policy.weak_algorithms_refer:
        objections.extend(Objection(Reason.WEAK_ALGORITHM, weak) for weak in document.weak_algorithms)
    return (*objections, *_holder_objections(document, policy))


def rule_objections(evidence: Evidence, rule_set: RuleSet) -> tuple[Objection, ...]:
    """Return the objections of the site's written rules. Without a read MRZ no rule about a holder applies, and nobody is admitted."""
    facts, document = facts_of(evidence), evidence.document
    about = rule_set.objections(facts) if is_read(document) else ()
    return (*about, *rule_set.closings(facts))


def random_objections(evidence: Evidence, policy: Policy) -> tuple[Objection, ...]:
    """Return the objection of a random draw; for every traveller if a share is required and no draw is in force."""
    if policy.random_checks_per_10000 == 0 or evidence.drawn is False:
        return ()
    return (Objection(Reason.RANDOM_CHECK, "" if evidence.drawn else "nothing to draw by"),)


def _of_registers(evidence: Evidence, policy: Policy) -> tuple[Objection, ...]:
    """Return the objections of lists and registers. Like rules, they do not apply without a read MRZ, which is an objection itself."""
    required = policy.registers if is_read(evidence.document) else ()
    return register_objections(required, evidence.registers, evidence.site.local)


def is_read(document: DocumentEvidence | None) -> bool:
    """True if the document's MRZ was read."""
    return document is not None and any(
        one.id is CheckId.MRZ and one.result is CheckResult.SUCCESSFUL for one in document.checks
    )


def facts_of(evidence: Evidence) -> Facts:
    """Return a crossing's facts for rules."""
    document, local, direction = evidence.document, evidence.site.local, evidence.direction
    if document is None:
        return Facts(direction=direction, local=local)
    return Facts(
        document_type=document.document_type or None,
        issuer=document.issuer or None,
        issued=document.issued,
        expires=document.expires,
        nationality=document.nationality or None,
        sex=next((sex for sex in Sex if sex.value == document.sex), None),
        age=document.age,
        direction=direction,
        local=local,
    )


def _holder_objections(document: DocumentEvidence, policy: Policy) -> tuple[Objection, ...]:
    """Return an objection if the lane does not serve the holder's nationality, or if their entry or exit must be recorded. An unknown one refers."""
    groups = {Reason.NOT_SERVED: policy.travellers, Reason.ENTRY_NOT_WRITTEN: policy.without_entry_record}
    not_of = {
        reason: group.name
        for reason, group in groups.items()
        if group.nationalities is not None and document.nationality not in group.nationalities
    }
    if not_of and not document.nationality:
        return (Objection(Reason.DOCUMENT_CHECK_MISSING, "nationality"),)
    return tuple(Objection(reason, name) for reason, name in not_of.items())


def _check_objection(
    check_id: CheckId, check: Check | None, document: DocumentEvidence, policy: Policy
) -> Objection | None:
    if check is None:
        return Objection(Reason.DOCUMENT_CHECK_MISSING, check_id.value)
    if check.result is CheckResult.SUCCESSFUL:
        return None
    if check.result is CheckResult.NOT_SUPPORTED and check_id in _MAY_BE_UNSUPPORTED:
        return None
    # A chip that was here and has no access control; files that someone else has read have no access at all.
    in_clear = document.access is not None and document.access.protocol is AccessProtocol.NONE
    if check_id is CheckId.CHIP_ACCESS and check.result is CheckResult.NOT_SUPPORTED and in_clear:
        return None  # a copy has no key: the authenticity check covers that
    if check_id is CheckId.CHIP_AUTHENTICITY and check.result is CheckResult.NOT_SUPPORTED:
        if any(exception.covers(document) for exception in policy.without_chip_authentication):
            return None
        return Objection(Reason.CHIP_AUTHENTICATION_ABSENT, document.issuer)
    if check_id is CheckId.REVOCATION and check.result is CheckResult.UNDETERMINED and not policy.revocation_required:
        return None
    return Objection(_REASON_OF_RESULT[check.result], check_id.value)


def face_objections(face: FaceEvidence | None, policy: Policy) -> tuple[Objection, ...]:
    """Return the face's objections. No score may be missing."""
    if face is None:
        return (Objection(Reason.FACE_NOT_COMPARED),)
    objections = []
    if face.faces == 0:
        objections.append(Objection(Reason.FACE_MISSING))
    elif face.faces > 1:
        objections.append(Objection(Reason.FACES_SEVERAL, str(face.faces)))
    if face.portrait_usable is False:
        objections.append(Objection(Reason.PORTRAIT_UNUSABLE))
    if face.match is None:
        objections.append(Objection(Reason.FACE_NOT_COMPARED))
    elif face.match.value < policy.face_match_min.value:
        objections.append(Objection(Reason.FACE_BELOW_THRESHOLD))
    objections.extend(_liveness_objections(face, policy))
    if face.match is not None and not face.track_held:
        objections.append(Objection(Reason.TRACK_LOST))
    if face.age_ms is not None and face.age_ms > policy.face_age_max_ms:
        objections.append(Objection(Reason.FACE_NOT_COMPARED, f"{face.age_ms} ms ago"))
    if policy.swap_check_minutes and face.match is not None:
        objections.extend(_swap_objections(face.swap))
    objections.extend(Objection(Reason.CAMERA_TAMPERED, trouble.value) for trouble in face.trouble)
    return tuple(objections)


def _liveness_objections(face: FaceEvidence, policy: Policy) -> tuple[Objection, ...]:
    """Return the objections of the liveness score, and of the sensor beside the camera, if there is one."""
    by_sensor = () if policy.pad is None else _pad_objections(face, policy.pad)
    if face.liveness is None:
        return (Objection(Reason.LIVENESS_NOT_RUN), *by_sensor)
    if face.liveness.value < policy.liveness_min.value:
        return (Objection(Reason.LIVENESS_BELOW_BOUND), *by_sensor)
    return by_sensor


def _pad_objections(face: FaceEvidence, wanted: PadPolicy) -> tuple[Objection, ...]:
    """Return the objections of the sensor's verdict. A missing, old or undecided one, or another sensor's, counts as not run (safety invariant 11)."""
    said = face.pad
    if said is None:
        return (Objection(Reason.LIVENESS_NOT_RUN, "sensor"),)
    if said.name != wanted.name or said.version not in wanted.versions or said.bound.value < wanted.bound.value:
        return (Objection(Reason.LIVENESS_NOT_RUN, "another sensor"),)
    if not 0 <= said.age_ms <= wanted.age_max_ms:
        return (Objection(Reason.LIVENESS_NOT_RUN, f"sensor, {said.age_ms} ms ago"),)
    if said.result is PadResult.UNDETERMINED or said.score is None:
        return (Objection(Reason.LIVENESS_NOT_RUN, "sensor undecided"),)
    if said.result is PadResult.ATTACK or said.score.value < wanted.bound.value:
        return (Objection(Reason.LIVENESS_BELOW_BOUND, "sensor"),)
    return ()


def _swap_objections(swap: Swap | None) -> tuple[Objection, ...]:
    """Return an objection if a recent traveller had this face or this document with another; a check that did not run is no clearance."""
    if swap is None:
        return (Objection(Reason.SWAP_NOT_CHECKED),)
    return () if swap is Swap.NONE else (Objection(Reason.SWAP_SUSPECTED, swap.value),)


def page_objections(evidence: Evidence, policy: Policy) -> tuple[Objection, ...]:
    """Return the printed page's objections: an unaccepted reading always; other checks if the policy lists them and they did not pass."""
    if evidence.document is None or evidence.document.page is None:
        return ()
    seen = evidence.document.page.checks + (evidence.face.page_checks if evidence.face is not None else ())
    passed = {check.id for check in seen if check.result is CheckResult.SUCCESSFUL}
    wanted = dict.fromkeys((PageCheckId.PAGE_ACCEPTED, *policy.page_checks_refer))
    return tuple(Objection(Reason.PAGE_CHECK, check.value) for check in wanted if check not in passed)


def lane_objections(
    lane: LaneEvidence, policy: Policy, *, door: Door = Door.LAST, by_officer: bool = False
) -> tuple[Objection, ...]:
    """Return the lane's objections, before one of its doors opens.

    A person in the zone could pass on another's admission (safety invariant 4), unless the site's camera sees the zone, or an officer
    sees who it is. With two doors both must be closed (6); the first opens onto an empty lane, the last for one person alone.
    """
    if policy.shadow:
        return ()
    if policy.two_doors:
        is_last = door is Door.LAST
        return (
            *_door_objections(lane.first, policy, bodies_max=None if is_last else 1, at="first"),
            *_door_objections(lane.last, policy, bodies_max=1 if is_last else 0),
            *_inside_objections(lane.inside, policy, people=1 if is_last else 0),
        )
    alone = policy.camera_inside_zone or by_officer
    # A unit that is silent may hide a call for help.
    silent = (Objection(Reason.SENSORS_LOST),) if policy.sensors else ()
    return (
        *_door_objections(lane.last, policy, bodies_max=1 if alone else 0),
        *(_unit_objections(lane.inside) if lane.inside is not None else silent),
    )


def _door_objections(
    door: DoorEvidence | None, policy: Policy, *, bodies_max: int | None, at: str = ""
) -> tuple[Objection, ...]:
    """Return one door's objections: unknown or old status is never "closed" (safety invariant 6). `bodies_max`: allowed in its zone, if it matters."""

    def objection(reason: Reason, detail: str = "") -> Objection:
        return Objection(reason, f"{at} {detail}".strip())

    if door is None:
        return (objection(Reason.BARRIER_LOST),)
    objections = []
    if door.age_ms > policy.lane_age_max_ms:
        objections.append(objection(Reason.LANE_STATUS_OLD, str(door.age_ms)))
    if door.emergency:
        objections.append(objection(Reason.EMERGENCY))
    if not door.closed or door.grants_left:
        objections.append(objection(Reason.LANE_NOT_CLOSED))
    if bodies_max is not None and door.bodies > bodies_max:
        several = objection(Reason.BODIES_SEVERAL, str(door.bodies))
        objections.append(several if door.bodies > 1 else objection(Reason.ZONE_NOT_EMPTY))
    objections.extend(objection(Reason.BARRIER_ALARM, alarm.value) for alarm in door.alarms)
    return tuple(objections)


def _inside_objections(inside: InsideEvidence | None, policy: Policy, *, people: int) -> tuple[Objection, ...]:
    """Return the objections of the space between two doors, which must hold this number of people. Unknown is neither 0 nor 1."""
    if inside is None:
        return (Objection(Reason.SENSORS_LOST),)
    objections = [*_unit_objections(inside)]
    if inside.age_ms > policy.inside_age_max_ms:
        objections.append(Objection(Reason.INSIDE_UNKNOWN, f"{inside.age_ms} ms ago"))
    if inside.people is None or inside.looks < policy.inside_looks_min:
        objections.append(Objection(Reason.INSIDE_UNKNOWN, "people"))
    elif inside.people > people:
        several = Objection(Reason.BODIES_SEVERAL, str(inside.people))
        objections.append(Objection(Reason.PERSON_INSIDE) if people == 0 else several)
    elif inside.people < people:
        objections.append(Objection(Reason.NOBODY_INSIDE))
    if people == 0 and inside.object_left is not False:
        unknown = inside.object_left is None
        objections.append(Objection(Reason.INSIDE_UNKNOWN, "objects") if unknown else Objection(Reason.LEFT_OBJECT))
    return tuple(objections)


def _unit_objections(inside: InsideEvidence) -> tuple[Objection, ...]:
    """Return the sensors' objections, wherever they are: open cabinet, no mains, a call that no officer has answered."""
    found = (
        (Reason.CABINET_OPEN, inside.cabinet_open),
        (Reason.MAINS_LOST, not inside.mains_present),
        (Reason.HELP_CALLED, inside.help_called),
    )
    return tuple(Objection(reason) for reason, is_so in found if is_so)


def site_objections(site: SiteEvidence, policy: Policy) -> tuple[Objection, ...]:
    """Return the objections of officer (safety invariant 9), lists and clock. Values that are too old are unknown (11)."""
    objections = []
    absent = site.officer_seen_ago_s is None or site.officer_seen_ago_s > policy.officer_presence_max_s
    if absent and not policy.shadow:
        objections.append(Objection(Reason.OFFICER_ABSENT))
    old = site.age_s is not None and site.age_s > policy.site_age_max_s
    if old or site.trust_age_days is None or site.trust_age_days > policy.trust_age_max_days:
        objections.append(Objection(Reason.LISTS_STALE, "not looked at" if old else "trust"))
    if old or not site.clock_sure:
        objections.append(Objection(Reason.CLOCK_UNSURE))
    return (*objections, *head_objections(site, policy))


def head_objections(site: SiteEvidence, policy: Policy) -> tuple[Objection, ...]:
    """Return the log's objection to an admission while its history may not be the newest. No officer overrules it."""
    if not policy.head_required or site.head in {Head.CONFIRMED, Head.ACCEPTED}:
        return ()
    return (Objection(Reason.HEAD_UNCONFIRMED),)
