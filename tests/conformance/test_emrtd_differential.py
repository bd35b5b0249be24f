"""Every published certificate and security object, read by us and by asn1crypto's typed objects: the same, or refused."""

from __future__ import annotations

import random

import pytest
from asn1crypto import pem
from fakes.typed_asn1 import certificate_facts, our_certificate_facts, our_signer_facts, signer_facts
from shared_data import SHARED_DATA

from gate_documents import tlv
from gate_documents.errors import DocumentError, MalformedError
from gate_documents.pki.certificate import read_certificate
from gate_documents.pki.master_list import parse_master_list
from gate_documents.pki.signed_data import parse_signed_message

DATA = SHARED_DATA / "emrtd"
MUTATIONS = 6000

pytestmark = pytest.mark.conformance


def certificates() -> list[bytes]:
    """Those of the master lists, and those that stand by themselves."""
    found = {der for file in DATA.glob("masterlist/*.ml") for der in parse_master_list(file.read_bytes()).certificates}
    for pattern in ("certs/*.cer", "masterlist/*.cer", "mock_pki/*/*.pem"):
        for data in (file.read_bytes() for file in DATA.glob(pattern)):
            found.add(pem.unarmor(data)[2] if pem.detect(data) else data)
    return sorted(found)


def messages() -> list[bytes]:
    """The signed messages of the real security objects, some in BER."""
    return [tlv.only(file.read_bytes(), 0x77) for file in sorted(DATA.glob("sod/??.sod.bin"))]


def mutated(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2))):
        place = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0 | 1:
                changed[place] ^= 1 << chance.randrange(8)
            case 2:
                del changed[place]
            case _:
                changed.insert(place, chance.randrange(256))
    return bytes(changed)


def test_every_published_certificate_reads_the_same() -> None:
    found = certificates()
    assert len(found) > 690
    for der in found:
        one = read_certificate(der)
        assert one.der == der
        assert one.tbs in der
        assert our_certificate_facts(one) == certificate_facts(der)


def test_every_real_security_object_reads_the_same() -> None:
    found = messages()
    assert len(found) == 8
    for data in found:
        message = parse_signed_message(data, "EF.SOD")
        ours = [our_signer_facts(one, message.content_type, message.content) for one in message.signers]
        assert ours == signer_facts(data)


def test_a_mutated_certificate_reads_the_same_or_is_refused_by_one() -> None:
    chance, found, both = random.Random(3), certificates(), 0
    for _ in range(MUTATIONS):
        der = mutated(chance, chance.choice(found))
        try:
            ours = our_certificate_facts(read_certificate(der))
        except MalformedError:
            continue
        theirs = certificate_facts(der)
        if theirs is not None:
            both += 1
            assert ours == theirs, der.hex()
    assert both > MUTATIONS / 4


def test_a_mutated_security_object_reads_the_same_or_is_refused_by_one() -> None:
    chance, found, both = random.Random(4), messages(), 0
    for _ in range(MUTATIONS):
        data = mutated(chance, chance.choice(found))
        try:
            message = parse_signed_message(data, "EF.SOD")
        except DocumentError:
            continue
        theirs = signer_facts(data)
        if theirs is not None:
            both += 1
            ours = [our_signer_facts(one, message.content_type, message.content) for one in message.signers]
            assert ours == theirs, data.hex()
    assert both > MUTATIONS / 4
