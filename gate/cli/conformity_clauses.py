"""The clauses that this software is held against: of BSI TR-03121-3 the e-gate's profile, of TR-03135 self-service, of TR-03122-3 the recipe for attacks.

Each clause is in our words. It is claimed with the tests that show it and the functions that carry it, or it is open and says why. No clause that nobody has read is in the list.
`tests/mutants/by_machine.py` replaces each of these functions, and the clause's tests must then fail. The texts are the BSI's own; what is here was written from TR-03121-3 v6.0 volume 1, TR-03122-3 v6.0 and TR-03135 v2.5 parts 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause. `tests` are pytest's names, of a test or a file. `carriers` are functions, `module:name name`. `open_for` says why a clause is open."""

    id: str
    says: str
    tests: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()
    open_for: str = ""

    @property
    def is_claimed(self) -> bool:
        """True with tests, and with functions whose replacement must turn them red."""
        return bool(self.tests and self.carriers)


_PASSAGE: Final = "tests/unit/passage/"
_FACE: Final = "tests/unit/face/"
_DOCUMENT: Final = "tests/unit/document/"
_LANE: Final = "tests/unit/programs/lane/"

CLAUSES: Final = (
    # ── TR-03121-3, profile 2.5: automated border control by face ────────────────────────────────────────────────────
    Clause(
        "TR-03121-3 2.5.1.1",
        "No chip portrait, an alarm of the attack detection or a failed comparison: a border guard checks the case; the machine refuses nobody.",
        (f"{_PASSAGE}test_passage_policy.py",),
        ("gate.passage.policy:face_objections decide",),
    ),
    Clause(
        "TR-03121-3 3.5 step 3",
        "Several faces are looked for during the whole acquisition.",
        (f"{_FACE}test_face_capture.py",),
        ("gate.face.capture:Capture.see Capture._collect Capture._several",),
    ),
    Clause(
        "TR-03121-3 3.5 ACQ-FI-USV-1",
        "The acquisition has a time limit that can be configured.",
        (f"{_PASSAGE}test_passage_machine.py", f"{_LANE}test_lane_rules.py"),
        ("gate.passage.deciding:_is_late", "gate.programs.lane.rules:rules_of"),
    ),
    Clause(
        "TR-03121-3 3.5 ACQ-FI-AUTO-1",
        "A face is acquired within 10 s with attack detection, under the best conditions (the kiosk's process; a goal here).",
        open_for="measured with travellers at a site: times of crossings in gate audit report",
    ),
    Clause(
        "TR-03121-3 3.11.2 and 3.12",
        "Error rates are estimated in operation, by age group, sex and issuer of the document.",
        (f"{_LANE}test_lane_group_counts.py", "tests/unit/performance/test_performance_fairness.py"),
        (
            "gate.programs.lane.group_counts:GroupCounts.record _without_small",
            "gate.performance.fairness:Group.estimate",
        ),
    ),
    Clause(
        "TR-03121-3 4.1.4 AH-FI-EGT",
        "The camera takes people of 140 to 200 cm, 600 by 800 pixels at least, in the direction of movement.",
        open_for="the site's camera and its place; calibration says what it sees, and not how tall people are",
    ),
    Clause(
        "TR-03121-3 4.1.5",
        "A screen is a mirror for travellers, with guidance.",
        open_for="page.css and page.js draw the mirror and a browser's test looks at it; no mutant of a page's script shows that this test can fail",
    ),
    Clause(
        "TR-03121-3 4.4.1",
        "Border images are 800 to 1,600 pixels high, the head 0.6 to 0.9 of that; the quality module gives values and its configuration.",
        open_for="[camera] live_image_px and live_image_head give officers such images where the camera's pictures hold them, which the self-test checks; "
        "the quality module's values stay in the face child",
    ),
    Clause(
        "TR-03121-3 4.4.3",
        "Live frames are ranked without the chip's portrait.",
        (f"{_FACE}test_face_capture.py",),
        ("gate.face.capture:_GoodFrame.rank Capture._is_better",),
    ),
    Clause(
        "TR-03121-3 4.5.1",
        "False alarms of the attack detection are watched from the log: 2 % at most.",
        open_for="gate fairness page counts the alarms that an officer cleared, with intervals; nothing holds them to 2 %",
    ),
    Clause(
        "TR-03121-3 4.5.1.1.2 values",
        "The attack detection gives a graded score, never yes or no alone.",
        (f"{_FACE}test_liveness_fusion.py",),
        ("gate.face.liveness.fusion:Weights.judge Fused.judge",),
    ),
    Clause(
        "TR-03121-3 4.5.1.1.2 omission",
        "That it was not run is signalled as well.",
        (f"{_FACE}test_face_capture.py", f"{_PASSAGE}test_passage_policy.py"),
        ("gate.face.capture:Capture._comparison", "gate.passage.policy:_liveness_objections"),
    ),
    Clause(
        "TR-03121-3 4.5.1.1.3",
        "It is evaluated anew for each new class of attacks.",
        open_for="an operator's duty; gate face evaluate-pad measures it",
    ),
    Clause(
        "TR-03121-3 4.7.2",
        "An officer sees the gate while it is in operation; no curtains or doors in between.",
        open_for="the site's building; the lane wants an officer's fresh word, and cannot see where they stand",
    ),
    Clause(
        "TR-03121-3 4.8.1 guidance",
        "Travellers are told: too near or far, left, right, high, low, moving, not frontal, eyes closed, mouth open, several faces.",
        (f"{_FACE}test_face_guidance.py", "tests/unit/screens/test_screens_view.py"),
        ("gate.face.guidance:conditions", "gate.screens.kiosk.view:render"),
    ),
    Clause(
        "TR-03121-3 4.8.1 silence",
        "No result and no score of the attack detection is shown to travellers.",
        (
            "tests/property/test_referrals_alike.py::test_five_hundred_referrals_over_all_causes_are_told_apart_no_better_than_by_chance",
        ),
        ("gate.programs.lane.paced:Paced.show", "gate.screens.kiosk.view:render"),
    ),
    Clause(
        "TR-03121-3 4.8.1 image",
        "An image is taken in spite of an alarm.",
        ("tests/unit/programs/vision/test_vision_shown.py",),
        ("gate.programs.vision.shown:shown _jpeg",),
    ),
    Clause(
        "TR-03121-3 4.8.2",
        "Officers see the live picture, the reference and the result; of an alarm all pictures that caused it.",
        ("tests/unit/programs/vision/test_vision_shown.py", "tests/unit/screens/test_console_view.py"),
        ("gate.programs.vision.shown:shown", "gate.screens.console.view:opinion _number"),
    ),
    Clause(
        "TR-03121-3 4.10.1",
        "The comparison has an FMR of 0.1 % or less at an FNMR below 2 %; the threshold can be made stricter; a DET curve is given.",
        open_for="the shipped threshold rests on other pictures than chip portraits against a site's camera, and service refuses it; gate face evaluate makes the site's own",
    ),
    Clause(
        "TR-03121-3 4.10.1.1.2",
        "The whole system refuses fewer than 4 % of its owners at a false acceptance of 0.1 % or less.",
        open_for="measured with travellers and trials at a site: gate fairness page",
    ),
    Clause(
        "TR-03121-3 4.11 transaction",
        "Each transaction has an id of its own, and the log holds each comparison with score and threshold and the attack detection with its bounds.",
        (f"{_LANE}test_lane_profiles.py", f"{_LANE}test_lane_documents.py"),
        ("gate.programs.lane.records:fields_of encode", "gate.programs.lane.documents:Documents.present"),
    ),
    Clause(
        "TR-03121-3 4.11 display",
        "The log holds what was displayed.",
        open_for="the notice that was shown is recorded; the single screens follow from the state, and are not",
    ),
    Clause(
        "TR-03121-3 4.11 bcl5v1",
        "Logs are XML by bcl5v1.xsd.",
        open_for="the log is C2SP tiles with JSON records; no exporter to the XML has been written",
    ),
    # ── TR-03122-3: how attack detection is tested ───────────────────────────────────────────────────────────────────
    Clause(
        "TR-03122-3 TC-PAD-FI-APP-002",
        "32 artefacts of 8 classes, 10 presentations each: detected by 6 alarms of 10; 8 undetected and 3 of 60 people at most, no class silent.",
        ("tests/unit/performance/test_performance_pad.py",),
        ("gate.performance.pad:recipe _is_detected Recipe.passed",),
    ),
    # ── TR-03135-1: machine authentication ───────────────────────────────────────────────────────────────────────────
    Clause(
        "TR-03135-1 3.5.2",
        "A check is successful, failed, undetermined, not supported or aborted, and one that is not successful counts as such.",
        (f"{_DOCUMENT}test_document_verdicts.py", f"{_PASSAGE}test_passage_policy.py"),
        ("gate.document.checks:combine", "gate.passage.policy:_check_objection"),
    ),
    Clause(
        "TR-03135-1 4.1.3",
        "MRZ or CAN are there within 5 s of the document's end position (recommended).",
        open_for="depends on the site's reader; the bench measures ours on pictures",
    ),
    Clause(
        "TR-03135-1 4.1.4",
        "COM, SOD, DG1 and DG2 of a reference document are read within 7 s.",
        open_for="depends on the site's reader and a reference document; the bench measures a simulated chip",
    ),
    Clause(
        "TR-03135-1 4.1.6",
        "The page is pictured at 385 ppi or more, in white, infrared and ultraviolet light.",
        open_for="depends on the site's scanner; a camera over the page has white light alone",
    ),
    Clause(
        "TR-03135-1 5.6.3.1",
        "The log says how the chip was opened.",
        (f"{_DOCUMENT}test_document_evidence.py",),
        ("gate.document.access.checks:AccessFacts.of", "gate.programs.lane.stages.document:access_evidence"),
    ),
    # ── TR-03135-2: the profile self-service, which eGates are in ────────────────────────────────────────────────────
    Clause(
        "TR-03135-2 4.2.1",
        "Of each issuing country 2 % or fewer genuine documents are refused (should).",
        open_for="measured with travellers at a site: gate audit report counts referrals by issuer, and cannot know which documents were genuine",
    ),
    Clause(
        "TR-03135-2 4.2.4 MRZ",
        "The MRZ is checked by ICAO's rules.",
        (f"{_DOCUMENT}test_document_mrz.py", f"{_DOCUMENT}test_document_verdicts.py"),
        ("gate.document.mrz.parsing:Mrz.valid check_digit", "gate.document.mrz.checks:judge_mrz"),
    ),
    Clause(
        "TR-03135-2 4.2.4 model",
        "The document is detected and its model identified.",
        open_for="a page is detected; there is no database of models",
    ),
    Clause(
        "TR-03135-2 4.2.4 spectra",
        "Security features are checked in ultraviolet and infrared.",
        open_for="depends on the site's scanner: a camera over the page has white light alone, and [rules] page_checks_refer asks for what a scanner finds",
    ),
    Clause(
        "TR-03135-2 4.2.4 Master List",
        "Master lists are used, and only where they are signed by who may.",
        (
            f"{_DOCUMENT}test_standards_catalogue.py::test_a_master_list_is_believed_when_the_standards_say_so",
            "tests/unit/trust/test_trust_store.py",
            "tests/unit/trust/test_trust_lists.py",
        ),
        (
            "gate.document.pki.master_list:MasterList.verify",
            "gate.document.pki.signatures:verify",
            "gate.trust.admission:Admission._signer_of Admission._admit_list",
            "gate.trust.revocations:Revocations.has",
        ),
    ),
    Clause(
        "TR-03135-2 4.2.4 Defect List",
        "Defect lists are used.",
        (f"{_DOCUMENT}test_document_known_defects.py", f"{_DOCUMENT}test_document_defect_lists.py"),
        (
            "gate.document.verdict.defects:judge_known_defects",
            "gate.document.pki.known_defects:KnownDefects.covers Affected.names",
        ),
    ),
    Clause(
        "TR-03135-2 4.2.4 PKI",
        "The device is connected to the PKI, and a list that is too old judges nobody.",
        (
            f"{_PASSAGE}test_passage_policy.py",
            f"{_DOCUMENT}test_document_revocation.py",
            "tests/unit/trust/test_trust_report.py",
        ),
        (
            "gate.passage.policy:site_objections",
            "gate.document.pki.revoked:judge_revocation",
            "gate.trust.freshness:alarms",
        ),
    ),
    Clause(
        "TR-03135-2 4.2.4 chip",
        "The chip's contents are checked, each check for itself.",
        (f"{_DOCUMENT}test_document_verdicts.py", f"{_PASSAGE}test_passage_policy.py"),
        (
            "gate.document.pki.path:find_issuer _first_that_signed issued_in_time",
            "gate.document.pki.certificate:Certificate.verify_signed_by _said_by",
            "gate.document.authenticity.passive_authentication:judge_sod judge_signer judge_hashes judge_com judge_country",
            "gate.document.authenticity.proofs:judge_chip",
            "gate.document.pki.signatures:verify",
            "gate.passage.policy:document_objections",
        ),
    ),
    Clause(
        "TR-03135-2 4.2.4 expiry",
        "The document's last day is checked.",
        (f"{_DOCUMENT}test_document_verdicts.py", f"{_DOCUMENT}test_document_mrz.py"),
        ("gate.document.mrz.checks:judge_expiry", "gate.document.mrz.parsing:Mrz.expires_on"),
    ),
    Clause(
        "TR-03135-2 4.2.4 biographic",
        "What is printed is compared with what is in the chip.",
        (f"{_DOCUMENT}test_document_verdicts.py", f"{_LANE}test_document_inspecting.py"),
        ("gate.document.mrz.checks:judge_printed_and_chip differences",),
    ),
    Clause(
        "TR-03135-2 4.2.4 seal",
        "Digital seals are checked.",
        (f"{_DOCUMENT}test_document_seal.py", f"{_DOCUMENT}test_document_seal_cli.py"),
        (
            "gate.document.seal.judge:judge_seal _signature _trust _country _printed",
            "gate.document.pki.signatures:verify",
        ),
    ),
    Clause(
        "TR-03135-2 4.3",
        "What is logged is a profile that can be configured, from nothing personal to everything.",
        (f"{_LANE}test_lane_profiles.py",),
        ("gate.programs.lane.profiles:without_personal is_whole",),
    ),
    Clause(
        "TR-03135-2 4.4 buffer",
        "Logs are kept while the line is down, and sent later, nothing twice.",
        (
            "tests/unit/sync/test_sync_round.py::test_what_was_logged_while_the_line_was_down_is_sent_once_when_it_is_back",
            "tests/unit/sync/test_sync_round.py::test_a_restart_sends_no_entry_again_and_gets_a_receipt_anew",
        ),
        ("gate.sync.round:Client.round Client._carry", "gate.sync.spool:SpoolLog.leaves"),
    ),
    Clause(
        "TR-03135-2 4.4 by hand",
        "Logs can be carried by hand.",
        ("tests/unit/audit/test_audit_commands.py::test_an_export_is_what_the_verifier_takes",),
        ("gate.audit.export:bundle tiles",),
    ),
)

TESTS: Final = frozenset(test for clause in CLAUSES for test in clause.tests if clause.is_claimed)
