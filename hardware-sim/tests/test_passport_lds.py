"""The chip's files, read with other parsers than those that wrote them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import pytest
from asn1crypto import cms, core
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from document_fakes.sample_passports import numbered, portrait, utopia

from hardware_sim.passport import domain, face_record, keys, lds, security_infos, security_object
from hardware_sim.passport.issuer import Passport

OPENSSL = shutil.which("openssl")
SOF_OF_16_BY_8 = bytes.fromhex("FFC0 0011 08 0008 0010 03")


class HashValue(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [("number", core.Integer), ("hash", core.OctetString)]


class HashValues(core.SequenceOf):  # type: ignore[misc]
    _child_spec = HashValue


class SecurityObject(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [
        ("version", core.Integer),
        ("algorithm", core.Any),
        ("hashes", HashValues),
        ("ldsVersion", core.Any),
    ]


def passport_of_line(index: int) -> Passport:
    """A passport that the issuer's line 1, 2 or 3 signed."""
    wanted = f"UTO_csca_{index}.cer"
    authority = cms.Certificate.load(utopia().csca_files()[wanted])
    for count in range(60):
        passport = utopia().issue(numbered(count), portrait_jpeg=portrait())
        if signed_data(passport)["certificates"][0].chosen.issuer == authority.subject:
            return passport
    raise AssertionError("no number of sixty meets this line")


def content_of(file: bytes) -> bytes:
    """The value of the file's outermost object."""
    skipped = 2 if file[1] < 0x80 else 2 + (file[1] & 0x7F)
    return file[skipped:]


def signed_data(passport: Passport) -> Any:
    return cms.ContentInfo.load(content_of(passport.files["EF_SOD"]), strict=True)["content"]


@pytest.mark.parametrize("line", [1, 2, 3])
def test_the_security_object_hashes_every_data_group_of_the_chip(line: int) -> None:
    passport = passport_of_line(line)
    content = SecurityObject.load(signed_data(passport)["encap_content_info"]["content"].native)
    listed = {entry["number"].native: entry["hash"].native for entry in content["hashes"]}
    groups = {int(name[5:]): file for name, file in passport.files.items() if name.startswith("EF_DG")}
    assert listed == {number: hashlib.sha256(file).digest() for number, file in groups.items()}
    assert content["version"].native == 1


@pytest.mark.parametrize("line", [1, 2, 3])
def test_the_document_signer_signed_attributes_that_name_the_content(line: int) -> None:
    data = signed_data(passport_of_line(line))
    signer = data["signer_infos"][0]
    certificate = data["certificates"][0].chosen
    attributes = {attribute["type"].native: attribute["values"][0] for attribute in signer["signed_attrs"]}
    content = data["encap_content_info"]["content"].native
    assert attributes["content_type"].dotted == security_object.SECURITY_OBJECT
    assert attributes["message_digest"].native == hashlib.sha256(content).digest()
    assert signer["sid"].chosen["serial_number"].native == certificate.serial_number
    signed = b"\x31" + signer["signed_attrs"].dump()[1:]
    signature = signer["signature"].native
    if certificate.public_key.algorithm == "ec":
        point = bytes(certificate.public_key["public_key"])
        curve = ec.BrainpoolP256R1() if certificate.public_key.curve[0] == "specified" else ec.SECP256R1()
        ec.EllipticCurvePublicKey.from_encoded_point(curve, point).verify(signature, signed, ec.ECDSA(SHA256()))
    else:
        key = load_der_public_key(certificate.public_key.dump())
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(signature, signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())


@pytest.mark.skipif(OPENSSL is None, reason="no openssl program on this machine")
@pytest.mark.parametrize("line", [1, 3])  # OpenSSL refuses a chain with explicit curve parameters, as documented
def test_openssl_accepts_the_security_object_under_its_csca(line: int, tmp_path: Path) -> None:
    (tmp_path / "sod.p7").write_bytes(content_of(passport_of_line(line).files["EF_SOD"]))
    (tmp_path / "csca.cer").write_bytes(utopia().csca_files()[f"UTO_csca_{line}.cer"])
    subprocess.run([str(OPENSSL), "x509", "-in", "csca.cer", "-out", "csca.pem"], cwd=tmp_path, check=True)
    verify = [str(OPENSSL), "cms", "-verify", "-inform", "DER", "-in", "sod.p7", "-CAfile", "csca.pem"]
    done = subprocess.run(
        [*verify, "-purpose", "any", "-out", "content"], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_the_list_of_data_groups_names_what_the_chip_holds() -> None:
    assert lds.com((1, 2, 14, 15)) == bytes.fromhex("6016 5F0104 30313038 5F3606 303430303030 5C04 61756E6F")


def test_the_mrz_stands_in_data_group_1_with_its_lines_joined() -> None:
    passport = utopia().issue(numbered(1), portrait_jpeg=portrait())
    assert passport.files["EF_DG1"] == bytes.fromhex("615B5F1F58") + "".join(passport.mrz_lines).encode()


def test_the_face_record_counts_its_bytes_and_knows_the_pictures_size() -> None:
    jpeg = portrait(width=96, height=128)
    group = lds.dg2(jpeg)
    record = group[group.index(b"FAC\x00010\x00") :]
    information, image = record[14:34], record[34:46]
    assert int.from_bytes(record[8:12]) == len(record)
    assert int.from_bytes(record[12:14]) == 1
    assert int.from_bytes(information[:4]) == len(record) - 14
    assert int.from_bytes(information[4:6]) == 0
    assert (image[0], image[1]) == (1, 0)
    assert (int.from_bytes(image[2:4]), int.from_bytes(image[4:6])) == (96, 128)
    assert record[46:] == jpeg
    assert bytes.fromhex("87020101 88020008") in group


@pytest.mark.parametrize(
    "jpeg", [b"", b"\x89PNG", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\xd8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"]
)
def test_a_portrait_that_is_no_jpeg_is_refused(jpeg: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG"):
        lds.dg2(jpeg)


def test_the_pictures_size_is_found_behind_other_segments() -> None:
    jpeg = b"\xff\xd8" + bytes.fromhex("FFE0 0004 0102") + b"\xff\x01" + SOF_OF_16_BY_8 + bytes(8)
    assert face_record.jpeg_size_pixels(jpeg) == (16, 8)


def test_an_elliptic_chip_announces_its_signature_algorithm() -> None:
    info = "0606 678108010105 020101 060A 04007F00070101040103"
    assert lds.dg14([security_infos.active_authentication_info()]) == bytes.fromhex(f"6E1B 3119 3017 {info}")


def test_data_group_15_holds_the_key_as_given() -> None:
    info = keys.SigningKey(keys.elliptic_key(domain.P256, "chip"), explicit_curve=True).public_info()
    assert content_of(lds.dg15(info)) == info
