"""Real security objects without the certificate that travels in them, judged with the one that a directory brings."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
from datetime import UTC, datetime

import pytest
from shared_data import SHARED_DATA

from gate.trust.folder import read_folder
from gate.trust.list_import import import_sources
from gate.trust.sources import Way, read_source
from gate.trust.store import TrustStore
from gate_documents import tlv
from gate_documents.authenticity.passive_authentication import judge_sod
from gate_documents.checks import CheckId, Result
from gate_documents.errors import MalformedError
from gate_documents.lds.sod import TAG, parse_sod
from gate_documents.pki.anchors import HeldAnchors
from gate_documents.pki.asn1 import SEQUENCE, parts, parts_of
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.master_list import parse_master_list
from gate_documents.pki.revocation_check import names_of_issuer

DATA = SHARED_DATA / "emrtd"
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
COUNTRIES = ("AT", "AU", "CN", "FI", "FR", "ID", "RU", "SG")
CERTIFICATES = 0xA0

pytestmark = pytest.mark.conformance


def sod(country: str) -> bytes:
    return (DATA / f"sod/{country}.sod.bin").read_bytes()


def without_certificates(data: bytes) -> bytes:
    """The same signed message, its certificates left out. Nobody signed those."""
    (info,) = parts(tlv.only(data, TAG))
    kind, content = parts_of(info, SEQUENCE)
    (signed,) = parts(content.contents)
    kept = b"".join(one.encoded for one in parts_of(signed, SEQUENCE) if one.tag != CERTIFICATES)
    return tlv.encode(TAG, tlv.encode(SEQUENCE, kind.encoded + tlv.encode(CERTIFICATES, tlv.encode(SEQUENCE, kept))))


def with_its_issuer_in_another_order(data: bytes) -> bytes:
    """The same signed message, its signer's name of the issuer written from behind. Nobody signed that either."""
    (signer,) = parse_sod(data).message.signers
    assert signer.issuer_and_serial is not None
    issuer, _ = signer.issuer_and_serial
    head, found, tail = data.rpartition(issuer)
    assert found
    (name,) = parts(issuer)
    backwards = b"".join(one.encoded for one in reversed(parts_of(name, SEQUENCE)))
    changed = head + tlv.encode(SEQUENCE, backwards) + tail
    assert len(changed) == len(data)
    return changed


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_real_security_object_that_writes_its_issuer_in_another_order_is_proven_and_with_another_number_is_not(
    country: str, store: TrustStore
) -> None:
    changed = with_its_issuer_in_another_order(sod(country))
    assert changed != sod(country)
    verdict = judge_sod(changed, store, NOW)
    assert verdict.proven
    (signer,) = parse_sod(sod(country)).message.signers
    assert signer.issuer_and_serial is not None
    serial = signer.issuer_and_serial[1]
    number = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    head, found, tail = changed.rpartition(number)
    assert found
    wrong = judge_sod(head + number[:-1] + bytes([number[-1] ^ 1]) + tail, store, NOW)
    assert (wrong.proven, wrong.checks[0].result) == (False, Result.UNDETERMINED)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    """The German list, Indonesia's certificates, and the signers of all the security objects in one collection."""
    folder = tmp_path_factory.mktemp("trust")
    path, lists = folder / "trust.sqlite", DATA / "masterlist/DE_ML_2026-05-28.ml"
    vouching = parse_certificate((DATA / "masterlist/DE_ROOT_CA_CSCA07.cer").read_bytes())
    import_sources(path, [read_source("list", lists.read_bytes())], signer=vouching, test=False, now=NOW)
    own = [read_source(file.name, file.read_bytes()) for file in sorted(DATA.glob("certs/IDN_*.cer"))]
    import_sources(path, own, signer=None, test=False, now=NOW)
    (folder / "pkd").mkdir()
    (folder / "pkd/dsc.ldif").write_text(
        "\n".join(
            f"dn: cn={country},o=dsc,c={country}\nuserCertificate;binary:: {base64.b64encode(one.der).decode()}\n"
            for country in COUNTRIES
            for one in parse_sod(sod(country)).message.certificates
        )
    )
    found = read_folder(folder / "pkd").sources
    report = import_sources(path, found, signer=None, test=False, now=NOW, way=Way.DOWNLOADED)
    assert (report.document_signers, report.rejected) == (8, ())
    return TrustStore.open(path)


def test_the_german_lists_have_keys_under_several_names_and_revocation_lists_are_looked_for_under_all_of_them() -> None:
    anchors = {}
    for path in sorted(DATA.glob("masterlist/DE_ML_*.ml")):
        for listed in parse_master_list(path.read_bytes()).certificates:
            with contextlib.suppress(MalformedError):
                anchors[listed] = parse_certificate(listed)
    pool = HeldAnchors(anchors.values())
    several = {}
    for one in anchors.values():
        names = {other.subject_id for other in pool.with_key_of(one)}
        assert one.subject_id in names
        if len(names) > 1:
            several[one.public_key] = (one.country, names)
    countries = [country for country, _ in several.values()]
    assert len(several) == 13
    assert {"BA", "CM", "IL", "IT", "LT", "LU", "MC", "PT"} == set(countries)
    for one in anchors.values():
        signed = dataclasses.replace(one, issuer_id=one.subject_id, serial=1)
        assert set(names_of_issuer(signed, one, pool)) == {other.subject_id for other in pool.with_key_of(one)}


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_real_security_object_without_its_signer_is_proven_by_a_directorys(country: str, store: TrustStore) -> None:
    bare = without_certificates(sod(country))
    assert parse_sod(bare).message.certificates == ()
    verdict = judge_sod(bare, store, NOW)
    complete = judge_sod(sod(country), store, NOW)
    assert verdict.proven
    assert [(one.id, one.result) for one in verdict.checks] == [(one.id, one.result) for one in complete.checks]
    assert (verdict.checks[0].id, verdict.checks[0].result) == (CheckId.SOD_SIGNATURE, Result.SUCCESSFUL)
    assert "a directory brought" in verdict.checks[0].reason
