"""`gate document` and `gate trust`: what they print, how they end, what bad input does."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from document_fakes.master_lists import NOW, master_list, party, revocation_list
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia
from typer.testing import CliRunner, Result

from gate.cli.document_report import report_inspection
from gate_core.command_line.tree import verbs
from gate_documents.checks import Check, CheckId
from gate_documents.checks import Result as Outcome
from gate_documents.lds.files import named_file
from gate_documents.verdict.conclusion import DocumentFields, Inspection
from gate_lab.commands.document import _LINES_MAX
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace

AT = f"{TODAY}T10:00:00Z"
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"


def gate(*words: str | Path, text: str | None = None) -> Result:
    noun, *rest = map(str, words)
    return CliRunner().invoke(verbs(noun), rest, input=text)


def one_line(result: Result, code: int, words: str) -> None:
    assert result.exit_code == code
    assert result.stdout == ""
    assert words in result.stderr
    assert result.stderr.count("\n") == 1, "one line"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    files = {**utopia().csca_files(), **utopia().crl_files()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    result = gate(
        "trust", "import", *[tmp_path / name for name in files], "--store", tmp_path / "trust.sqlite", "--test"
    )
    assert result.exit_code == 0
    return tmp_path / "trust.sqlite"


@pytest.fixture
def lds(tmp_path: Path) -> Path:
    folder = tmp_path / "lds"
    folder.mkdir()
    for name, content in utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa").files.items():
        (folder / f"{name}.bin").write_bytes(content)
    (folder / "README.txt").write_text("not a file of the chip")
    (folder / "DG15_sk.pkcs8").write_text("nor this")
    return folder


def mrz() -> str:
    return "".join(utopia().issue(ANNA, portrait_jpeg=portrait()).mrz_lines)


# ── inspect ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_inspect_prints_one_json_document_with_every_check(store: Path, lds: Path) -> None:
    result = gate("document", "inspect", "--lds", lds, "--trust", store, "--mrz", mrz(), "--at", AT, "--json")
    printed = json.loads(result.stdout)
    assert printed["schema"] == "document.inspect/1"
    assert {check["id"]: check["result"] for check in printed["checks"] if check["result"] != "successful"} == {
        "chip_access": "not_supported",
        "chip_authenticity": "undetermined",
    }
    assert printed["overall"] == "undetermined"
    assert result.exit_code == 1
    assert printed["document"] == {
        "type": "P",
        "issuer": "UTO",
        "number_present": True,
        "issued": None,
        "expiry": "2031-04-15",
    }
    assert all(check["reason"] for check in printed["checks"])


def test_inspect_of_a_chip_whose_files_were_changed_says_so(store: Path, lds: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(lds, changed)
    portrait = changed / "EF_DG2.bin"
    portrait.write_bytes(portrait.read_bytes()[:-1] + bytes([portrait.read_bytes()[-1] ^ 1]))
    result = gate("document", "inspect", "--lds", changed, "--trust", store, "--mrz", mrz(), "--at", AT, "--json")
    printed = json.loads(result.stdout)
    found = {check["id"]: check["result"] for check in printed["checks"]}
    assert (found["dg_hashes"], found["sod_signature"], printed["overall"]) == ("failed", "successful", "failed")
    assert result.exit_code == 1


def test_inspect_misses_a_data_group_that_the_security_object_lists(store: Path, lds: Path) -> None:
    """A folder is said to hold all that the chip gives: what is listed and not there was taken away."""
    (lds / "EF_DG14.bin").unlink()
    result = gate("document", "inspect", "--lds", lds, "--trust", store, "--mrz", mrz(), "--at", AT, "--json")
    printed = json.loads(result.stdout)
    found = {check["id"]: check["result"] for check in printed["checks"]}
    assert found["dg_hashes"] != "successful", printed


def test_inspect_speaks_to_people_without_json(store: Path, lds: Path) -> None:
    result = gate("document", "inspect", "--lds", lds, "--trust", store, "--at", AT)
    assert "successful     sod_signature" in result.stdout
    assert "overall" in result.stdout
    assert "specimen" in result.stderr


def test_inspect_says_what_is_wrong_with_a_folder(store: Path, lds: Path, tmp_path: Path) -> None:
    one_line(gate("document", "inspect", "--lds", tmp_path / "none", "--trust", store), 74, "No such file")
    (lds / "ef0101.bin").write_bytes(b"x")
    one_line(gate("document", "inspect", "--lds", lds, "--trust", store), 65, "two files are EF.DG1")
    (lds / "ef0101.bin").unlink()
    (lds / "EF_SOD.bin").unlink()
    one_line(gate("document", "inspect", "--lds", lds, "--trust", store), 65, "holds no EF.SOD")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EF_COM", "EF.COM"),
        ("EF_SOD", "EF.SOD"),
        ("EF_DG1", "EF.DG1"),
        ("EF.DG16", "EF.DG16"),
        ("dg2", "EF.DG2"),
        ("Datagroup14", "EF.DG14"),
        ("ef0101", "EF.DG1"),
        ("ef011D", "EF.SOD"),
        ("EF_011E", "EF.COM"),
        ("010F", "EF.DG15"),
        ("EF_CardAccess", "EF.CardAccess"),
        ("ef011c", "EF.CardAccess"),
        ("EF_CardSecurity", "EF.CardSecurity"),
        ("DG17", None),
        ("DG0", None),
        ("ef0120", None),
        ("DG14_sk", None),
        ("notes", None),
    ],
)
def test_files_are_recognised_by_their_names(name: str, expected: str | None) -> None:
    assert named_file(name) == expected


# ── verify-sod ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_sod_is_yes_only_when_everything_was_successful(store: Path, lds: Path) -> None:
    sod = lds / "EF_SOD.bin"
    full = gate(
        "document", "verify-sod", sod, "--trust", store, "--dg", f"1={lds / 'EF_DG1.bin'}", "--at", AT, "--json"
    )
    printed = json.loads(full.stdout)
    assert [check["id"] for check in printed["checks"]] == [
        "sod_signature",
        "ds_signature",
        "ds_validity",
        "csca_validity",
        "revocation",
        "dg_hashes",
        "country",
    ]
    assert printed["overall"] == "successful"
    assert full.exit_code == 0
    assert gate("document", "verify-sod", sod, "--trust", store, "--at", AT).exit_code == 1
    wrong = gate(
        "document", "verify-sod", sod, "--trust", store, "--dg", f"1={lds / 'EF_DG2.bin'}", "--at", AT, "--json"
    )
    assert json.loads(wrong.stdout)["overall"] == "failed"
    assert wrong.exit_code == 1


def test_a_validity_that_is_known_to_be_wrong_is_no_yes_for_a_part_of_the_checks_either(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = (
        Check(CheckId.SOD_SIGNATURE, Outcome.SUCCESSFUL, "right"),
        Check(CheckId.DS_VALIDITY, Outcome.NOT_SUPPORTED, "the validity period is known to be wrong"),
    )
    document = DocumentFields("P", "UTO", "UTO", number_present=True, issued=None, expires=None)
    inspection = Inspection(checks, document, test_issuer=False)
    with pytest.raises(typer.Exit) as ended:
        report_inspection("document.verify-sod/1", inspection, json=True, only=("sod_signature", "ds_validity"))
    assert ended.value.exit_code == 1
    assert json.loads(capsys.readouterr().out)["overall"] == "undetermined"


@pytest.mark.parametrize("words", [("parse-mrz",), ("inspect", "--lds", "{lds}", "--trust", "{store}", "--mrz", "-")])
@pytest.mark.parametrize("given", [b"\xff\xfe\x00" * 29, b"P<UTO\xe9" + b"<" * 82 + b"\n", b"A" * 100_000])
def test_bytes_on_standard_input_that_are_no_text_are_one_line(
    store: Path, lds: Path, words: tuple[str, ...], given: bytes
) -> None:
    given_words = [word.format(lds=lds, store=store) for word in words]
    one_line(CliRunner().invoke(verbs("document"), given_words, input=given), 65, "machine-readable zone")


@pytest.mark.parametrize("number", ["²", "٣", "17", "0", "1" * 5000, ""])
def test_a_data_group_that_cannot_be_is_a_mistake_of_usage(store: Path, lds: Path, number: str) -> None:
    sod, group = lds / "EF_SOD.bin", lds / "EF_DG1.bin"
    one_line(gate("document", "verify-sod", sod, "--trust", store, "--dg", f"{number}={group}"), 2, "--dg")


def test_a_data_group_may_be_written_with_two_digits(store: Path, lds: Path) -> None:
    sod, group = lds / "EF_SOD.bin", lds / "EF_DG1.bin"
    assert gate("document", "verify-sod", sod, "--trust", store, "--dg", f"01={group}", "--at", AT).exit_code == 0


def test_verify_sod_of_nonsense_is_a_failed_check_and_no_traceback(store: Path, tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"junk")
    result = gate("document", "verify-sod", tmp_path / "junk", "--trust", store, "--json")
    assert json.loads(result.stdout)["checks"][0]["result"] == "failed"


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--dg", "1"], 2, "--dg 1"),
        (["--dg", "17=x"], 2, "--dg 17=x"),
        (["--dg", "1=/nowhere/x"], 74, "/nowhere/x"),
        (["--at", "yesterday"], 2, "RFC 3339"),
    ],
)
def test_verify_sod_says_what_is_wrong_with_its_options(
    store: Path, lds: Path, more: list[str], code: int, words: str
) -> None:
    one_line(gate("document", "verify-sod", lds / "EF_SOD.bin", "--trust", store, *more), code, words)


def test_a_missing_store_or_file_is_one_line(lds: Path, tmp_path: Path, store: Path) -> None:
    one_line(gate("document", "verify-sod", lds / "EF_SOD.bin", "--trust", tmp_path / "none"), 74, "trust store")
    one_line(gate("document", "verify-sod", tmp_path / "none", "--trust", store), 74, "No such file")
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    one_line(gate("document", "verify-sod", tmp_path / "large", "--trust", store), 65, "longer than")


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(lds: Path, tmp_path: Path, store: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    one_line(gate("trust", "import", pipe, "--store", tmp_path / "new.sqlite"), 65, "pipe")
    one_line(gate("document", "inspect", "--lds", lds, "--trust", pipe), 74, "no ordinary file")
    told = gate("document", "verify-sod", pipe, "--trust", store, "--json")
    assert json.loads(told.stdout)["checks"][0]["result"] == "failed"


def test_a_pipe_that_somebody_writes_to_is_read_to_its_end(store: Path, lds: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as sod:
        sod.write((lds / "EF_SOD.bin").read_bytes())
    told = gate("document", "verify-sod", f"/dev/fd/{reading}", "--trust", store, "--json")
    os.close(reading)
    assert json.loads(told.stdout)["checks"][0]["result"] == "successful"


def test_a_time_without_a_zone_is_utc(store: Path, lds: Path) -> None:
    assert gate("document", "verify-sod", lds / "EF_SOD.bin", "--trust", store, "--at", f"{TODAY}").exit_code == 1


# ── parse-mrz ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_parse_mrz_prints_a_line_an_mrz() -> None:
    wrong = TD3[:-1] + "1"
    result = gate("document", "parse-mrz", "-", "--json", text=f"{TD3}\n\n{wrong}\n")
    good, bad = map(json.loads, result.stdout.splitlines())
    assert (good["format"], good["valid"], good["problems"]) == ("TD3", True, [])
    assert good["fields"]["number"] == "L898902C3"
    assert good["fields"]["birth_date"] == "1974-08-12"
    assert bad["check_digits"]["composite"] is False
    assert bad["problems"] == ["the check digit of composite is wrong"]
    assert result.exit_code == 1


def test_parse_mrz_speaks_to_people_without_json() -> None:
    result = gate("document", "parse-mrz", TD3)
    assert "TD3, check digits hold" in result.stdout
    assert "surname: ERIKSSON" in result.stdout
    assert result.exit_code == 0
    assert "problem:" in gate("document", "parse-mrz", TD3[:-1] + "1").stdout


def test_text_that_is_no_mrz_is_one_line() -> None:
    one_line(gate("document", "parse-mrz", "hello"), 65, "MRZ 1")


def test_text_that_is_no_mrz_has_its_line_and_keeps_no_other_from_being_read() -> None:
    result = gate("document", "parse-mrz", "-", "--json", text=f"hello\n{TD3}\n\x1b[31m\n")
    bad, good, worse = map(json.loads, result.stdout.splitlines())
    assert (bad["format"], bad["valid"], good["valid"], worse["valid"]) == (None, False, True, False)
    assert bad["problems"] == ["a character that no machine-readable zone has; only A to Z, 0 to 9 and < occur"]
    assert result.exit_code == 65
    assert [line.split(":")[1] for line in result.stderr.splitlines()] == [" MRZ 1", " MRZ 3"]
    assert "\x1b" not in result.stderr


def test_standard_input_is_bounded() -> None:
    one_line(gate("document", "parse-mrz", text="\n" * (_LINES_MAX + 1)), 65, f"more than {_LINES_MAX} lines")


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


PACE_WITH_NUMBER = Features(
    pace=(Pace(Mapping.GENERIC, 13, Cipher.AES_128),),
    can="123456",
    chip_authentication=(Agreement(13, Cipher.AES_128),),
)


class FakeReader:
    """A PC/SC reader with a simulated passport on it, or with none."""

    extended = True

    def __init__(self, name: str, _socket: str | None) -> None:
        from hardware_sim.chip.card import Card

        self.name, self.closed = name, False
        self.card = Card(
            utopia().issue(ANNA, portrait_jpeg=portrait(), features=PACE_WITH_NUMBER if name == "pace" else Features()),
            no_access_control=name == "open",
            pull_out_after_apdus=5 if name in ("pulled", "silent") else None,
        )

    async def wait_for_card(self, _timeout_s: float) -> None:
        from gate_core.errors import NoReplyError, SetupError

        if self.name == "empty":
            raise NoReplyError("no card came")
        if self.name == "broken":
            raise SetupError("pyscard is missing")

    async def transmit(self, apdu: bytes) -> bytes:
        from gate_core.errors import BadFrameError, CardGoneError
        from hardware_sim.chip import CardGoneError as Gone

        try:
            return self.card.transmit(apdu)
        except Gone:
            # A real service was seen to give an empty response before it notices that the card has gone.
            lost = BadFrameError("a response of 0 bytes") if self.name == "silent" else CardGoneError("pulled out")
            raise lost from None

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    from gate.cli import chip

    monkeypatch.setattr(chip, "PcscReader", FakeReader)


@pytest.mark.usefixtures("reader")
def test_read_inspects_the_chip_on_the_reader_and_says_what_took_how_long(store: Path) -> None:
    result = gate("document", "read", "--mrz", mrz(), "--trust", store, "--json")
    printed = json.loads(result.stdout)
    assert printed["schema"] == "document.read/1"
    results = {check["id"]: check["result"] for check in printed["checks"]}
    assert results["chip_access"] == results["chip_authenticity"] == results["dg_hashes"] == "successful"
    assert set(printed["took_ms"]) == {"access", "read", "verify"}
    assert (printed["access"]["protocol"], printed["access"]["password"]) == ("BAC", "MRZ")
    assert printed["chip_authentication"] is None
    assert printed["weak_algorithms"] == []
    assert printed["groups"]["DG1"] == printed["groups"]["DG2"] == "identical"


@pytest.mark.usefixtures("reader")
def test_read_says_of_a_chip_that_anyone_may_read_that_it_is_one(store: Path) -> None:
    result = gate("document", "read", "--mrz", mrz(), "--trust", store, "--reader", "open", "--json")
    printed = json.loads(result.stdout)
    assert result.exit_code == 0
    assert printed["overall"] == "successful"
    (access,) = (check for check in printed["checks"] if check["id"] == "chip_access")
    assert access["result"] == "not_supported"
    assert "anyone may read it" in access["reason"]
    assert (printed["access"]["protocol"], printed["access"]["password"]) == ("none", "")


@pytest.mark.usefixtures("reader")
def test_read_with_the_card_access_number_says_how_the_chip_was_opened_and_proven(store: Path) -> None:
    result = gate("document", "read", "--can", "123456", "--trust", store, "--reader", "pace", "--json")
    printed = json.loads(result.stdout)
    assert printed["access"] == {
        "protocol": "PACE",
        "password": "CAN",
        "version": 2,
        "mapping": "GM",
        "agreement": "ECDH",
        "cipher": "AES-128",
        "parameters": "brainpoolP256r1",
    }
    assert printed["chip_authentication"]["parameters"] == "brainpoolP256r1"
    assert printed["signature"]["lds_hash"] == "sha256"


@pytest.mark.usefixtures("reader")
def test_read_takes_the_mrz_on_standard_input_and_speaks_to_people(store: Path) -> None:
    result = gate("document", "read", "--mrz", "-", "--trust", store, text=mrz())
    assert result.exit_code == 0
    assert "successful     chip_access" in result.stdout
    assert re.search(r"^took ms +access \d+, read \d+, verify \d+$", result.stdout, re.MULTILINE)
    assert "specimen" in result.stderr


def test_an_mrz_on_standard_input_is_bounded(store: Path, lds: Path) -> None:
    words = ("document", "inspect", "--lds", lds, "--trust", store, "--mrz", "-")
    one_line(gate(*words, text="<" * 1_000_000), 65, "--mrz")


def test_read_needs_what_is_printed(store: Path) -> None:
    one_line(gate("document", "read", "--trust", store), 2, "--mrz or --can")
    one_line(gate("document", "read", "--trust", store, "--can", "12345a"), 2, "6 digits")


def test_a_document_with_a_weak_signature_is_told_to_people(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weak"
    folder.mkdir()
    for name, content in utopia().issue(ANNA, portrait_jpeg=portrait(), signer="rsa_1024").files.items():
        (folder / f"{name}.bin").write_bytes(content)
    result = gate("document", "inspect", "--lds", folder, "--trust", store, "--at", AT)
    assert "weak algorithms, of which the gate's policy decides: ds_key:rsa-1024" in result.stderr


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("name", ["pulled", "silent"])
def test_read_reports_a_chip_that_was_lost_as_aborted(store: Path, name: str) -> None:
    result = gate("document", "read", "--mrz", mrz(), "--trust", store, "--reader", name, "--json")
    assert json.loads(result.stdout)["overall"] == "aborted"
    assert result.exit_code == 1


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(("name", "code", "words"), [("empty", 69, "no card came"), ("broken", 78, "pyscard")])
def test_read_without_document_or_service_is_one_line(store: Path, name: str, code: int, words: str) -> None:
    one_line(gate("document", "read", "--mrz", mrz(), "--trust", store, "--reader", name), code, words)


def test_read_with_an_mrz_that_is_none_is_one_line(store: Path) -> None:
    one_line(gate("document", "read", "--mrz", "hello", "--trust", store), 65, "--mrz")


# ── trust ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def files(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


Write = Callable[[str, bytes], Path]


def imported(*words: str | Path) -> tuple[Any, Result]:
    result = gate("trust", "import", *words, "--json")
    return json.loads(result.stdout), result


def test_import_reports_what_it_took_and_what_it_left_out(files: Write, tmp_path: Path) -> None:
    csca = party("CSCA")
    good, bad = files("csca.cer", csca.der), files("ds.cer", party("DS", issuer=csca, authority=False).der)
    printed, result = imported(good, bad, "--store", tmp_path / "t.sqlite")
    assert result.exit_code == 0
    assert printed["schema"] == "trust.import/1"
    assert (printed["certificates"], printed["accepted"], printed["countries"]) == (2, 1, 1)
    assert printed["rejected"] == [{"subject": "UT, DS", "reason": "not a CSCA certificate"}]
    assert printed["seconds"] >= 0


def test_import_that_takes_nothing_is_bad_data(files: Write, tmp_path: Path) -> None:
    only = files("ds.cer", party("DS", issuer=party("CSCA"), authority=False).der)
    assert imported(only, "--store", tmp_path / "t.sqlite")[1].exit_code == 65


def test_import_of_a_list_takes_the_signers_word(files: Write, tmp_path: Path) -> None:
    csca = party("CSCA")
    signer = party("L", issuer=csca, authority=False, lists=True)
    listed = files("list.ml", master_list(signer, [csca.der], signed_at=NOW - timedelta(days=20)))
    store = tmp_path / "t.sqlite"
    one_line(gate("trust", "import", listed, "--store", store), 65, "nobody vouches")
    one_line(gate("trust", "import", listed, "--store", store, "--signer", files("junk", b"junk")), 65, "junk")
    result = gate("trust", "import", listed, "--store", store, "--signer", files("csca.cer", csca.der))
    assert result.exit_code == 0
    assert "1 of 1 certificates" in result.stdout


@pytest.mark.parametrize(("content", "words"), [(b"", "no certificate"), (b"junk", "no certificate")])
def test_import_of_nonsense_is_one_line(files: Write, tmp_path: Path, content: bytes, words: str) -> None:
    one_line(gate("trust", "import", files("x", content), "--store", tmp_path / "t.sqlite"), 65, words)


def pem(label: str, content: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(content).replace("CERTIFICATE", label).encode()


def test_every_certificate_and_list_of_a_file_in_pem_is_taken(files: Write, tmp_path: Path) -> None:
    one, two = party("CSCA"), party("Other CSCA", country="ZZ")
    bundle = b"subject=UT, CSCA\n" + pem("CERTIFICATE", one.der) + b"\n" + pem("CERTIFICATE", two.der)
    bundle += pem("X509 CRL", revocation_list(one, 5))
    printed, result = imported(files("bundle.pem", bundle), "--store", tmp_path / "t.sqlite")
    assert (printed["accepted"], printed["countries"], printed["revocation_lists"]) == (2, 2, 1)
    assert result.exit_code == 0
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "bundle.pem").write_bytes(bundle + pem("CERTIFICATE", b"\x30\x00"))
    printed, _ = imported(folder, "--store", tmp_path / "u.sqlite")
    assert (printed["accepted"], printed["revocation_lists"]) == (2, 1)
    wrong = {"subject": "bundle.pem, block 4", "reason": "no certificate, master list or revocation list"}
    assert printed["rejected"] == [wrong]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace(b"-----END", b"-----and"),
        lambda text: text.replace(b"\nMI", b"\n!!"),
        lambda text: text[: len(text) // 2],
        lambda text: text + text.split(b"\n")[0],
        lambda text: text[:27] + text[-26:],
        lambda text: text * 8193,
    ],
    ids=["no end", "no base 64", "cut", "begun again", "empty", "too many"],
)
def test_a_spoiled_file_in_pem_is_one_line(files: Write, tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    bundle = files("bundle.pem", spoil(pem("CERTIFICATE", party("CSCA").der)))
    one_line(gate("trust", "import", bundle, "--store", tmp_path / "t.sqlite"), 65, "PEM")
    folder = tmp_path / "folder"
    folder.mkdir()
    bundle.rename(folder / "bundle.pem")
    printed, _ = imported(folder, "--store", tmp_path / "t.sqlite")
    assert "PEM" in printed["rejected"][-1]["reason"]


def test_import_into_nowhere_or_from_nowhere_is_one_line(files: Write, tmp_path: Path) -> None:
    csca = files("csca.cer", party("CSCA").der)
    one_line(
        gate("trust", "import", csca, "--store", tmp_path / "no" / "t.sqlite"),
        74,
        "t.sqlite cannot be written: No such file or directory; check the path",
    )
    one_line(gate("trust", "import", tmp_path / "none", "--store", tmp_path / "t.sqlite"), 74, "No such file")


def test_list_shows_a_row_a_country(store: Path) -> None:
    result = gate("trust", "list", "--store", store, "--json")
    printed = json.loads(result.stdout)
    assert [(row["code"], row["certificates"]) for row in printed["countries"]] == [("UT", 3)]
    assert set(printed["countries"][0]) == {"code", "certificates", "newest", "expires", "revocation_until"}
    assert printed["standings"] == {"self_signed": 3}
    told = gate("trust", "list", "--store", store).stdout
    assert "UT" in told
    assert "trusted by a list only: 0 of 3" in told


def test_list_of_a_missing_store_is_one_line(tmp_path: Path) -> None:
    one_line(gate("trust", "list", "--store", tmp_path / "none"), 74, "trust store")
