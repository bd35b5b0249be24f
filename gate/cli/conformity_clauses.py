"""The clauses that this software is held against: of BSI TR-03121-3 the e-gate's profile, of TR-03135 self-service, of TR-03122-3 the recipe for attacks.

Each clause is in our words, with the tests that show it, or it is open and says why. A third state there is not: what nobody has read stands in no list. The texts are the BSI's own;
what is here was written from TR-03121-3 v6.0 volume 1, TR-03122-3 v6.0 and TR-03135 v2.5 parts 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause. `tests` are pytest's names for what shows it; without any, `open_for` says why it is open."""

    id: str
    says: str
    tests: tuple[str, ...] = ()
    open_for: str = ""


_PASSAGE: Final = "tests/unit/passage/"
_FACE: Final = "tests/unit/face/"
_DOCUMENT: Final = "tests/unit/document/"
_LANE: Final = "tests/unit/programs/lane/"

CLAUSES: Final = (
    # ── TR-03121-3, profile 2.5: automated border control by face ────────────────────────────────────────────────────
    Clause(
        "TR-03121-3 2.5.1.1",
        "No chip portrait, an alarm of the attack detection or a failed comparison: a border guard checks the case; the machine refuses nobody.",
        (f"{_PASSAGE}test_passage_policy.py::test_every_doubt_about_the_face_refers",),
    ),
    Clause(
        "TR-03121-3 3.5 step 3",
        "Several faces are looked for during the whole acquisition.",
        (f"{_FACE}test_face_capture.py::test_several_faces_that_stay_are_told_and_not_compared",),
    ),
    Clause(
        "TR-03121-3 3.5 ACQ-FI-USV-1",
        "The acquisition has a time limit that can be configured.",
        (f"{_PASSAGE}test_passage_machine.py::test_a_chip_that_never_answers_ends_at_the_crossings_limit",),
    ),
    Clause(
        "TR-03121-3 3.5 ACQ-FI-AUTO-1",
        "A face is acquired within 10 s with attack detection, under the best conditions (the kiosk's process; a goal here).",
        open_for="measured with travellers at a site: times of crossings in gate audit report",
    ),
    Clause(
        "TR-03121-3 3.11.2 and 3.12",
        "Error rates are estimated in operation, by age group, sex and issuer of the document.",
        (
            f"{_LANE}test_lane_group_counts.py::test_each_crossing_is_counted_in_each_of_its_groups",
            "tests/unit/performance/test_performance_fairness.py::test_false_non_matches_are_those_that_an_officer_confirmed_of_all_known_owners",
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
        ("tests/unit/test_picture.py::test_a_preview_is_a_small_jpeg",),
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
        (f"{_FACE}test_face_capture.py::test_the_portrait_after_the_frames_is_compared_at_once",),
    ),
    Clause(
        "TR-03121-3 4.5.1",
        "False alarms of the attack detection are watched from the log: 2 % at most.",
        (
            "tests/unit/cli/test_cli_fairness.py::test_a_page_in_each_language_says_what_is_known_of_each_group",
            f"{_LANE}test_lane_group_counts.py::test_only_whom_an_officer_admits_was_taken_for_another_wrongly",
        ),
    ),
    Clause(
        "TR-03121-3 4.5.1.1.2 values",
        "The attack detection gives a graded score, never yes or no alone.",
        (
            f"{_FACE}test_liveness_fusion.py::test_what_speaks_for_a_person_raises_the_score_and_what_speaks_against_lowers_it",
        ),
    ),
    Clause(
        "TR-03121-3 4.5.1.1.2 omission",
        "That it was not run is signalled as well.",
        (f"{_FACE}test_face_capture.py::test_liveness_that_was_not_run_is_none_and_said",),
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
        (
            f"{_FACE}test_face_guidance.py::test_one_thing_that_is_wrong_is_one_condition",
            f"{_FACE}test_face_guidance.py::test_every_rule_and_every_hint_but_the_second_person_is_degraded_above",
            "tests/unit/screens/test_screens_view.py::test_each_guidance_has_words_and_a_drawing_of_its_own_on_one_screen",
        ),
    ),
    Clause(
        "TR-03121-3 4.8.1 silence",
        "No result and no score of the attack detection is shown to travellers.",
        (
            "tests/property/test_referrals_alike.py::test_five_hundred_referrals_over_all_causes_are_told_apart_no_better_than_by_chance",
        ),
    ),
    Clause(
        "TR-03121-3 4.8.1 image",
        "An image is taken in spite of an alarm.",
        (
            "tests/unit/programs/vision/test_vision_shown.py::test_both_pictures_are_shown_and_the_moments_only_of_an_alarm",
        ),
    ),
    Clause(
        "TR-03121-3 4.8.2",
        "Officers see the live picture, the reference and the result; of an alarm all pictures that caused it.",
        (
            "tests/unit/programs/vision/test_vision_shown.py::test_both_pictures_are_shown_and_the_moments_only_of_an_alarm",
            "tests/unit/screens/test_console_view.py::test_numbers_stand_beside_their_bounds_and_a_verdict_in_words",
        ),
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
        (
            f"{_LANE}test_lane_profiles.py::test_a_decision_of_basic_is_not_taken_again_and_nobody_says_that_it_is_another",
        ),
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
        (
            "tests/unit/performance/test_performance_pad.py::test_the_recipe_fails_for_a_silent_class_many_artefacts_or_many_people",
            "tests/unit/performance/test_performance_pad.py::test_an_artefact_is_detected_by_six_alarms_of_ten_and_a_missing_score_is_an_alarm",
        ),
    ),
    # ── TR-03135-1: machine authentication ───────────────────────────────────────────────────────────────────────────
    Clause(
        "TR-03135-1 3.5.2",
        "A check is successful, failed, undetermined, not supported or aborted, and one that is not successful counts as such.",
        (
            f"{_DOCUMENT}test_document_verdicts.py::test_failed_outweighs_aborted_outweighs_undetermined_outweighs_the_rest",
            f"{_PASSAGE}test_passage_policy.py::test_a_check_that_is_not_successful_refers",
        ),
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
        (f"{_DOCUMENT}test_document_agreement.py::test_basic_access_control_is_logged_too",),
    ),
    # ── TR-03135-2: the profile self-service, which eGates are in ────────────────────────────────────────────────────
    Clause(
        "TR-03135-2 4.2.1",
        "Of each issuing country 2 % or fewer genuine documents are refused (should).",
        (
            "tests/unit/performance/test_performance_account.py::test_a_group_that_could_name_a_traveller_is_counted_with_the_others_that_could",
        ),
    ),
    Clause(
        "TR-03135-2 4.2.4 MRZ",
        "The MRZ is checked by ICAO's rules.",
        (f"{_DOCUMENT}test_document_mrz.py::test_a_changed_digit_in_a_checked_field_is_noticed",),
    ),
    Clause(
        "TR-03135-2 4.2.4 model",
        "The document is detected and its model identified.",
        open_for="a page is detected; there is no database of models",
    ),
    Clause(
        "TR-03135-2 4.2.4 spectra",
        "Security features are checked in ultraviolet and infrared.",
        (
            f"{_PASSAGE}test_passage_policy.py::test_what_the_policy_lists_of_a_page_must_have_passed_on_the_page_or_beside_the_face",
        ),
    ),
    Clause(
        "TR-03135-2 4.2.4 Master List",
        "Master lists are used, and only where they are signed by who may.",
        (f"{_DOCUMENT}test_standards_catalogue.py::test_a_master_list_is_believed_when_the_standards_say_so",),
    ),
    Clause(
        "TR-03135-2 4.2.4 Defect List",
        "Defect lists are used.",
        (f"{_DOCUMENT}test_document_known_defects.py::test_an_inspection_asks_for_the_defects_of_its_document",),
    ),
    Clause(
        "TR-03135-2 4.2.4 PKI",
        "The device is connected to the PKI, and a list that is too old judges nobody.",
        (f"{_PASSAGE}test_passage_policy.py::test_every_doubt_about_the_surroundings_refers",),
    ),
    Clause(
        "TR-03135-2 4.2.4 chip",
        "The chip's contents are checked, each check for itself.",
        (f"{_PASSAGE}test_passage_policy.py::test_an_objection_names_its_check",),
    ),
    Clause(
        "TR-03135-2 4.2.4 expiry",
        "The document's last day is checked.",
        (f"{_DOCUMENT}test_document_verdicts.py::test_a_document_is_valid_to_the_end_of_its_last_day",),
    ),
    Clause(
        "TR-03135-2 4.2.4 biographic",
        "What is printed is compared with what is in the chip.",
        (
            f"{_LANE}test_document_inspecting.py::test_an_officer_sees_the_lines_as_printed_and_as_in_the_chip_and_where_they_differ",
        ),
    ),
    Clause(
        "TR-03135-2 4.2.4 seal",
        "Digital seals are checked.",
        (f"{_DOCUMENT}test_document_seal.py::test_every_check_has_its_clause_and_is_reported_once",),
    ),
    Clause(
        "TR-03135-2 4.3",
        "What is logged is a profile that can be configured, from nothing personal to everything.",
        (f"{_LANE}test_lane_profiles.py::test_no_personal_field_of_any_record_is_in_basic_and_all_are_in_full",),
    ),
    Clause(
        "TR-03135-2 4.4 buffer",
        "Logs are kept while the line is down, and sent later, nothing twice.",
        ("tests/unit/sync/test_sync_round.py::test_a_restart_sends_no_entry_again_and_gets_a_receipt_anew",),
    ),
    Clause(
        "TR-03135-2 4.4 by hand",
        "Logs can be carried by hand.",
        ("tests/unit/audit/test_audit_commands.py::test_an_export_is_what_the_verifier_takes",),
    ),
)

TESTS: Final = frozenset(test for clause in CLAUSES for test in clause.tests)
