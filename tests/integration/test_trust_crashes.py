"""An import that is killed at every step that the system sees: the store is the old one or the new one, and the next import works."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from core_fakes.killing import killed_at, refused
from document_fakes.master_lists import NOW, master_list, party, revocation_list

from gate.trust.errors import StoreError
from gate.trust.list_import import DRAFT, import_sources
from gate.trust.sources import Source, Way, read_source
from gate.trust.store import TrustStore
from gate_documents.pki.certificate import parse_certificate

pytestmark = pytest.mark.no_cover

CSCA = party("CSCA")
OTHER = party("Other CSCA")
SIGNER = party("List signer", issuer=CSCA, authority=False, lists=True)
LATER = NOW + timedelta(days=1)
OLD = [read_source("old", master_list(SIGNER, [CSCA.der]))]
NEW = [
    read_source("new", master_list(SIGNER, [CSCA.der, OTHER.der], signed_at=LATER)),
    read_source("crl", revocation_list(CSCA, 5)),
]
STEPS_MAX = 500


def bring(path: Path, sources: list[Source]) -> str:
    signer = parse_certificate(CSCA.der)
    return import_sources(path, sources, signer=signer, test=False, now=LATER, way=Way.WATCHED).version


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_kill_at_any_step_leaves_the_old_store_or_the_new_one(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.sqlite"
    old, new = bring(wanted, OLD), bring(wanted, NEW)
    found = []
    for step in range(1, STEPS_MAX):
        path = tmp_path / f"{step}.sqlite"
        bring(path, OLD)
        if not killed_at(step, partial(bring, path, NEW)):
            break
        found.append(TrustStore.open(path).version)
        assert bring(path, NEW) == TrustStore.open(path).version == new
        assert sorted(one.name for one in tmp_path.glob(f"{step}.*")) == [path.name, f"{path.name}.lock"]
    assert len(found) > 10
    assert set(found) == {old, new}
    assert found == sorted(found, key=[old, new].index)  # and once it is the new one it stays so


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("step", ["fsync", "rename", "chmod"])
def test_a_disk_that_refuses_leaves_the_old_store(tmp_path: Path, step: str) -> None:
    path = tmp_path / "trust.sqlite"
    before = bring(path, OLD)

    def renew() -> None:
        try:
            bring(path, NEW)
        except StoreError as error:
            raise OSError(str(error)) from error

    assert "No space left" in refused(renew, at=step)
    assert TrustStore.open(path).version == before
    assert not path.with_name(path.name + DRAFT).exists()


def test_the_new_store_keeps_the_permissions_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "trust.sqlite"
    bring(path, OLD)
    path.chmod(0o640)
    bring(path, NEW)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_store_behind_a_link_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    real, link = tmp_path / "real.sqlite", tmp_path / "trust.sqlite"
    version = bring(real, OLD)
    link.symlink_to(real)
    with pytest.raises(StoreError, match="no ordinary file but a link"):
        TrustStore.open(link)
    with pytest.raises(StoreError, match="no ordinary file but a link"):
        bring(link, NEW)
    assert TrustStore.open(real).version == version


def test_whoever_has_the_old_store_open_goes_on_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "trust.sqlite"
    bring(path, OLD)
    before = TrustStore.open(path)
    bring(path, NEW)
    assert len(before) == 1
    assert before.with_subject(parse_certificate(CSCA.der).subject_id)
