"""`gate central site` and `person`: the nation is told by commands, each of which is in central's own log, and what is wrong is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from fakes.central_house import housed, told
from fakes.central_server import GATE_ID, Bench
from typer.testing import CliRunner

from gate.central.authority import fingerprint
from gate.central.house import House
from gate.cli.central import app


@pytest.fixture
def house(tmp_path: Path) -> House:
    return housed(Bench(tmp_path / "log"), tmp_path / "house")


def run(tmp_path: Path, *words: str, code: int = 0) -> Any:
    opened = ["--dir", str(tmp_path / "house"), "--database", f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"]
    done = CliRunner().invoke(app, [*words, *opened, "--json"])
    assert done.exit_code == code, done.output
    assert not isinstance(done.exception, Exception), done.exception
    assert code == 0 or done.stderr.count("\n") == 1
    return json.loads(done.stdout) if code == 0 else None


def test_a_nation_is_told_and_shown(house: House, tmp_path: Path) -> None:
    run(tmp_path, "site", "add-party", "north", "--name", "Police of the north")
    run(tmp_path, "site", "add", "port", "--party", "north", "--name", "Port")
    run(tmp_path, "site", "place", GATE_ID, "--site", "port", "--group", "early")
    shown = run(tmp_path, "site", "list")
    assert shown["parties"] == [
        {"id": "north", "name": "Police of the north", "sites": [{"id": "port", "name": "Port", "gates": [GATE_ID]}]}
    ]
    assert shown["groups"] == {GATE_ID: "early"}
    assert house.places.canary(GATE_ID) == "early"
    assert [one.kind for one in told(house)] == ["party_set", "site_set", "gate_placed"]


@pytest.mark.parametrize("suffix", ["pem", "p12"])
def test_a_person_gets_a_key_and_certificate_that_counts_until_they_are_dismissed(
    house: House, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"anna.{suffix}"
    (tmp_path / "passphrase").write_text("a word\n")
    given = ("--passphrase-file", str(tmp_path / "passphrase")) if suffix == "p12" else ()
    run(tmp_path, "person", "add", "anna", "--role", "auditor", "--out", str(out), *given)
    assert out.stat().st_mode & 0o777 == 0o600
    if suffix == "p12":
        _, certificate, _ = pkcs12.load_key_and_certificates(out.read_bytes(), b"a word")
        assert certificate is not None
    else:
        certificate = x509.load_pem_x509_certificate(out.read_bytes())
    certificate.verify_directly_issued_by(house.folder.authority.certificate)
    assert certificate.subject.rfc4514_string() == "CN=person:anna"
    person = house.places.person(fingerprint(certificate))
    assert person is not None
    assert (person.name, person.role.value, person.party) == ("anna", "auditor", None)
    run(tmp_path, "person", "add", "anna", "--role", "auditor", "--out", str(out), code=74)
    run(tmp_path, "person", "dismiss", "anna")
    assert house.places.person(fingerprint(certificate)) is None
    assert run(tmp_path, "person", "list")["people"] == [
        {"name": "anna", "role": "auditor", "party": None, "dismissed": True}
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("site", "add-party", "North", "--name", "x"),
        ("site", "add-party", "north", "--name", ""),
        ("site", "add", "port", "--party", "nobody", "--name", "x"),
        ("site", "place", GATE_ID, "--site", "nowhere"),
        ("site", "place", "gate-0404", "--group", "early"),
        ("site", "place", GATE_ID),
        ("person", "dismiss", "nobody"),
        ("person", "add", "Anna", "--role", "auditor", "--out", "anna.pem"),
        ("person", "add", "anna", "--role", "auditor", "--party", "nobody", "--out", "anna.pem"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(tmp_path, *words, code=2)
    assert told(house) == []
    assert not (tmp_path / "anna.pem").exists()
