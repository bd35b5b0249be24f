"""What the simulated country publishes: links, revocations, master, deviation and defect lists, read by other parsers."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from asn1crypto import cms, crl, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from document_fakes.sample_passports import TODAY, utopia
from fakes import ber_tree

from hardware_sim.passport import der, lists
from hardware_sim.passport.office import LinkKind, ListSigner

PLAIN_LINES = (1, 3)  # the second line's keys have explicit parameters, which the library does not take
NAME_CHANGE = "2.23.136.1.1.6.1"


def verified(key_info: Any, signature: bytes, message: bytes) -> bool:
    key: Any = load_der_public_key(key_info.dump())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def issued(certificate: Any, authority: Any) -> bool:
    message = certificate["tbs_certificate"].dump()
    return certificate.issuer == authority.subject and verified(authority.public_key, certificate.signature, message)


def certificate(files: dict[str, bytes], line: int, what: str) -> Any:
    return x509.Certificate.load(files[f"UTO_csca_{line}{what}.cer"])


@pytest.mark.parametrize("line", PLAIN_LINES)
@pytest.mark.parametrize("kind", ["same_name", "renamed"])
def test_a_link_is_the_present_key_under_the_previous_one(line: int, kind: LinkKind) -> None:
    present = certificate(utopia().csca_files(), line, "")
    before = certificate(utopia().previous_csca_files(kind=kind), line, "_before")
    link = certificate(utopia().link_certificates(kind=kind), line, "_link")
    assert issued(before, before)
    assert issued(link, before)
    assert not issued(link, present)
    assert link.subject == present.subject
    assert link.public_key.dump() == present.public_key.dump()
    assert link.key_identifier == present.key_identifier
    assert link.authority_key_identifier == before.key_identifier
    assert (link.subject == link.issuer) == (kind == "same_name")
    named = {extension["extn_id"].dotted for extension in link["tbs_certificate"]["extensions"]}
    assert (NAME_CHANGE in named) == (kind == "renamed")


@pytest.mark.parametrize("line", PLAIN_LINES)
def test_a_broken_link_is_signed_by_nobody(line: int) -> None:
    before = certificate(utopia().previous_csca_files(), line, "_before")
    assert not issued(certificate(utopia().link_certificates(kind="broken"), line, "_link"), before)


def test_every_line_has_its_link_and_the_previous_key_may_no_longer_sign() -> None:
    assert sorted(utopia().link_certificates()) == [f"UTO_csca_{line}_link.cer" for line in (1, 2, 3)]
    before = certificate(utopia().previous_csca_files(), 2, "_before")
    ended = certificate(utopia().previous_csca_files(expired=True), 2, "_before")
    assert ended.not_valid_after.date() < TODAY < before.not_valid_after.date()
    assert before.public_key.curve[0] == "specified"
    assert before.private_key_usage_period_value["not_after"].native.date() < TODAY


def test_a_revocation_list_has_the_number_the_serials_and_the_days_that_were_asked_for() -> None:
    serial = utopia().signer_serial("p384")
    made = crl.CertificateList.load(utopia().crl(1, number=7, revoked=[serial], issued_days=-100, next_update_days=-10))
    body = made["tbs_cert_list"]
    authority = certificate(utopia().csca_files(), 1, "")
    assert made.crl_number_value.native == 7
    assert [one["user_certificate"].native for one in body["revoked_certificates"]] == [serial]
    assert (body["next_update"].native - body["this_update"].native).days == 90
    assert body["next_update"].native.date() < TODAY
    assert verified(authority.public_key, made["signature"].native, body.dump())
    assert x509.Certificate.load(utopia().signer_certificate("p384")).serial_number == serial


def test_a_forged_revocation_list_bears_the_name_and_not_the_signature() -> None:
    made = crl.CertificateList.load(utopia().crl(3, forged=True))
    authority = certificate(utopia().csca_files(), 3, "")
    assert made.issuer == authority.subject
    assert made["signature_algorithm"]["algorithm"].native == "sha256_ecdsa"
    stranger = made["tbs_cert_list"].dump()
    assert not verified(certificate(utopia().csca_files(), 1, "").public_key, made["signature"].native, stranger)


def opened(content: bytes) -> tuple[Any, Any, list[Any]]:
    data = cms.ContentInfo.load(content, strict=True)["content"]
    return (
        data,
        ber_tree.parse(bytes(data["encap_content_info"]["content"])),
        [one.chosen for one in data["certificates"]],
    )


def holds(data: Any, signer: Any) -> bool:
    info = data["signer_infos"][0]
    attributes = {one["type"].native: one["values"][0].native for one in info["signed_attrs"]}
    content = bytes(data["encap_content_info"]["content"])
    message = b"\x31" + info["signed_attrs"].dump()[1:]
    hashed = attributes["message_digest"] == hashlib.sha256(content).digest()
    return hashed and verified(signer.public_key, info["signature"].native, message)


def usages(signer: Any) -> list[str] | None:
    return None if signer.extended_key_usage_value is None else [one.dotted for one in signer.extended_key_usage_value]


def test_a_master_list_holds_all_authorities_and_links_and_its_signer_is_for_master_lists() -> None:
    signed_at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    data, content, (signer, authority) = opened(utopia().master_list(signed_at=signed_at))
    expected = {*utopia().csca_files().values(), *utopia().link_certificates().values()}
    assert data["encap_content_info"]["content_type"].dotted == "2.23.136.1.1.2"
    assert content[0].number == 0
    assert {one.raw for one in content[1].parts} == expected
    assert authority.dump() == utopia().csca_files()["UTO_csca_1.cer"]
    assert issued(signer, authority)
    assert usages(signer) == ["2.23.136.1.1.3"]
    assert holds(data, signer)
    attributes = {one["type"].native: one["values"][0].native for one in data["signer_infos"][0]["signed_attrs"]}
    assert attributes["signing_time"] == signed_at


def test_a_master_list_holds_what_it_is_given() -> None:
    only = utopia().csca_files()["UTO_csca_2.cer"]
    content = opened(utopia().master_list(certificates=[only]))[1]
    assert [one.raw for one in content[1].parts] == [only]


@pytest.mark.parametrize(
    ("kind", "has_usage", "is_trusted", "does_hold"),
    [("without_usage", False, True, True), ("untrusted", True, False, True), ("broken", True, True, False)],
)
def test_a_list_may_be_signed_wrongly(kind: ListSigner, *, has_usage: bool, is_trusted: bool, does_hold: bool) -> None:
    for content in (
        utopia().master_list(signer=kind),
        utopia().deviation_list([], signer=kind),
        utopia().defect_list([], signer=kind),
    ):
        data, _content, (signer, authority) = opened(content)
        assert (usages(signer) is not None) == has_usage
        assert (authority.dump() in utopia().csca_files().values()) == is_trusted
        assert issued(signer, authority)
        assert holds(data, signer) == does_hold


def test_a_deviation_names_documents_by_signer_number_type_and_time() -> None:
    moments = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 3, 1, tzinfo=UTC))
    asked = lists.Deviation(
        lists.GROUP_HASH_WRONG,
        parameter=der.integer(12),
        signer="p256",
        document_numbers=("X2", "X1"),
        document_type="P",
        issued=moments,
    )
    data, content, (signer, _authority) = opened(utopia().deviation_list([asked]))
    assert data["encap_content_info"]["content_type"].dotted == "2.23.136.1.1.7"
    assert usages(signer) == ["2.23.136.1.1.8"]
    documents, descriptions = content[1][0][0], content[1][0][1]
    certified = x509.Certificate.load(utopia().signer_certificate())
    identifier = der.sequence(certified.issuer.dump(), der.integer(certified.serial_number))
    assert documents.content == b"".join(
        (
            bytes.fromhex("800150"),
            b"\xa1" + identifier[1:],
            b"\xa4\x22\x18\x0f20200101000000Z\x18\x0f20200301000000Z",
            b"\xa5\x08\x13\x02X1\x13\x02X2",
        )
    )
    assert descriptions[0][0].oid == "2.23.136.1.1.7.2.2"
    assert descriptions[0].raw.endswith(bytes.fromhex("A00302010C"))


def test_a_deviation_may_concern_numbered_documents_alone() -> None:
    asked = lists.Deviation(lists.ACTIVE_KEYS_COMPROMISED, document_numbers=("X1",))
    content = opened(utopia().deviation_list([asked]))[1]
    assert content[1][0][0].content == b"\xa5\x04\x13\x02X1"
    assert content[1][0][1][0].raw == der.sequence(der.oid("2.23.136.1.1.7.1.4"))


def test_a_defect_names_its_signer_and_its_kind() -> None:
    asked = [
        lists.Defect(lists.SIGNER_REVOKED, "p256", parameter=der.integer(1)),
        lists.Defect(lists.SECURITY_OBJECT_INVALID, "rsa_pss"),
    ]
    data, content, _certificates = opened(utopia().defect_list(asked))
    assert data["encap_content_info"]["content_type"].dotted == "0.4.0.127.0.7.3.1.5"
    assert (content[0].number, content[1].oid) == (0, "2.16.840.1.101.3.4.2.1")
    by_serial = {defect[0][1].number: defect[1][0] for defect in content[2].parts}
    revoked = by_serial[utopia().signer_serial("p256")]
    assert (revoked[0].oid, revoked[1].number) == ("0.4.0.127.0.7.3.1.5.1.1", 1)
    assert by_serial[utopia().signer_serial("rsa_pss")][0].oid == "0.4.0.127.0.7.3.1.5.2.2"
