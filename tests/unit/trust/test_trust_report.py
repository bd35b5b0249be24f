"""What a store covers and what is old: the survey, the alarms, the page and the document that `gate trust report` gives."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest
from document_fakes.master_lists import NOW, master_list, party, revocation_list
from typer.testing import CliRunner

from gate.cli.trust import app
from gate.trust.errors import StoreError
from gate.trust.freshness import AlarmKind, alarms, freshness
from gate.trust.list_import import import_sources
from gate.trust.schema import connect_draft, migrate
from gate.trust.sources import Way, read_source
from gate.trust.store import TrustStore
from gate.trust.survey import Revocation, survey
from gate.trust.survey_report import fields, render
from gate_documents.pki.certificate import parse_certificate

CSCA = party("CSCA")
FOREIGN = party("Foreign CSCA", country="ZZ")
SIGNER = party("List signer", issuer=CSCA, authority=False, lists=True)
LINK = party("CSCA 2", issuer=CSCA)


def bring(path: Path, *files: bytes, test: bool = False, way: Way = Way.HANDED) -> None:
    sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
    import_sources(path, sources, signer=parse_certificate(CSCA.der), test=test, now=NOW, way=way)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trust.sqlite"
    bring(path, master_list(SIGNER, [CSCA.der, FOREIGN.der]), revocation_list(CSCA, 5, number=7))
    return path


def texts(path: Path, days: int, *, age_max_days: int = 90) -> list[str]:
    return [one.text for one in alarms(TrustStore.open(path), NOW + timedelta(days=days), age_max_days=age_max_days)]


def test_fresh_lists_raise_no_alarm(path: Path) -> None:
    assert texts(path, 90) == []


def test_everything_that_is_older_than_it_should_be_is_an_alarm(path: Path) -> None:
    assert texts(path, 91) == [
        "nothing new was imported for 91 days",
        "the master list of UT is 91 days old",
        "a revocation list of UT should have been followed by 2027-02-23",
    ]
    assert texts(path, 91, age_max_days=365) == ["a revocation list of UT should have been followed by 2027-02-23"]


def test_a_store_in_which_nothing_is_is_an_alarm(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    connection = connect_draft(path)
    migrate(connection)
    connection.close()
    found = alarms(TrustStore.open(path), NOW, age_max_days=90)
    assert [one.kind for one in found] == [AlarmKind.NOTHING_IMPORTED]


def test_the_status_tells_each_kind_of_list(path: Path) -> None:
    found = freshness(TrustStore.open(path), NOW + timedelta(days=3), age_max_days=2)
    assert found["published"] == [{"kind": "master_list", "publisher": "UT", "age_days": 3}]
    due = (NOW + timedelta(days=90)).isoformat()
    assert found["revocation_lists"] == {"count": 1, "newest": NOW.isoformat(), "next_due": due, "overdue": 0}
    assert len(found["alarms"]) == 2
    overdue = freshness(TrustStore.open(path), NOW + timedelta(days=91), age_max_days=2)["revocation_lists"]
    assert (overdue["next_due"], overdue["overdue"]) == (None, 1)
    json.dumps(found)


def test_a_survey_tells_where_a_countrys_certificates_come_from_and_how_its_revocation_stands(path: Path) -> None:
    bring(path, CSCA.der)
    bring(path, LINK.der, way=Way.WATCHED)
    found = survey(path, NOW + timedelta(days=1), age_max_days=90)
    ours, theirs = found.countries
    assert (ours.code, ours.certificates, ours.valid, ours.revocation) == ("UT", 2, 2, Revocation.CURRENT)
    assert ours.origins == ("1 by hand", "1 as links", "1 from the master list of UT, 2026-11-25")
    assert [(one.number, one.this_update) for one in ours.editions] == [("7", NOW)]
    assert (theirs.code, theirs.origins, theirs.revocation) == (
        "ZZ",
        ("1 from the master list of UT, 2026-11-25",),
        Revocation.NONE,
    )
    assert [found.count(one) for one in Revocation] == [1, 0, 1]
    later = survey(path, NOW + timedelta(days=91), age_max_days=365)
    assert [one.revocation for one in later.countries] == [Revocation.OVERDUE, Revocation.NONE]
    assert later.version == TrustStore.open(path).version


def test_what_has_ended_and_what_is_for_demos_is_counted_apart(path: Path) -> None:
    bring(path, party("Old", country="YY", days=10).der, test=True)
    (one,) = (one for one in survey(path, NOW + timedelta(days=11), age_max_days=90).countries if one.code == "YY")
    assert (one.certificates, one.valid, one.for_demos) == (1, 0, 1)


def test_a_store_that_is_none_cannot_be_surveyed(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        survey(tmp_path / "none.sqlite", NOW, age_max_days=90)


def test_the_page_stands_by_itself_and_tells_what_the_document_tells(path: Path) -> None:
    bring(path, FOREIGN.der, revocation_list(FOREIGN, at=NOW - timedelta(days=99)))
    found = survey(path, NOW, age_max_days=90)
    page, document = render(found, path), json.loads(json.dumps(fields(found)))
    assert document["revocation"] == {"current": 1, "overdue": 1, "none": 0}
    assert [one["code"] for one in document["countries"]] == ["UT", "ZZ"]
    assert document["countries"][0]["revocation_lists"][0]["number"] == "7"
    assert [one["kind"] for one in document["alarms"]] == ["revocation_list_overdue"]
    for told in ("UT", "ZZ", "no. 7, 0 days old, next 2027-02-23", document["alarms"][0]["text"], document["version"]):
        assert told in page
    assert not any(reaches_out in page for reaches_out in ("http:", "https:", "<script", "<link", "src=", "@import"))


def test_a_page_without_alarms_says_so(path: Path) -> None:
    page = render(survey(path, NOW, age_max_days=90), path)
    assert "Nothing is older than it should be." in page
    assert "Without a revocation list" in page


def test_a_countrys_code_is_whatever_a_certificate_says_and_harms_no_page(path: Path) -> None:
    found = survey(path, NOW, age_max_days=90)
    hostile = dataclasses.replace(found.countries[1], code="<b>", origins=("<i>",))
    page = render(dataclasses.replace(found, countries=(found.countries[0], hostile)), path)
    assert "&lt;b&gt;" in page
    assert not {"<b>", "<i>"} & {page[start : start + 3] for start in range(len(page))}


def test_the_command_writes_the_page_and_prints_the_document(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    done = CliRunner().invoke(app, ["report", "--store", str(path), "--out", str(out), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["schema"] == "trust.report/1"
    assert out.read_text().startswith("<!doctype html>")
    spoken = CliRunner().invoke(app, ["report", "--store", str(path)])
    assert spoken.stdout.startswith("2 countries, ")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["--store", "none.sqlite"], "none.sqlite"), (["--out", "/none/report.html"], "/none/report.html")],
)
def test_what_cannot_be_read_or_written_is_one_line(path: Path, arguments: list[str], reason: str) -> None:
    chosen = ["report", *(() if "--store" in arguments else ("--store", str(path))), *arguments]
    done = CliRunner().invoke(app, chosen)
    assert done.exit_code == 74
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("verb", ["list", "report"])
def test_a_store_that_is_damaged_is_bad_data_and_one_that_is_not_there_an_io_error(path: Path, verb: str) -> None:
    good = path.read_bytes()
    for damaged in (
        b"noise",
        good[:-4096],
        good.replace(b"Foreign", b"foreign"),
        good[:100] + b"\xff" * 200 + good[300:],
    ):
        path.write_bytes(damaged)
        done = CliRunner().invoke(app, [verb, "--store", str(path)])
        assert (done.exit_code, done.stdout) == (65, "")
        assert len(done.stderr.splitlines()) == 1
    assert CliRunner().invoke(app, [verb, "--store", str(path) + ".none"]).exit_code == 74


def test_an_import_into_a_damaged_store_is_bad_data(path: Path, tmp_path: Path) -> None:
    list_file = tmp_path / "list.ml"
    list_file.write_bytes(master_list(SIGNER, [CSCA.der]))
    path.write_bytes(b"noise" * 1000)
    done = CliRunner().invoke(app, ["import", str(list_file), "--store", str(path)])
    assert done.exit_code == 65
    assert len(done.stderr.splitlines()) == 1
    absent = CliRunner().invoke(app, ["import", str(list_file), "--store", str(tmp_path / "none" / "t.sqlite")])
    assert absent.exit_code == 74


def test_a_revocation_list_ages_by_its_own_date_too(tmp_path: Path) -> None:
    """Its issuer promises the next one in ten years: it counts for 90 days (ICAO 9303-12)."""
    path = tmp_path / "trust.sqlite"
    bring(path, CSCA.der, revocation_list(CSCA, next_days=3650))
    assert texts(path, 90, age_max_days=365) == []
    assert texts(path, 91, age_max_days=365) == ["a revocation list of UT is 91 days old"]
    store = TrustStore.open(path)
    assert freshness(store, NOW + timedelta(days=91), age_max_days=365)["revocation_lists"]["overdue"] == 1
    assert store.coverage()[0].revocation_until == (NOW + timedelta(days=90)).date().isoformat()
    for days, mark, revocation in ((90, "mark current", Revocation.CURRENT), (91, "mark overdue", Revocation.OVERDUE)):
        found = survey(path, NOW + timedelta(days=days), age_max_days=365)
        assert [one.revocation for one in found.countries] == [revocation]
        assert mark in render(found, path)
