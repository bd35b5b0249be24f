"""Numbers of any length in documents and lists, where a trust store looks them up and stores them."""

from __future__ import annotations

from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from document_fakes.inspections import NOW, inspected, issued, results
from document_fakes.master_lists import party, revocation_list
from document_fakes.tlv_surgery import replaced

from gate.trust.errors import SourceError
from gate.trust.list_import import import_sources
from gate.trust.sources import Way, read_signer, read_source
from gate.trust.store import TrustStore
from gate_documents.lds.sod import parse_sod
from gate_documents.pki.asn1 import NUMBER_BYTES_MAX
from gate_documents.pki.certificate import parse_certificate
from hardware_sim.passport import der

CSCA = party("CSCA")
DS = party("DS", issuer=CSCA, authority=False)
TOO_LONG = 1 << 8 * 4000  # Python refuses to write more than 4,300 digits
LONGEST = 1 << 8 * NUMBER_BYTES_MAX - 2


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
    return replaced(sod, issuer + der.integer(now), issuer + der.integer(serial))


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
