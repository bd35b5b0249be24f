"""Document inspection against real security objects, published lists, specimens, traces and vectors made by others."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from document_fakes.anchors import ListedAnchors
from document_fakes.document_chip import converse, given, scripted
from shared_data import SHARED_DATA, cases

from gate.trust.list_import import ImportReport, import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate.trust.survey import survey
from gate_documents import tlv
from gate_documents.access.bac import open_with_bac
from gate_documents.access.chip_access import Chip
from gate_documents.access.pace import Password, choose_way, open_with_pace
from gate_documents.access.secure_messaging import SecureMessaging
from gate_documents.access.suites import SessionKeys, Suite
from gate_documents.authenticity.active_authentication import internal_authenticate, verify_answer
from gate_documents.authenticity.chip_authentication import choose_offer, prove
from gate_documents.authenticity.passive_authentication import hash_agrees, judge_sod
from gate_documents.checks import CheckId, Result, Tolerance
from gate_documents.errors import DocumentError, MalformedError, SignatureError
from gate_documents.inspection import inspect_files
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.com import parse_com
from gate_documents.lds.dg1 import parse_dg1
from gate_documents.lds.dg2 import Encoding, parse_dg2
from gate_documents.lds.dg12 import parse_dg12
from gate_documents.lds.dg14 import parse_dg14
from gate_documents.lds.dg15 import parse_dg15
from gate_documents.lds.security_infos import Cipher
from gate_documents.lds.sod import parse_sod
from gate_documents.mrz.parser import MrzKey, parse
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.keys import RsaKey, parse_public_key
from gate_documents.pki.master_list import parse_master_list
from gate_documents.verdict.conclusion import Inspection

DATA = SHARED_DATA / "emrtd"
NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
LIST_2026 = DATA / "masterlist/DE_ML_2026-05-28.ml"
LIST_2024 = DATA / "masterlist/DE_ML_2024-08-07.ml"
CHAIN = (CheckId.SOD_SIGNATURE, CheckId.DS_SIGNATURE, CheckId.DS_VALIDITY, CheckId.CSCA_VALIDITY)

pytestmark = pytest.mark.conformance


def data(name: str) -> bytes:
    return (DATA / name).read_bytes()


def trace(name: str) -> Any:
    return json.loads(data(f"kat/{name}.json"))


def imported(store: Path, *paths: Path, signer: Path | None = None) -> ImportReport:
    return import_sources(
        store,
        [read_source(path.name, path.read_bytes()) for path in paths],
        signer=None if signer is None else parse_certificate(signer.read_bytes()),
        test=False,
        now=NOW,
    )


@pytest.fixture(scope="module")
def german_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("trust") / "german.sqlite"
    imported(store, LIST_2026, signer=DATA / "masterlist/DE_ROOT_CA_CSCA07.cer")
    return store


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_seven_anchors_of_the_german_list_are_tolerated_by_name(german_store: Path) -> None:
    found = survey(german_store, NOW, age_max_days=365).tolerated
    countries = [country for country, *_ in found]
    assert countries == ["CM", "IT", "LU", "LU", "PT", "TR", "TR"]
    assert {what for *_, what in found} == {Tolerance.CSCA_NOT_CA.value}


def test_the_german_list_is_taken_whole_and_all_but_a_few_old_links_are_borne_out(tmp_path: Path) -> None:
    store = tmp_path / "trust.sqlite"
    report = imported(store, LIST_2026, signer=DATA / "masterlist/DE_ROOT_CA_CSCA07.cer")
    assert (report.certificates, report.accepted, report.rejected) == (588, 588, ())
    assert report.countries > 100
    opened = TrustStore.open(store)
    assert len(opened) == 588
    assert sum(row.certificates for row in opened.coverage()) == 588
    # Twelve old links whose predecessor is in no list; those of GB and BM, which the other of both signed.
    assert opened.standings()["listed"] == 14


def test_a_newer_list_takes_the_place_of_the_one_before_it_and_is_never_rolled_back(tmp_path: Path) -> None:
    store = tmp_path / "trust.sqlite"
    listed = [parse_certificate(der) for der in parse_master_list(LIST_2026.read_bytes()).certificates]
    older = parse_master_list(LIST_2024.read_bytes()).verify()
    issuer, *_ = [one for one in listed if one.key_id == older.authority_key_id and one.subject_id == one.issuer_id]
    (tmp_path / "issuer.cer").write_bytes(issuer.der)
    assert imported(store, LIST_2024, signer=tmp_path / "issuer.cer").accepted == 541
    report = imported(store, LIST_2026, signer=DATA / "masterlist/DE_ROOT_CA_CSCA07.cer")
    assert (report.accepted, report.withdrawn) == (588, 59), "57 that had expired, and two Hungarian ones that had not"
    assert len(TrustStore.open(store)) == 588
    again = imported(store, LIST_2024)
    assert [one.reason for one in again.rejected] == [
        "of 2024-08-07, older than the one of 2026-05-28 by the same publisher"
    ]
    assert len(TrustStore.open(store)) == 588


def test_the_indonesian_certificates_vouch_for_each_other(tmp_path: Path) -> None:
    report = imported(tmp_path / "trust.sqlite", *sorted(DATA.glob("certs/IDN_*.cer")))
    assert (report.certificates, report.accepted, report.rejected) == (5, 5, ())


def test_document_signers_are_no_country_signing_certificates(german_store: Path) -> None:
    report = imported(german_store, *sorted(DATA.glob("certs/dsc_de_*.cer")))
    assert [one.reason for one in report.rejected] == ["not a CSCA certificate"] * 2


def test_a_list_with_a_changed_byte_is_refused_everywhere() -> None:
    whole = data("masterlist/DE_ML_2026-05-28.ml")
    for position in range(0, len(whole), len(whole) // 40):
        changed = bytearray(whole)
        changed[position] ^= 1
        with pytest.raises(DocumentError):
            parse_master_list(bytes(changed)).verify()


# ── security objects ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("country", ["AT", "AU", "CN", "FI", "FR", "RU", "SG"])
def test_real_security_objects_verify_up_to_the_german_list(german_store: Path, country: str) -> None:
    verdict = judge_sod(data(f"sod/{country}.sod.bin"), TrustStore.open(german_store), NOW)
    results = {check.id: check.result for check in verdict.checks}
    assert {results[check] for check in CHAIN} == {Result.SUCCESSFUL}
    assert results[CheckId.REVOCATION] is Result.UNDETERMINED, "there is no public revocation list"
    expected = next(entry for entry in json.loads(data("sod/index.json")) if entry["cc"] == country)
    assert verdict.security is not None
    assert verdict.signer is not None
    assert verdict.security.hashes[1].hex() == expected["dg1"]
    assert verdict.security.hashes[2].hex() == expected["dg2"]
    assert verdict.signer.issuer_country == country
    assert verdict.signer.der == data(f"sod/{country}.dsc.der")


@pytest.mark.parametrize("country", ["AT", "AU", "CN", "FI", "FR", "RU", "SG"])
def test_their_own_anchors_alone_are_enough(country: str) -> None:
    verdict = judge_sod(data(f"sod/{country}.sod.bin"), ListedAnchors([data(f"sod/{country}.csca.der")]), NOW)
    assert verdict.proven


def test_the_indonesian_one_needs_the_indonesian_certificates(tmp_path: Path, german_store: Path) -> None:
    content = data("sod/ID.sod.bin")
    assert not judge_sod(content, TrustStore.open(german_store), NOW).proven
    imported(tmp_path / "trust.sqlite", *sorted(DATA.glob("certs/IDN_*.cer")))
    verdict = judge_sod(content, TrustStore.open(tmp_path / "trust.sqlite"), NOW)
    assert {check.result for check in verdict.checks if check.id in CHAIN} == {Result.SUCCESSFUL}


def test_the_new_zealand_one_was_signed_under_a_key_that_is_in_no_list(german_store: Path) -> None:
    store = TrustStore.open(german_store)
    verdict = judge_sod(data("sod/NZ2013_EF_SOD.bin"), store, NOW)
    results = {check.id: check.result for check in verdict.checks}
    assert results[CheckId.SOD_SIGNATURE] is Result.SUCCESSFUL
    assert results[CheckId.DS_SIGNATURE] is Result.UNDETERMINED
    assert results[CheckId.DS_VALIDITY] is Result.FAILED
    assert verdict.signer is not None
    assert verdict.signer.authority_key_id is not None
    assert store.with_key_id(verdict.signer.authority_key_id) == []
    (namesake,) = store.with_subject(verdict.signer.issuer_id)
    assert namesake.certificate.not_before > verdict.signer.not_before, "made four years after the document signer"


@pytest.mark.parametrize(
    ("number", "result", "reason"),
    [
        ("01", Result.SUCCESSFUL, "signed by the document signer"),
        ("03", Result.FAILED, "signature is wrong"),
        ("05", Result.FAILED, "no signed message"),
        ("07", Result.FAILED, "version v2"),
        ("09", Result.FAILED, "signature is wrong"),
        ("11", Result.FAILED, "content of another type"),
        ("13", Result.FAILED, "version -1"),
        ("15", Result.FAILED, "digest is not that of the content"),
        ("17", Result.FAILED, "digest is not that of the content"),
        ("19", Result.SUCCESSFUL, "signed by the document signer"),
    ],
)
def test_mutated_security_objects_fail_where_they_were_mutated(number: str, result: Result, reason: str) -> None:
    labels = dict(line.split(" ", 1) for line in data("sod/LABELS.txt").decode().splitlines())
    signed = judge_sod(data(f"sod/pymrtd_{number}.sod.bin"), ListedAnchors(), NOW).checks[0]
    assert (signed.result is Result.SUCCESSFUL) == labels[f"pymrtd_{number}"].startswith("valid")
    assert signed.result is result
    assert reason in signed.reason


def test_security_objects_do_not_verify_when_a_byte_of_what_matters_changes() -> None:
    """Every 7th byte of three real objects of different kinds; a name's case is a byte, too."""
    for country in ("AT", "CN", "SG"):
        whole = data(f"sod/{country}.sod.bin")
        anchors = ListedAnchors([data(f"sod/{country}.csca.der")])
        for position in range(0, len(whole), 7):
            changed = bytearray(whole)
            changed[position] ^= 0x20
            verdict = judge_sod(bytes(changed), anchors, NOW)
            assert not {check.result for check in verdict.checks if check.id in CHAIN} <= {Result.SUCCESSFUL}, position


# ── specimens ────────────────────────────────────────────────────────────────────────────────────────────────────────


def specimen(folder: str, *, now: datetime, **more: bytes) -> Inspection:
    files = {"EF.COM": data(f"{folder}/EF_COM.bin"), "EF.SOD": data(f"{folder}/EF_SOD.bin")}
    for number in (1, 2, 14):
        path = DATA / folder / f"Datagroup{number}.bin"
        files[f"EF.DG{number}"] = (path if path.exists() else DATA / "lds_bsi2008" / path.name).read_bytes()
    files |= more
    mrz = parse_dg1(data(f"{folder}/Datagroup1.bin"))
    return inspect_files(files, anchors=ListedAnchors(), now=now, mrz=mrz)


def results(inspection: Inspection) -> dict[str, str]:
    return {check.id.value: check.result.value for check in inspection.checks if check.result is not Result.SUCCESSFUL}


def test_the_reference_set_of_the_bsi_is_right_in_all_but_its_unpublished_issuer() -> None:
    inspection = specimen("lds_bsi_tr03105_refset", now=datetime(2014, 6, 1, tzinfo=UTC))
    assert results(inspection) == {
        "chip_access": "not_supported",
        "ds_signature": "undetermined",
        "csca_validity": "undetermined",
        "revocation": "undetermined",
        "chip_authenticity": "undetermined",  # it offers Chip Authentication, and here are only files
    }


def test_a_data_group_beside_the_reference_set_is_an_injection() -> None:
    extra = {"EF.DG15": data("lds_bsi_tr03105_refset/Datagroup15.bin")}
    inspection = specimen("lds_bsi_tr03105_refset", now=datetime(2014, 6, 1, tzinfo=UTC), **extra)
    assert inspection.result_of(CheckId.DG_HASHES) is Result.FAILED


def test_the_specimen_of_2008_is_signed_on_a_curve_that_openssl_lacks() -> None:
    inspection = specimen("lds_bsi2008", now=datetime(2008, 12, 1, tzinfo=UTC))
    assert inspection.result_of(CheckId.SOD_SIGNATURE) is Result.SUCCESSFUL
    assert inspection.result_of(CheckId.DG_HASHES) is Result.SUCCESSFUL


def test_the_reference_sets_chip_key_answers_challenges() -> None:
    """A signature made here with the set's private key, by ISO/IEC 9796-2 with SHA-1, as its chip would make it."""
    key = parse_dg15(data("lds_bsi_tr03105_refset/Datagroup15.bin"))
    private = load_der_private_key(data("lds_bsi_tr03105_refset/DG15_sk.pkcs8"), None)
    assert isinstance(key, RsaKey)
    numbers = private.private_numbers()  # type: ignore[union-attr]
    challenge, nonce = bytes(range(8)), b"n" * (key.size_bytes - 22)
    message = b"\x6a" + nonce + hashlib.sha1(nonce + challenge).digest() + b"\xbc"
    answer = pow(int.from_bytes(message, "big"), numbers.d, key.modulus).to_bytes(key.size_bytes, "big")  # type: ignore[union-attr]
    verify_answer(key, challenge, answer, ecdsa_algorithm=None)
    with pytest.raises(SignatureError):
        verify_answer(key, bytes(8), answer, ecdsa_algorithm=None)


def test_a_tampered_chip_key_does_not_agree_with_the_security_object_that_lists_it() -> None:
    security = parse_sod(data("sod/pymrtd_19.sod.bin"))
    genuine = bytearray(data("lds_bsi_tr03105_refset/Datagroup15.bin"))
    assert 15 in security.hashes
    tampered = bytes(genuine[:-1]) + bytes([genuine[-1] + 1])
    assert not hash_agrees(security, 15, tampered)


def test_the_files_of_the_specimens_are_parsed() -> None:
    assert parse_com(data("lds_bsi_tr03105_refset/EF_COM.bin")).data_groups == {1, 2, 3, 4, 14}
    assert parse_dg14(data("lds_bsi_tr03105_refset/Datagroup14.bin")).chip_authentication
    assert parse_dg14(data("dg14/doc9303_spec_sample_dg14.bin")).chip_authentication
    assert parse_dg12(data("dg_misc/EF_DG12.bin")).issued is not None


# ── portraits ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_portraits_are_cut_out_of_samples_of_both_standards() -> None:
    silver = data("dg2/silver.jp2")
    new = parse_dg2(data("dg2/39794_silver_mandatory_fields.dg2.bin"))
    assert (new.encoding, new.image) == (Encoding.JPEG_2000, silver)
    old = parse_dg2(data("lds_bsi2008/Datagroup2.bin"))
    assert old.encoding is Encoding.JPEG_2000
    bare = data("dg2/19794_test1.bin")
    template = tlv.encode(0x7F60, tlv.encode(0xA1, bytes.fromhex("87020101 88020008")) + tlv.encode(0x5F2E, bare))
    wrapped = parse_dg2(tlv.encode(0x75, tlv.encode(0x7F61, tlv.encode(0x02, b"\x01") + template)))
    assert wrapped.encoding is Encoding.JPEG
    assert bare.endswith(wrapped.image)


# ── conversations ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_recorded_basic_access_control_is_repeated() -> None:
    recorded, example = trace("trace_bac_icao_full"), trace("icao9303_11_worked_examples")["bac_D"]
    key = MrzKey("L898902C<3", "6908061", "9406236")
    answers = [bytes.fromhex(step["rsp"]) for step in recorded["apdus"]]
    random = given(bytes.fromhex(example["rnd_ifd"]), bytes.fromhex(example["k_ifd"]))
    session, _, sent = converse(open_with_bac(key, random=random), scripted(answers))
    assert [apdu.hex().upper() for apdu in sent] == [step["cmd"] for step in recorded["apdus"]]
    assert isinstance(session, SecureMessaging)


def test_the_recorded_active_authentication_is_repeated_and_verified() -> None:
    recorded = trace("trace_aa_rsa")
    keys = recorded["sm"][0]
    session = SecureMessaging(
        SessionKeys(
            Suite(Cipher.TDES),
            encryption_key=bytes.fromhex(keys["enc"]),
            mac_key=bytes.fromhex(keys["mac"]),
        ),
        bytes.fromhex(recorded["ssc"][0]),
    )
    key = parse_dg15(bytes.fromhex(recorded["dg15"]))
    challenge = bytes.fromhex(recorded["nonce"])
    (step,) = recorded["apdus"]
    command = internal_authenticate(key, challenge, block_bytes=8)
    response, _, (sent,) = converse(session.exchange(command), scripted([bytes.fromhex(step["rsp"])]))
    assert sent.hex().upper() == step["cmd"]
    assert response.data.hex().upper() == recorded["signature"]
    verify_answer(key, challenge, response.data, ecdsa_algorithm=None)
    with pytest.raises(SignatureError):
        verify_answer(key, bytes(8), response.data, ecdsa_algorithm=None)


def test_the_published_answers_of_iso_9796_2_verify() -> None:
    values = [(entry["name"], bytes.fromhex(entry["hex"])) for entry in trace("iso9796e2_dss1_vectors")]
    keys = [parse_public_key(value) for name, value in values if "pub" in name]
    triples = [
        (values[index][1], values[index + 1][1])
        for index in range(len(values) - 1)
        if values[index][0] == "msg" and values[index + 1][0] == "sig"
    ]
    assert len(triples) == 5
    verified = [message for message, signature in triples if any(_verifies(key, message, signature) for key in keys)]
    assert bytes(8) in verified
    assert not any(_verifies(key, b"\x01" * 8, signature) for key in keys for _, signature in triples)


def _verifies(key: Any, message: bytes, signature: bytes) -> bool:
    try:
        verify_answer(key, message, signature, ecdsa_algorithm=None)
    except SignatureError:
        return False
    return True


# ── MRZs and mock issuers ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_sample_mrz_is_recognised_and_judged_as_labelled() -> None:
    rows = list(csv.DictReader(data("mrz/mrz_samples.tsv").decode().splitlines(), delimiter="\t"))
    assert len(rows) == 51
    for row in rows:
        mrz = parse(row["mrz"])
        assert (mrz.format.value, mrz.valid) == (row["type"], row["checkdigits"] == "valid"), row["mrz"]


def pairs() -> Iterator[Path]:
    for path in DATA.glob("mock_pki/*"):
        if list(path.glob("*dsc*.pem")) and list(path.glob("*csca*.pem")):
            yield path


@pytest.mark.parametrize("folder", cases(pairs()))
def test_mock_signers_of_every_algorithm_verify_under_their_issuer(folder: Path) -> None:
    issuer = parse_certificate(next(folder.glob("*csca*.pem")).read_bytes())
    signer = parse_certificate(next(folder.glob("*dsc*.pem")).read_bytes())
    signer.verify_signed_by(issuer)
    changed = dataclasses.replace(signer, tbs=signer.tbs[:-1] + bytes([signer.tbs[-1] ^ 1]))
    with pytest.raises(DocumentError):
        changed.verify_signed_by(issuer)


def test_a_card_security_is_a_signed_message_but_no_security_object() -> None:
    with pytest.raises(MalformedError, match="another type"):
        parse_sod(tlv.encode(0x77, data("cardsecurity/FI.cardsecurity.bin")))


# ── PACE and Chip Authentication ─────────────────────────────────────────────────────────────────────────────────────


def test_the_recorded_pace_is_repeated() -> None:
    recorded = trace("trace_pace_gm_icao")
    offered = parse_card_access(bytes.fromhex(recorded["card_access"]))
    way = choose_way(offered)
    assert way is not None
    secrets = [bytes.fromhex(one["priv"]) for one in recorded["eph_keys"]]
    password = Password(1, bytes.fromhex(recorded["mrz_info_sha1"]))
    answers = [bytes.fromhex(step["rsp"]) for step in recorded["apdus"]]
    opened, _, sent = converse(open_with_pace(way, password, random=given(*secrets)), scripted(answers))
    assert [apdu.hex().upper() for apdu in sent] == [step["cmd"] for step in recorded["apdus"]]
    assert opened.session.block_bytes == 16


@pytest.mark.parametrize("name", ["trace_ca_AT", "trace_ca_MY"])
def test_the_recorded_chip_authentication_is_repeated(name: str) -> None:
    recorded = trace(name)
    offer = choose_offer(parse_dg14(bytes.fromhex(recorded["dg14"])))
    assert offer is not None
    assert offer.key.group.name == "brainpoolP256r1"
    keys = recorded["sm"][0]
    assert offer.cipher is (Cipher.TDES if keys["alg"] == "TDES" else Cipher.AES_128)
    before = SessionKeys(
        Suite(offer.cipher), encryption_key=bytes.fromhex(keys["enc"]), mac_key=bytes.fromhex(keys["mac"])
    )
    chip = Chip(mrz_key=None, random=bytes)
    chip.rekey(
        SecureMessaging(before, bytes.fromhex(recorded["ssc"][0])), lambda: pytest.fail("opened anew"), terminal_key=b""
    )
    secret = given(bytes.fromhex(recorded["eph_keys"][0]["priv"]))
    answers = [bytes.fromhex(step["rsp"]) for step in recorded["apdus"]]
    reason, _, sent = converse(prove(chip, offer, random=secret), scripted(answers))
    assert reason is None
    assert [apdu.hex().upper() for apdu in sent[:2]] == [step["cmd"] for step in recorded["apdus"][:2]]
    assert len(sent) == 3, "the answer to the third, another selection, came under the new keys"
