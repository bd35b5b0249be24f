"""Lists whose signers are revoked after they were taken: what they brought leaves, and what others answer for stays."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from document_fakes.defect_lists import (
    DEVIATION_SIGNER,
    defect,
    defect_list,
    deviates,
    deviation,
    deviation_list,
    issuer_and_serial,
    known,
)
from document_fakes.master_lists import NOW, Party, master_list, party, revocation_list

from gate.trust.list_import import ImportReport, import_sources
from gate.trust.sources import Way, read_source
from gate.trust.store import TrustStore
from gate_documents.pki.certificate import parse_certificate
from hardware_sim.passport import der

CSCA = party("CSCA")
OTHER = party("Other CSCA")
FOREIGN = party("Foreign CSCA", country="ZZ")
SIGNER = party("List signer", issuer=CSCA, authority=False, lists=True)
NEXT_SIGNER = party("Next list signer", issuer=CSCA, authority=False, lists=True)
DEVIATIONS = party("Deviations", issuer=CSCA, authority=False, purpose=DEVIATION_SIGNER)
DS = party("Document signer", issuer=CSCA, authority=False)
LATER = NOW + timedelta(days=1)
EARLIER = NOW - timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trust.sqlite"


def bring(
    path: Path, *files: bytes, signer: Party | None = None, test: bool = False, way: Way = Way.HANDED
) -> ImportReport:
    sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
    vouching = None if signer is None else parse_certificate(signer.der)
    return import_sources(path, sources, signer=vouching, test=test, now=LATER, way=way)


def subjects(path: Path) -> set[str]:
    return {row["subject"] for row in TrustStore.open(path)._certificates}


def revoking(*signers: Party, by: Party = CSCA) -> bytes:
    return revocation_list(by, *(one.certificate.serial_number for one in signers), at=NOW, number=1)


@pytest.mark.parametrize("way", list(Way))
def test_what_only_a_master_list_of_a_revoked_signer_named_is_withdrawn(path: Path, way: Way) -> None:
    bring(path, CSCA.der)
    before = bring(path, master_list(SIGNER, [CSCA.der, OTHER.der, FOREIGN.der])).version
    report = bring(path, revoking(SIGNER), way=way)
    assert (report.withdrawn, report.revocation_lists, report.replaced) == (2, 1, True)
    assert [(one.subject, one.reason) for one in report.rejected] == [
        ("file 0", "withdrawn: the certificate of its signer (UT, List signer) was revoked since")
    ]
    store = TrustStore.open(path)
    assert subjects(path) == {"UT, CSCA"}
    assert (store.published, store.version == before) == ((), False)
    assert [one.country for one in store.editions()] == ["UT"], "and the revocation stays"


def test_revocations_of_others_and_those_of_a_stranger_withdraw_nothing(path: Path) -> None:
    bring(path, CSCA.der, FOREIGN.der, master_list(SIGNER, [CSCA.der, OTHER.der]))
    forged = revoking(SIGNER, by=Party(CSCA.name, FOREIGN.key, CSCA.certificate))
    for lists in (revoking(NEXT_SIGNER), revoking(SIGNER, by=FOREIGN), forged):
        report = bring(path, lists)
        assert report.withdrawn == 0
        assert not [one for one in report.rejected if "withdrawn" in one.reason]
    assert subjects(path) == {"UT, CSCA", "UT, Other CSCA", "ZZ, Foreign CSCA"}


def test_what_an_operator_or_another_publishers_list_named_stays(path: Path) -> None:
    foreign_signer = party("List signer", country="ZZ", issuer=FOREIGN, authority=False, lists=True)
    third = party("CSCA of YY", country="YY")
    bring(path, CSCA.der, FOREIGN.der, master_list(SIGNER, [CSCA.der, OTHER.der, third.der]))
    bring(path, master_list(foreign_signer, [FOREIGN.der, third.der]))
    assert bring(path, revoking(SIGNER)).withdrawn == 1
    assert subjects(path) == {"UT, CSCA", "ZZ, Foreign CSCA", "YY, CSCA of YY"}


def test_a_list_that_came_with_the_operators_word_is_withdrawn_by_a_csca_that_came_by_hand_later(path: Path) -> None:
    bring(path, master_list(SIGNER, [OTHER.der]), signer=CSCA)
    assert bring(path, revoking(SIGNER)).took_nothing, "nobody knows that CSCA yet"
    assert bring(path, CSCA.der, revoking(SIGNER)).withdrawn == 1
    assert subjects(path) == {"UT, CSCA"}


def test_a_signer_revoked_under_another_name_of_its_issuers_key_is_revoked_here_too(path: Path) -> None:
    renamed = party("CSCA of the Ministry", key=CSCA.key)
    bring(path, CSCA.der, renamed.der, master_list(SIGNER, [CSCA.der, OTHER.der]))
    assert bring(path, revoking(SIGNER, by=renamed)).withdrawn == 1


@pytest.mark.parametrize("make", [deviation_list, defect_list])
def test_a_list_of_known_defects_of_a_revoked_signer_explains_nothing_any_more(
    path: Path, make: Callable[..., bytes]
) -> None:
    signer = DEVIATIONS if make is deviation_list else SIGNER
    entry = (
        deviation(der.tlv(0xA1, issuer_and_serial(DS)), kinds=(deviates("2.2", der.integer(12)),))
        if make is deviation_list
        else defect(DS, known("1.4"))
    )
    bring(path, CSCA.der, make(signer, entry), signer=CSCA)
    assert TrustStore.open(path).known_defects(parse_certificate(DS.der))
    report = bring(path, revoking(signer))
    assert [one.subject for one in report.rejected] == ["file 1"]
    assert not TrustStore.open(path).known_defects(parse_certificate(DS.der))
    assert subjects(path) == {"UT, CSCA"}


def test_a_list_that_was_withdrawn_does_not_come_back_and_keeps_no_other_one_out(path: Path) -> None:
    listed = master_list(SIGNER, [CSCA.der, OTHER.der])
    bring(path, CSCA.der, listed)
    bring(path, revoking(SIGNER))
    again = bring(path, listed, way=Way.DOWNLOADED)
    assert (again.took_nothing, again.rejected[0].reason.endswith("was revoked")) == (True, True)
    older = master_list(NEXT_SIGNER, [CSCA.der, OTHER.der], signed_at=EARLIER)
    assert bring(path, older).accepted == 2


def test_a_certificate_that_only_a_revoked_signer_named_vouches_for_nothing_that_comes_along(path: Path) -> None:
    """Whoever stole a list signer's key names a CSCA of his own, and that one's list signer names whom he likes."""
    rogue = party("CSCA of the thief")
    thief = party("List signer of the thief", issuer=rogue, authority=False, lists=True)
    bring(path, CSCA.der, master_list(SIGNER, [CSCA.der, rogue.der]))
    thiefs = master_list(thief, [CSCA.der, rogue.der, FOREIGN.der], signed_at=LATER)
    assert bring(path, master_list(thief, [CSCA.der], signed_at=LATER)).accepted == 1, "as long as nobody knows"
    path.unlink()
    bring(path, CSCA.der, master_list(SIGNER, [CSCA.der, rogue.der]))
    report = bring(path, thiefs, revoking(SIGNER), way=Way.WATCHED)
    assert {one.reason.partition(":")[0] for one in report.rejected} == {"withdrawn", "file 0"}
    assert subjects(path) == {"UT, CSCA"}


def test_a_list_that_comes_with_the_only_csca_that_revokes_its_signer_does_not_stay(path: Path) -> None:
    successor = party("CSCA 2", key=CSCA.key)
    listed = master_list(SIGNER, [successor.der, OTHER.der])
    report = bring(path, listed, revoking(SIGNER, by=successor), signer=CSCA)
    assert report.withdrawn == 2
    assert subjects(path) == set()


def test_a_revocation_for_demos_withdraws_nothing_from_service(path: Path) -> None:
    bring(path, CSCA.der, master_list(SIGNER, [CSCA.der, OTHER.der]))
    assert bring(path, revoking(SIGNER), test=True).withdrawn == 0
    assert subjects(path) == {"UT, CSCA", "UT, Other CSCA"}
    assert bring(path, FOREIGN.der).withdrawn == 0
    assert bring(path, revoking(SIGNER)).withdrawn == 1


def test_a_list_in_a_store_that_does_not_say_who_signed_it_is_withdrawn_when_it_comes_again(path: Path) -> None:
    listed = master_list(SIGNER, [CSCA.der, OTHER.der])
    bring(path, CSCA.der, listed)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE seal_signer; DROP TABLE list_signer; DROP TABLE tolerance; PRAGMA user_version=3"
        )
    assert bring(path, revoking(SIGNER), way=Way.WATCHED).withdrawn == 0
    report = bring(path, listed, revoking(SIGNER), way=Way.WATCHED)
    assert (report.withdrawn, report.replaced) == (1, True)
    assert subjects(path) == {"UT, CSCA"}


def test_a_store_keeps_no_signer_of_a_list_that_it_has_forgotten(path: Path) -> None:
    bring(path, CSCA.der)
    for day in range(3):
        bring(path, master_list(SIGNER, [CSCA.der], signed_at=NOW + timedelta(hours=day)))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM list_signer").fetchone() == (1,)
