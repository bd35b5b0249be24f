"""Document signers in the trust store: which of a directory's enter, how documents find theirs, and that they vouch for nothing."""

from __future__ import annotations

import base64
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from document_fakes.inspections import NOW, inspected, issued, results
from document_fakes.master_lists import party
from document_fakes.sample_passports import utopia

from gate.trust import signers
from gate.trust.errors import StoreError
from gate.trust.folder import read_folder
from gate.trust.list_import import ImportReport, import_sources
from gate.trust.schema import VERSION
from gate.trust.snapshot import open_snapshot
from gate.trust.sources import Way, read_source
from gate.trust.store import TrustStore
from gate_documents.authenticity.passive_authentication import judge_sod
from gate_documents.checks import CheckId, Result
from gate_documents.lds.sod import parse_sod
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.signed_data import Signer
from hardware_sim.passport.security_object import SecurityObject

CSCA = party("CSCA")
DS = party("DS", issuer=CSCA, authority=False)
OTHER_DS = party("DS 2", issuer=CSCA, authority=False)
STRANGERS_DS = party("DS", issuer=party("CSCA of nobody"), authority=False)
ENDED_DS = party("DS 3", issuer=CSCA, authority=False, days=-1)
LATER = NOW + timedelta(days=1)
DIRECTORY = "o={},c=UT,dc=data,dc=download,dc=pkd,dc=icao,dc=int"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store = tmp_path / "trust.sqlite"
    hand_over(store, CSCA.der)
    return store


@pytest.fixture
def directory(tmp_path: Path) -> Callable[..., Path]:
    """Write a download folder with these document signers in one collection."""

    def write(*certificates: bytes, branch: str = "dsc") -> Path:
        folder = tmp_path / "pkd"
        folder.mkdir(exist_ok=True)
        entries = (
            f"dn: cn={number},{DIRECTORY.format(branch)}\nuserCertificate;binary:: {base64.b64encode(one).decode()}\n"
            for number, one in enumerate(certificates)
        )
        (folder / "icaopkd-001.ldif").write_text("\n".join(entries))
        return folder

    return write


def hand_over(path: Path, *files: bytes, test: bool = False) -> None:
    sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
    import_sources(path, sources, signer=None, test=test, now=NOW)


def take(path: Path, folder: Path, *, way: Way = Way.DOWNLOADED, later_days: int = 0) -> ImportReport:
    now = NOW + timedelta(days=later_days)
    return import_sources(path, read_folder(folder).sources, signer=None, test=False, now=now, way=way)


def by_name(one: Certificate) -> Signer:
    return signer_of(issuer_and_serial=(one.issuer, one.serial))


def signer_of(*, issuer_and_serial: tuple[bytes, int] | None = None, key_id: bytes | None = None) -> Signer:
    (like,) = parse_sod(issued().files["EF_SOD"]).message.signers
    return Signer(
        issuer_and_serial=issuer_and_serial,
        key_id=key_id,
        digest_hash=like.digest_hash,
        scheme=like.scheme,
        signature=like.signature,
        attributes=like.attributes,
        content_type=like.content_type,
        message_digest=like.message_digest,
        signing_time=like.signing_time,
    )


def test_a_directorys_signer_is_found_by_issuer_and_serial_number_and_by_key(
    path: Path, directory: Callable[..., Path]
) -> None:
    report = take(path, directory(DS.der, OTHER_DS.der))
    assert (report.document_signers, report.certificates, report.accepted, report.rejected) == (2, 0, 0, ())
    store, one = TrustStore.open(path), parse_certificate(DS.der)
    assert store.document_signers_count == 2
    assert list(store.document_signers(by_name(one))) == [one]
    assert list(store.document_signers(signer_of(key_id=one.key_id))) == [one]
    assert not store.document_signers(signer_of(key_id=b"another"))
    assert not store.document_signers(signer_of(issuer_and_serial=(one.issuer, one.serial + 1)))


def test_a_signer_that_writes_its_issuers_name_otherwise_is_found(path: Path, directory: Callable[..., Path]) -> None:
    take(path, directory(DS.der))
    one = parse_certificate(DS.der)
    as_printable = one.issuer.replace(b"\x0c\x04CSCA", b"\x13\x04csca")
    assert as_printable != one.issuer
    assert TrustStore.open(path).document_signers(signer_of(issuer_and_serial=(as_printable, one.serial)))


def test_what_is_of_no_use_is_counted_and_left_out(path: Path, directory: Callable[..., Path]) -> None:
    report = take(path, directory(DS.der, STRANGERS_DS.der, ENDED_DS.der, CSCA.der, CSCA.der, DS.der))
    assert report.document_signers == 1
    assert {(one.subject, one.reason) for one in report.rejected} == {
        ("document signers: 1", "signed by no known CSCA"),
        ("document signers: 1", "ended"),
        ("document signers: 2", "not a document signer's certificate"),
    }


def test_a_directorys_signer_never_becomes_an_anchor(path: Path, directory: Callable[..., Path]) -> None:
    link = party("CSCA 2", issuer=CSCA)
    take(path, directory(DS.der, link.der))
    store = TrustStore.open(path)
    assert len(store) == 1
    assert not store.with_subject(parse_certificate(DS.der).subject_id)
    assert not store.with_subject(parse_certificate(link.der).subject_id)


def test_signers_of_bar_codes_are_no_signers_of_documents(path: Path, directory: Callable[..., Path]) -> None:
    report = take(path, directory(DS.der, branch="bcsc"))
    assert [one.reason for one in report.rejected] == ["not a seal signer's certificate"]
    assert read_folder(directory(DS.der, branch="bcsc-nc")).sources == ()


def test_one_that_cannot_be_read_spoils_nothing(directory: Callable[..., Path]) -> None:
    folder = read_folder(directory(b"\x30\x03\x02\x01\x00", DS.der))
    assert [one.subject for one in folder.rejected] == [
        "icaopkd-001.ldif, value 1: a certificate is not well formed"
    ] or [one.subject for one in folder.rejected] == ["icaopkd-001.ldif, value 1"]
    assert len(folder.sources) == 1


def test_the_same_directory_again_changes_nothing(path: Path, directory: Callable[..., Path]) -> None:
    folder = directory(DS.der)
    first = take(path, folder, way=Way.WATCHED)
    again = take(path, folder, way=Way.WATCHED, later_days=1)
    assert (first.replaced, again.replaced, again.document_signers) == (True, False, 1)
    assert TrustStore.open(path).version == first.version == again.version


def test_another_signer_is_another_version_of_the_store(path: Path, directory: Callable[..., Path]) -> None:
    versions = [TrustStore.open(path).version]
    for certificates in ((DS.der,), (DS.der, OTHER_DS.der)):
        take(path, directory(*certificates))
        versions.append(TrustStore.open(path).version)
    assert len(set(versions)) == 3


def test_those_that_have_ended_are_let_go_of(path: Path, directory: Callable[..., Path]) -> None:
    later = party("DS of later", issuer=CSCA, authority=False, days=4000)
    take(path, directory(DS.der))
    take(path, directory(later.der), later_days=3100)
    store = TrustStore.open(path)
    assert store.document_signers_count == 1
    assert not store.document_signers(by_name(parse_certificate(DS.der)))


def test_beyond_the_limit_new_ones_are_left_out(
    path: Path, directory: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signers, "SIGNERS_MAX", 1)
    report = take(path, directory(DS.der, OTHER_DS.der))
    assert report.document_signers == 1
    assert [one.reason for one in report.rejected] == ["beyond the 1 that the store holds"]


def test_a_snapshot_keeps_its_signers_when_another_store_takes_its_place(
    path: Path, directory: Callable[..., Path]
) -> None:
    take(path, directory(DS.der))
    before = TrustStore.open(path)
    take(path, directory(OTHER_DS.der))
    one, other = parse_certificate(DS.der), parse_certificate(OTHER_DS.der)
    assert before.document_signers(by_name(one))
    assert not before.document_signers(by_name(other))
    assert TrustStore.open(path).document_signers(by_name(other))


def test_a_store_that_was_opened_in_one_thread_is_read_in_another(path: Path, directory: Callable[..., Path]) -> None:
    take(path, directory(DS.der))
    opened: list[TrustStore] = []
    thread = threading.Thread(target=lambda: opened.append(TrustStore.open(path)))
    thread.start()
    thread.join()
    assert opened[0].document_signers(by_name(parse_certificate(DS.der)))


def test_a_store_of_version_2_is_read_without_signers_and_carried_over_by_the_next_import(
    path: Path, directory: Callable[..., Path]
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE document_signer; DROP TABLE seal_signer; DROP TABLE list_signer; DROP TABLE tolerance; PRAGMA user_version=2"
        )
    before = TrustStore.open(path)
    assert (len(before), before.document_signers_count) == (1, 0)
    assert not before.document_signers(by_name(parse_certificate(DS.der)))
    assert take(path, directory(DS.der)).document_signers == 1
    with closing(open_snapshot(path)) as snapshot:
        assert snapshot.rows("PRAGMA user_version")[0][0] == VERSION
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(StoreError, match="no trust store"):
        TrustStore.open(path)


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────

BARE = SecurityObject(certificates="none")


@pytest.fixture
def utopian(tmp_path: Path) -> Path:
    store = tmp_path / "utopia.sqlite"
    hand_over(store, *utopia().csca_files().values(), *utopia().crl_files().values(), test=True)
    return store


def travelling_signer() -> bytes:
    return parse_sod(issued().files["EF_SOD"]).message.certificates[0].der


def take_for_demos(store: Path, folder: Path) -> None:
    report = import_sources(store, read_folder(folder).sources, signer=None, test=True, now=NOW, way=Way.DOWNLOADED)
    assert report.document_signers == 1


@pytest.mark.parametrize("named", ["issuer_and_serial", "key_identifier"])
def test_a_document_without_its_signer_is_proven_with_the_one_of_a_directory(
    utopian: Path, directory: Callable[..., Path], named: Any
) -> None:
    document = issued(security_object=SecurityObject(certificates="none", signer_id=named))
    open_check = inspected(document, against=TrustStore.open(utopian)).result_of(CheckId.SOD_SIGNATURE)
    assert open_check is Result.UNDETERMINED
    take_for_demos(utopian, directory(travelling_signer()))
    inspection = inspected(document, against=TrustStore.open(utopian))
    assert results(inspection) == results(inspected(issued(), against=TrustStore.open(utopian)))
    assert "directory" in inspection.checks[[one.id for one in inspection.checks].index(CheckId.SOD_SIGNATURE)].reason


def test_a_changed_document_fails_with_the_signer_of_a_directory(utopian: Path, directory: Callable[..., Path]) -> None:
    take_for_demos(utopian, directory(travelling_signer()))
    changed = bytearray(issued(security_object=BARE).files["EF_SOD"])
    changed[-1] ^= 1
    verdict = judge_sod(bytes(changed), TrustStore.open(utopian), NOW)
    assert (verdict.checks[0].result, verdict.proven) == (Result.FAILED, False)


def test_damage_that_an_opening_cannot_see_leaves_documents_undetermined(
    utopian: Path, directory: Callable[..., Path]
) -> None:
    take_for_demos(utopian, directory(travelling_signer()))
    for der in ("x'3000'", "NULL"):
        with closing(sqlite3.connect(utopian)) as connection, connection:
            connection.execute(f"UPDATE document_signer SET der = {der}")
        verdict = judge_sod(issued(security_object=BARE).files["EF_SOD"], TrustStore.open(utopian), NOW)
        assert verdict.checks[0].result is Result.UNDETERMINED
        assert "trust store" in verdict.checks[0].reason


def test_what_happens_to_the_file_afterwards_changes_nothing_of_what_was_opened(
    utopian: Path, directory: Callable[..., Path]
) -> None:
    take_for_demos(utopian, directory(travelling_signer()))
    store = TrustStore.open(utopian)
    utopian.write_bytes(b"something else")
    assert judge_sod(issued(security_object=BARE).files["EF_SOD"], store, NOW).checks[0].result is Result.SUCCESSFUL
