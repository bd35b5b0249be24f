"""How a document was signed, and what of it is weak."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.inspections import inspected, issued
from document_fakes.sample_passports import utopia

from gate_documents.authenticity.passive_authentication import judge_sod
from gate_documents.authenticity.signature_facts import (
    CertificateFacts,
    KeyFacts,
    SignatureFacts,
    signature_facts,
    weak_algorithms,
)
from hardware_sim.passport.security_object import SecurityObject

P256 = KeyFacts("ec", 256, "secp256r1")
GOOD = SignatureFacts("sha256", "sha256", "ecdsa", "sha256", CertificateFacts("ecdsa", "sha256", P256, P256))


def test_an_inspection_says_how_the_document_was_signed() -> None:
    inspection = inspected(issued())
    assert inspection.signature == GOOD
    assert weak_algorithms(GOOD) == ()


def test_lengths_are_those_of_the_modulus_and_of_the_order() -> None:
    facts = inspected(issued(signer="rsa_1024")).signature
    assert facts is not None
    assert facts.certificate is not None
    assert facts.certificate.signer == KeyFacts("rsa", 1024)
    assert facts.certificate.authority == KeyFacts("rsa", 3072)
    assert facts.scheme == "rsa_pkcs1"
    assert weak_algorithms(facts) == ("ds_key:rsa-1024",)


@pytest.mark.parametrize(("signer", "bits"), [("p224", 224), ("p384", 384), ("p521", 521), ("brainpool512", 512)])
def test_curves_from_224_bits_on_are_not_weak(signer: str, bits: int) -> None:
    facts = inspected(issued(signer=signer)).signature
    assert facts is not None
    assert facts.certificate is not None
    assert facts.certificate.signer.bits == bits
    assert weak_algorithms(facts) == ()


def test_every_place_of_a_weak_algorithm_is_named() -> None:
    weak = SignatureFacts(
        "sha1",
        "md5",
        "rsa_pkcs1",
        "sha1",
        CertificateFacts("ecdsa", "sha1", KeyFacts("rsa", 2047), KeyFacts("ec", 192, "secp192r1")),
    )
    assert weak_algorithms(weak) == (
        "lds_hash:sha1",
        "digest:md5",
        "sod_signature:sha1",
        "ds_signature:sha1",
        "ds_key:rsa-2047",
        "csca_key:ec-192",
    )
    assert weak_algorithms(dataclasses.replace(weak, certificate=None)) == (
        "lds_hash:sha1",
        "digest:md5",
        "sod_signature:sha1",
    )


def test_sha_1_in_the_security_object_is_weak() -> None:
    facts = inspected(issued(security_object=SecurityObject(digest="sha1"))).signature
    assert facts is not None
    assert "digest:sha1" in weak_algorithms(facts) or "lds_hash:sha1" in weak_algorithms(facts)


def test_a_signer_of_nobody_has_no_authority() -> None:
    facts = inspected(issued("unknown_issuer")).signature
    assert facts is not None
    assert facts.certificate is not None
    assert facts.certificate.authority is None


def test_a_signature_that_does_not_hold_says_nothing_of_a_certificate() -> None:
    facts = inspected(issued("sod_signature_broken")).signature
    assert facts is not None
    assert facts.certificate is None
    assert facts.hash == "sha256"


def test_nothing_is_known_of_a_security_object_that_cannot_be_read() -> None:
    assert inspected(issued("sod_empty")).signature is None


def test_a_certificate_signed_in_an_unknown_way_leaves_its_facts_out() -> None:
    verdict = judge_sod(issued().files["EF_SOD"], ListedAnchors(utopia().csca_files().values()), MOMENT)
    assert verdict.signer is not None
    unknown = dataclasses.replace(verdict.signer, algorithm=bytes.fromhex("300606042a030405"))
    facts = signature_facts(dataclasses.replace(verdict, signer=unknown))
    assert facts is not None
    assert facts.certificate is None


MOMENT = datetime(2026, 11, 25, tzinfo=UTC)
