"""Structures that hold more members than any real one: refused before an object is made of each of them.

Seven million empty members fit into a list that nobody has signed, and a chip may put half a million into EF.CardAccess.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest
from document_fakes.defect_lists import (
    DEFECT_LIST,
    DEVIATION_LIST,
    DEVIATION_SIGNER,
    SHA256,
    deviates,
    deviation,
    known,
)
from document_fakes.inspections import inspected, issued, results
from document_fakes.master_lists import party, revocation_list, signed_list

from gate_documents import tlv
from gate_documents.errors import MalformedError
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.card_security import CONTENT_TYPE as CARD_SECURITY
from gate_documents.lds.card_security import parse_card_security
from gate_documents.lds.dg14 import parse_dg14
from gate_documents.pki.defect_list import parse_defect_list
from gate_documents.pki.deviation_list import parse_deviation_list
from gate_documents.pki.master_list import CONTENT_TYPE as MASTER_LIST
from gate_documents.pki.master_list import parse_master_list
from gate_documents.pki.revocation import parse_revocation_list
from hardware_sim.passport import der
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport

CROWD = 200_000
EMPTY = b"\x30\x00" * CROWD
NUMBERS = b"\x02\x01\x01" * CROWD
VERSION = der.integer(0)
CSCA = party("CSCA")
SIGNER = party("L", issuer=CSCA, authority=False, lists=True)
DEVIATIONS = party("D", issuer=CSCA, authority=False, purpose=DEVIATION_SIGNER)


def master(*fields: bytes) -> Callable[[], object]:
    data = signed_list(SIGNER, der.sequence(VERSION, *fields), content_type=MASTER_LIST)
    return lambda: parse_master_list(data)


def defects(*entries: bytes, more: bytes = b"") -> Callable[[], object]:
    content = der.sequence(VERSION, der.oid(SHA256), der.tlv(0x31, *entries), more)
    data = signed_list(SIGNER, content, content_type=DEFECT_LIST)
    return lambda: parse_defect_list(data)


def deviations(*entries: bytes, more: bytes = b"") -> Callable[[], object]:
    data = signed_list(DEVIATIONS, der.sequence(VERSION, der.tlv(0x31, *entries), more), content_type=DEVIATION_LIST)
    return lambda: parse_deviation_list(data)


def revocations(tag: int, inside: bytes) -> Callable[[], object]:
    """A revocation list whose last field with this tag holds something else; its signature is none."""
    tbs, *rest = tlv.elements(tlv.only(revocation_list(CSCA, 5, number=1), 0x30))
    fields = list(tlv.elements(tbs.value))
    last = max(index for index, field in enumerate(fields) if field.tag == tag)
    changed = b"".join(
        der.tlv(field.tag, inside if index == last else field.value) for index, field in enumerate(fields)
    )
    data = der.sequence(der.sequence(changed), *(der.tlv(one.tag, one.value) for one in rest))
    return lambda: parse_revocation_list(data)


def security_infos(*infos: bytes) -> bytes:
    return der.tlv(0x31, *infos)


def offer(*more: bytes) -> bytes:
    return der.sequence(der.oid("0.4.0.127.0.7.2.2.4.2.2"), der.integer(2), *more)


def revoking(extensions: bytes) -> bytes:
    return der.sequence(der.integer(5), der.tlv(0x17, b"260101000000Z"), der.sequence(extensions))


EXTENSION = der.sequence(der.oid("1.2.3.4"), der.octets(b"\x05\x00"))
TO_SHA256 = der.sequence(der.oid(SHA256), NUMBERS)
CROWDS: dict[str, Callable[[], object]] = {
    "certificates of a master list": master(der.tlv(0x31, EMPTY)),
    "fields of a master list": master(der.tlv(0x31, b"\x30\x00"), NUMBERS),
    "entries of a defect list": defects(EMPTY),
    "fields of a defect list": defects(more=NUMBERS),
    "fields of an entry of a defect list": defects(der.sequence(der.tlv(0x31), NUMBERS)),
    "defects of an entry": defects(der.sequence(der.tlv(0x31, EMPTY))),
    "fields of a defect": defects(der.sequence(der.tlv(0x31, known("1.3", NUMBERS)))),
    "data groups of a defect": defects(der.sequence(der.tlv(0x31, known("2.1", der.tlv(0x31, NUMBERS))))),
    "fields of a signer's name in a defect": defects(der.sequence(der.sequence(EMPTY), der.tlv(0x31))),
    "entries of a deviation list": deviations(EMPTY),
    "fields of a deviation list": deviations(more=NUMBERS),
    "fields of an entry of a deviation list": deviations(der.sequence(der.sequence(), der.tlv(0x31), NUMBERS)),
    "documents of an entry": deviations(der.sequence(der.sequence(NUMBERS), der.tlv(0x31))),
    "period of an entry": deviations(deviation(der.tlv(0xA4, NUMBERS), kinds=(deviates("3.1"),))),
    "hash of an entry": deviations(deviation(der.tlv(0xA3, NUMBERS), kinds=(deviates("3.1"),))),
    "algorithm of the hash of an entry": deviations(
        deviation(der.tlv(0xA3, TO_SHA256, der.octets(b"x")), kinds=(deviates("3.1"),))
    ),
    "descriptions of an entry": deviations(der.sequence(der.sequence(), der.tlv(0x31, EMPTY))),
    "fields of a description": deviations(
        der.sequence(der.sequence(), der.tlv(0x31, der.sequence(der.oid(DEVIATION_LIST + ".3.1"), NUMBERS)))
    ),
    "extensions of a revocation list": revocations(0xA0, der.sequence(EXTENSION * (CROWD // 8))),
    "one long extension of a revocation list": revocations(
        0xA0, der.sequence(der.sequence(der.oid("2.5.29.35"), der.octets(der.sequence(NUMBERS))))
    ),
    "extensions of an entry of a revocation list": revocations(0x30, revoking(EXTENSION * (CROWD // 8))),
    "fields of a revocation list": lambda: parse_revocation_list(der.sequence(der.sequence(NUMBERS))),
    "EF.CardAccess": lambda: parse_card_access(security_infos(EMPTY)),
    "fields of an offer": lambda: parse_card_access(security_infos(offer(NUMBERS))),
    "EF.DG14": lambda: parse_dg14(der.tlv(0x6E, security_infos(EMPTY))),
    "EF.CardSecurity": lambda: parse_card_security(
        signed_list(SIGNER, security_infos(EMPTY), content_type=CARD_SECURITY)
    ),
}


@pytest.mark.parametrize("read", CROWDS.values(), ids=CROWDS)
def test_a_crowd_is_refused_before_an_object_is_made_of_each_member(read: Callable[[], object]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError):
            read()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 16 << 20


def test_as_many_members_as_there_may_be_are_read() -> None:
    entry = der.sequence(der.tlv(0x31, known("1.3") * 64))
    content = der.sequence(VERSION, der.oid(SHA256), der.tlv(0x31, entry * 5))
    listed = parse_defect_list(signed_list(SIGNER, content, content_type=DEFECT_LIST))
    assert [len(one.defects) for one in listed.entries] == [64] * 5
    assert len(parse_card_access(security_infos(offer() * 64)).pace) == 64


def test_a_member_that_is_cut_is_refused() -> None:
    with pytest.raises(MalformedError):
        parse_card_access(security_infos(offer(), b"\x30"))


SECURITY_FILES = {
    "EF_CARD_ACCESS": "chip_access",
    "EF_SOD": "sod_signature",
    "EF_COM": "com_sod",
    "EF_DG14": "chip_authenticity",
}


@pytest.mark.parametrize(("name", "check"), SECURITY_FILES.items())
def test_a_file_that_is_taken_apart_as_asn1_and_says_that_it_is_huge_is_not_read(name: str, check: str) -> None:
    document: Passport = issued(features=Features(pace=(Pace(Mapping.GENERIC, 12, Cipher.AES_128),)))
    tag = document.files[name][:1]
    huge = tag + b"\x83" + (900_000).to_bytes(3, "big") + bytes(900_000)
    read_bytes = 0

    def counted(transmit: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
        def answer(apdu: bytes) -> bytes:
            nonlocal read_bytes
            told = transmit(apdu)
            read_bytes += len(told)
            return told

        return answer

    inspection = inspected(replace(document, files={**document.files, name: huge}), through=counted)
    assert results(inspection)[check] == "failed"
    assert read_bytes < 200_000
