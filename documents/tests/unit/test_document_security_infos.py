"""SecurityInfos, EF.CardAccess and EF.CardSecurity: what a chip offers, told by object identifiers."""

from __future__ import annotations

import pytest
from asn1crypto.core import Integer, ObjectIdentifier

from gate_documents.errors import MalformedError
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.card_security import parse_card_security
from gate_documents.lds.security_infos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationKey,
    Cipher,
    KeyAgreement,
    Mapping,
    PaceDomainParameters,
    PaceInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
    parse_security_infos,
)
from gate_documents.tlv import encode

BSI = "0.4.0.127.0.7.2.2."
ALGORITHM = encode(0x30, ObjectIdentifier("1.2.840.10045.2.1").dump())
SPKI = encode(0x30, ALGORITHM + encode(0x03, b"\x00\x04point"))


def number(value: int) -> bytes:
    return bytes(Integer(value).dump())


def info(protocol: str, *parts: bytes) -> bytes:
    return encode(0x30, ObjectIdentifier(protocol).dump() + b"".join(parts))


def infos(*entries: bytes) -> bytes:
    return encode(0x31, b"".join(entries))


def parsed(*entries: bytes) -> SecurityInfos:
    return parse_security_infos(infos(*entries), "EF.DG14")


@pytest.mark.parametrize(
    ("arcs", "agreement", "mapping", "cipher"),
    [
        ("1.1", KeyAgreement.DH, Mapping.GENERIC, Cipher.TDES),
        ("2.2", KeyAgreement.ECDH, Mapping.GENERIC, Cipher.AES_128),
        ("3.3", KeyAgreement.DH, Mapping.INTEGRATED, Cipher.AES_192),
        ("4.4", KeyAgreement.ECDH, Mapping.INTEGRATED, Cipher.AES_256),
        ("6.4", KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION, Cipher.AES_256),
    ],
)
def test_every_way_of_pace_is_told_by_its_identifier(
    arcs: str, agreement: KeyAgreement, mapping: Mapping, cipher: Cipher
) -> None:
    protocol = f"{BSI}4.{arcs}"
    expected = PaceInfo(protocol, agreement, mapping, cipher, 2, 13)
    assert parse_card_access(infos(info(protocol, number(2), number(13)))).pace == (expected,)


def test_everything_that_dg14_may_hold_is_found_in_its_kind() -> None:
    found = parsed(
        info(BSI + "4.2.2", number(2)),
        info(BSI + "4.2", ALGORITHM, number(32)),
        info(BSI + "3.2.4", number(1), number(7)),
        info(BSI + "1.2", SPKI, number(7)),
        info(BSI + "1.1", SPKI),
        info(BSI + "2", number(1), encode(0x30, encode(0x04, b"\x01\x1c") + encode(0x04, b"\x1c"))),
        info(BSI + "2", number(1)),
        info("2.23.136.1.1.5", number(1), ObjectIdentifier("0.4.0.127.0.7.1.1.4.1.3").dump()),
    )
    assert found == SecurityInfos(
        pace=(PaceInfo(BSI + "4.2.2", KeyAgreement.ECDH, Mapping.GENERIC, Cipher.AES_128, 2, None),),
        pace_parameters=(PaceDomainParameters(KeyAgreement.ECDH, Mapping.GENERIC, ALGORITHM, 32),),
        chip_authentications=(ChipAuthenticationInfo(BSI + "3.2.4", KeyAgreement.ECDH, Cipher.AES_256, 1, 7),),
        chip_keys=(
            ChipAuthenticationKey(KeyAgreement.ECDH, SPKI, 7),
            ChipAuthenticationKey(KeyAgreement.DH, SPKI, None),
        ),
        terminal_authentications=(TerminalAuthenticationInfo(1, 0x011C), TerminalAuthenticationInfo(1, None)),
        active_authentications=(ActiveAuthenticationInfo(1, "0.4.0.127.0.7.1.1.4.1.3"),),
    )
    assert found.chip_authentication
    assert found.active_authentication_algorithm == "0.4.0.127.0.7.1.1.4.1.3"


def test_a_key_alone_offers_chip_authentication_as_the_oldest_documents_do() -> None:
    assert parsed(info(BSI + "1.2", SPKI)).chip_authentication
    without = parsed(info(BSI + "2", number(1)))
    assert not without.chip_authentication
    assert without.active_authentication_algorithm is None


@pytest.mark.parametrize(
    "protocol", ["1.2.3", BSI + "4.5.2", BSI + "4.2.9", BSI + "4.2.2.1", BSI + "3.2", BSI + "3.9.1", BSI + "1.3"]
)
def test_what_is_not_known_is_kept_by_its_identifier_and_hides_nothing(protocol: str) -> None:
    found = parsed(info(protocol, number(1)), info(BSI + "4.2.2", number(2)))
    assert found.unknown == (protocol,)
    assert len(found.pace) == 1


@pytest.mark.parametrize(
    "entry",
    [
        info(BSI + "4.2.2", encode(0x04, b"x")),
        info(BSI + "4.2.2", number(-1)),
        info(BSI + "4.2.2", number(70_000)),
        info(BSI + "4.2.2", number(2), ALGORITHM),
        info(BSI + "4.2", number(2)),
        info(BSI + "3.2.2"),
        info(BSI + "1.2", number(1)),
        info(BSI + "2", number(1), encode(0x30, encode(0x04, b"\x01"))),
        info(BSI + "2", number(1), encode(0x30, b"")),
        info("2.23.136.1.1.5", number(1)),
        info("2.23.136.1.1.5", number(1), number(1)),
    ],
)
def test_a_known_entry_that_breaks_its_format_spoils_the_file(entry: bytes) -> None:
    with pytest.raises(MalformedError):
        parsed(entry)


@pytest.mark.parametrize(
    "data", [b"", infos(), infos() + b"\x00", encode(0x30, b""), infos(info("1.2.3", b"\x05\x00") * 65)]
)
def test_a_file_that_is_no_set_of_infos_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_card_access(data)


def test_card_security_must_be_a_signed_message_of_its_own_type() -> None:
    from document_fakes.master_lists import master_list, party

    csca = party("CSCA")
    signer = party("Signer", issuer=csca, authority=False)
    with pytest.raises(MalformedError, match="another type"):
        parse_card_security(master_list(signer, [csca.der]))
    with pytest.raises(MalformedError):
        parse_card_security(infos(info("1.2.3", number(1))))
