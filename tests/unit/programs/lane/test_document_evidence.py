"""What an inspection leaves in the audit record: how the chip was opened and proven, by which lists, and nothing of the person."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from document_fakes.anchors import ListedAnchors
from document_fakes.inspections import anchors, inspected, issued
from document_fakes.sample_passports import ANNA, utopia
from fakes.passage_examples import GENUINE, SAME_FACE, inspecting

from gate.page import values
from gate.passage.effects import Write
from gate.passage.events import DocumentRead, FaceCompared
from gate.passage.policy import Verdict
from gate.passage.records import Decided
from gate.programs.lane.document.inspection import AUTHORITIES_MAX, CHECK_OF, RememberingAnchors, document_evidence
from gate.programs.lane.records import RecordError, fields_of, replay
from gate_core.evidence import crossing as passage
from gate_core.evidence.crossing import AccessEvidence, AgreementEvidence, DocumentEvidence
from gate_core.evidence.reasons import Reason
from gate_documents import checks
from gate_documents.access.checks import AccessFacts
from gate_documents.access.groups import standard_group
from gate_documents.lds import security_infos
from gate_documents.mrz import layouts
from gate_documents.pki.anchors import Anchor
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.security_object import SecurityObject

CA = (Agreement(13, Cipher.AES_256),)
# A decision as it was recorded before records said how the chip was opened.
OLD_RECORD: dict[str, object] = {
    "decision": "admit",
    "reasons": [],
    "evidence": {
        "document": {
            "checks": [
                {"id": check.value, "result": "successful", "reason": "", "clause": ""} for check in passage.CheckId
            ],
            "issuer": "UTO",
            "document_type": "P",
            "issued": None,
            "expires": "2031-04-15",
            "test_issuer": True,
        },
        "face": {
            "faces": 1,
            "match": {"value": 0.8},
            "liveness": {"value": 0.9},
            "portrait_usable": True,
            "track_held": True,
            "model": "m",
        },
        "lane": {"age_ms": 5, "closed": True, "bodies": 0, "grants_left": 0, "emergency": False, "alarms": []},
        "site": {"officer_seen_ago_s": 0.5, "trust_age_days": 1.0, "clock_sure": True},
    },
    "policy": {
        "face_match_min": {"value": 0.411},
        "liveness_min": {"value": 0.5},
        "officer_presence_max_s": 120,
        "trust_age_max_days": 90,
        "lane_age_max_ms": 300,
        "revocation_required": True,
        "test_documents": True,
        "without_chip_authentication": [],
    },
}


def evidence_of(*faults: str, switches: Any = MappingProxyType({}), **order: Any) -> DocumentEvidence:
    judged_against = RememberingAnchors(anchors())
    inspection = inspected(issued(*faults, **order), against=judged_against, **switches)
    return document_evidence(inspection, judged_against)


def decided(document: DocumentEvidence) -> dict[str, Any]:
    """The body of the record of a decision about this document, as it comes back from the log."""
    run = inspecting()
    effects = run.feed(DocumentRead("c1", document), FaceCompared("c1", SAME_FACE))
    (record,) = (one.record for one in effects if isinstance(one, Write) and isinstance(one.record, Decided))
    body: dict[str, Any] = json.loads(json.dumps(fields_of(record)))
    return body


def test_basic_access_control_has_nothing_to_choose() -> None:
    evidence = evidence_of()
    assert evidence.access == AccessEvidence(passage.AccessProtocol.BAC, passage.Password.MRZ)
    assert evidence.agreement is None


def test_a_chip_that_anyone_may_read_is_told_as_one_and_decided_on_again() -> None:
    evidence = evidence_of(switches={"no_access_control": True})
    assert evidence.access == AccessEvidence(passage.AccessProtocol.NONE, None)
    body = decided(evidence)
    assert (body["evidence"]["document"]["access"]["protocol"], body["evidence"]["document"]["access"]["password"]) == (
        "none",
        None,
    )
    decision, same = replay(body)
    assert same
    assert decision.verdict is Verdict.ADMIT
    unproven = evidence_of("no_chip_authentication", active=None, switches={"no_access_control": True})
    decision, same = replay(decided(unproven))
    assert same
    assert [objection.reason for objection in decision.objections] == [Reason.CHIP_AUTHENTICATION_ABSENT]


@pytest.mark.parametrize(
    ("way", "mapping", "cipher", "agreement"),
    [
        (Pace(Mapping.GENERIC, 13, Cipher.AES_192), "GM", "AES-192", "ECDH"),
        (Pace(Mapping.INTEGRATED, 12, Cipher.TDES), "IM", "3DES", "ECDH"),
        (Pace(Mapping.GENERIC, 0, Cipher.AES_128), "GM", "AES-128", "DH"),
        (Pace(Mapping.CHIP_AUTHENTICATION, 16, Cipher.AES_256), "CAM", "AES-256", "ECDH"),
    ],
)
def test_pace_is_told_with_version_mapping_algorithms_and_domain_parameters(
    way: Pace, mapping: str, cipher: str, agreement: str
) -> None:
    assert evidence_of(features=Features(pace=(way,))).access == AccessEvidence(
        passage.AccessProtocol.PACE,
        passage.Password.MRZ,
        2,
        passage.PaceMapping(mapping),
        passage.KeyAgreement(agreement),
        passage.Cipher(cipher),
        standard_group(way.parameter_id).name,
    )


def test_whose_national_the_holder_is_is_told_and_written_nowhere_unless_it_is_asked() -> None:
    evidence = evidence_of()
    assert evidence.nationality == "UTO"
    assert decided(evidence)["evidence"]["document"]["nationality"] == ""


def test_chip_authentication_is_told_with_its_protocol_cipher_and_domain_parameters() -> None:
    agreement = evidence_of(features=Features(chip_authentication=CA)).agreement
    assert agreement == AgreementEvidence("0.4.0.127.0.7.2.2.3.2.4", passage.Cipher.AES_256, "brainpoolP256r1")


def test_weak_algorithms_are_told_with_their_place() -> None:
    weak = evidence_of(signer="rsa_1024", security_object=SecurityObject(digest="sha1")).weak_algorithms
    assert {"lds_hash:sha1", "sod_signature:sha1", "ds_key:rsa-1024"} <= set(weak)
    assert evidence_of().weak_algorithms == ()


def test_a_chip_that_was_not_opened_has_no_access() -> None:
    pulled_out = evidence_of(switches={"pull_out_after_apdus": 1})
    assert (pulled_out.access, pulled_out.agreement, pulled_out.authorities) == (None, None, ())


def test_the_lists_and_the_authority_that_judged_are_told() -> None:
    evidence = evidence_of(signer="brainpool256")
    certificate = x509.load_der_x509_certificate(utopia().csca_files()["UTO_csca_2.cer"])
    (authority,) = evidence.authorities
    assert authority.fingerprint == certificate.fingerprint(SHA256()).hex()
    assert int(authority.serial, 16) == certificate.serial_number
    assert "CSCA brainpool" in authority.subject
    assert evidence.lists == anchors().version


def test_a_document_of_which_the_lists_know_nobody_names_no_authority() -> None:
    assert evidence_of("unknown_issuer").authorities == ()


class Crowd(ListedAnchors):
    """A country with one CSCA key in many certificates."""

    def with_key_id(self, key_id: bytes) -> list[Anchor]:
        found = super().with_key_id(key_id)
        return [Anchor(replace(one.certificate, der=bytes([number]))) for one in found for number in range(20)]


def test_a_crowd_of_authorities_is_cut() -> None:
    crowd = RememberingAnchors(Crowd(utopia().csca_files().values(), utopia().crl_files().values()))
    inspection = inspected(issued(), against=crowd)
    assert len(crowd.given) == 20
    assert len(document_evidence(inspection, crowd).authorities) == AUTHORITIES_MAX


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (checks.Result, passage.CheckResult),
        (set(checks.CheckId) - {checks.CheckId.TERMINAL_AUTHENTICATION}, passage.CheckId),
        (security_infos.Mapping, passage.PaceMapping),
        (security_infos.KeyAgreement, passage.KeyAgreement),
        (security_infos.Cipher, passage.Cipher),
        (layouts.MrzFormat, values.MrzFormat),
    ],
)
def test_the_library_s_words_are_ours(theirs: Any, ours: Any) -> None:
    """Neither may import the other (docs/decisions/0044-a-distribution-for-each-place.md)."""
    assert {one.name: one.value for one in theirs} == {one.name: one.value for one in ours}


def test_the_library_s_words_for_how_a_chip_was_opened_are_ours() -> None:
    info = SimpleNamespace(
        version=2, mapping=Mapping.GENERIC, agreement=security_infos.KeyAgreement.ECDH, cipher=Cipher.AES_128
    )
    ways: tuple[Any, ...] = (None, SimpleNamespace(info=info, group=standard_group(13)))
    told = [AccessFacts.of(way, with_number=number, in_clear=False) for way in ways for number in (False, True)]
    assert {one.password for one in told} == {one.value for one in passage.Password}
    clear = AccessFacts.of(None, with_number=False, in_clear=True)
    assert {one.protocol for one in (*told, clear)} == {one.value for one in passage.AccessProtocol}


def test_the_record_brings_the_evidence_back_and_the_decision_is_taken_again() -> None:
    features = Features(pace=(Pace(Mapping.GENERIC, 13, Cipher.AES_128),), chip_authentication=CA)
    body = decided(evidence_of(features=features))
    assert body["evidence"]["document"]["access"] == {
        "protocol": "PACE",
        "password": "MRZ",
        "version": 2,
        "mapping": "GM",
        "agreement": "ECDH",
        "cipher": "AES-128",
        "parameters": "brainpoolP256r1",
    }
    assert body["evidence"]["document"]["lists"] == anchors().version
    assert len(body["evidence"]["document"]["authorities"]) == 1
    decision, same = replay(body)
    assert same
    assert decision.verdict is Verdict.ADMIT


def test_a_record_from_before_these_facts_is_read_and_decided_as_it_was() -> None:
    decision, same = replay(OLD_RECORD)
    assert same
    assert decision.verdict is Verdict.ADMIT


def test_a_record_with_a_word_that_nobody_ever_wrote_is_refused() -> None:
    body = decided(replace(GENUINE, access=AccessEvidence(passage.AccessProtocol.BAC, passage.Password.MRZ)))
    body["evidence"]["document"]["access"]["protocol"] = "bluetooth"
    with pytest.raises(RecordError):
        replay(body)


def test_nothing_of_the_person_is_in_the_record() -> None:
    features = Features(pace=(Pace(Mapping.GENERIC, 13, Cipher.AES_128),), chip_authentication=CA)
    written = json.dumps(decided(evidence_of(features=features))).upper()
    for secret in (ANNA.surname, ANNA.given, ANNA.number, f"{ANNA.birth:%y%m%d}"):
        assert secret.upper() not in written


def test_each_check_of_a_document_is_one_of_a_decision_but_what_we_may_read() -> None:
    assert set(checks.CheckId) - set(CHECK_OF) == {checks.CheckId.TERMINAL_AUTHENTICATION}
    assert all(known.value == check.value for check, known in CHECK_OF.items())
    assert set(CHECK_OF.values()) == set(passage.CheckId)
