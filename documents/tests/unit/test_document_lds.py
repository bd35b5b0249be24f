"""The files of a chip: EF.COM, DG1, DG2, DG12, DG14, DG15 and what is wrong with bad ones."""

from __future__ import annotations

from datetime import date

import pytest
from document_fakes.sample_passports import ANNA, portrait, utopia

from gate_documents.errors import AlgorithmUnknownError, MalformedError
from gate_documents.lds.com import Common, parse_com
from gate_documents.lds.dg1 import parse_dg1
from gate_documents.lds.dg2 import Encoding, parse_dg2
from gate_documents.lds.dg12 import parse_dg12
from gate_documents.lds.dg14 import parse_dg14
from gate_documents.lds.dg15 import parse_dg15
from gate_documents.lds.sod import parse_sod
from gate_documents.pki.keys import EcKey, RsaKey
from gate_documents.tlv import encode

JPEG = b"\xff\xd8\xff\xe0 a picture"
JPEG_2000 = b"\x00\x00\x00\x0cjP  \r\n\x87\n a picture"
CODESTREAM = b"\xff\x4f\xff\x51 a picture"


def facial_record(image: bytes, *, points: int = 0, length: int | None = None) -> bytes:
    head = points.to_bytes(2, "big") + bytes(14) + bytes(8 * points) + bytes(12)
    size = 4 + len(head) + len(image) if length is None else length
    record = size.to_bytes(4, "big") + head + image
    return b"FAC\x00010\x00" + (14 + len(record)).to_bytes(4, "big") + b"\x00\x01" + record


def dg2(block: bytes, *, tag: int = 0x5F2E) -> bytes:
    form = b"\x00\x2a" if tag == 0x7F2E else b"\x00\x08"
    header = encode(0xA1, encode(0x87, b"\x01\x01") + encode(0x88, form))
    template = encode(0x7F60, header + encode(tag, block))
    return encode(0x75, encode(0x7F61, encode(0x02, b"\x01") + template))


def face_39794(image: bytes) -> bytes:
    data = encode(0x80, image)
    for tag in (0xA0, 0xA0, 0xA1, 0x30, 0xA1, 0x65, 0xA1):
        data = encode(tag, data)
    return data


def infos(*entries: bytes) -> bytes:
    return encode(0x6E, encode(0x31, b"".join(entries)))


def oid(text: str) -> bytes:
    from asn1crypto.core import ObjectIdentifier

    return bytes(ObjectIdentifier(text).dump())


def test_ef_com_lists_data_groups_by_their_tags() -> None:
    listed = encode(0x60, encode(0x5F01, b"0107") + encode(0x5F36, b"040000") + encode(0x5C, b"\x61\x75\x6f"))
    assert parse_com(listed) == Common("0107", "040000", frozenset({1, 2, 15}))


@pytest.mark.parametrize("tags", [b"\x61\x75\x71", b"\x71\x61\x75"])
def test_ef_com_may_list_a_tag_that_no_group_has_and_leave_the_unicode_version_out(tags: bytes) -> None:
    without = encode(0x60, encode(0x5F01, b"0107") + encode(0x5C, tags))
    assert parse_com(without) == Common("0107", None, frozenset({1, 2}))


VERSIONS = encode(0x5F01, b"0107") + encode(0x5F36, b"040000")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode(0x60, b""),
        encode(0x61, VERSIONS + encode(0x5C, b"\x61")),
        encode(0x60, encode(0x5C, b"\x61")),
        encode(0x60, VERSIONS + encode(0x5C, b"\x61\x61")),
        encode(0x60, VERSIONS + encode(0x5C, b"\x60")),
        encode(0x60, VERSIONS + encode(0x5C, b"\x72")),
        encode(0x60, encode(0x5F36, b"040000") + encode(0x5C, b"\x61")),
        encode(0x60, encode(0x5F01, b"0107")),
        encode(0x60, encode(0x5F01, b"01A7") + encode(0x5F36, b"040000") + encode(0x5C, b"\x61")),
        encode(0x60, encode(0x5F01, b"0107") + encode(0x5F36, b"0400") + encode(0x5C, b"\x61")),
    ],
)
def test_a_bad_ef_com_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_com(data)


def test_dg1_holds_an_mrz() -> None:
    passport = utopia().issue(ANNA, portrait_jpeg=portrait())
    assert parse_dg1(passport.files["EF_DG1"]).lines == passport.mrz_lines


@pytest.mark.parametrize("text", [b"no MRZ", b"\xff" * 88])
def test_dg1_with_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedError, match=r"EF\.DG1 holds no machine-readable zone"):
        parse_dg1(encode(0x61, encode(0x5F1F, text)))


@pytest.mark.parametrize(
    ("image", "encoding"),
    [(JPEG, Encoding.JPEG), (JPEG_2000, Encoding.JPEG_2000), (CODESTREAM, Encoding.JPEG_2000)],
)
def test_a_portrait_is_cut_out_of_both_standards(image: bytes, encoding: Encoding) -> None:
    for data in (dg2(facial_record(image)), dg2(facial_record(image, points=3)), dg2(face_39794(image), tag=0x7F2E)):
        found = parse_dg2(data)
        assert (found.encoding, found.image) == (encoding, image)
        assert "picture" not in repr(found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (dg2(facial_record(b"GIF89a")), "neither JPEG nor JPEG 2000"),
        (dg2(facial_record(JPEG, length=5000)), "lengths lie"),
        (dg2(facial_record(JPEG, length=32)), "lengths lie"),
        (dg2(facial_record(JPEG).replace(b"\x00\x00" + bytes(14), b"\xff\xff" + bytes(14), 1)), "lengths lie"),
        (dg2(b"FAC\x00010\x00"), "no facial record"),
        (dg2(b"IRI" + bytes(60)), "no facial record"),
        (dg2(b"", tag=0x5F2F), "no face in a known format"),
        (dg2(encode(0xA1, b""), tag=0x7F2E), "lacks an element 65"),
        (encode(0x75, encode(0x7F61, b"")), "another number of templates"),
    ],
)
def test_a_bad_dg2_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_dg2(data)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"20210416", date(2021, 4, 16)),
        (bytes.fromhex("20210416"), date(2021, 4, 16)),
        (b"20211332", None),
        (None, None),
    ],
)
def test_the_date_of_issue_is_read_in_both_forms(value: bytes | None, expected: date | None) -> None:
    content = encode(0x5C, b"") + (b"" if value is None else encode(0x5F26, value))
    assert parse_dg12(encode(0x6C, content)).issued == expected


@pytest.mark.parametrize(
    "fields",
    [
        encode(0x5F26, b"\xff" * 8),
        encode(0x5F26, b"20210416") * 2,
        encode(0x5F26, b"20210416") + encode(0x5F26, b"20250416"),
        b"\x5f\x26\x09" + b"20210416",
        encode(0x5F19, b"T") + b"\xff\xff\xff",
    ],
)
def test_a_date_of_issue_that_cannot_be_read_or_stands_twice_is_none(fields: bytes) -> None:
    assert parse_dg12(encode(0x6C, fields)).issued is None


def test_dg12_tells_more_than_the_date_and_shows_none_of_it() -> None:
    other = encode(0xA0, encode(0x02, b"\x01") + encode(0x5F1A, b"DOE<<JOHN"))
    texts = b"".join(encode(tag, b"T%X" % tag) for tag in (0x5F19, 0x5F1B, 0x5F1C, 0x5F56))
    times = (encode(0x5F55, b"20240101123059"), encode(0x5F55, bytes.fromhex("20240101123059")))
    for personalized in times:
        details = parse_dg12(encode(0x6C, texts + other + personalized))
        assert (details.authority, details.endorsements) == ("T5F19", "T5F1B")
        assert (details.exit_requirements, details.personalization_system) == ("T5F1C", "T5F56")
        assert details.other_persons == ("DOE<<JOHN",)
        assert "DOE" not in repr(details)


@pytest.mark.parametrize("data", [b"", encode(0x6B, b""), encode(0x6C, b"") + b"\x00", b"\x6c\x05\x00"])
def test_what_is_no_dg12_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_dg12(data)


def test_dg14_tells_what_the_chip_can_do() -> None:
    one = encode(0x02, b"\x01")
    active = encode(0x30, oid("2.23.136.1.1.5") + one + oid("0.4.0.127.0.7.1.1.4.1.3"))
    chip = encode(0x30, oid("0.4.0.127.0.7.2.2.3.2.2") + one)
    other = encode(0x30, oid("0.4.0.127.0.7.2.2.4.2.2") + one)
    algorithm = "0.4.0.127.0.7.1.1.4.1.3"
    without = parse_dg14(infos(active, other))
    assert (without.chip_authentication, without.active_authentication_algorithm) == (False, algorithm)
    assert parse_dg14(infos(chip)).chip_authentication


@pytest.mark.parametrize(
    "data",
    [
        encode(0x6E, b"\x30\x00"),
        infos(b"\x02\x01\x00"),
        infos(encode(0x30, oid("2.23.136.1.1.5") + encode(0x02, b"\x01"))),
        infos(*[encode(0x30, oid(f"1.2.3.{number}") + b"\x05\x00") for number in range(65)]),
    ],
)
def test_a_bad_dg14_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_dg14(data)


def test_dg15_holds_either_kind_of_key() -> None:
    country = utopia()
    elliptic = country.issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")
    rsa = country.issue(ANNA, portrait_jpeg=portrait(), active_authentication="rsa")
    assert isinstance(parse_dg15(elliptic.files["EF_DG15"]), EcKey)
    assert isinstance(parse_dg15(rsa.files["EF_DG15"]), RsaKey)


def test_a_security_object_lists_the_hashes_of_its_data_groups() -> None:
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")
    security = parse_sod(passport.files["EF_SOD"])
    assert set(security.hashes) == {1, 2, 14, 15}
    assert security.hash == "sha256"
    assert security.version in (0, 1)
    assert security.message.verify().country == "UT"


@pytest.mark.parametrize("data", [b"", encode(0x77, b""), encode(0x77, encode(0x30, b"")), encode(0x30, b"")])
def test_an_empty_security_object_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_sod(data)


def test_an_unknown_kind_of_key_is_told_apart_from_a_broken_one() -> None:
    spki = encode(0x30, encode(0x30, oid("1.3.101.112")) + encode(0x03, bytes(33)))
    with pytest.raises(AlgorithmUnknownError):
        parse_dg15(encode(0x6F, spki))
