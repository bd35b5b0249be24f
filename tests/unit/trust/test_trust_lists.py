"""Lists in the trust store: who may vouch for them, that none is rolled back, what a newer one withdraws, and PKD folders."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
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
from document_fakes.master_lists import NOW, Party, master_list, party, revocation_list, signed_list
from fakes.damage import damage_rows
from typer.testing import CliRunner

from gate.cli.trust import app
from gate.trust.download_folder import FILES_MAX, NAMES_MAX, Found, look, walk
from gate.trust.errors import SourceError, StoreError
from gate.trust.folder import LINE_BYTES_MAX, REJECTED_MAX, VALUE_BYTES_MAX, binary_values, read_folder
from gate.trust.list_import import ImportReport, import_sources, replacing
from gate.trust.sources import Way, read_source
from gate.trust.store import TrustStore
from gate_core.evidence.trust_lists import PublishedList
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.known_defects import Defect, Flaw
from gate_documents.pki.signed_data import SIGNED_BYTES_MAX
from hardware_sim.passport import der

CSCA = party("CSCA")
OTHER = party("Other CSCA")
FOREIGN = party("Foreign CSCA", country="ZZ")
SIGNER = party("List signer", issuer=CSCA, authority=False, lists=True)
FOREIGN_SIGNER = party("List signer", country="ZZ", issuer=FOREIGN, authority=False, lists=True)
DEVIATIONS = party("Deviations", issuer=CSCA, authority=False, purpose=DEVIATION_SIGNER)
DEFECTS = party("Defects", issuer=CSCA, authority=False)
DS = party("Document signer", issuer=CSCA, authority=False)
DS_OF_ANOTHER = party("Document signer", country="ZZ", issuer=FOREIGN, authority=False)
OF_DS = der.tlv(0xA1, issuer_and_serial(DS))
DG12 = deviates("2.2", der.integer(12))
LATER = NOW + timedelta(days=1)
EARLIER = NOW - timedelta(days=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trust.sqlite"


def bring(
    path: Path,
    *files: bytes,
    signer: Party | None = None,
    test: bool = False,
    now: datetime = LATER,
    way: Way = Way.HANDED,
) -> ImportReport:
    sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
    vouching = None if signer is None else parse_certificate(signer.der)
    return import_sources(path, sources, signer=vouching, test=test, now=now, way=way)


def subjects(path: Path) -> set[str]:
    return {row["subject"] for row in TrustStore.open(path)._certificates}


# ── master lists ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_country_known_only_from_anothers_list_cannot_publish_certificates_for_the_world(path: Path) -> None:
    bring(path, master_list(SIGNER, [CSCA.der, FOREIGN.der]), signer=CSCA)
    with pytest.raises(SourceError, match="nobody vouches"):
        bring(path, master_list(FOREIGN_SIGNER, [OTHER.der]))
    assert bring(path, master_list(FOREIGN_SIGNER, [OTHER.der]), signer=FOREIGN).accepted == 1


def revoking(*serials: int) -> bytes:
    return revocation_list(CSCA, *serials, at=NOW, number=1)


def test_a_list_whose_signer_was_revoked_is_refused_however_the_revocation_came(path: Path) -> None:
    serial = SIGNER.certificate.serial_number
    bring(path, CSCA.der, revoking(serial))
    with pytest.raises(SourceError, match=r"the certificate of its signer \(UT, List signer\) was revoked"):
        bring(path, master_list(SIGNER, [OTHER.der]))
    with pytest.raises(SourceError, match="was revoked"):
        bring(path, master_list(SIGNER, [OTHER.der]), signer=CSCA)
    assert subjects(path) == {"UT, CSCA"}


def test_a_revocation_that_comes_in_one_folder_with_the_list_counts_and_the_rest_is_taken(path: Path) -> None:
    revoked = master_list(SIGNER, [OTHER.der])
    report = bring(path, CSCA.der, revoked, revoking(SIGNER.certificate.serial_number), way=Way.DOWNLOADED)
    assert (report.accepted, report.revocation_lists) == (1, 1)
    assert [one.reason.endswith("was revoked") for one in report.rejected] == [True]


@pytest.mark.parametrize("make", [deviation_list, defect_list])
def test_a_revoked_signer_tells_nothing_of_defects_either(path: Path, make: Callable[..., bytes]) -> None:
    signer = DEVIATIONS if make is deviation_list else SIGNER
    bring(path, CSCA.der, revoking(signer.certificate.serial_number))
    with pytest.raises(SourceError, match="was revoked"):
        bring(path, make(signer), signer=CSCA)


def test_revocations_of_others_leave_a_list_alone(path: Path) -> None:
    bring(path, CSCA.der, FOREIGN.der, revoking(1), revocation_list(FOREIGN, SIGNER.certificate.serial_number))
    assert bring(path, master_list(SIGNER, [CSCA.der, OTHER.der])).accepted == 2


def test_a_revocation_list_of_a_csca_that_only_a_list_names_is_taken_after_it(path: Path) -> None:
    report = bring(path, master_list(SIGNER, [CSCA.der, OTHER.der]), revocation_list(OTHER, 5), signer=CSCA)
    assert (report.revocation_lists, report.rejected) == (1, ())


def test_a_country_whose_list_was_taken_vouches_for_its_next_signers(path: Path) -> None:
    successor = party("CSCA 2")
    bring(path, master_list(SIGNER, [CSCA.der, successor.der]), signer=CSCA)
    next_signer = party("Next signer", issuer=successor, authority=False, lists=True)
    assert bring(path, master_list(next_signer, [successor.der], signed_at=LATER)).accepted == 1


def test_an_older_list_of_the_same_publisher_is_refused_and_changes_nothing(path: Path) -> None:
    bring(path, master_list(SIGNER, [CSCA.der]), signer=CSCA)
    report = bring(path, master_list(SIGNER, [CSCA.der, OTHER.der], signed_at=EARLIER), signer=CSCA)
    assert report.accepted == 0
    assert "older than the one of 2026-11-25" in report.rejected[0].reason
    assert subjects(path) == {"UT, CSCA"}


def test_of_two_lists_in_one_import_the_newer_one_counts_in_whatever_order(path: Path) -> None:
    older, newer = master_list(SIGNER, [OTHER.der], signed_at=EARLIER), master_list(SIGNER, [CSCA.der])
    report = bring(path, older, newer, signer=CSCA)
    assert (report.accepted, len(report.rejected)) == (1, 1)
    assert subjects(path) == {"UT, CSCA"}


def test_what_a_newer_list_no_longer_names_is_withdrawn_unless_somebody_else_names_it(path: Path) -> None:
    bring(path, FOREIGN.der)
    bring(path, master_list(SIGNER, [CSCA.der, OTHER.der, FOREIGN.der]), signer=CSCA)
    report = bring(path, master_list(SIGNER, [CSCA.der], signed_at=LATER), signer=CSCA)
    assert report.withdrawn == 1
    assert subjects(path) == {"UT, CSCA", "ZZ, Foreign CSCA"}


def test_a_list_for_demos_withdraws_nothing_from_service(path: Path) -> None:
    bring(path, master_list(SIGNER, [CSCA.der, OTHER.der]), signer=CSCA)
    assert bring(path, master_list(SIGNER, [CSCA.der], signed_at=LATER), signer=CSCA, test=True).withdrawn == 0
    assert subjects(path) == {"UT, CSCA", "UT, Other CSCA"}


def test_what_only_a_list_for_demos_still_names_is_fit_for_demos_only(path: Path) -> None:
    bring(path, master_list(SIGNER, [CSCA.der, OTHER.der]), signer=CSCA)
    bring(path, OTHER.der, test=True)
    bring(path, master_list(SIGNER, [CSCA.der], signed_at=LATER), signer=CSCA)
    store = TrustStore.open(path)
    (anchor,) = store.with_subject(parse_certificate(OTHER.der).subject_id)
    assert anchor.test


def test_the_store_tells_which_lists_it_holds(path: Path) -> None:
    bring(path, master_list(SIGNER, [CSCA.der]), deviation_list(DEVIATIONS), signer=CSCA)
    assert TrustStore.open(path).published == (
        PublishedList("DeviationList", "UT", NOW.isoformat()),
        PublishedList("MasterList", "UT", NOW.isoformat()),
    )


def test_a_stores_version_names_what_it_holds_and_not_how_or_when_it_came_there(tmp_path: Path) -> None:
    revoked = revocation_list(CSCA, 5)
    at_once, in_turn = tmp_path / "at once", tmp_path / "in turn"
    bring(at_once, CSCA.der, FOREIGN.der, revoked, now=NOW)
    bring(in_turn, CSCA.der)
    before = TrustStore.open(in_turn).version
    bring(in_turn, revoked)
    bring(in_turn, FOREIGN.der)
    assert before != TrustStore.open(in_turn).version == TrustStore.open(at_once).version


def test_a_newer_list_that_names_the_same_certificates_is_another_version(path: Path) -> None:
    bring(path, master_list(SIGNER, [CSCA.der]), signer=CSCA)
    before = TrustStore.open(path).version
    bring(path, master_list(SIGNER, [CSCA.der], signed_at=LATER))
    assert TrustStore.open(path).version != before


@pytest.mark.parametrize("extension", ["1.3.6.1.4.1.99999.7", "2.5.29.36", "2.5.29.30"])
def test_a_certificate_with_a_critical_extension_that_is_not_known_is_no_anchor_whoever_names_it(
    path: Path, extension: str
) -> None:
    """Policy and name constraints are not understood either, and ICAO 9303-12 table 6 has none."""
    odd = party("Odd CSCA", critical=extension)
    report = bring(path, master_list(SIGNER, [CSCA.der, odd.der]), signer=CSCA)
    assert [(one.subject, one.reason) for one in report.rejected] == [
        ("UT, Odd CSCA", "has a critical extension that is not known")
    ]
    assert bring(path, odd.der).rejected == report.rejected
    assert bring(path, revocation_list(odd, 5)).revocation_lists == 0
    assert bring(path, party("CSCA 2", issuer=odd).der).accepted == 0
    assert subjects(path) == {"UT, CSCA"}


# ── a folder that nobody looks at ────────────────────────────────────────────────────────────────────────────────────


def watched(path: Path, *files: bytes, signer: Party | None = None) -> ImportReport:
    return bring(path, *files, signer=signer, way=Way.WATCHED)


def test_a_self_signed_certificate_in_a_watched_folder_is_nobodys_word(path: Path) -> None:
    bring(path, CSCA.der)
    report = watched(path, FOREIGN.der)
    assert (report.took_nothing, report.replaced) == (True, False)
    assert "an operator's hand only" in report.rejected[0].reason
    assert subjects(path) == {"UT, CSCA"}


def test_a_watched_folder_of_which_nothing_can_be_taken_makes_no_store(path: Path) -> None:
    assert not watched(path, FOREIGN.der).replaced
    assert not path.exists()


def test_a_second_import_at_the_same_time_is_told_to_try_later(path: Path, tmp_path: Path) -> None:
    (tmp_path / "csca.cer").write_bytes(CSCA.der)
    command = ["import", str(tmp_path / "csca.cer"), "--store", str(path)]
    with replacing(path):
        done = CliRunner().invoke(app, command)
    assert (done.exit_code, done.stderr) == (75, f"gate: {path}: another import is under way\n")
    assert CliRunner().invoke(app, command).exit_code == 0


def test_what_is_known_or_listed_may_lie_in_a_watched_folder_by_itself(path: Path) -> None:
    bring(path, CSCA.der)
    report = watched(path, CSCA.der, OTHER.der, master_list(SIGNER, [CSCA.der, OTHER.der]))
    assert report.rejected == ()
    assert subjects(path) == {"UT, CSCA", "UT, Other CSCA"}


def test_a_link_in_a_watched_folder_vouches_for_the_lists_of_a_country_that_publishes_already(path: Path) -> None:
    bring(path, CSCA.der)
    successor = party("CSCA 2", issuer=CSCA)
    next_signer = party("Next signer", issuer=successor, authority=False, lists=True)
    assert watched(path, successor.der, master_list(next_signer, [OTHER.der])).accepted == 2


def test_a_link_in_a_watched_folder_never_makes_a_publisher_of_a_country_that_was_none(path: Path) -> None:
    bring(path, master_list(SIGNER, [CSCA.der, FOREIGN.der]), signer=CSCA)
    link = party("Foreign CSCA 2", country="ZZ", issuer=FOREIGN)
    claims = master_list(party("Signer", country="ZZ", issuer=link, authority=False, lists=True), [OTHER.der])
    for _ in range(2):  # nor by having been taken before
        report = watched(path, link.der, claims)
        assert report.accepted == 1
        assert "nobody vouches" in report.rejected[0].reason


def test_no_country_links_a_certificate_in_anothers_name(path: Path) -> None:
    bring(path, CSCA.der)
    report = watched(path, party("CSCA of ZZ", country="ZZ", issuer=CSCA).der)
    assert [one.reason for one in report.rejected] == ["neither self-signed nor signed by a known CSCA"]


def test_a_watched_list_that_does_not_say_when_it_was_signed_may_be_old_and_is_left_out(path: Path) -> None:
    bring(path, CSCA.der)
    content = der.sequence(der.integer(0), der.tlv(0x31, OTHER.der))
    undated = signed_list(SIGNER, content, content_type="2.23.136.1.1.2", signed_at=None)
    assert "may be an old one" in watched(path, undated).rejected[0].reason
    assert bring(path, undated).accepted == 1


def test_what_comes_again_is_no_younger_for_that(path: Path) -> None:
    files = (master_list(SIGNER, [CSCA.der]), revocation_list(CSCA, 5))
    bring(path, CSCA.der, *files, now=NOW)
    assert not bring(path, *files, now=LATER, way=Way.WATCHED).replaced
    assert TrustStore.open(path).newest_import == NOW
    assert bring(path, *files, now=LATER).replaced
    assert TrustStore.open(path).newest_import == LATER


def test_only_what_would_roll_the_store_back_counts_as_older(path: Path) -> None:
    new = (master_list(SIGNER, [CSCA.der]), revocation_list(CSCA, number=7))
    old = (master_list(SIGNER, [CSCA.der], signed_at=EARLIER), revocation_list(CSCA, at=EARLIER, number=6))
    report = bring(path, CSCA.der, *old, *new, way=Way.DOWNLOADED)
    assert [one.older for one in report.rejected] == [False, False]
    assert [one.older for one in watched(path, *old, *new).rejected] == [False, False]
    report = watched(path, *old)
    assert [one.older for one in report.rejected] == [True, True]
    assert not report.replaced


def test_the_store_forgets_the_files_that_nothing_rests_on_any_more_and_keeps_the_newest_date(path: Path) -> None:
    def names() -> list[str]:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return [name for (name,) in connection.execute("SELECT kind FROM source ORDER BY kind")]

    bring(path, CSCA.der)
    for day in range(4):
        moment = NOW + timedelta(hours=day)
        bring(path, CSCA.der, master_list(SIGNER, [CSCA.der], signed_at=moment), revocation_list(CSCA, at=moment))
    assert names() == ["Certificate", "MasterList", "RevocationList"]
    assert bring(path, master_list(SIGNER, [CSCA.der], signed_at=NOW)).took_nothing


# ── lists of known defects ───────────────────────────────────────────────────────────────────────────────────────────


def defects(path: Path, signer: Party = DS) -> list[Defect]:
    entries = TrustStore.open(path).known_defects(parse_certificate(signer.der))
    return [defect for entry in entries for defect in entry.defects]


def test_a_deviation_list_of_a_known_country_is_taken_and_found_for_its_signers(path: Path) -> None:
    report = bring(path, CSCA.der, deviation_list(DEVIATIONS, deviation(OF_DS, kinds=(DG12,))))
    assert report.defect_lists == 1
    assert defects(path) == [Defect(Flaw.DATA_GROUP_HASH, frozenset({12}))]
    assert defects(path, DS_OF_ANOTHER) == []


def test_a_deviation_list_of_an_unknown_country_is_refused(path: Path) -> None:
    with pytest.raises(SourceError, match="nobody vouches"):
        bring(path, FOREIGN.der, deviation_list(DEVIATIONS))


def test_a_newer_deviation_list_takes_the_place_of_the_older_one_and_never_the_reverse(path: Path) -> None:
    bring(path, CSCA.der, deviation_list(DEVIATIONS, deviation(OF_DS, kinds=(DG12,))))
    bring(path, deviation_list(DEVIATIONS, signed_at=LATER))
    assert defects(path) == []
    assert bring(path, deviation_list(DEVIATIONS, deviation(OF_DS, kinds=(DG12,)))).defect_lists == 0
    assert defects(path) == []


def test_only_the_operator_vouches_for_a_list_that_speaks_of_every_country(path: Path) -> None:
    listed = defect_list(DEFECTS, defect(DS_OF_ANOTHER, known("1.4")))
    with pytest.raises(SourceError, match="nobody vouches"):
        bring(path, CSCA.der, listed)
    assert bring(path, listed, signer=CSCA).defect_lists == 1
    assert defects(path, DS_OF_ANOTHER) == [Defect(Flaw.ACTIVE_KEYS_COMPROMISED)]


def test_lists_for_demos_concern_only_what_is_signed_for_demos(path: Path) -> None:
    both = (defect(DS, known("1.4")), defect(DS_OF_ANOTHER, known("1.4")))
    bring(path, CSCA.der)
    bring(path, FOREIGN.der, defect_list(DEFECTS, *both), signer=CSCA, test=True)
    assert defects(path) == []
    assert defects(path, DS_OF_ANOTHER) == [Defect(Flaw.ACTIVE_KEYS_COMPROMISED)]


def test_a_list_for_demos_does_not_take_the_place_of_one_for_service(path: Path) -> None:
    bring(path, CSCA.der, deviation_list(DEVIATIONS, deviation(OF_DS, kinds=(DG12,))))
    bring(path, deviation_list(DEVIATIONS, signed_at=LATER), signer=CSCA, test=True)
    assert defects(path) == [Defect(Flaw.DATA_GROUP_HASH, frozenset({12}))]


def test_a_damaged_list_of_defects_is_noticed_when_the_store_is_opened(path: Path) -> None:
    bring(path, CSCA.der, deviation_list(DEVIATIONS))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        damage_rows(connection, "defect_list")
    connection.close()
    with pytest.raises(StoreError, match="is damaged"):
        TrustStore.open(path)


# ── revocation lists ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revocation_list_with_a_lower_number_is_a_roll_back_whatever_its_date(path: Path) -> None:
    bring(path, CSCA.der, revocation_list(CSCA, 5, number=7))
    report = bring(path, revocation_list(CSCA, at=LATER, number=6))
    assert (report.revocation_lists, report.rejected[0].reason) == (0, "older than the one in the store")
    assert bring(path, revocation_list(CSCA, 5, 6, at=LATER, number=8)).revocation_lists == 1


def test_a_revocation_list_that_is_to_come_does_not_take_the_place_of_the_one_that_holds(path: Path) -> None:
    bring(path, CSCA.der, revocation_list(CSCA, 5, number=7))
    report = bring(path, revocation_list(CSCA, at=LATER + timedelta(seconds=1), number=8))
    assert (report.revocation_lists, report.rejected[0].reason) == (
        0,
        "a revocation list of 2026-11-26, which is to come",
    )


def test_a_revocation_list_is_parsed_once_for_all_inspections(path: Path) -> None:
    bring(path, CSCA.der, revocation_list(CSCA, 5))
    store = TrustStore.open(path)
    issuer = parse_certificate(CSCA.der).subject_id
    assert store.revocation_lists(issuer)[0] is store.revocation_lists(issuer)[0]


def test_coverage_tells_how_long_the_revocation_lists_of_a_country_hold(path: Path) -> None:
    bring(path, CSCA.der, FOREIGN.der, revocation_list(CSCA))
    until = (NOW + timedelta(days=90)).date().isoformat()
    assert {row.code: row.revocation_until for row in TrustStore.open(path).coverage()} == {"UT": until, "ZZ": ""}


def test_a_store_of_the_first_version_must_be_made_anew(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version=1")
    connection.close()
    for use in (lambda: TrustStore.open(path), lambda: bring(path, CSCA.der)):
        with pytest.raises(StoreError, match="make it anew"):
            use()


# ── folders and collections ──────────────────────────────────────────────────────────────────────────────────────────


def ldif(*entries: tuple[str, str, bytes]) -> bytes:
    """Entries as the ICAO PKD writes them: the value in base 64, folded."""
    lines = ["# a comment", "version: 1", ""]
    for name, attribute, content in entries:
        value = f"{attribute}:: {base64.b64encode(content).decode()}"
        lines += [f"dn: {name}", "objectClass: top", value[:76]]
        lines += [f" {value[start : start + 75]}" for start in range(76, len(value), 75)]
        lines.append("")
    return "\n".join(lines).encode()


DSC_NAME = "cn=X,o=dsc,c=UT,dc=data,dc=download,dc=pkd,dc=icao,dc=int"
LISTS_NAME = "cn=CN\\=Lists,o=ml,c=UT,dc=data,dc=download,dc=pkd,dc=icao,dc=int"
CRL_NAME = "cn=CN\\=CSCA,o=crl,c=UT,dc=data,dc=download,dc=pkd,dc=icao,dc=int"


@pytest.fixture
def download(tmp_path: Path) -> Path:
    folder = tmp_path / "pkd"
    (folder / "more").mkdir(parents=True)
    (folder / "icaopkd-001-complete-1.ldif").write_bytes(
        ldif(
            (DSC_NAME, "userCertificate;binary", DS.der),
            (CRL_NAME, "certificateRevocationList;binary", revocation_list(CSCA, 5)),
        ),
    )
    (folder / "icaopkd-002-complete-1.ldif").write_bytes(
        ldif(
            (LISTS_NAME, "pkdMasterListContent", master_list(SIGNER, [CSCA.der, FOREIGN.der])),
            (LISTS_NAME, "pkdMasterListContent", master_list(FOREIGN_SIGNER, [OTHER.der])),
            (LISTS_NAME, "pkdMasterListContent", b"\x30\x03\x02\x01\x00"),
        ),
    )
    (folder / "more" / "UT.dvl").write_bytes(deviation_list(DEVIATIONS, deviation(OF_DS, kinds=(DG12,))))
    (folder / "more" / "broken.crl").write_bytes(b"nonsense")
    (folder / "README.txt").write_text("not a list")
    return folder


def test_a_downloaded_folder_is_taken_as_far_as_it_can_be_trusted(path: Path, download: Path) -> None:
    folder = read_folder(download)
    assert {one.subject for one in folder.rejected} == {"more/broken.crl", "icaopkd-002-complete-1.ldif, value 3"}
    report = import_sources(
        path, folder.sources, signer=parse_certificate(CSCA.der), test=False, now=LATER, way=Way.DOWNLOADED
    )
    assert (report.accepted, report.revocation_lists, report.defect_lists) == (2, 1, 1)
    assert ["nobody vouches" in one.reason for one in report.rejected] == [True]
    assert subjects(path) == {"UT, CSCA", "ZZ, Foreign CSCA"}


def test_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read_folder(tmp_path / "none")


def test_a_file_beyond_the_limit_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "huge.cer").touch()
    os.truncate(tmp_path / "huge.cer", SIGNED_BYTES_MAX + 1)
    assert [one.reason for one in read_folder(tmp_path).rejected] == [f"longer than {SIGNED_BYTES_MAX} bytes"]


@pytest.mark.parametrize(
    ("ending", "limit", "what"),
    [(".cer", FILES_MAX, "files"), pytest.param("", NAMES_MAX, "names", marks=pytest.mark.long)],
)
def test_a_folder_of_too_much_is_refused(tmp_path: Path, ending: str, limit: int, what: str) -> None:
    for number in range(limit + 1):
        os.mknod(tmp_path / f"{number}{ending}")
    with pytest.raises(SourceError, match=f"more than {limit} {what}"):
        look(tmp_path)


@pytest.mark.parametrize("limit", ["SOURCES_MAX", "SOURCES_BYTES_MAX"])
def test_what_a_folder_holds_beyond_the_limit_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    from gate.trust import folder

    for number in range(3):
        (tmp_path / f"{number}.cer").write_bytes(CSCA.der)
    monkeypatch.setattr(folder, limit, {"SOURCES_MAX": 2, "SOURCES_BYTES_MAX": 2 * len(CSCA.der)}[limit])
    found = read_folder(tmp_path)
    assert len(found.sources) == 2
    assert found.rejected[0].reason == "holds too much; what comes after is left out"


def test_nothing_but_ordinary_files_of_the_folder_is_read(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    for one in (folder, outside):
        one.mkdir()
        (one / "csca.cer").write_bytes(CSCA.der)
    (folder / "link.cer").symlink_to(outside / "csca.cer")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "dangling.ml").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.crl")
    (folder / "folder.ml").mkdir()
    assert [one.name for one in look(folder)] == ["csca.cer"]
    assert [one.name for one in read_folder(folder).sources] == ["csca.cer"]


def test_a_file_that_becomes_a_pipe_before_it_is_opened_is_no_ordinary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gate.trust import folder

    (tmp_path / "a.crl").write_bytes(b"")
    found = list(walk(tmp_path))
    (tmp_path / "a.crl").unlink()
    os.mkfifo(tmp_path / "a.crl")
    monkeypatch.setattr(folder, "walk", lambda path: replaced(path, found))
    assert [one.reason for one in read_folder(tmp_path).rejected] == ["cannot be read: no ordinary file"]


def replaced(path: Path, found: list[Found]) -> Iterator[Found]:
    """What was found before, openable now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for one in found:
            yield dataclasses.replace(one, folder_descriptor=descriptor)
    finally:
        os.close(descriptor)


def test_names_that_are_no_text_and_names_that_would_write_to_a_terminal_are_shown_harmless(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\x1b[2J.crl")).write_bytes(b"x")
    assert [one.subject for one in read_folder(tmp_path).rejected] == ["\ufffd\ufffd[2J.crl"]


def test_a_certificates_name_writes_nothing_to_a_terminal_but_text(path: Path, tmp_path: Path) -> None:
    (tmp_path / "stranger.cer").write_bytes(party("\x1b[2JStranger\x07", issuer=CSCA).der)
    done = CliRunner().invoke(app, ["import", str(tmp_path / "stranger.cer"), "--store", str(path)])
    assert "Stranger" in done.stderr
    assert all(one.isprintable() for one in done.stderr.rstrip("\n"))


def test_what_lies_too_deep_is_not_seen(tmp_path: Path) -> None:
    from gate.trust.download_folder import DEPTH_MAX

    deep = tmp_path.joinpath(*(["a"] * (DEPTH_MAX + 2)))
    deep.mkdir(parents=True)
    for folder in (deep, *deep.parents[:3]):
        (folder / "a.cer").write_bytes(CSCA.der)
    assert len(look(tmp_path)) == 2


def test_a_collection_without_a_line_end_is_left_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gate.trust import folder

    bomb = tmp_path / "bomb.ldif"
    with bomb.open("wb") as file:
        file.truncate(300 << 20)
    tracemalloc.start()
    assert [one.reason for one in read_folder(tmp_path).rejected] == [f"a line longer than {LINE_BYTES_MAX} bytes"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    bomb.write_bytes(b"# a comment\n" * 1000)
    monkeypatch.setattr(folder, "COLLECTION_BYTES_MAX", 5000)
    assert [one.reason for one in read_folder(tmp_path).rejected] == ["longer than 5000 bytes"]


def test_of_what_is_rejected_the_first_are_named(tmp_path: Path) -> None:
    (tmp_path / "many.ldif").write_bytes(ldif(*[(CRL_NAME, "a", b"\x30\x03\x02\x01\x00")] * (REJECTED_MAX + 5)))
    assert len(read_folder(tmp_path).rejected) == REJECTED_MAX


def test_a_collection_with_a_broken_value_is_taken_up_to_there(tmp_path: Path) -> None:
    whole = ldif((CRL_NAME, "certificateRevocationList;binary", revocation_list(CSCA)))
    (tmp_path / "one.ldif").write_bytes(whole + b"\ndn: x\ncACertificate;binary:: ???\n")
    folder = read_folder(tmp_path)
    assert len(folder.sources) == 1
    assert [one.reason for one in folder.rejected] == ["a value that is no base 64"]


def test_binary_values_come_with_the_name_of_their_entry() -> None:
    lines = b"dn:: bz1NTA==\nobjectClass: top\na;binary:: QQ==\n\ndn: o=two\nb:: QkI\n =\n".splitlines(keepends=True)
    assert [(one.entry, one.attribute, one.content) for one in binary_values(lines)] == [
        ("o=ml", "a", b"A"),
        ("o=two", "b", b"BB"),
    ]


@pytest.mark.parametrize("line", [b"no attribute\n", b"a" * (LINE_BYTES_MAX + 1), b"a:: *\n"])
def test_what_is_no_ldif_is_refused(line: bytes) -> None:
    with pytest.raises(SourceError):
        list(binary_values([line]))


def test_a_value_beyond_the_limit_is_refused() -> None:
    more = b" " + b"QUFB" * (LINE_BYTES_MAX // 4 - 1) + b"\n"
    with pytest.raises(SourceError, match="a value longer than"):
        list(binary_values([b"a:: QUFB\n", *[more] * (VALUE_BYTES_MAX // LINE_BYTES_MAX + 2)]))
