"""What can be ordered of an office beside the plain passport, read with other parsers than those that wrote it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from asn1crypto import cms, core, x509
from asn1crypto import keys as asn1_keys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from document_fakes.sample_passports import ANNA, portrait, utopia
from fakes import ber_tree

from hardware_sim.passport import cms as cms_style
from hardware_sim.passport import faults, lds, security_object
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.domain import P256
from hardware_sim.passport.issuer import FAULTS, Passport, Person
from hardware_sim.passport.keys import Digest
from hardware_sim.passport.office import SIGNERS
from hardware_sim.passport.security_object import SecurityObject

DIGESTS = get_args(Digest)
HASHES = {name: getattr(hashes, name.upper())() for name in DIGESTS}
JP2 = bytes.fromhex("0000000C6A5020200D0A870A 00000016 6A703268 00000016 69686472 00000080 00000060 0003 07 07 00 00")
GM = Pace(Mapping.GENERIC, 13, Cipher.AES_128)
CAM = Pace(Mapping.CHIP_AUTHENTICATION, 12, Cipher.AES_256)


def issue(*named: str, person: Person = ANNA, **choices: Any) -> Passport:
    return utopia().issue(
        person, portrait_jpeg=portrait(), other_portrait_jpeg=portrait(160), faults=frozenset(named), **choices
    )


def content_of(file: bytes) -> bytes:
    return file[2 if file[1] < 0x80 else 2 + (file[1] & 0x7F) :]


def signed_data(file: bytes) -> Any:
    return cms.ContentInfo.load(file)["content"]


def sod(passport: Passport) -> Any:
    return signed_data(content_of(passport.files["EF_SOD"]))


def holds(data: Any, *, certificate: Any = None, signer: int = 0) -> bool:
    """Whether a signature over a SignedData holds, by the library and by nothing of the simulator's."""
    info = data["signer_infos"][signer]
    shown = certificate or data["certificates"][signer].chosen
    content = bytes(data["encap_content_info"]["content"])
    name = info["digest_algorithm"]["algorithm"].native
    message = content
    if isinstance(info["signed_attrs"], cms.CMSAttributes) and len(info["signed_attrs"]):
        message = b"\x31" + info["signed_attrs"].dump()[1:]
        attributes = {one["type"].native: one["values"][0].native for one in info["signed_attrs"]}
        if attributes["message_digest"] != hashlib.new(name, content).digest():
            return False
    key = load_der_public_key(shown.public_key.dump())
    try:
        verify(key, info, message, HASHES[name])
    except InvalidSignature:
        return False
    return True


def verify(key: Any, info: Any, message: bytes, digest: Any) -> None:
    signature = info["signature"].native
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(digest))
    elif info["signature_algorithm"]["algorithm"].native == "rsassa_pss":
        salt = info["signature_algorithm"]["parameters"]["salt_length"].native
        key.verify(signature, message, padding.PSS(padding.MGF1(digest), salt), digest)
    else:
        key.verify(signature, message, padding.PKCS1v15(), digest)


def plain_issuer_signature(certificate: Any) -> bool:
    """Whether one of the three CSCAs signed it; explicit parameters are beyond the library."""
    for content in utopia().csca_files().values():
        authority = x509.Certificate.load(content)
        if authority.subject != certificate.issuer:
            continue
        key = load_der_public_key(authority.public_key.dump())
        message, signature = certificate["tbs_certificate"].dump(), certificate.signature
        try:
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
            else:
                assert isinstance(key, rsa.RSAPublicKey)
                key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True
    return False


@pytest.mark.parametrize("signer", [name for name in SIGNERS if not name.startswith("brainpool")])
def test_every_signer_signs_under_its_csca(signer: str) -> None:
    data = sod(issue(signer=signer))
    assert holds(data)
    assert plain_issuer_signature(data["certificates"][0].chosen)


@pytest.mark.parametrize("signer", ["brainpool256", "brainpool384", "brainpool512"])
def test_brainpool_signers_show_their_curve_by_parameters(signer: str) -> None:
    certificate = sod(issue(signer=signer))["certificates"][0].chosen
    assert certificate.public_key.curve[0] == "specified"
    assert int(signer[9:]) == certificate.public_key.bit_size


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("signer", ["p256", "p521", "rsa_pkcs1", "rsa_pss"])
def test_every_digest_signs_with_every_kind_of_key(digest: Digest, signer: str) -> None:
    passport = issue(signer=signer, security_object=SecurityObject(digest=digest))
    assert holds(sod(passport))
    assert hashlib.new(digest, passport.files["EF_DG1"]).digest() in passport.files["EF_SOD"]


def test_the_digest_of_the_groups_need_not_be_that_of_the_signature() -> None:
    passport = issue(signer="p256", security_object=SecurityObject(digest="sha1", signature_digest="sha384"))
    assert hashlib.sha1(passport.files["EF_DG1"]).digest() in passport.files["EF_SOD"]
    assert sod(passport)["signer_infos"][0]["digest_algorithm"]["algorithm"].native == "sha384"
    assert holds(sod(passport))


def test_version_0_has_no_versions() -> None:
    old, new = (
        core.Sequence.load(bytes(sod(issue(security_object=order))["encap_content_info"]["content"]))
        for order in (SecurityObject(lds_version=0), SecurityObject())
    )
    assert (old[0].native, len(old)) == (0, 3)
    assert (new[0].native, len(new)) == (1, 4)


def test_a_signer_may_be_named_by_its_key() -> None:
    data = sod(issue(signer="p256", security_object=SecurityObject(signer_id="key_identifier")))
    info = data["signer_infos"][0]
    assert info["sid"].name == "subject_key_identifier"
    assert info["sid"].native == data["certificates"][0].chosen.key_identifier
    assert (info["version"].native, holds(data)) == ("v3", True)


@pytest.mark.parametrize(
    "content_type", [security_object.ID_DATA, security_object.LEGACY_OBJECT, security_object.LEGACY_DUTCH_OBJECT]
)
def test_other_content_types_stand_in_both_places(content_type: str) -> None:
    data = sod(issue(signer="p256", security_object=SecurityObject(content_type=content_type)))
    attributes = {one["type"].native: one["values"][0] for one in data["signer_infos"][0]["signed_attrs"]}
    assert data["encap_content_info"]["content_type"].dotted == content_type
    assert attributes["content_type"].dotted == content_type


def test_indefinite_lengths_hold_the_same_content() -> None:
    passport = issue(signer="p256", security_object=SecurityObject(indefinite_length=True))
    assert content_of(passport.files["EF_SOD"])[:2] == b"\x30\x80"
    info = sod(passport)["signer_infos"][0]
    attributes = {one["type"].native: one["values"][0].native for one in info["signed_attrs"]}
    content = security_object.hashes(groups_of(passport), SecurityObject())
    assert content in passport.files["EF_SOD"]
    assert attributes["message_digest"] == hashlib.sha256(content).digest()


def groups_of(passport: Passport) -> dict[int, bytes]:
    return {int(name[5:]): content for name, content in passport.files.items() if name.startswith("EF_DG")}


def test_certificates_may_be_missing_or_two() -> None:
    none = sod(issue(security_object=SecurityObject(certificates="none")))
    two = sod(issue(signer="p256", security_object=SecurityObject(certificates="two")))
    assert none["certificates"].native is None
    assert len(two["certificates"]) == 2
    assert holds(two)


def test_two_signers_both_sign() -> None:
    data = sod(issue(signer="p256", security_object=SecurityObject(signers=2)))
    infos = {info["sid"].native["serial_number"] for info in data["signer_infos"]}
    assert infos == {1001, utopia().signer_serial("p384")}


def test_a_content_may_be_signed_without_attributes() -> None:
    data = sod(issue(signer="p256", security_object=SecurityObject(signed_attributes=False)))
    assert data["signer_infos"][0]["signed_attrs"].native is None
    assert holds(data)


def test_the_time_of_signing_is_an_attribute() -> None:
    moment = datetime(2026, 11, 1, 12, tzinfo=UTC)
    data = sod(issue(signer="p256", security_object=SecurityObject(signing_time=moment)))
    attributes = {one["type"].native: one["values"][0].native for one in data["signer_infos"][0]["signed_attrs"]}
    assert attributes["signing_time"] == moment
    assert holds(data)


def test_bare_rsa_names_the_key_and_not_the_signature() -> None:
    data = sod(issue(signer="rsa_pkcs1", security_object=SecurityObject(bare_rsa=True)))
    assert data["signer_infos"][0]["signature_algorithm"]["algorithm"].dotted == "1.2.840.113549.1.1.1"
    assert holds(data)


def test_a_signed_data_may_claim_another_version() -> None:
    assert sod(issue(security_object=SecurityObject(signed_data_version=1)))["version"].native == "v1"


def test_an_unknown_signer_is_not_to_be_had() -> None:
    with pytest.raises(ValueError, match="no such signer"):
        issue(signer="rot13")


def members(encoded: bytes) -> list[bytes]:
    """What stands inside one constructed object of definite length."""
    return [node.raw for node in ber_tree.parse_all(content_of(encoded))]


def announcements(encoded: bytes) -> list[list[Any]]:
    """Each SecurityInfo: its identifier, then its other parts as values or as bytes."""
    return [[shown(member) for member in members(info)] for info in members(encoded)]


def shown(encoded: bytes) -> Any:
    match encoded[0]:
        case 0x02:
            return int.from_bytes(encoded[2:])
        case 0x06:
            return core.ObjectIdentifier.load(encoded).dotted
        case _:
            return encoded


PACE_GM, PACE_CAM = "0.4.0.127.0.7.2.2.4.2.2", "0.4.0.127.0.7.2.2.4.6.4"
CA_ECDH, CA_DH, PK_ECDH, PK_DH = (f"0.4.0.127.0.7.2.2.{arc}" for arc in ("3.2", "3.1", "1.2", "1.1"))


def test_ways_in_stand_in_card_access_and_in_group_14_alike() -> None:
    passport = issue(features=Features(pace=(GM, CAM)), active_authentication="rsa")
    ways = [[PACE_GM, 2, 13], [PACE_CAM, 2, 12]]
    assert announcements(passport.files["EF_CARD_ACCESS"]) == ways
    assert announcements(members(passport.files["EF_DG14"])[0]) == ways


def test_card_security_is_signed_and_shows_the_mapping_key() -> None:
    passport = issue(features=Features(pace=(CAM,)), signer="p256")
    data = signed_data(passport.files["EF_CARD_SECURITY"])
    assert data["encap_content_info"]["content_type"].dotted == "0.4.0.127.0.7.3.2.1"
    assert holds(data)
    listed = {one[0]: one for one in announcements(bytes(data["encap_content_info"]["content"]))}
    assert listed[PACE_CAM] == [PACE_CAM, 2, 12]
    algorithm, bits = members(listed[PK_ECDH][1])
    assert [shown(part) for part in members(algorithm)] == ["0.4.0.127.0.7.1.2", 12]
    assert bits[3:] == passport.abilities.mapping_keys[0].public
    assert listed[PK_ECDH][2] == 12


def test_without_chip_authentication_mapping_there_is_no_card_security() -> None:
    assert "EF_CARD_SECURITY" not in issue(features=Features(pace=(GM,))).files
    assert "EF_CARD_ACCESS" not in issue().files


def test_agreement_keys_are_announced_with_and_without_what_they_are_for() -> None:
    orders = (
        Agreement(13),
        Agreement(12, Cipher.TDES, key_id=2, explicit_parameters=False),
        Agreement(0, None, key_id=3),
    )
    passport = issue(features=Features(chip_authentication=orders), active_authentication="rsa")
    listed = announcements(members(passport.files["EF_DG14"])[0])
    assert [f"{CA_ECDH}.2", 1] in listed
    assert [f"{CA_ECDH}.1", 1, 2] in listed
    assert not [one for one in listed if one[0].startswith(CA_DH)]
    public = {tuple(one[2:]): one[1] for one in listed if one[0] in {PK_ECDH, PK_DH}}
    explicit, named = (asn1_keys.PublicKeyInfo.load(public[reference]) for reference in ((), (2,)))
    assert explicit.curve[0] == "specified"
    assert named.curve == ("named", "secp256r1")
    assert shown(members(members(public[3,])[0])[0]) == "1.2.840.113549.1.3.1"
    assert named["public_key"].native == passport.abilities.agreement_keys[1].public


def test_a_key_below_a_prime_may_be_shown_as_x942() -> None:
    passport = issue(features=Features(chip_authentication=(Agreement(2, explicit_parameters=False),)))
    assert bytes.fromhex("06072A8648CE3E0201") in passport.files["EF_DG14"]


def test_one_key_may_serve_two_ciphers() -> None:
    orders = (Agreement(12, Cipher.TDES, key_id=1), Agreement(12, Cipher.AES_256, key_id=1))
    passport = issue(features=Features(chip_authentication=orders), active_authentication="rsa")
    first, second = passport.abilities.agreement_keys
    assert first.private == second.private
    listed = announcements(members(passport.files["EF_DG14"])[0])
    assert sorted(one[0] for one in listed) == [PK_ECDH, f"{CA_ECDH}.1", f"{CA_ECDH}.4"]


@pytest.mark.parametrize("size", ["TD1", "TD2"])
def test_cards_have_their_own_mrz_and_a_signer_for_cards(size: str) -> None:
    passport = issue(document=size)
    lengths = {"TD1": [30, 30, 30], "TD2": [36, 36]}
    assert [len(line) for line in passport.mrz_lines] == lengths[size]
    assert passport.files["EF_DG1"].endswith("".join(passport.mrz_lines).encode())
    assert bytes.fromhex("3008020100310313 0149".replace(" ", "")) in passport.files["EF_SOD"]


def test_jpeg_2000_and_the_newer_face_record_are_to_be_had() -> None:
    old, new = issue(portrait_jp2=JP2), issue(portrait_jp2=JP2, portrait_format="39794-5")
    assert old.files["EF_DG2"].endswith(JP2)
    record = old.files["EF_DG2"][old.files["EF_DG2"].index(b"FAC\0") :]
    assert record[14 + 20 + 1] == 1
    assert (int.from_bytes(record[36:38]), int.from_bytes(record[38:40])) == (96, 128)
    assert bytes.fromhex("8802002A") in new.files["EF_DG2"]
    assert JP2 + bytes.fromhex("A105A003800103") in new.files["EF_DG2"]
    assert portrait() + bytes.fromhex("A105A003800102") in issue(portrait_format="39794-5").files["EF_DG2"]
    with pytest.raises(ValueError, match="JPEG"):
        utopia().issue(ANNA, portrait_jpeg=b"GIF89a", portrait_format="39794-5")
    with pytest.raises(ValueError, match="image header"):
        issue(portrait_jp2=JP2[:12] + bytes(40))


def test_further_groups_are_listed_and_signed() -> None:
    further = {
        3: lds.dg3(b"finger"),
        7: lds.dg7(portrait()),
        11: lds.dg11(
            full_name="ERIKSSON<<ANNA<MARIA", other_names=("ANN",), birth_date="19940812", birth_place="ZENITH"
        ),
        12: lds.dg12(issuing_authority="UTOPIA OFFICE", issue_date="20261101"),
        13: lds.dg13(b"state"),
        16: lds.dg16(name="SMITH<<JOHN", telephone="5550100", recorded="20261101"),
    }
    passport = issue(extra_groups=further, active_authentication="rsa")
    assert members(passport.files["EF_COM"])[2] == bytes.fromhex("5C0961756367 6B6C6D6F70".replace(" ", ""))
    for number, content in further.items():
        assert passport.files[f"EF_DG{number}"] == content
        assert hashlib.sha256(content).digest() in passport.files["EF_SOD"]


def test_group_11_lists_the_fields_that_it_has() -> None:
    made = lds.dg11(full_name="A", other_names=("B", "C"))
    assert members(made)[0].hex() == "5c045f0e5f0f"
    assert made.endswith(bytes.fromhex("A00B 020102 5F0F0142 5F0F0143"))


UNREADABLE = {"signer_generator_wrong", "signer_cofactor_wrong", "signer_order_wrong"}  # to the library that verifies

# What the fault is seen in: the certificate or the object that differs from a genuine one.


@pytest.mark.parametrize("fault", sorted(set(faults.SIGNER_FAULTS) - UNREADABLE))
def test_a_fault_of_the_signer_leaves_a_signature_that_holds(fault: str) -> None:
    passport = issue(fault, signer="p256")
    assert holds(sod(passport))
    expected = fault != "forged_authority"  # names compare without regard to case
    assert plain_issuer_signature(sod(passport)["certificates"][0].chosen) == expected


def certificate_of(*named: str, signer: str = "p256") -> Any:
    return sod(issue(*named, signer=signer))["certificates"][0].chosen


def test_each_fault_of_the_signer_shows_in_its_certificate() -> None:
    today = datetime(2026, 11, 25, tzinfo=UTC)
    assert certificate_of("signer_expired").not_valid_after < today
    assert certificate_of("signer_not_yet_valid").not_valid_before > today
    used = certificate_of("signer_use_over")
    assert used.private_key_usage_period_value["not_after"].native < today < used.not_valid_after
    assert certificate_of("signer_without_authority_identifier").authority_key_identifier is None
    assert certificate_of("signer_is_authority").ca
    assert certificate_of("signer_serial_negative").serial_number < 0
    assert certificate_of("signer_country_small").subject.native["country_name"] == "ut"
    assert certificate_of("signer_country_small").issuer.native["country_name"] == "ut"
    assert certificate_of("signer_of_another_country").subject.native["country_name"] == "XO"
    assert b"\x13\x02AC" in certificate_of("signer_for_other_documents").dump()
    forged, genuine = certificate_of("forged_authority"), certificate_of()
    assert forged.authority_key_identifier == genuine.authority_key_identifier
    assert forged.issuer == genuine.issuer
    _kind, shown_curve = certificate_of("signer_cofactor_wrong").public_key.curve
    assert shown_curve["cofactor"] == 2
    _kind, shown_curve = certificate_of("signer_order_wrong").public_key.curve
    assert shown_curve["order"] % 2 == 0
    _kind, shown_curve = certificate_of("signer_generator_wrong").public_key.curve
    assert (
        shown_curve["base"][:33].hex() == f"04{0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296:064x}"
    )
    assert int.from_bytes(shown_curve["base"][33:]) % 2 == 0  # the genuine one is odd


def test_a_csca_may_sign_documents_itself_or_travel_with_what_it_has_no_right_to_sign() -> None:
    data = sod(issue("signed_by_authority", signer="p256"))
    assert data["certificates"][0].chosen.dump() == utopia().csca_files()["UTO_csca_1.cer"]
    assert holds(data)
    embedded = sod(issue("authority_embedded"))
    assert [one.chosen.subject.native["common_name"] for one in embedded["certificates"]] == [
        "Document Signer stranger",
        "CSCA stranger",
    ]


@pytest.mark.parametrize(
    "fault",
    ["sod_signature_broken", "sod_signature_zero", "sod_signature_large", "sod_signature_plain", "sod_digest_wrong"],
)
def test_a_broken_signature_does_not_hold(fault: str) -> None:
    assert not holds(sod(issue(fault, signer="p256")))


def test_a_salt_of_another_length_is_claimed() -> None:
    data = sod(issue("sod_salt_wrong", signer="rsa_pss"))
    assert data["signer_infos"][0]["signature_algorithm"]["parameters"]["salt_length"].native == 20
    assert not holds(data)


def test_another_mask_is_claimed() -> None:
    algorithm = sod(issue("sod_mask_wrong", signer="rsa_pss"))["signer_infos"][0]["signature_algorithm"]["parameters"]
    assert algorithm["hash_algorithm"]["algorithm"].native == "sha256"
    assert algorithm["mask_gen_algorithm"]["parameters"]["algorithm"].native == "sha1"


@pytest.mark.parametrize("signer_id", ["issuer_and_serial", "key_identifier"])
def test_the_signer_may_be_named_wrongly(signer_id: cms_style.SignerId) -> None:
    data = sod(issue("sod_signer_id_wrong", signer="p256", security_object=SecurityObject(signer_id=signer_id)))
    named, certificate = data["signer_infos"][0]["sid"].native, data["certificates"][0].chosen
    assert named != certificate.key_identifier
    assert signer_id == "key_identifier" or named["serial_number"] != certificate.serial_number
    assert holds(data)


def test_a_signature_in_another_form_has_the_same_numbers() -> None:
    plain = sod(issue("sod_signature_plain", signer="p256"))["signer_infos"][0]["signature"].native
    r, s = utils.decode_dss_signature(sod(issue(signer="p256"))["signer_infos"][0]["signature"].native)
    assert plain == r.to_bytes(32) + s.to_bytes(32)
    large = sod(issue("sod_signature_large", signer="p256"))["signer_infos"][0]["signature"].native
    assert utils.decode_dss_signature(large) == (r, s + P256.n)


def test_a_signature_may_be_written_longer_than_der_allows_and_keeps_its_numbers() -> None:
    genuine = sod(issue(signer="p256"))["signer_infos"][0]["signature"].native
    r, s = utils.decode_dss_signature(genuine)
    for fault in ("sod_signature_padded", "sod_signature_long"):
        written = sod(issue(fault, signer="p256"))["signer_infos"][0]["signature"].native
        assert len(written) > len(genuine)
        with pytest.raises(ValueError):  # noqa: PT011 - the library's own word for what is no DER
            utils.decode_dss_signature(written)
        body = written[4:] if written[1] == 0x82 else written[2:]
        numbers = []
        while body:
            size, start = (int.from_bytes(body[2:4]), 4) if body[1] == 0x82 else (body[1], 2)
            numbers.append(int.from_bytes(body[start : start + size]))
            body = body[start + size :]
        assert numbers == [r, s], fault


def test_the_issuers_name_may_be_written_otherwise_beside_the_right_number() -> None:
    certificate = sod(issue(signer="p256"))["certificates"][0].chosen
    written = {}
    for how in ("reversed", "printable", "other"):
        data = sod(issue(f"sod_signer_name_{how}", signer="p256"))
        named = data["signer_infos"][0]["sid"].chosen
        assert named["serial_number"].native == certificate.serial_number
        assert named["issuer"].dump() != certificate.issuer.dump()
        assert holds(data)
        written[how] = [
            (one["type"].native, type(one["value"].chosen).__name__, one["value"].native)
            for relative in named["issuer"].chosen
            for one in relative
        ]
    shown = [
        (one["type"].native, type(one["value"].chosen).__name__, one["value"].native)
        for relative in certificate.issuer.chosen
        for one in relative
    ]
    assert written["reversed"] == shown[::-1]
    assert [(kind, text) for kind, _, text in written["printable"]] == [(kind, text) for kind, _, text in shown]
    assert {kind for _, kind, _ in written["printable"]} == {"PrintableString"}
    assert sorted(kind for kind, _, _ in written["other"]) == sorted(kind for kind, _, _ in shown)
    assert written["other"] != shown


def test_other_mistakes_of_the_security_object_are_where_they_are_said_to_be() -> None:
    data = sod(issue("sod_attribute_type_wrong"))
    attributes = {one["type"].native: one["values"][0] for one in data["signer_infos"][0]["signed_attrs"]}
    assert attributes["content_type"].dotted == security_object.ID_DATA
    assert (
        sod(issue("sod_attributes_unsorted"))["signer_infos"][0]["signed_attrs"][0]["type"].native == "message_digest"
    )
    assert issue("sod_empty").files["EF_SOD"] == b"\x77\x00"
    assert issue("sod_wrong_tag").files["EF_SOD"][0] == 0x78
    extended, plain = issue("sod_trailing_byte", signer="p256"), issue(signer="p256")
    assert content_of(extended.files["EF_SOD"]) == content_of(plain.files["EF_SOD"]) + b"\x00"
    assert ber_tree.parse(extended.files["EF_SOD"]).tag == 0x77
    assert bytes.fromhex("2B06010401868D1F01") in issue("sod_digest_unknown").files["EF_SOD"]
    other = issue("sod_of_another", signer="p256")
    assert holds(sod(other))
    assert hashlib.sha256(other.files["EF_DG1"]).digest() not in other.files["EF_SOD"]
    assert hashlib.sha256(other.files["EF_DG2"]).digest() in other.files["EF_SOD"]


def test_mistakes_of_the_files_are_where_they_are_said_to_be() -> None:
    com = {
        name: members(issue(name, active_authentication="rsa").files["EF_COM"])[2]
        for name in ("com_lists_fewer", "com_lists_more")
    }
    assert com == {"com_lists_fewer": bytes.fromhex("5C026175"), "com_lists_more": bytes.fromhex("5C0461756F70")}
    assert "EF_COM" not in issue("no_com").files
    injected = issue("group_injected").files
    assert injected["EF_DG13"].startswith(b"\x6d")
    assert b"\x6d" in members(injected["EF_COM"])[2]
    assert hashlib.sha256(injected["EF_DG13"]).digest() not in injected["EF_SOD"]
    missing = issue("group_missing").files
    assert "EF_DG13" not in missing
    assert hashlib.sha256(lds.dg13(b"signed, and then withheld")).digest() in missing["EF_SOD"]
    assert b"\x6d" in members(missing["EF_COM"])[2]
    changed, whole = issue("dg15_exponent_changed").files["EF_DG15"], issue().files["EF_DG15"]
    assert changed[:-1] == whole[:-1]
    assert changed != whole


@pytest.mark.parametrize("fault", sorted(set(faults.CONTENT_FAULTS) - {"group_missing"}))
def test_malformed_groups_are_signed_as_they_are(fault: str) -> None:
    passport, whole = issue(fault), issue()
    name = "EF_DG1" if fault.startswith("dg1") else "EF_DG2"
    assert passport.files[name] != whole.files[name]
    assert hashlib.sha256(passport.files[name]).digest() in passport.files["EF_SOD"]


def test_the_mrz_of_another_country_is_whole_but_signed_here() -> None:
    passport = issue("zone_of_another_country", signer="p256")
    assert passport.mrz_lines[0].startswith("P<D<<")
    assert holds(sod(passport))


def test_a_chip_without_group_15_may_answer_all_the_same() -> None:
    passport = issue("answers_without_dg15", active_authentication="ecdsa")
    assert passport.chip_key is not None
    assert not {"EF_DG14", "EF_DG15"} & passport.files.keys()


FULL = Features(pace=(GM, CAM), chip_authentication=(Agreement(13),))


def test_a_clone_with_its_own_keys_announces_them_and_nobody_has_signed_that() -> None:
    genuine, clone = (issue(*named, features=FULL, active_authentication="ecdsa") for named in ((), ("own_keys",)))
    assert clone.chip_key is not None
    assert clone.files["EF_DG15"].endswith(clone.chip_key.public_info())
    assert clone.abilities.agreement_keys[0].public in clone.files["EF_DG14"]
    assert clone.files["EF_SOD"] == genuine.files["EF_SOD"]
    assert clone.files["EF_DG14"] != genuine.files["EF_DG14"]
    assert clone.files["EF_CARD_ACCESS"] == genuine.files["EF_CARD_ACCESS"]


def test_a_clone_without_keys_announces_those_that_it_lacks() -> None:
    clone = issue("no_private_key", features=FULL)
    assert clone.abilities.agreement_keys[0].public not in clone.files["EF_DG14"]
    assert clone.abilities.mapping_keys[0].public not in clone.files["EF_CARD_SECURITY"]


def test_a_clone_may_bring_its_own_card_security() -> None:
    clone = issue("own_card_security", features=FULL)
    data = signed_data(clone.files["EF_CARD_SECURITY"])
    assert clone.abilities.mapping_keys[0].public in bytes(data["encap_content_info"]["content"])
    assert holds(data)
    assert data["certificates"][0].chosen.issuer.native["common_name"] == "CSCA stranger"
    assert clone.abilities.agreement_keys == issue(features=FULL).abilities.agreement_keys


def test_a_downgrade_offers_a_way_in_that_group_14_does_not_have() -> None:
    clone = issue("card_access_weaker", features=FULL, active_authentication="rsa")
    offered = announcements(clone.files["EF_CARD_ACCESS"])
    assert offered == [["0.4.0.127.0.7.2.2.4.2.1", 2, 12]]
    assert offered[0] not in announcements(members(clone.files["EF_DG14"])[0])


def test_a_stripped_clone_denies_chip_authentication_too() -> None:
    clone = issue("clone_without_dg15", features=FULL)
    assert (clone.chip_key, clone.abilities.agreement_keys) == (None, ())


def test_two_faults_of_one_signer_cannot_be_asked_for_together() -> None:
    with pytest.raises(ValueError, match="one fault at a time"):
        issue("signer_expired", "signer_is_authority")


def test_every_fault_stands_in_the_document() -> None:
    text = (Path(__file__).parents[2] / "docs/protocols/simulated-passport.md").read_text()
    assert [fault for fault in sorted(FAULTS) if f"`{fault}`" not in text] == []
