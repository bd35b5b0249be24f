"""The trust store: what enters it and why, what does not, and that it is there again afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from document_fakes.defect_lists import DEVIATION_SIGNER, deviation_list
from document_fakes.master_lists import NOW, Party, master_list, party, revocation_list
from fakes.damage import damage_rows

from gate.trust.errors import SourceError, StoreError
from gate.trust.list_import import ImportReport, import_sources
from gate.trust.schema import connect_draft, migrate
from gate.trust.sources import read_source
from gate.trust.store import Coverage, TrustStore
from gate_documents.pki.certificate import parse_certificate

CSCA = party("CSCA 1")
SUCCESSOR = party("CSCA 2")
LINK = party("CSCA 2", issuer=CSCA, key=SUCCESSOR.key)
STRANGER = party("Stranger", country="ZZ")
SIGNER = party("List signer", issuer=CSCA, authority=False, lists=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trust.sqlite"


def bring(
    path: Path,
    *files: bytes,
    signer: Party | None = None,
    test: bool = False,
    now: datetime = NOW,
) -> ImportReport:
    sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
    vouching = None if signer is None else parse_certificate(signer.der)
    return import_sources(path, sources, signer=vouching, test=test, now=now)


def subjects(path: Path) -> set[str]:
    return {row["subject"] for row in TrustStore.open(path)._certificates}


def test_a_self_signed_certificate_is_taken_and_found_again(path: Path) -> None:
    report = bring(path, CSCA.der)
    store = TrustStore.open(path)
    assert report == ImportReport(
        certificates=1, accepted=1, rejected=(), countries=1, revocation_lists=0, version=store.version
    )
    wanted = parse_certificate(CSCA.der)
    assert wanted.key_id is not None
    for found in (store.with_key_id(wanted.key_id), store.with_subject(wanted.subject_id)):
        assert [anchor.certificate for anchor in found] == [wanted]
        assert not found[0].test
    assert store.with_key_id(b"?") == []
    assert store.newest_import == NOW
    assert store.standings() == {"self_signed": 1}


def test_links_are_taken_in_whatever_order_they_come(path: Path) -> None:
    third = party("CSCA 3")
    link = party("CSCA 3", issuer=SUCCESSOR, key=third.key)
    report = bring(path, link.der, LINK.der, CSCA.der)
    assert (report.accepted, report.rejected) == (3, ())
    assert TrustStore.open(path).standings() == {"self_signed": 1, "linked": 2}


def test_what_nobody_known_signed_is_left_out_with_the_reason(path: Path) -> None:
    orphan = party("Orphan", issuer=STRANGER)
    signer = party("Signer", issuer=CSCA, authority=False)
    report = bring(path, CSCA.der, orphan.der, signer.der)
    assert report.accepted == 1
    assert {(one.subject, one.reason) for one in report.rejected} == {
        ("UT, Orphan", "neither self-signed nor signed by a known CSCA"),
        ("UT, Signer", "not a CSCA certificate"),
    }


def test_a_certificate_under_a_known_name_with_a_wrong_signature_is_left_out(path: Path) -> None:
    forged = party("CSCA 2", issuer=Party(CSCA.name, STRANGER.key, CSCA.certificate))
    report = bring(path, CSCA.der, forged.der)
    assert [one.subject for one in report.rejected] == ["UT, CSCA 2"]


def test_a_list_needs_somebody_to_vouch_for_its_signer(path: Path) -> None:
    listed = master_list(SIGNER, [CSCA.der, LINK.der, STRANGER.der])
    with pytest.raises(SourceError, match="nobody vouches for its signer"):
        bring(path, listed)
    with pytest.raises(SourceError, match="nobody vouches for its signer"):
        bring(path, listed, signer=STRANGER)
    assert len(bring_and_open(path, listed, signer=CSCA)) == 3


def bring_and_open(path: Path, *files: bytes, signer: Party | None = None) -> TrustStore:
    bring(path, *files, signer=signer)
    return TrustStore.open(path)


def test_a_certificate_in_the_store_or_the_same_import_vouches_for_a_list(path: Path) -> None:
    listed = master_list(SIGNER, [LINK.der])
    assert bring(path, listed, CSCA.der).accepted == 2
    assert bring(path, master_list(SIGNER, [LINK.der, STRANGER.der])).accepted == 2
    assert TrustStore.open(path).standings() == {"self_signed": 2, "linked": 1}


def test_a_link_without_its_predecessor_is_trusted_by_the_list_only(path: Path) -> None:
    orphan = party("Orphan", issuer=STRANGER)
    store = bring_and_open(path, master_list(SIGNER, [orphan.der, CSCA.der]), signer=CSCA)
    assert store.standings() == {"listed": 1, "self_signed": 1}


def test_a_broken_certificate_does_not_spoil_its_list(path: Path) -> None:
    report = bring(path, master_list(SIGNER, [CSCA.der, b"\x30\x03\x02\x01\x00"]), signer=CSCA)
    assert (report.certificates, report.accepted) == (2, 1)
    (rejected,) = report.rejected
    assert rejected.subject.startswith("certificate ")


def test_a_list_by_somebody_who_may_not_sign_lists_is_refused(path: Path) -> None:
    other = party("Document signer", issuer=CSCA, authority=False)
    with pytest.raises(SourceError, match="not one of a master list signer"):
        bring(path, master_list(other, [CSCA.der]), signer=CSCA)


@pytest.mark.parametrize("signed_at", [NOW + timedelta(days=1), NOW - timedelta(days=60)])
def test_a_list_signed_in_the_future_or_outside_its_signers_time_is_refused(path: Path, signed_at: datetime) -> None:
    with pytest.raises(SourceError, match="was not valid when it was signed"):
        bring(path, master_list(SIGNER, [CSCA.der], signed_at=signed_at), signer=CSCA)


def test_a_refused_file_leaves_the_store_as_it_was(path: Path) -> None:
    bring(path, CSCA.der)
    with pytest.raises(SourceError):
        bring(
            path, SUCCESSOR.der, master_list(party("X", issuer=STRANGER, authority=False, lists=True), [STRANGER.der])
        )
    assert subjects(path) == {"UT, CSCA 1"}


def test_what_is_fit_for_demos_only_is_marked_until_it_is_imported_for_service(path: Path) -> None:
    bring(path, CSCA.der, test=True)
    wanted = parse_certificate(CSCA.der).subject_id
    assert TrustStore.open(path).with_subject(wanted)[0].test
    bring(path, CSCA.der)
    assert not TrustStore.open(path).with_subject(wanted)[0].test
    bring(path, CSCA.der, test=True)
    assert not TrustStore.open(path).with_subject(wanted)[0].test


def test_a_certificate_for_demos_vouches_only_for_demos(path: Path) -> None:
    bring(path, CSCA.der, test=True)
    listed = master_list(SIGNER, [STRANGER.der])
    with pytest.raises(SourceError, match="nobody vouches"):
        bring(path, listed)
    assert bring(path, LINK.der).accepted == 0
    assert bring(path, listed, LINK.der, test=True).accepted == 2


def test_revocation_lists_are_taken_from_known_issuers_and_never_rolled_back(path: Path) -> None:
    assert bring(path, CSCA.der, revocation_list(CSCA, 5)).revocation_lists == 1
    issuer = parse_certificate(CSCA.der).subject_id
    assert [one.serials for one in TrustStore.open(path).revocation_lists(issuer)] == [{5}]
    old = bring(path, revocation_list(CSCA, at=NOW - timedelta(days=1)))
    assert "older" in old.rejected[0].reason
    later = NOW + timedelta(days=1)
    bring(path, revocation_list(CSCA, 5, 6, at=later), now=later)
    assert [one.serials for one in TrustStore.open(path).revocation_lists(issuer)] == [{5, 6}]
    assert not TrustStore.open(path).revocation_lists(b"?")


def test_a_forged_or_unknown_revocation_list_is_left_out(path: Path) -> None:
    forged = revocation_list(Party(CSCA.name, STRANGER.key, CSCA.certificate))
    report = bring(path, CSCA.der, forged, revocation_list(STRANGER))
    assert report.revocation_lists == 0
    assert {one.reason for one in report.rejected} == {"a revocation list that no known CSCA signed"}


def test_another_authority_cannot_revoke_in_the_name_of_this_one(path: Path) -> None:
    impostor = revocation_list(Party(CSCA.name, STRANGER.key, STRANGER.certificate), 5)
    assert bring(path, CSCA.der, STRANGER.der, impostor).revocation_lists == 0


def test_coverage_is_a_row_a_country(path: Path) -> None:
    bring(path, CSCA.der, LINK.der, STRANGER.der)
    newest, expires = (NOW - timedelta(days=30)).date().isoformat(), (NOW + timedelta(days=3000)).date().isoformat()
    assert TrustStore.open(path).coverage() == (
        Coverage("UT", 2, newest, expires),
        Coverage("ZZ", 1, newest, expires),
    )


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x30\x00", bytes(100)])
def test_what_is_neither_certificate_nor_list_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError, match="no certificate, master list or revocation list"):
        read_source("file", data)


def test_a_signed_message_of_another_kind_is_refused() -> None:
    with pytest.raises(SourceError, match="no master list"):
        read_source("file", master_list(SIGNER, [CSCA.der], content_type="2.23.136.1.1.9"))


def test_a_file_beyond_the_limit_is_refused() -> None:
    with pytest.raises(SourceError, match="longer than"):
        read_source("file", bytes((16 << 20) + 1))


def test_a_list_with_an_unknown_hash_is_refused() -> None:
    sha256, md5 = bytes.fromhex("0609608648016503040201"), bytes.fromhex("0608 2A864886F70D0205".replace(" ", ""))
    data = master_list(SIGNER, [CSCA.der])
    with pytest.raises(SourceError):
        read_source("file", data.replace(sha256, md5 + b"\x00"))


def test_a_store_that_is_missing_foreign_or_damaged_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        TrustStore.open(tmp_path / "missing.sqlite")
    text = tmp_path / "text.sqlite"
    text.write_text("this is no database, and long enough to look like one " * 20)
    with pytest.raises(StoreError):
        TrustStore.open(text)
    foreign = tmp_path / "foreign.sqlite"
    with contextlib.closing(sqlite3.connect(foreign)) as connection, connection:
        connection.execute("PRAGMA user_version=77")
    connection.close()
    with pytest.raises(StoreError, match="no trust store of version 5"):
        TrustStore.open(foreign)
    with pytest.raises(StoreError, match="no trust store of version 5"):
        bring(foreign, CSCA.der)


def test_a_store_whose_tables_are_gone_is_an_error_of_its_own(path: Path) -> None:
    bring(path, CSCA.der)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE certificate")
    connection.close()
    for use in (lambda: TrustStore.open(path), lambda: bring(path, CSCA.der)):
        with pytest.raises(StoreError, match="tables are not those of a trust store"):
            use()


@pytest.mark.parametrize("table", ["certificate", "revocation_list"])
def test_a_damaged_row_is_noticed_when_the_store_is_opened(path: Path, table: str) -> None:
    bring(path, CSCA.der, revocation_list(CSCA))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        damage_rows(connection, table)
    connection.close()
    with pytest.raises(StoreError, match="is damaged"):
        TrustStore.open(path)


@pytest.mark.parametrize(
    "change",
    [
        "certificate SET der = NULL",
        "certificate SET subject_id = NULL",
        "certificate SET country = x'05'",
        "certificate SET key_id = 'text'",
        "certificate SET test = 'no'",
        "revocation_list SET issuer_id = NULL",
        "defect_list SET kind = 'DeviatinnList'",
        "defect_list SET kind = NULL",
        "defect_list SET kind = 'MasterList'",
        "source SET kind = 'MasterMist' WHERE kind = 'MasterList'",
    ],
)
def test_a_column_that_holds_something_else_is_noticed_when_the_store_is_opened(path: Path, change: str) -> None:
    deviations = deviation_list(party("D", issuer=CSCA, authority=False, purpose=DEVIATION_SIGNER))
    bring(path, CSCA.der, revocation_list(CSCA, number=7), master_list(SIGNER, [LINK.der]), deviations)
    assert len(TrustStore.open(path).published) == 2
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(f"UPDATE {change}").rowcount
    with pytest.raises(StoreError, match="is damaged"):
        TrustStore.open(path)


@pytest.mark.parametrize(
    "change",
    [
        "certificate SET not_after = 'never'",
        "certificate SET not_before = '2026-01-01T00:00:00'",  # no zone
        "revocation_list SET this_update = 5",
        "revocation_list SET next_update = 'soon'",
        "revocation_list SET number = 'one'",
        "source SET imported_at = 'once'",
        "source SET signed_at = 'once' WHERE kind = 'MasterList'",
    ],
)
def test_a_date_or_number_that_is_none_is_noticed_when_the_store_is_opened(path: Path, change: str) -> None:
    bring(path, CSCA.der, revocation_list(CSCA, number=7), master_list(SIGNER, [LINK.der]))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(f"UPDATE {change}").rowcount
    with pytest.raises(StoreError, match="a date or number that is none"):
        TrustStore.open(path)
    with pytest.raises(StoreError, match="a date or number that is none"):
        bring(path, SUCCESSOR.der)


def test_a_table_whose_name_is_no_text_any_more_is_a_store_that_cannot_be_opened(path: Path) -> None:
    bring(path, CSCA.der)
    path.write_bytes(path.read_bytes().replace(b'"test" INTEGER', b'"test\xff\xfeNTEGER'))
    with pytest.raises(StoreError, match="cannot be"):
        TrustStore.open(path)


def test_a_row_that_cannot_be_parsed_stops_an_import(path: Path) -> None:
    bring(path, CSCA.der)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        digest = hashlib.sha256(b"\x30\x00").digest()
        connection.execute("UPDATE certificate SET der = x'3000', fingerprint = ?", (digest,))
    connection.close()
    with pytest.raises(StoreError, match="holds a certificate that cannot be read"):
        bring(path, SUCCESSOR.der)


def test_an_interrupted_import_leaves_the_store_as_it_was(path: Path) -> None:
    bring(path, CSCA.der)

    def interrupted(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    sources = [read_source("successor", SUCCESSOR.der), read_source("list", master_list(SIGNER, [LINK.der]))]
    with pytest.raises(KeyboardInterrupt):
        import_sources(path, sources, signer=parse_certificate(CSCA.der), test=False, now=NOW, progress=interrupted)
    assert subjects(path) == {"UT, CSCA 1"}
    assert {one.name for one in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


def test_progress_is_told_for_every_certificate_of_a_list(path: Path) -> None:
    told: list[tuple[int, int]] = []
    import_sources(
        path,
        [read_source("list", master_list(SIGNER, [CSCA.der, LINK.der]))],
        signer=parse_certificate(CSCA.der),
        test=False,
        now=NOW,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]


def test_a_snapshot_is_not_disturbed_by_later_imports(path: Path) -> None:
    bring(path, CSCA.der)
    before = TrustStore.open(path)
    bring(path, STRANGER.der, now=NOW + timedelta(days=1))
    assert len(before) == 1
    assert len(TrustStore.open(path)) == 2
    assert TrustStore.open(path).newest_import == (NOW + timedelta(days=1)).astimezone(UTC)


def test_an_empty_store_has_no_import(path: Path) -> None:
    connection = connect_draft(path)
    migrate(connection)
    connection.close()
    assert TrustStore.open(path).newest_import is None
    assert TrustStore.open(path).coverage() == ()


def test_a_certificate_without_key_identifier_is_found_by_name(path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    bare = (
        x509.CertificateBuilder()
        .subject_name(CSCA.name)
        .issuer_name(CSCA.name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    bring(path, bare)
    assert TrustStore.open(path).with_subject(parse_certificate(bare).subject_id)


def odd_revocation_list(extension: x509.ExtensionType, *, critical: bool) -> bytes:
    built = x509.CertificateRevocationListBuilder().issuer_name(CSCA.name).last_update(NOW).next_update(NOW)
    return built.add_extension(extension, critical=critical).sign(CSCA.key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        (x509.DeltaCRLIndicator(2), "a revocation list tells changes only"),
        (
            x509.IssuingDistributionPoint(None, None, True, False, None, False, False),
            "a revocation list speaks of a part only of what its issuer has signed",
        ),
        (
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"),
            "a revocation list has a critical extension that is not known",
        ),
    ],
    ids=["changes", "part", "critical"],
)
def test_a_revocation_list_that_is_refused_keeps_its_reason(extension: x509.ExtensionType, reason: str) -> None:
    with pytest.raises(SourceError, match=f"file: {reason}"):
        read_source("file", odd_revocation_list(extension, critical=True))


def test_a_list_whose_signer_nobody_vouches_for_says_why(path: Path) -> None:
    with pytest.raises(SourceError, match=r"nobody vouches .*: no CSCA certificate of this issuer is known; give"):
        bring(path, master_list(SIGNER, [CSCA.der]))
    forged = party("List signer", issuer=Party(CSCA.name, STRANGER.key, CSCA.certificate), authority=False, lists=True)
    with pytest.raises(
        SourceError, match=r"nobody vouches .*: the CSCA certificates with the issuer's name did not sign"
    ):
        bring(path, CSCA.der, master_list(forged, [CSCA.der]))
