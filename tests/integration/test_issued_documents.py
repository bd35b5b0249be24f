"""What the simulated office issues beside plain passports, judged by the gate: two implementations that share no code.

Security objects in every shape, documents with further data groups, signers that may not sign, and published lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia

from gate.trust.errors import SourceError
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_documents.checks import CheckId, Result
from gate_documents.inspection import inspect_files
from gate_documents.mrz.parser import parse
from gate_documents.pki.anchors import TrustAnchors
from gate_documents.pki.certificate import parse_certificate
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.passport import der, lists
from hardware_sim.passport.lists import Defect, Deviation
from hardware_sim.passport.office import ListSigner
from hardware_sim.passport.security_object import SecurityObject

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
SIGNERS = (
    "p256", "brainpool256", "rsa_pss", "rsa_pkcs1", "rsa_1024", "p224", "p384", "p521", "brainpool384", "brainpool512",
)  # fmt: skip
OF_FILES = {"chip_access": "not_supported", "chip_authenticity": "undetermined"}  # nobody asked a chip


def anchors() -> ListedAnchors:
    return ListedAnchors(utopia().csca_files().values(), utopia().crl_files().values())


def inspected(*, trust: TrustAnchors | None = None, **order: Any) -> Inspection:
    passport = utopia().issue(
        ANNA, portrait_jpeg=portrait(), other_portrait_jpeg=portrait(40), active_authentication="ecdsa", **order
    )
    files = {name.replace("_", "."): content for name, content in passport.files.items()}
    return inspect_files(files, anchors=trust or anchors(), now=NOW, mrz=parse("".join(passport.mrz_lines)))


def left(inspection: Inspection) -> dict[str, str]:
    """What is not successful, beyond what files alone cannot show."""
    found = {check.id.value: check.result.value for check in inspection.checks if check.result is not Result.SUCCESSFUL}
    return {name: result for name, result in found.items() if OF_FILES.get(name) != result}


# ── security objects ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_document_by_every_kind_of_signer_verifies(signer: str) -> None:
    assert left(inspected(signer=signer)) == {}


@pytest.mark.parametrize(
    "shape",
    [
        {"lds_version": 0},
        *({"digest": name} for name in ("sha1", "sha224", "sha384", "sha512")),
        {"digest": "sha256", "signature_digest": "sha1"},
        {"digest": "sha256", "signature_digest": "sha512"},
        {"signer_id": "key_identifier"},
        *({"content_type": oid} for oid in ("1.2.840.113549.1.7.1", "1.3.27.1.1.1", "1.2.528.1.1006.1.20.1")),
        {"certificates": "two"},
        {"signers": 2, "certificates": "two"},
        {"indefinite_length": True},
        {"signing_time": NOW - timedelta(days=1)},
    ],
    ids=str,
)
def test_a_security_object_in_every_shape_that_issuers_use_verifies(shape: dict[str, Any]) -> None:
    assert left(inspected(security_object=SecurityObject(**shape))) == {}


@pytest.mark.parametrize("signer", ["rsa_pkcs1", "rsa_pss"])
def test_a_bare_rsa_algorithm_is_completed_by_the_announced_hash(signer: str) -> None:
    assert left(inspected(signer=signer, security_object=SecurityObject(bare_rsa=True))) == {}


def test_a_security_object_without_signed_attributes_fails() -> None:
    inspection = inspected(security_object=SecurityObject(signed_attributes=False))
    assert inspection.result_of(CheckId.SOD_SIGNATURE) is Result.FAILED


def test_a_security_object_without_its_signers_certificate_is_undetermined() -> None:
    inspection = inspected(security_object=SecurityObject(certificates="none"))
    assert inspection.result_of(CheckId.SOD_SIGNATURE) is Result.UNDETERMINED
    assert inspection.overall is Result.UNDETERMINED


@pytest.mark.parametrize("version", [1, 2, 4])
def test_a_signed_message_of_another_version_fails(version: int) -> None:
    inspection = inspected(security_object=SecurityObject(signed_data_version=version))
    assert inspection.result_of(CheckId.SOD_SIGNATURE) is Result.FAILED


# ── data groups ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("document", ["TD1", "TD2", "TD3"])
def test_documents_of_every_size_verify(document: str) -> None:
    assert left(inspected(document=document)) == {}


@pytest.mark.parametrize("portrait_format", ["19794-5", "39794-5"])
def test_portraits_in_both_standards_verify(portrait_format: str) -> None:
    assert left(inspected(portrait_format=portrait_format)) == {}


def test_a_further_data_group_must_keep_to_its_format() -> None:
    well, badly = der.tlv(0x6D, b"anything"), der.tlv(0x70, b"\x5f")
    assert left(inspected(extra_groups={13: well})) == {}
    assert left(inspected(extra_groups={16: badly})) == {"dg_hashes": "undetermined"}
    assert left(inspected(extra_groups={11: der.tlv(0x6B, b"\x5f")})) == {}, "a detail that cannot be read is none"


# ── signers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("signer_expired", {"ds_validity": "failed"}),
        ("signer_not_yet_valid", {"ds_validity": "failed"}),
        ("signer_without_authority_identifier", {}),
        ("signer_for_other_documents", {"country": "failed"}),
        ("signer_of_another_country", {"country": "failed"}),
        ("signer_serial_negative", {}),
        ("signer_country_small", {}),
        (
            "unknown_issuer",
            {"ds_signature": "undetermined", "csca_validity": "undetermined", "revocation": "undetermined"},
        ),
        (
            "authority_embedded",
            {"ds_signature": "undetermined", "csca_validity": "undetermined", "revocation": "undetermined"},
        ),
        ("forged_authority", {"ds_signature": "failed", "csca_validity": "undetermined"}),
        (
            "signer_is_authority",
            {"ds_signature": "failed", "csca_validity": "undetermined", "revocation": "undetermined"},
        ),
        ("zone_of_another_country", {"country": "failed"}),
    ],
)
def test_a_signer_that_may_not_sign_shows_in_the_check_that_it_breaks(fault: str, expected: dict[str, str]) -> None:
    assert left(inspected(faults=frozenset({fault}))) == expected


def test_a_key_that_signs_after_its_period_of_use_fails_if_the_document_says_when() -> None:
    signed = SecurityObject(signing_time=NOW - timedelta(days=1))
    assert left(inspected(faults=frozenset({"signer_use_over"}), security_object=signed)) == {"ds_validity": "failed"}


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def store(path: Path, files: Iterable[bytes], *, signer: bytes | None = None) -> TrustStore:
    sources = [read_source(f"file {index}", data) for index, data in enumerate(files)]
    vouching = None if signer is None else parse_certificate(signer)
    import_sources(path, sources, signer=vouching, test=False, now=NOW)
    return TrustStore.open(path)


def base() -> list[bytes]:
    return [*utopia().csca_files().values(), *utopia().crl_files().values()]


FIRST_CSCA = next(iter(utopia().csca_files().values()))


def test_links_of_the_same_name_and_of_a_new_one_are_taken_and_broken_ones_are_not(tmp_path: Path) -> None:
    before = list(utopia().previous_csca_files().values())
    for kind in ("same_name", "renamed"):
        links = list(utopia().link_certificates(kind=kind).values())
        opened = store(tmp_path / f"{kind}.sqlite", [*before, *links])
        assert opened.standings() == {"self_signed": len(before), "linked": len(links)}
    broken = list(utopia().link_certificates(kind="broken").values())
    assert len(store(tmp_path / "broken.sqlite", [*before, *broken])) == len(before)


def test_a_document_verifies_by_way_of_a_link_alone_and_never_through_it_as_an_intermediate(tmp_path: Path) -> None:
    before, links = utopia().previous_csca_files().values(), utopia().link_certificates().values()
    linked = store(tmp_path / "linked.sqlite", [*before, *links, *utopia().crl_files().values()])
    assert inspected(trust=linked).result_of(CheckId.DS_SIGNATURE) is Result.SUCCESSFUL
    only_before = store(tmp_path / "before.sqlite", before)
    assert inspected(trust=only_before).result_of(CheckId.DS_SIGNATURE) is Result.UNDETERMINED


@pytest.mark.parametrize("signer", ["without_usage", "untrusted", "broken"])
def test_a_master_list_by_somebody_who_may_not_publish_it_is_refused(tmp_path: Path, signer: ListSigner) -> None:
    with pytest.raises(SourceError):
        store(tmp_path / "trust.sqlite", [FIRST_CSCA, utopia().master_list(signer=signer)])
    assert len(store(tmp_path / "trust.sqlite", [FIRST_CSCA, utopia().master_list()])) >= 3


def test_a_revoked_signer_fails_until_the_list_is_out_of_date(tmp_path: Path) -> None:
    revoked = utopia().crl(1, number=2, revoked=[utopia().signer_serial("p256")])
    trust = store(tmp_path / "trust.sqlite", [*utopia().csca_files().values(), revoked])
    assert inspected(trust=trust, signer="p256").result_of(CheckId.REVOCATION) is Result.FAILED
    old = utopia().crl(1, number=2, issued_days=-100, next_update_days=-10)
    trust = store(tmp_path / "old.sqlite", [*utopia().csca_files().values(), old])
    assert inspected(trust=trust, signer="p256").result_of(CheckId.REVOCATION) is Result.UNDETERMINED
    forged = utopia().crl(1, number=9, forged=True)
    trust = store(tmp_path / "forged.sqlite", [*utopia().csca_files().values(), forged])
    assert inspected(trust=trust, signer="p256").result_of(CheckId.REVOCATION) is Result.UNDETERMINED


def test_a_deviation_list_explains_the_failure_that_it_names(tmp_path: Path) -> None:
    deviation = Deviation(lists.GROUP_HASH_WRONG, der.integer(2), signer="p256")
    trust = store(tmp_path / "trust.sqlite", [*base(), utopia().deviation_list([deviation])])
    order: dict[str, Any] = {"faults": frozenset({"dg2_swapped"}), "signer": "p256"}
    assert inspected(trust=trust, **order).result_of(CheckId.DG_HASHES) is Result.UNDETERMINED
    assert inspected(**order).result_of(CheckId.DG_HASHES) is Result.FAILED
    assert (
        inspected(trust=trust, faults=frozenset({"dg2_swapped"}), signer="p384").result_of(CheckId.DG_HASHES)
        is Result.FAILED
    )


def test_a_deviation_list_may_name_documents_by_number_type_and_time(tmp_path: Path) -> None:
    numbered = Deviation(lists.COM_INCONSISTENT, document_numbers=(ANNA.number,), document_type="P")
    trust = store(tmp_path / "trust.sqlite", [*base(), utopia().deviation_list([numbered])])
    assert inspected(trust=trust, faults=frozenset({"com_lists_fewer"})).result_of(CheckId.COM_SOD) is Result.SUCCESSFUL
    assert inspected(faults=frozenset({"com_lists_fewer"})).result_of(CheckId.COM_SOD) is Result.FAILED


def test_a_defect_list_revokes_a_signer_that_no_revocation_list_names(tmp_path: Path) -> None:
    revoked = Defect(lists.SIGNER_REVOKED, "p256", der.tlv(0x0A, b"\x03"))
    files = [*base(), utopia().defect_list([revoked])]
    with pytest.raises(SourceError, match="nobody vouches"):
        store(tmp_path / "refused.sqlite", files)
    trust = store(tmp_path / "trust.sqlite", files, signer=FIRST_CSCA)
    assert inspected(trust=trust, signer="p256").result_of(CheckId.REVOCATION) is Result.FAILED
    assert left(inspected(trust=trust, signer="p384")) == {}
