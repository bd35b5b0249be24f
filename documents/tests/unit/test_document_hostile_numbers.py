"""Numbers that a stranger may write as long as he likes: where they are read, looked up and stored in decimals."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import x509 as asn1_x509
from document_fakes.inspections import NOW, inspected, issued, results
from document_fakes.master_lists import party
from document_fakes.tlv_surgery import replaced

from gate_documents.errors import MalformedError
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.dg15 import parse_dg15
from gate_documents.lds.sod import parse_sod
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.master_list import parse_master_list
from gate_documents.pki.revocation import parse_revocation_list
from hardware_sim.passport import der
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Pace
from hardware_sim.passport.algorithms import Mapping as PaceMapping

CSCA = party("CSCA")
DS = party("DS", issuer=CSCA, authority=False)
ENTRIES = 20_000


def entries(count: int) -> bytes:
    """A revocation list with so many entries; its signature is none."""
    algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"))
    listed = (der.sequence(der.integer((1 << 60) + one), der.time(NOW)) for one in range(count))
    content = der.sequence(
        der.integer(1),
        algorithm,
        CSCA.name.public_bytes(),
        der.time(NOW),
        der.time(NOW + timedelta(days=90)),
        der.sequence(*listed),
    )
    return der.sequence(content, algorithm, der.tlv(0x03, bytes(72)))


def test_a_long_revocation_list_takes_memory_for_its_numbers_and_not_for_objects_of_each_entry() -> None:
    data = entries(ENTRIES)
    tracemalloc.start()
    try:
        one = parse_revocation_list(data)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert one.serials == {(1 << 60) + number for number in range(ENTRIES)}
    assert peak_bytes < 16 * len(data)


@pytest.mark.parametrize(
    "entry",
    [
        der.tlv(0x30),
        der.sequence(der.integer(5)),
        der.sequence(der.time(NOW), der.integer(5)),
        der.sequence(der.tlv(0x02), der.time(NOW)),
        der.sequence(der.integer(5), der.time(NOW), der.integer(1)),
        der.tlv(0x31, der.integer(5), der.time(NOW)),
        b"\x30\x84\x7f\xff\xff\xff",
        b"\x30",
    ],
)
def test_an_entry_of_a_revocation_list_that_is_none_spoils_the_list(entry: bytes) -> None:
    good = der.sequence(der.integer(1 << 60), der.time(NOW))
    data = replaced(entries(1), good, entry)
    with pytest.raises(MalformedError):
        parse_revocation_list(data)


ENDLESS = b"\x3f" + b"\xff" * 3000  # a tag whose number goes on: a megabyte of it kept asn1crypto busy for minutes


READERS: dict[str, Callable[[], object]] = {
    "security object": lambda: parse_sod(der.tlv(0x77, ENDLESS)),
    "inside a security object": lambda: parse_sod(der.tlv(0x77, der.sequence(ENDLESS))),
    "of indefinite length": lambda: parse_sod(der.tlv(0x77, b"\x30\x80" + ENDLESS)),
    "in clear": lambda: parse_card_access(der.tlv(0x31, ENDLESS)),
    "identifier": lambda: parse_card_access(der.tlv(0x31, der.sequence(der.tlv(0x06, b"\x2a", ENDLESS[1:], b"\x01")))),
    "key": lambda: parse_dg15(der.tlv(0x6F, ENDLESS)),
    "certificate": lambda: parse_certificate(ENDLESS),
    "revocation list": lambda: parse_revocation_list(ENDLESS),
    "master list": lambda: parse_master_list(ENDLESS),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_tag_or_identifier_without_end_is_refused_before_it_is_read(read: Callable[[], object]) -> None:
    with pytest.raises(MalformedError, match="has a tag or identifier without end"):
        read()


def test_a_chip_whose_file_in_clear_is_one_long_tag_stays_closed_at_once() -> None:
    document = issued(features=Features(pace=(Pace(PaceMapping.GENERIC, 12, Cipher.AES_128),)))
    files = {**document.files, "EF_CARD_ACCESS": der.tlv(0x31, b"\x3f" + b"\xff" * 500_000)}
    began_s = time.process_time()
    inspection = inspected(replace(document, files=files))
    assert results(inspection)["chip_access"] == "failed"
    assert time.process_time() - began_s < 10, "it took half a minute"


def test_a_text_of_a_thousand_letters_of_another_script_is_read() -> None:
    text = "границы".encode() * 140
    certificate = asn1_x509.Certificate.load(DS.der)
    certificate["tbs_certificate"]["subject"] = asn1_x509.Name.build({"common_name": text.decode()})
    assert parse_certificate(certificate.dump(force=True)).subject.startswith("границы")
