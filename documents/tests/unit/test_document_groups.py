"""What becomes of the data groups that a chip lists: read, looked at, refused, missing, or never reached."""

from __future__ import annotations

import dataclasses

import pytest
from document_fakes.inspections import (
    NOW,
    SELECT_APPLICATION,
    Through,
    Transmit,
    anchors,
    conversed,
    files_of,
    inspected,
    issued,
    judged,
    results,
)

from gate_documents.authenticity.integrity import Integrity
from gate_documents.checks import CheckId, Result
from gate_documents.inspection import inspect_files
from gate_documents.lds.files import FILE_BYTES_MAX
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.passport import der, lds
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.issuer import Passport
from hardware_sim.passport.security_object import SecurityObject

FINGERS = lds.dg3(b"a finger")
MANY = {
    3: FINGERS,
    7: lds.dg7(b"\xff\xd8\xff"),
    11: lds.dg11(full_name="ERIKSSON<<ANNA"),
    12: lds.dg12(issuing_authority="Utopia", issue_date="20261120"),
    13: lds.dg13(b"a state's own"),
    16: lds.dg16(name="X", telephone="1", recorded="20250101"),
}
IDENTICAL, PRESENT, MISSING = Integrity.IDENTICAL, Integrity.PRESENT, Integrity.NOT_PRESENT


def without(document: Passport, *names: str) -> Passport:
    return dataclasses.replace(
        document, files={name: content for name, content in document.files.items() if name not in names}
    )


def hashes(inspection: Inspection) -> tuple[Result, str]:
    check = next(check for check in inspection.checks if check.id is CheckId.DG_HASHES)
    return check.result, check.reason


def test_every_listed_group_is_read_but_fingers_are_only_looked_at() -> None:
    inspection = inspected(issued(extra_groups=MANY))
    assert results(inspection) == {}
    assert dict(inspection.groups) == {
        1: IDENTICAL,
        2: IDENTICAL,
        3: PRESENT,
        7: IDENTICAL,
        11: IDENTICAL,
        12: IDENTICAL,
        13: IDENTICAL,
        14: IDENTICAL,
        15: IDENTICAL,
        16: IDENTICAL,
    }


@pytest.mark.parametrize("number", [7, 11, 13, 16])
def test_a_changed_byte_in_a_group_that_nobody_needs_fails_the_document(number: int) -> None:
    document = issued(extra_groups=MANY)
    changed = bytearray(document.files[f"EF_DG{number}"])
    changed[-1] ^= 1
    inspection = inspected(dataclasses.replace(document, files={**document.files, f"EF_DG{number}": bytes(changed)}))
    assert results(inspection) == {"dg_hashes": "failed"}
    assert inspection.groups[number] is Integrity.NOT_IDENTICAL


def test_a_look_at_fingers_that_the_chip_keeps_takes_one_command() -> None:
    with_fingers, without_them = ({3: FINGERS, 13: MANY[13]}, {13: MANY[13]})
    sent, fewer = (conversed(issued(extra_groups=groups)).sent for groups in (with_fingers, without_them))
    assert len(sent) - len(fewer) == 1


def test_a_group_without_end_is_not_read_and_leaves_the_document_open() -> None:
    inspection = inspected(issued(extra_groups={13: lds.dg13(bytes(FILE_BYTES_MAX))}))
    assert hashes(inspection) == (Result.UNDETERMINED, "not read: DG13")
    assert inspection.groups[13] is PRESENT


@pytest.mark.parametrize("number", [7, 11, 12, 13, 16])
def test_a_listed_group_that_the_chip_lacks_is_named(number: int) -> None:
    inspection = inspected(without(issued(extra_groups=MANY), f"EF_DG{number}"))
    assert results(inspection) == {"dg_hashes": "undetermined"}
    assert hashes(inspection) == (Result.UNDETERMINED, f"not read: DG{number}")
    assert inspection.groups[number] is MISSING


def test_a_group_that_is_another_file_does_not_conform() -> None:
    document = issued(extra_groups=MANY)
    changed = dataclasses.replace(document, files={**document.files, "EF_DG11": MANY[13]})
    inspection = inspected(changed)
    assert results(inspection) == {"dg_hashes": "undetermined"}
    assert inspection.groups[11] is Integrity.NON_CONFORMANCE


NAME, DATE = der.tlv(0x5F0E, b"ERIKSSON<<ANNA"), der.tlv(0x5F26, b"20261120")
ODD_GROUPS = {
    "dg11 with a name outside a list, twice": {11: der.tlv(0x6B, NAME, der.tlv(0x5F0F, b"A"), der.tlv(0x5F0F, b"B"))},
    "dg11 in latin-1": {11: der.tlv(0x6B, der.tlv(0x5F0E, "MÜLLER".encode("latin-1")))},
    "dg11 with a field twice": {11: der.tlv(0x6B, NAME, NAME)},
    "dg11 with another count": {11: der.tlv(0x6B, der.tlv(0xA0, der.integer(7), der.tlv(0x5F0F, b"A")))},
    "dg11 that ends within a field": {11: der.tlv(0x6B, NAME, b"\x5f\x2b\x08")},
    "dg12 in latin-1": {12: der.tlv(0x6C, DATE, der.tlv(0x5F19, "Zürich".encode("latin-1")))},
    "dg12 with a field twice": {12: der.tlv(0x6C, DATE, DATE)},
    "dg12 with a time that is none": {12: der.tlv(0x6C, DATE, der.tlv(0x5F55, b"noon"))},
    "dg12 with another count": {12: der.tlv(0x6C, DATE, der.tlv(0xA0, der.integer(2), der.tlv(0x5F1A, b"A")))},
}


@pytest.mark.parametrize("name", ODD_GROUPS)
def test_a_detail_that_cannot_be_read_leaves_the_hashes_alone(name: str) -> None:
    inspection = inspected(issued(extra_groups=ODD_GROUPS[name]))
    assert results(inspection) == {}
    twice = "dg12 with a field twice"
    assert (str(inspection.document.issued) == "2026-11-20") == (name.startswith("dg12") and name != twice)


@pytest.mark.parametrize("name", ODD_GROUPS)
def test_a_group_with_such_a_detail_is_still_held_to_its_hash(name: str) -> None:
    ((number, content),) = ODD_GROUPS[name].items()
    document = issued(extra_groups=ODD_GROUPS[name])
    changed = {**document.files, f"EF_DG{number}": content[:-1] + bytes([content[-1] ^ 1])}
    assert results(inspected(dataclasses.replace(document, files=changed))) == {"dg_hashes": "failed"}


@pytest.mark.parametrize("fault", ["com_with_tag_71", "com_without_unicode"])
@pytest.mark.parametrize("lds_version", [0, 1])
def test_an_ef_com_with_the_oddities_of_real_documents_agrees_with_ef_sod(fault: str, lds_version: int) -> None:
    signed = SecurityObject(lds_version=lds_version)
    assert results(inspected(issued(fault, security_object=signed))) == {}
    assert results(inspected(issued(fault, "com_lists_fewer", security_object=signed))) == {"com_sod": "failed"}


def test_fingers_behind_terminal_authentication_are_present_and_harm_nothing() -> None:
    features = Features(chip_authentication=(Agreement(13),), terminal_authentication=True)
    inspection = inspected(issued(features=features, extra_groups={3: FINGERS}))
    assert results(inspection) == {}
    assert inspection.groups[3] is PRESENT


def test_fingers_that_are_listed_and_missing_are_not_present() -> None:
    inspection = inspected(without(issued(extra_groups={3: FINGERS}), "EF_DG3"))
    assert hashes(inspection) == (Result.UNDETERMINED, "not read: DG3")
    assert inspection.groups[3] is MISSING


def test_a_group_that_only_com_lists_is_looked_for_and_the_lists_disagree() -> None:
    inspection = inspected(issued("com_lists_more"))
    assert inspection.groups[16] is MISSING
    assert results(inspection) == {"com_sod": "failed"}


@pytest.mark.parametrize("count", range(1, 7))
def test_a_chip_that_is_pulled_out_while_the_rest_is_read_is_aborted(count: int) -> None:
    document = issued(extra_groups={11: MANY[11], 13: MANY[13]})
    inspection = inspected(document, pull_out_after_apdus=len(conversed(document).sent) - count)
    assert results(inspection) == {"dg_hashes": "aborted"}
    assert inspection.groups[13] is Integrity.ABORTED
    assert inspection.groups[11] is (Integrity.ABORTED if count > 3 else IDENTICAL)


@pytest.mark.parametrize("answer", [b"\x69\x82", b"\x69\x88"])
def test_a_chip_that_ends_its_session_rather_than_give_a_group_has_refused_it(answer: bytes) -> None:
    document = issued(extra_groups={3: FINGERS, 13: MANY[13]})
    sent = conversed(document).sent
    inspection, _, told, _ = conversed(document, through=dropping_at(len(sent) - 1, answer))
    assert results(inspection) == {}
    assert inspection.groups == {**dict.fromkeys((1, 2, 14, 15), IDENTICAL), 3: PRESENT, 13: IDENTICAL}
    assert len(told) == len(sent), "it is not opened again for nothing"


def dropping_at(at: int, answer: bytes) -> Through:
    """A chip that ends its session rather than answer this command."""

    def through(transmit: Transmit) -> Transmit:
        turns = iter(range(10_000))

        def pass_on(apdu: bytes) -> bytes:
            if next(turns) == at:
                transmit(SELECT_APPLICATION)
                return answer
            return transmit(apdu)

        return pass_on

    return through


def test_a_chip_that_ended_its_session_is_opened_again_for_the_next_group() -> None:
    document = issued(extra_groups={3: FINGERS, 4: lds.templates(0x76, [], 0x10, "0009"), 13: MANY[13]})
    sent = conversed(document).sent
    inspection, _, told, _ = conversed(document, through=dropping_at(len(sent) - 2, b"\x69\x82"))
    assert results(inspection) == {}
    assert (inspection.groups[3], inspection.groups[4]) == (PRESENT, PRESENT)
    assert len(told) > len(sent)


def test_guarded_groups_stay_refused_when_the_chip_is_lost_after_that() -> None:
    document = issued(extra_groups={3: FINGERS, 4: lds.templates(0x76, [], 0x10, "0009")})
    inspection = inspected(document, pull_out_after_apdus=len(conversed(document).sent) - 1)
    assert results(inspection) == {"dg_hashes": "aborted"}
    assert inspection.groups[3] is PRESENT
    assert inspection.groups[4] is Integrity.ABORTED


def test_a_changed_group_is_not_identical_and_an_unlisted_one_neither() -> None:
    assert inspected(issued("dg1_changed")).groups[1] is Integrity.NOT_IDENTICAL
    unlisted = judged(files_of(issued(), EF_DG13=MANY[13]))
    assert unlisted.groups[13] is Integrity.NOT_IDENTICAL


def test_without_hashes_what_was_read_does_not_conform() -> None:
    inspection = inspected(issued("sod_empty"))
    assert inspection.groups == {**dict.fromkeys((1, 2, 14, 15), Integrity.NON_CONFORMANCE)}


def test_files_that_are_all_of_a_chip_must_hold_what_it_lists_but_not_the_fingers() -> None:
    document = issued(extra_groups={3: FINGERS, 13: MANY[13]})
    files = files_of(document, EF_DG3=None)
    whole = inspect_files(files, anchors=anchors(), now=NOW, complete=True)
    assert hashes(whole)[0] is Result.SUCCESSFUL
    assert whole.groups[3] is MISSING
    lacking = inspect_files(files_of(document, EF_DG3=None, EF_DG13=None), anchors=anchors(), now=NOW, complete=True)
    assert hashes(lacking) == (Result.UNDETERMINED, "not read: DG13")
    some = inspect_files(files_of(document, EF_DG13=None), anchors=anchors(), now=NOW)
    assert hashes(some)[0] is Result.SUCCESSFUL


def test_an_empty_file_does_not_conform() -> None:
    inspection = inspect_files(files_of(issued(), EF_DG2=b""), anchors=anchors(), now=NOW)
    assert hashes(inspection) == (Result.UNDETERMINED, "not read: DG2")
    assert inspection.groups[2] is Integrity.NON_CONFORMANCE
