"""Signers of seals in the trust store: from directories and files, judged, revoked, ended and damaged."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from document_fakes.master_lists import NOW, master_list, party, revocation_list
from document_fakes.visa_seal import (
    CSCA,
    FRENCH,
    SIGNER,
    judged,
    left,
    seal_signer,
    sealed,
)
from fakes.damage import damage_rows

from gate.programs.lane.document.inspection import RememberingAnchors
from gate.trust.folder import read_folder
from gate.trust.list_import import ImportReport, import_sources
from gate.trust.sources import Way, read_source
from gate.trust.store import TrustStore
from gate_documents.checks import Result
from gate_documents.pki.certificate import Certificate
from gate_documents.seal.judge import SealCheckId

BCSC = "cn=X,o=bcsc,c=DE,dc=data,dc=download,dc=pkd,dc=icao,dc=int"


def ldif(*certificates: Certificate, entry: str = BCSC) -> str:
    values = (base64.b64encode(one.der).decode() for one in certificates)
    return "\n".join(f"dn: {entry}\nuserCertificate;binary:: {value}\n" for value in values)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "trust.sqlite"
    hand_over(path, CSCA.der, FRENCH.der, revocation_list(CSCA))
    return path


def hand_over(path: Path, *files: bytes, way: Way = Way.HANDED) -> ImportReport:
    sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
    return import_sources(path, sources, signer=None, test=False, now=NOW, way=way)


def take(path: Path, text: str, way: Way = Way.DOWNLOADED) -> ImportReport:
    folder = path.parent / "pkd"
    folder.mkdir(exist_ok=True)
    (folder / "bcsc.ldif").write_text(text)
    return import_sources(path, read_folder(folder).sources, signer=None, test=False, now=NOW, way=way)


@pytest.mark.parametrize("way", [Way.DOWNLOADED, Way.WATCHED])
def test_a_directorys_signer_of_seals_is_found_in_the_store(store: Path, way: Way) -> None:
    before = TrustStore.open(store)
    assert left(judged(sealed(), signers=(), anchors=before))["seal_signature"] == "undetermined"
    other, _ = seal_signer(serial=0x33)
    report = take(store, ldif(SIGNER, other, SIGNER), way)
    assert (report.seal_signers, report.accepted, report.rejected) == (2, 0, ())
    opened = TrustStore.open(store)
    assert (opened.seal_signers_count, opened.document_signers_count, len(opened)) == (2, 0, 2)
    assert opened.version != before.version
    assert left(judged(sealed(), signers=(), anchors=opened)) == {}
    assert left(judged(sealed(), signers=(), anchors=RememberingAnchors(opened))) == {}
    assert not take(store, ldif(SIGNER), Way.WATCHED).replaced


@pytest.mark.parametrize("way", list(Way))
def test_a_signer_of_seals_may_come_as_a_file_and_never_becomes_an_anchor(store: Path, way: Way) -> None:
    """It has neither constraints nor key usage, so by these alone it could pass for a CSCA, and did."""
    assert SIGNER.may_sign_certificates
    report = hand_over(store, SIGNER.der, way=way)
    assert (report.seal_signers, report.accepted, report.rejected) == (1, 0, ())
    assert len(TrustStore.open(store)) == 2
    assert left(judged(sealed(), signers=(), anchors=TrustStore.open(store))) == {}


def test_a_master_list_makes_no_anchor_of_a_signer_of_seals(store: Path) -> None:
    lister = party("Lister", country="DE", issuer=CSCA, authority=False, lists=True)
    report = hand_over(store, master_list(lister, [CSCA.der, SIGNER.der]))
    assert [one.reason for one in report.rejected] == ["a seal signer's certificate, and no CSCA's"]
    assert len(TrustStore.open(store)) == 2


def test_what_is_no_signer_of_seals_of_a_known_csca_of_its_state_does_not_enter(store: Path) -> None:
    strangers = party("CSCA", country="DE")
    refused = {
        "signed by no known CSCA": seal_signer(issuer=strangers)[0],
        "names two countries": seal_signer(issuer=FRENCH)[0],
        "ended": seal_signer(days=-1)[0],
        "not a seal signer's certificate": seal_signer(purposes=())[0],
    }
    report = take(store, ldif(*refused.values()))
    assert {one.reason for one in report.rejected} == refused.keys()
    assert (report.seal_signers, report.took_nothing) == (0, True)
    assert TrustStore.open(store).seal_signers_count == 0


def test_the_directorys_non_conformant_signers_are_passed_over(store: Path) -> None:
    assert take(store, ldif(SIGNER, entry=BCSC.replace("bcsc", "bcsc-nc"))).took_nothing


def test_a_signer_of_the_store_is_revoked_and_ends_like_any_other(store: Path) -> None:
    take(store, ldif(SIGNER))
    hand_over(store, revocation_list(CSCA, 0x32))
    assert left(judged(sealed(), signers=(), anchors=TrustStore.open(store))) == {"seal_signer_trust": "failed"}
    later = [read_source("crl", revocation_list(CSCA, at=NOW + timedelta(days=901)))]
    import_sources(store, later, signer=None, test=False, now=NOW + timedelta(days=901))
    assert TrustStore.open(store).seal_signers_count == 0


def test_a_damaged_signer_of_the_store_is_nobody(store: Path) -> None:
    take(store, ldif(SIGNER))
    with closing(sqlite3.connect(store)) as connection, connection:
        damage_rows(connection, "seal_signer")
    verdict = judged(sealed(), signers=(), anchors=TrustStore.open(store))
    assert verdict.result_of(SealCheckId.SIGNATURE) is Result.UNDETERMINED


def test_a_store_of_version_3_is_read_and_carried_over_by_the_next_import(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        connection.executescript(
            "DROP TABLE seal_signer; DROP TABLE list_signer; DROP TABLE tolerance; PRAGMA user_version=3"
        )
    before = TrustStore.open(store)
    assert (len(before), before.seal_signers_count) == (2, 0)
    assert before.seal_signers("DE", "TS", 0x32) == ()
    assert take(store, ldif(SIGNER)).seal_signers == 1
    assert left(judged(sealed(), signers=(), anchors=TrustStore.open(store))) == {}
