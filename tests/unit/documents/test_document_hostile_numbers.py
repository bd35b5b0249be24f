"""Numbers that a stranger may write as long as he likes: where they are read, looked up and stored in decimals."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fakes.inspections import NOW, inspected, issued, results
from fakes.master_lists import party, revocation_list

from gate.trust.errors import SourceError
from gate.trust.list_import import import_sources
from gate.trust.sources import Way, read_signer, read_source
from gate.trust.store import TrustStore
from gate_documents.errors import MalformedError
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.dg15 import parse_dg15
from gate_documents.lds.sod import parse_sod
from gate_documents.pki.asn1 import NUMBER_BYTES_MAX
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.master_list import parse_master_list
from gate_documents.pki.revocation import parse_revocation_list
from hardware_sim.passport import der
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Pace
from hardware_sim.passport.algorithms import Mapping as PaceMapping

CSCA = party("CSCA")
DS = party("DS", issuer=CSCA, authority=False)
TOO_LONG = 1 << 8 * 4000  # Python refuses to write more than 4,300 digits
LONGEST = 1 << 8 * NUMBER_BYTES_MAX - 2
ENTRIES = 20_000


def signed(content: bytes) -> bytes:
    return bytes(CSCA.key.sign(content, ec.ECDSA(hashes.SHA256())))


def numbered_certificate(serial: int) -> bytes:
    """A document signer's certificate with this serial number, which its CSCA has signed."""
    certificate = asn1_x509.Certificate.load(DS.der)
    certificate["tbs_certificate"]["serial_number"] = serial
    certificate["signature_value"] = signed(certificate["tbs_certificate"].dump(force=True))
    return bytes(certificate.dump(force=True))


def numbered_list(number: int) -> bytes:
    """A revocation list with this number, which its CSCA has signed."""
    crl = asn1_crl.CertificateList.load(revocation_list(CSCA, 5, number=1))
    for extension in crl["tbs_cert_list"]["crl_extensions"]:
        if extension["extn_id"].native == "crl_number":
            extension["extn_value"] = core.ParsableOctetString(core.Integer(number).dump())
    crl["signature"] = signed(crl["tbs_cert_list"].dump(force=True))
    return bytes(crl.dump(force=True))


def naming(sod: bytes, serial: int) -> bytes:
    """The security object with another serial number where it names its signer."""
    issuer, now = parse_sod(sod).message.signers[0].issuer_and_serial or (b"", 0)
    return _replaced(sod, issuer + der.integer(now), issuer + der.integer(serial))


def _replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """The same objects with one content replaced and the lengths around it put right."""
    if data == old:
        return new
    made = b""
    while data:
        start = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
        size = data[1] if start == 2 else int.from_bytes(data[2:start])
        content, whole = data[start : start + size], data[: start + size]
        made += der.tlv(data[0], _replaced(content, old, new)) if old in content else whole
        data = data[start + size :]
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a CSCA and a directory's document signer."""
    store = tmp_path / "trust.sqlite"
    sources = [read_source("csca", CSCA.der), read_signer("ds", DS.der)]
    import_sources(store, sources, signer=None, test=False, now=NOW)
    return store


def test_a_chip_that_names_its_signer_by_a_number_without_end_fails(path: Path) -> None:
    document = issued()
    store = TrustStore.open(path)
    assert store.document_signers_count == 1
    files = {**document.files, "EF_SOD": naming(document.files["EF_SOD"], TOO_LONG)}
    inspection = inspected(type(document)(document.mrz_lines, files, document.chip_key), against=store)
    check = next(one for one in inspection.checks if one.id.value == "sod_signature")
    assert (check.result.value, "serial number" in check.reason) == ("failed", True)


def test_the_longest_number_that_a_chip_may_name_is_looked_up(path: Path) -> None:
    document = issued()
    files = {**document.files, "EF_SOD": naming(document.files["EF_SOD"], LONGEST)}
    inspection = inspected(type(document)(document.mrz_lines, files, document.chip_key), against=TrustStore.open(path))
    assert results(inspection)["sod_signature"] == "undetermined"


def test_a_document_signer_with_a_number_without_end_is_left_out(path: Path) -> None:
    assert parse_certificate(numbered_certificate(LONGEST)).serial == LONGEST
    report = import_sources(
        path, [read_signer("ds", numbered_certificate(LONGEST))], signer=None, test=False, now=NOW, way=Way.DOWNLOADED
    )
    assert report.document_signers == 1
    with pytest.raises(SourceError, match="serial number of more than 64 bytes"):
        read_signer("ds", numbered_certificate(TOO_LONG))


def test_a_revocation_list_with_a_number_without_end_does_not_end_the_import_of_the_others(path: Path) -> None:
    report = import_sources(
        path, [read_source("crl", numbered_list(LONGEST))], signer=None, test=False, now=NOW, way=Way.DOWNLOADED
    )
    assert report.revocation_lists == 1
    assert TrustStore.open(path).editions()[0].number == str(LONGEST)
    with pytest.raises(SourceError, match="no certificate, master list or revocation list"):
        read_source("crl", numbered_list(TOO_LONG))


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
    data = _replaced(entries(1), good, entry)
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
