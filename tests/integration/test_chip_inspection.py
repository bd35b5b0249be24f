"""Inspections of simulated chips in process: each named fault, and each quirk.

The chip was written independently of `gate_documents`, from the card's side.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.inspections import NOW, anchors, conversed, inspected, results
from document_fakes.sample_passports import ANNA, numbered, portrait, utopia

from gate_documents.access.commands import Transmit
from gate_documents.checks import CheckId, Result
from gate_documents.errors import ChipLostError
from gate_documents.inspection import Portrait, inspect
from gate_documents.mrz.parser import parse
from hardware_sim.chip.card import Card, Switches
from hardware_sim.passport.issuer import Passport

AFTER_ACCESS = tuple(
    check
    for check in CheckId
    if check not in (CheckId.MRZ, CheckId.CHIP_ACCESS, CheckId.TERMINAL_AUTHENTICATION, CheckId.EXPIRY)
)


@functools.cache
def passport(*faults: str, kind: Any = "ecdsa", count: int | None = None) -> Passport:
    person = ANNA if count is None else numbered(count)
    other = portrait(150) if "dg2_swapped" in faults else None
    return utopia().issue(
        person,
        portrait_jpeg=portrait(),
        other_portrait_jpeg=other,
        faults=frozenset(faults),
        active_authentication=kind,
    )


@pytest.mark.parametrize("count", range(12))
def test_genuine_passports_of_every_kind_are_successful_in_all_checks(count: int) -> None:
    document = passport(kind=None, count=count)
    inspection, portraits, *_ = conversed(document)
    assert results(inspection) == {}
    assert inspection.overall is Result.SUCCESSFUL
    assert inspection.test_issuer
    assert portraits == [Portrait("jpeg", portrait())]
    assert (inspection.document.type, inspection.document.issuer) == ("P", "UTO")
    assert inspection.document.number_present
    assert str(inspection.document.expires) == "2031-04-15"


def test_no_repr_of_an_inspection_shows_who_it_is_about() -> None:
    inspection, portraits, *_ = conversed(passport())
    for name in ("ERIKSSON", "L898902C3", "940812"):
        assert name not in repr(inspection)
    assert repr(portraits[0]) == f"Portrait(jpeg, {len(portrait())} bytes)"


@pytest.mark.parametrize(
    ("fault", "kind", "expected"),
    [
        ("dg1_changed", "ecdsa", {"dg_hashes": "failed"}),
        ("dg2_swapped", "ecdsa", {"dg_hashes": "failed"}),
        ("expired", "ecdsa", {"expiry": "failed"}),
        ("no_private_key", "ecdsa", {"chip_authenticity": "failed"}),
        ("no_private_key", "rsa", {"chip_authenticity": "failed"}),
        ("no_chip_authentication", None, {"chip_authenticity": "not_supported"}),
        (
            "clone_without_dg15",
            "ecdsa",
            {"chip_authenticity": "failed", "com_sod": "failed", "dg_hashes": "undetermined"},
        ),
        (
            "clone_without_dg15",
            "rsa",
            {"chip_authenticity": "failed", "com_sod": "failed", "dg_hashes": "undetermined"},
        ),
        (
            "unknown_issuer",
            "ecdsa",
            {
                "ds_signature": "undetermined",
                "csca_validity": "undetermined",
                "revocation": "undetermined",
                "chip_authenticity": "undetermined",
            },
        ),
    ],
)
def test_every_fault_shows_in_its_own_check(fault: str, kind: str | None, expected: Mapping[str, str]) -> None:
    inspection, portraits, *_ = conversed(passport(fault, kind=kind))
    assert results(inspection) == expected
    assert (inspection.overall is Result.SUCCESSFUL) == (fault == "no_chip_authentication")
    assert bool(portraits) == (fault != "dg2_swapped")


def test_a_specimen_is_marked_even_when_its_anchor_is_not() -> None:
    unmarked = ListedAnchors(utopia().csca_files().values())
    assert inspected(passport(), against=unmarked).test_issuer


def test_without_a_revocation_list_revocation_stays_open() -> None:
    without = ListedAnchors(utopia().csca_files().values())
    assert results(inspected(passport(), against=without)) == {"revocation": "undetermined"}


def test_years_later_everything_has_ended() -> None:
    inspection = inspected(passport(), now=datetime(2043, 1, 1, tzinfo=UTC))
    assert results(inspection) == {
        "ds_validity": "failed",
        "csca_validity": "failed",
        "revocation": "undetermined",
        "expiry": "failed",
    }


def test_a_chip_with_other_keys_than_the_printed_mrz_stays_closed() -> None:
    inspection, portraits, *_ = conversed(passport(), printed=passport(kind=None, count=1).mrz_lines)
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert {inspection.result_of(check) for check in AFTER_ACCESS} == {Result.UNDETERMINED}
    assert inspection.overall is Result.FAILED
    assert portraits == []


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"no_extended_length": True},
        {"le_max": 256},
        {"le_max": 224},
        {"le_max": 160},
        {"le_max": 100},
        {"le_max": 1000},
    ],
)
def test_chips_that_give_little_at_once_are_read_all_the_same(switches: Switches) -> None:
    large = portrait(90, width=320, height=240)
    assert len(large) > 40_000, "beyond what a plain offset reaches"
    document = utopia().issue(ANNA, portrait_jpeg=large, active_authentication="ecdsa")
    inspection, portraits, *_ = conversed(document, **switches)
    assert results(inspection) == {}
    assert portraits == [Portrait("jpeg", large)]


def test_a_chip_that_cannot_send_its_long_signature_has_failed_and_is_read_on() -> None:
    inspection, portraits, *_ = conversed(passport(kind="rsa"), no_extended_length=True)
    assert results(inspection) == {"chip_authenticity": "failed"}
    assert portraits


def test_a_chip_pulled_out_while_the_portrait_is_shown_leaves_what_has_terminated() -> None:
    card = Card(passport())
    conversation = inspect(parse(passport().mrz_lines), anchors=anchors(), now=NOW, random=random.Random(2).randbytes)
    step = next(conversation)
    while not isinstance(step, Portrait):
        assert isinstance(step, Transmit)
        step = conversation.send(card.transmit(step.apdu))
    with pytest.raises(StopIteration) as end:
        conversation.throw(ChipLostError("pulled out"))
    assert end.value.value.overall is Result.SUCCESSFUL


@pytest.mark.parametrize("answer", [b"", b"\x90", b"\x90\x00", bytes(70_000)])
def test_a_chip_that_answers_the_same_to_everything_never_passes(answer: bytes) -> None:
    inspection, _, sent, _ = conversed(passport(), through=lambda _: lambda _: answer)
    assert inspection.overall in (Result.FAILED, Result.ABORTED)
    assert len(sent) < 5


def test_a_stale_signature_of_the_genuine_chip_does_not_help_a_clone() -> None:
    genuine = passport()
    key = genuine.chip_key
    assert key is not None
    old, scheme_of_the_key = key.answer(bytes(8)), key.scheme

    class Parrot:
        scheme = scheme_of_the_key

        def answer(self, _: bytes) -> bytes:
            return old

    clone = dataclasses.replace(genuine, chip_key=Parrot())  # type: ignore[arg-type]
    assert results(inspected(clone)) == {"chip_authenticity": "failed"}


def test_a_clone_with_a_key_of_its_own_in_dg15_is_not_authentic() -> None:
    other = passport(kind=None, count=2)
    clone = dataclasses.replace(
        passport(),
        files={**passport().files, "EF_DG15": other.files["EF_DG15"]},
        chip_key=other.chip_key,
    )
    assert results(inspected(clone)) == {"dg_hashes": "failed", "chip_authenticity": "failed"}


def test_the_security_object_of_another_passport_proves_nothing() -> None:
    mixed = dataclasses.replace(
        passport(), files={**passport().files, "EF_SOD": passport(kind=None, count=1).files["EF_SOD"]}
    )
    inspection = inspected(mixed)
    assert inspection.result_of(CheckId.SOD_SIGNATURE) is Result.SUCCESSFUL
    assert inspection.result_of(CheckId.DG_HASHES) is Result.FAILED


@pytest.mark.parametrize("missing", ["EF_SOD", "EF_DG1", "EF_DG2", "EF_COM"])
def test_a_missing_file_is_never_a_success(missing: str) -> None:
    files = {name: content for name, content in passport().files.items() if name != missing}
    inspection = inspected(dataclasses.replace(passport(), files=files))
    expected = {
        "EF_SOD": {"sod_signature": "failed"},
        "EF_DG1": {"dg_hashes": "undetermined", "country": "undetermined", "mrz_dg1": "undetermined"},
        "EF_DG2": {"dg_hashes": "undetermined"},
        "EF_COM": {"com_sod": "not_supported"},  # newer documents leave it out; the list that counts is EF.SOD's
    }[missing]
    assert expected.items() <= results(inspection).items()
    assert (inspection.overall is Result.SUCCESSFUL) == (missing == "EF_COM")
