"""The second catalogue: what a document must be judged, written from the standards' text and from nothing of ours that judges.

Its rows stand in `catalogue`, one module an area. Each names its clause, what is wrong or unusual in the clause's words,
how to make such a document, and the results that the clause leaves open. A test plan that says "failed" leaves open in which
way; BSI TR-03135-1 says it exactly.
"""

from __future__ import annotations

from functools import reduce
from itertools import chain
from pathlib import Path

import pytest
from catalogue import algorithms, certificates, chips, files, proofs, readings, signed
from catalogue.documents import Case, plain
from catalogue.readings import FileRow, ListRow, Mrz, MrzRow
from catalogue.rows import SUCCESSFUL, Row
from document_fakes.inspections import anchors

from gate.trust.errors import TrustError
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_documents.checks import Result
from gate_documents.errors import DocumentError, MrzError
from gate_documents.mrz.parser import parse
from gate_documents.pki.certificate import parse_certificate

AREAS = (files, signed, algorithms, certificates, chips, proofs)
ROWS: tuple[Row, ...] = tuple(chain.from_iterable(area.ROWS for area in AREAS))
ROWS_MIN = 80


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_document_is_judged_as_the_standards_say(row: Row) -> None:
    inspection = row.case().inspect()
    found = {check: inspection.result_of(check) for check in row.checks}
    assert inspection.overall in row.overall
    assert all(found[check] in allowed for check, allowed in row.checks.items()), found


def test_the_document_that_every_row_departs_from_is_successful() -> None:
    inspection = Case(plain(), against=anchors()).inspect()
    assert {check.result for check in inspection.checks} == {Result.SUCCESSFUL}


def test_the_catalogue_is_large_and_no_row_stands_twice() -> None:
    names = [str(row) for row in ROWS]
    assert len(set(names)) == len(names) >= ROWS_MIN


def test_the_catalogue_holds_unusual_documents_beside_wrong_ones() -> None:
    unusual = sum(row.overall == SUCCESSFUL for row in ROWS)
    assert len(ROWS) / 5 < unusual < len(ROWS) * 4 / 5


@pytest.mark.parametrize("row", readings.MRZS, ids=str)
def test_an_mrz_is_what_the_standards_say(row: MrzRow) -> None:
    if row.expected is Mrz.NONE:
        with pytest.raises(MrzError):
            parse(row.lines)
    else:
        mrz = parse(row.lines)
        assert (mrz.valid and not mrz.problems) is (row.expected is Mrz.VALID)


@pytest.mark.parametrize("row", readings.FILES, ids=str)
def test_a_file_is_read_or_refused_as_the_standards_say(row: FileRow) -> None:
    if row.expected is None:
        with pytest.raises(DocumentError):
            row.read(row.file)
    elif isinstance(row.expected, dict):
        value = row.read(row.file)
        for path, expected in row.expected.items():
            found = reduce(getattr, path.split("."), value)
            assert (found() if callable(found) else found) == expected
    else:
        assert row.read(row.file) == row.expected


@pytest.mark.parametrize("row", readings.LISTS, ids=str)
def test_a_master_list_is_believed_when_the_standards_say_so(row: ListRow, tmp_path: Path) -> None:
    path = tmp_path / "trust.sqlite"
    trusted = parse_certificate(readings.CSCA.der)
    import_sources(path, [read_source("csca", readings.CSCA.der)], signer=None, test=False, now=readings.AT)
    refused = False
    try:
        import_sources(path, [read_source("list", row.make())], signer=trusted, test=False, now=readings.AT)
    except TrustError:
        refused = True
    found = TrustStore.open(path).with_subject(parse_certificate(readings.FOREIGN.der).subject_id)
    assert bool(found) is row.believed
    assert not (refused and row.believed)
