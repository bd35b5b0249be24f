"""Revocation by the CSCA's key and all its names, through the trust store: found, and forged in no way that helps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.master_lists import NOW, Party, party, revocation_list
from document_fakes.names_of_a_key import (
    CSCA,
    DAY,
    KEY,
    RENAMED,
    STRANGER,
    TURNED,
    revocation,
    signed_as,
    written_by,
)

from gate.programs.lane.document.inspection import RememberingAnchors
from gate.trust.list_import import import_sources
from gate.trust.revocations import Revocations
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_documents.checks import Result
from gate_documents.pki.anchors import HeldAnchors, KnownIssuers
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.revocation import parse_revocation_list


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., TrustStore]:
    def bring(*files: bytes, now: datetime = NOW) -> TrustStore:
        path = tmp_path / "trust.sqlite"
        sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
        import_sources(path, sources, signer=None, test=False, now=now)
        return TrustStore.open(path)

    return bring


@pytest.mark.parametrize("of", [CSCA, RENAMED], ids=["one name", "the other"])
@pytest.mark.parametrize("by", [CSCA, RENAMED], ids=["list of one", "list of the other"])
def test_a_signer_revoked_under_the_other_name_of_its_issuers_key_is_revoked(
    opened: Callable[..., TrustStore], of: Party, by: Party
) -> None:
    store = opened(CSCA.der, RENAMED.der, revocation_list(by, 77, at=NOW - DAY))
    assert revocation(store, signed_as(of)).result is Result.FAILED
    assert revocation(RememberingAnchors(store), signed_as(of)).result is Result.FAILED
    assert revocation(store, signed_as(of, serial=78)).result is Result.SUCCESSFUL
    assert revocation(store, signed_as(of), now=NOW + 365 * DAY).result is Result.FAILED, "however old the list is"


def test_without_the_key_a_list_under_another_name_says_nothing(opened: Callable[..., TrustStore]) -> None:
    namesake = party("CSCA of the Ministry")
    store = opened(CSCA.der, namesake.der, revocation_list(namesake, 77))
    assert revocation(store, signed_as(CSCA)).result is Result.UNDETERMINED


def test_a_list_and_a_signer_that_write_the_issuers_name_in_another_order_are_found(
    opened: Callable[..., TrustStore],
) -> None:
    for of, by in ((CSCA, TURNED), (TURNED, CSCA), (TURNED, TURNED)):
        store = opened(CSCA.der, revocation_list(by, 77))
        assert revocation(store, signed_as(of)).result is Result.FAILED, (of.name, by.name)
        assert revocation(store, signed_as(of, serial=78)).result is Result.SUCCESSFUL
    assert [one.country for one in store.editions()] == ["UT"]


def test_a_list_in_another_order_takes_the_place_of_the_older_one_and_is_never_rolled_back(
    opened: Callable[..., TrustStore],
) -> None:
    opened(CSCA.der, revocation_list(CSCA, 77, at=NOW - 2 * DAY))
    store = opened(revocation_list(TURNED, 78, at=NOW - DAY))
    assert [revocation(store, signed_as(CSCA, serial=number)).result for number in (77, 78)] == [
        Result.SUCCESSFUL,
        Result.FAILED,
    ]
    store = opened(revocation_list(CSCA, 77, at=NOW - 2 * DAY))
    assert revocation(store, signed_as(CSCA)).result is Result.SUCCESSFUL


def test_nobody_revokes_or_clears_in_anothers_name(opened: Callable[..., TrustStore]) -> None:
    """By a key of another country, by one of the same country, by a forged signature, in either order of the name."""
    neighbour = party("Other CSCA")
    strangers = [written_by(who, name) for who in (STRANGER, neighbour) for name in (CSCA.name, TURNED.name)]
    broken = revocation_list(TURNED, 77)
    forged = broken[:-1] + bytes([broken[-1] ^ 1])
    lists = [revocation_list(who, 77) for who in strangers]
    store = opened(CSCA.der, STRANGER.der, neighbour.der, forged, *lists)
    assert store.editions() == ()
    assert revocation(store, signed_as(CSCA)).result is Result.UNDETERMINED


def test_a_certificate_of_another_country_with_the_same_key_lends_no_names(opened: Callable[..., TrustStore]) -> None:
    """Else a state that copies a key, which is public, could speak of what that key has signed."""
    copied = party("Copy", country="ZZ", issuer=STRANGER, key=KEY)
    moved = dataclasses.replace(STRANGER, name=copied.name)
    anchors = ListedAnchors(
        [CSCA.der, STRANGER.der, copied.der], [revocation_list(moved, 77), revocation_list(CSCA, 1)]
    )
    assert revocation(anchors, signed_as(CSCA)).result is Result.SUCCESSFUL
    csca = parse_certificate(CSCA.der)
    known = [csca, parse_certificate(RENAMED.der), parse_certificate(STRANGER.der), parse_certificate(copied.der)]
    stores: tuple[KnownIssuers, ...] = (
        opened(CSCA.der, RENAMED.der, STRANGER.der, copied.der),
        HeldAnchors(known),
        anchors,
    )
    for store in stores:
        assert {one.country for one in store.with_key_of(csca)} == {"UT"}


def test_a_name_that_the_key_does_not_have_is_cleared_by_no_list_and_revoked_by_any(
    opened: Callable[..., TrustStore],
) -> None:
    """BSI TR-03105-5.1 LDS_H_54: the issuer of a document signer is the subject of a CSCA."""
    nameless = signed_as(RENAMED)
    store = opened(CSCA.der, revocation_list(CSCA, 78))
    assert revocation(store, nameless).result is Result.UNDETERMINED
    assert revocation(store, signed_as(RENAMED, serial=78)).result is Result.FAILED
    assert revocation(opened(RENAMED.der), nameless).result is Result.SUCCESSFUL, "now it is one of the key's names"


def test_a_csca_that_is_not_understood_publishes_no_revocations() -> None:
    """One may be in a store of before such were refused."""
    listed = [(0, "list", parse_revocation_list(revocation_list(CSCA, 77)))]
    csca = parse_certificate(CSCA.der)
    assert Revocations([], {}, NOW).admit(listed, HeldAnchors([csca])) == []
    assert Revocations([], {}, NOW).admit(listed, HeldAnchors([dataclasses.replace(csca, understood=False)])) == listed
