"""The labelled security objects, each inspected whole with the specimen's files that it lists, and judged as its label says.

`sod/LABELS.txt` says what was changed in which; `test_emrtd_data` looks at their signatures alone. Three of them belong to a
specimen of which EF.DG14 and EF.DG15 are not in the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from document_fakes.anchors import ListedAnchors
from shared_data import SHARED_DATA

from gate_documents.checks import CheckId, Result
from gate_documents.inspection import inspect_files
from gate_documents.lds.dg1 import parse_dg1
from gate_documents.lds.sod import parse_sod
from gate_documents.verdict.conclusion import Inspection

pytestmark = pytest.mark.conformance

DATA = SHARED_DATA / "emrtd"
NOW = datetime(2014, 6, 1, tzinfo=UTC)  # when the document signer of the reference set was valid
OTHER_NOW = datetime(2012, 1, 1, tzinfo=UTC)  # and that of the other specimen

S, F, U, N = Result.SUCCESSFUL, Result.FAILED, Result.UNDETERMINED, Result.NOT_SUPPORTED
CHAIN = (CheckId.DS_SIGNATURE, CheckId.CSCA_VALIDITY, CheckId.REVOCATION)
# Its CSCA was never published, so that a signer who signed leads to nobody; one who did not sign is not looked at.
SIGNED = dict.fromkeys(CHAIN, U) | {CheckId.SOD_SIGNATURE: S, CheckId.DS_VALIDITY: S}
UNSIGNED = dict.fromkeys(CHAIN, U) | {CheckId.SOD_SIGNATURE: F, CheckId.DS_VALIDITY: U, CheckId.COUNTRY: U}
# Nothing can be read in it: there is nothing to compare with, either.
UNREAD = UNSIGNED | {CheckId.DG_HASHES: U, CheckId.COM_SOD: N, CheckId.CHIP_AUTHENTICITY: U}
AGREEING = {CheckId.DG_HASHES: S}
REFERENCE = {"EF.COM": "lds_bsi_tr03105_refset/EF_COM.bin"} | {
    "EF.DG1": "lds_bsi_tr03105_refset/Datagroup1.bin",
    "EF.DG2": "lds_bsi2008/Datagroup2.bin",
    "EF.DG14": "lds_bsi_tr03105_refset/Datagroup14.bin",
}
OTHER = {f"EF.DG{number}": f"lds_bsi2008/Datagroup{number}.bin" for number in (1, 2)}


@dataclass(frozen=True)
class Labelled:
    """One object: the beginning of its label, the files beside it, and what follows, whole and by check."""

    name: str
    label: str
    files: dict[str, str]
    overall: Result
    checks: dict[CheckId, Result]

    def __str__(self) -> str:
        return f"{self.name}: {self.label}"


OBJECTS = (
    Labelled("pymrtd_01", "valid BSI", REFERENCE, U, SIGNED | AGREEING | {CheckId.COM_SOD: S}),
    Labelled("pymrtd_03", "modified: eContentType id-data", REFERENCE, F, UNSIGNED | AGREEING),
    Labelled("pymrtd_05", "malformed: root content type", REFERENCE, F, UNREAD),
    Labelled("pymrtd_07", "malformed: SignedData version v2", REFERENCE, F, UNREAD),
    Labelled("pymrtd_09", "invalid: eContentType id-data", REFERENCE, F, UNSIGNED | AGREEING),
    Labelled("pymrtd_11", "invalid: eContentType 1.7.5", REFERENCE, F, UNREAD),
    Labelled("pymrtd_13", "invalid: LDSSecurityObject version -1", REFERENCE, F, UNREAD),
    Labelled("pymrtd_15", "tampered: DG1 hash changed", OTHER, F, UNSIGNED | {CheckId.DG_HASHES: F}),
    Labelled("pymrtd_17", "tampered: DG14 hash changed", OTHER, F, UNSIGNED | AGREEING),
    Labelled("pymrtd_19", "valid SOD", OTHER, U, SIGNED | AGREEING),
)


def data(name: str) -> bytes:
    return (DATA / name).read_bytes()


def inspected(one: Labelled, **more: bytes) -> Inspection:
    files = {name: data(path) for name, path in one.files.items()} | {"EF.SOD": data(f"sod/{one.name}.sod.bin")}
    mrz = parse_dg1(files["EF.DG1"])
    now = NOW if one.files is REFERENCE else OTHER_NOW
    return inspect_files(files | more, anchors=ListedAnchors(), now=now, mrz=mrz)


def test_every_labelled_object_is_here() -> None:
    labels = dict(line.split(" ", 1) for line in data("sod/LABELS.txt").decode().splitlines())
    assert {one.name for one in OBJECTS} == labels.keys()
    assert all(labels[one.name].startswith(one.label) for one in OBJECTS)


@pytest.mark.parametrize("one", OBJECTS, ids=str)
def test_an_inspection_comes_to_what_the_label_says(one: Labelled) -> None:
    inspection = inspected(one)
    assert {check: inspection.result_of(check) for check in one.checks} == one.checks
    assert inspection.overall is one.overall


def test_the_object_that_lists_another_hash_of_dg14_differs_in_that_alone() -> None:
    genuine = parse_sod(data("sod/pymrtd_19.sod.bin")).hashes
    changed = parse_sod(data("sod/pymrtd_17.sod.bin")).hashes
    assert {number for number in genuine if genuine[number] != changed[number]} == {14}


def test_a_chip_key_with_exponent_65538_is_not_the_one_that_was_signed_and_proves_nothing() -> None:
    tampered = data("lds_bsi2008/Datagroup15.bin")[:-1] + b"\x02"
    inspection = inspected(OBJECTS[-1], **{"EF.DG15": tampered})
    assert inspection.result_of(CheckId.DG_HASHES) is F
    assert inspection.result_of(CheckId.CHIP_AUTHENTICITY) is not S
    assert inspection.overall is F


@pytest.mark.parametrize("name", ["EF.DG1", "EF.DG2", "EF.DG14"])
def test_no_changed_file_of_the_reference_set_goes_unnoticed(name: str) -> None:
    for position in (0, 7, -1):
        changed = bytearray(data(REFERENCE[name]))
        changed[position] ^= 1
        files = {other: data(path) for other, path in REFERENCE.items()}
        files |= {"EF.SOD": data("sod/pymrtd_01.sod.bin"), name: bytes(changed)}
        inspection = inspect_files(files, anchors=ListedAnchors(), now=NOW)
        assert inspection.result_of(CheckId.DG_HASHES) is F
        assert inspection.overall is F
