"""`gate document verify-seal` and `verify-credential`, and `gate trust import` of a folder: what they print and how they end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from document_fakes.master_lists import party, revocation_list
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia
from document_fakes.seals import make_seal, make_seal_signer
from typer.testing import CliRunner, Result

from gate_core.command_line.tree import verbs
from gate_documents.tlv import encode

VECTORS = json.loads((Path(__file__).parents[3] / "documents/tests/vectors/bsi_tr03137_seals.json").read_text())
VISA = next(one for one in VECTORS["seals"] if one["kind"] == "visa")
CSCA = party("CSCA", country="DE")


def gate(noun: str, *words: str | Path) -> Result:
    return CliRunner().invoke(verbs(noun), [str(word) for word in words])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "download"
    folder.mkdir()
    for name, content in {**utopia().csca_files(), **utopia().crl_files()}.items():
        (folder / name).write_bytes(content)
    (folder / "broken.ml").write_bytes(b"nonsense")
    result = gate("trust", "import", folder, "--store", tmp_path / "trust.sqlite", "--json")
    printed = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (printed["accepted"], printed["revocation_lists"], printed["defect_lists"]) == (3, 3, 0)
    assert [one["subject"] for one in printed["rejected"]] == ["broken.ml"]
    return tmp_path / "trust.sqlite"


def test_an_unproven_seal_is_told_check_by_check(store: Path, tmp_path: Path) -> None:
    (tmp_path / "seal.bin").write_bytes(bytes.fromhex(VISA["hex"]))
    (tmp_path / "signer.cer").write_bytes(CSCA.der)
    arguments = (tmp_path / "seal.bin", "--trust", store, "--signer", tmp_path / "signer.cer")
    result = gate("document", "verify-seal", *arguments, "--mrz", "".join(VISA["lines"]), "--json")
    printed = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (printed["schema"], printed["overall"], printed["kind"]) == (
        "document.verify-seal/1",
        "undetermined",
        "visa",
    )
    results = {check["id"]: check["result"] for check in printed["checks"]}
    assert (results["seal_structure"], results["seal_printed"]) == ("successful", "successful")
    assert results["seal_signature"] == "undetermined"
    assert printed["checks"][0]["clause"].startswith("TR-03135-1")
    plain = gate("document", "verify-seal", *arguments)
    assert "seal_signature" in plain.stdout
    assert VISA["passport_number"] not in plain.stdout + result.stdout


def test_a_seal_is_proven_by_the_signer_that_the_store_has(tmp_path: Path) -> None:
    """The same bytes with and without the signer in the store; and its certificate by itself is no CSCA's."""
    signer, key = make_seal_signer(issuer=CSCA)
    now = datetime.now(UTC)
    path = tmp_path / "trust.sqlite"
    for name, content in (("csca.cer", CSCA.der), ("seals.crl", revocation_list(CSCA, at=now)), ("s.cer", signer.der)):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "seal.bin").write_bytes(make_seal(bytes.fromhex(VISA["hex"])[:-58], key))
    arguments = (tmp_path / "seal.bin", "--trust", path, "--mrz", "".join(VISA["lines"]), "--json")
    assert gate("trust", "import", tmp_path / "csca.cer", tmp_path / "seals.crl", "--store", path).exit_code == 0
    assert json.loads(gate("document", "verify-seal", *arguments).stdout)["overall"] == "undetermined"
    taken = json.loads(gate("trust", "import", tmp_path / "s.cer", "--store", path, "--json").stdout)
    assert (taken["seal_signers"], taken["accepted"], taken["rejected"]) == (1, 0, [])
    listed = json.loads(gate("trust", "list", "--store", path, "--json").stdout)
    assert (listed["seal_signers"], listed["certificates"]) == (1, 1)
    assert "signers of seals: 1" in gate("trust", "list", "--store", path).stdout
    proven = gate("document", "verify-seal", *arguments)
    assert (json.loads(proven.stdout)["overall"], proven.exit_code) == ("successful", 0)


def test_a_certificate_that_is_none_is_bad_data(store: Path, tmp_path: Path) -> None:
    (tmp_path / "seal.bin").write_bytes(bytes.fromhex(VISA["hex"]))
    result = gate("document", "verify-seal", tmp_path / "seal.bin", "--trust", store, "--signer", tmp_path / "seal.bin")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (65, "", 1)


def test_a_travel_credential_is_inspected_like_files(store: Path, tmp_path: Path) -> None:
    files = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa").files
    named = {0: files["EF_SOD"], 1: files["EF_DG1"], 2: files["EF_DG2"]}
    body = b"".join(encode(0x80 + number, content) for number, content in named.items())
    (tmp_path / "dtc.bin").write_bytes(encode(0x30, b"\x02\x01\x01" + encode(0x30, body)))
    result = gate(
        "document", "verify-credential", tmp_path / "dtc.bin", "--trust", store, "--at", f"{TODAY}T10:00:00Z", "--json"
    )
    printed = json.loads(result.stdout)
    assert printed["schema"] == "document.verify-credential/1"
    results = {check["id"]: check["result"] for check in printed["checks"]}
    assert {results[name] for name in ("sod_signature", "ds_signature", "dg_hashes", "country")} == {"successful"}
    (tmp_path / "dtc.bin").write_bytes(b"nonsense")
    bad = gate("document", "verify-credential", tmp_path / "dtc.bin", "--trust", store)
    assert (bad.exit_code, bad.stderr.count("\n")) == (65, 1)


def test_a_travel_credential_may_be_longer_than_a_file_of_a_chip(store: Path, tmp_path: Path) -> None:
    body = encode(0x80, b"no security object") + encode(0x81, b"no MRZ") + encode(0x82, bytes(3 << 19))
    (tmp_path / "dtc.bin").write_bytes(encode(0x30, b"\x02\x01\x01" + encode(0x30, body)))
    result = gate("document", "verify-credential", tmp_path / "dtc.bin", "--trust", store, "--json")
    assert json.loads(result.stdout)["overall"] == "failed"
    (tmp_path / "dtc.bin").write_bytes(bytes((4 << 20) + 1))
    longer = gate("document", "verify-credential", tmp_path / "dtc.bin", "--trust", store)
    assert (longer.exit_code, longer.stderr.count("\n")) == (65, 1)


def test_a_folder_of_nothing_but_nonsense_is_bad_data(tmp_path: Path) -> None:
    (tmp_path / "pkd").mkdir()
    (tmp_path / "pkd" / "one.ml").write_bytes(b"nonsense")
    result = gate("trust", "import", tmp_path / "pkd", "--store", tmp_path / "t.sqlite")
    assert result.exit_code == 65


def test_the_lists_in_a_store_are_told(store: Path) -> None:
    assert json.loads(gate("trust", "list", "--store", store, "--json").stdout)["lists"] == []
