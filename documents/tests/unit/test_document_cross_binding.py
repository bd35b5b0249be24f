"""A chip that proves itself by PACE-CAM proves to be its own issuer's: nobody else's word for its key counts."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.inspections import inspected, issued, results
from document_fakes.sample_passports import TODAY, utopia

from gate_documents.checks import CheckId, Result
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.known_defects import Affected, Defect, Flaw, KnownDefects
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.passport import personalise
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Issuer, Passport
from hardware_sim.passport.security_object import SecurityObject, card_security

MAPPING = Features(pace=(Pace(Mapping.CHIP_AUTHENTICATION, 13, Cipher.AES_128),))
GENUINE = "PACE-CAM with the key of EF.CardSecurity"


@functools.cache
def france() -> Issuer:
    return Issuer(8, country="FRA", today=TODAY)


def anchors(**more: Any) -> ListedAnchors:
    """The CSCAs and revocation lists of both states."""
    states = utopia(), france()
    return ListedAnchors(
        [der for state in states for der in state.csca_files().values()],
        [der for state in states for der in state.crl_files().values()],
        **more,
    )


def signed_by(document: Passport, state: Issuer, *, signer: str = "p256") -> Passport:
    """The document on another chip: with a key of its own, which this state's document signer has signed."""
    held = personalise.with_other_mapping_keys(document.abilities, "clone")
    content = card_security(personalise.card_security_infos(held), state._office.signer(signer))
    return replace(document, abilities=held, files={**document.files, "EF_CARD_SECURITY": content})


def chip(inspection: Inspection) -> tuple[Result, str]:
    check = next(one for one in inspection.checks if one.id is CheckId.CHIP_AUTHENTICITY)
    return check.result, check.reason


def test_a_chip_whose_key_another_states_signer_vouches_for_is_a_clone() -> None:
    document = issued(active=None, features=MAPPING)
    assert chip(inspected(document, against=anchors())) == (Result.SUCCESSFUL, GENUINE)
    cloned = inspected(signed_by(document, france()), against=anchors())
    assert chip(cloned) == (Result.FAILED, "EF.CardSecurity and EF.SOD are signed for different states")
    assert cloned.overall is Result.FAILED


def test_another_signer_of_the_same_state_may_vouch_for_the_chip() -> None:
    document = signed_by(issued(active=None, features=MAPPING), utopia(), signer="rsa_pss")
    assert chip(inspected(document, against=anchors())) == (Result.SUCCESSFUL, GENUINE)


def test_a_chip_for_demos_does_not_vouch_for_a_document_in_service() -> None:
    document = signed_by(issued(active=None, features=MAPPING), utopia(), signer="rsa_pss")
    mixed = anchors()
    for_demos = parse_certificate(utopia().signer_certificate("rsa_pss")).issuer_id
    mixed.anchors = [replace(one, test=one.certificate.subject_id == for_demos) for one in mixed.anchors]
    inspection = inspected(document, against=mixed)
    assert chip(inspection)[0] is Result.FAILED


@pytest.mark.parametrize(
    ("flaw", "expected"),
    [
        (Flaw.DS_NOT_TRUSTED, Result.FAILED),
        (Flaw.CHIP_KEYS_COMPROMISED, Result.FAILED),
        (Flaw.DS_UNDER_INVESTIGATION, Result.UNDETERMINED),
        (Flaw.DATA_GROUP_HASH, Result.SUCCESSFUL),
    ],
)
def test_what_is_known_of_the_signer_of_the_chips_key_counts(flaw: Flaw, expected: Result) -> None:
    vouching = parse_certificate(utopia().signer_certificate("rsa_pss"))
    entry = KnownDefects(Affected(issuer_and_serial=(vouching.issuer_id, vouching.serial)), (Defect(flaw),))
    document = signed_by(issued(active=None, features=MAPPING), utopia(), signer="rsa_pss")
    assert chip(inspected(document, against=anchors(defects=[entry])))[0] is expected


def test_a_chip_is_nobodys_while_the_signer_of_its_document_is_unknown() -> None:
    document = issued(active=None, features=MAPPING, security_object=SecurityObject(certificates="none"))
    inspection = inspected(document, against=anchors())
    assert results(inspection)["sod_signature"] == "undetermined"
    assert chip(inspection)[0] is Result.UNDETERMINED
