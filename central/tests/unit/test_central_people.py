"""`gate central site` and `person`: the nation is told by commands, each of which is in central's own log, and what is wrong is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from central_fakes.folder import make_context, told
from central_fakes.people import requested
from central_fakes.server import GATE_ID, Bench
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from gate_central.authority import fingerprint, new_key
from gate_central.commands.central import app
from gate_central.server_context import ServerContext


@pytest.fixture
def context(tmp_path: Path) -> ServerContext:
    return make_context(Bench(tmp_path / "log"), tmp_path / "server")


def run(tmp_path: Path, *words: str, code: int = 0, said: str = "") -> Any:
    opened = ["--dir", str(tmp_path / "server"), "--database", f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"]
    done = CliRunner().invoke(app, [*words, *opened, "--json"])
    assert done.exit_code == code, done.output
    assert not isinstance(done.exception, Exception), done.exception
    assert said in done.stderr
    assert code == 0 or done.stderr.count("\n") == 1
    return json.loads(done.stdout) if code == 0 else None


def test_a_nation_is_told_and_shown(context: ServerContext, tmp_path: Path) -> None:
    run(tmp_path, "site", "add-party", "north", "--name", "Police of the north")
    run(tmp_path, "site", "add", "port", "--party", "north", "--name", "Port")
    run(tmp_path, "site", "place", GATE_ID, "--site", "port", "--group", "early")
    shown = run(tmp_path, "site", "list")
    assert shown["parties"] == [
        {"id": "north", "name": "Police of the north", "sites": [{"id": "port", "name": "Port", "gates": [GATE_ID]}]}
    ]
    assert shown["groups"] == {GATE_ID: "early"}
    assert context.tenants.canary(GATE_ID) == "early"
    assert [one.kind for one in told(context)] == ["party_set", "site_set", "gate_placed"]


def test_a_certificate_that_cannot_be_written_leaves_the_one_before_in_force(
    context: ServerContext, tmp_path: Path
) -> None:
    """The person was let in by the new one first, which then was nowhere: the one that they had let them in no more."""
    (tmp_path / "anna.csr").write_bytes(requested("anna", new_key()))
    add = ("person", "add", "anna", "--role", "auditor")
    run(tmp_path, *add, *brought(tmp_path, "anna", "anna"))
    good = fingerprint(x509.load_pem_x509_certificate((tmp_path / "anna.pem").read_bytes()))
    run(
        tmp_path,
        *add,
        *brought(tmp_path, "anna", "absent/anna"),
        code=74,
        said="name a new file in a folder that exists",
    )
    run(tmp_path, *add, *brought(tmp_path, "anna", "anna"), code=74, said="File exists")
    run(tmp_path, *add, "--party", "nowhere", *brought(tmp_path, "anna", "again"), code=2, said="no party")
    assert not (tmp_path / "again.pem").exists()
    assert context.tenants.person(good) is not None


def brought(tmp_path: Path, name: str, out: str) -> tuple[str, ...]:
    return "--csr", str(tmp_path / f"{name}.csr"), "--out", str(tmp_path / f"{out}.pem")


def test_central_makes_no_private_key_for_anybody(context: ServerContext, tmp_path: Path) -> None:
    """Nothing that a person's command writes or prints holds one, and there is no way left to ask for it."""
    (tmp_path / "anna.csr").write_bytes(requested("anna", new_key()))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    run(tmp_path, "person", "add", "anna", "--role", "auditor", *brought(tmp_path, "anna", "anna"))
    made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert tmp_path / "anna.pem" in made
    assert not [path for path in made if b"PRIVATE" in path.read_bytes()]
    words = ["person", "add", "ben", "--role", "auditor", "--out", str(tmp_path / "ben.p12"), "--dir", str(tmp_path)]
    assert CliRunner().invoke(app, words).exit_code == 2
    assert [one.name for one in context.tenants.everybody()] == ["anna"]


def pem(key: object, encoding: Encoding = Encoding.PEM) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("of another name", "is of ben, not of anna"),
        ("with its key", "holds a private key"),
        ("signed by another key", "signing request"),
        ("of a weak curve", "P-256"),
        ("no request", "not a signing request"),
        ("torn", "not a signing request"),
        ("two names", "one name"),
        ("too large", "longer than"),
    ],
)
def test_what_is_no_request_of_this_person_lets_nobody_in(
    context: ServerContext, tmp_path: Path, what: str, said: str
) -> None:
    key = new_key()
    good = requested("anna", key)
    der = x509.load_pem_x509_csr(good).public_bytes(Encoding.DER)
    twice = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one) for one in ("anna", "ben")])
    content = {
        "of another name": requested("ben", key),
        "with its key": pem(key) + good,
        "signed by another key": der[:-8] + bytes(8),
        "of a weak curve": requested("anna", ec.generate_private_key(ec.SECP192R1())),
        "no request": b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "torn": good[:100],
        "two names": x509.CertificateSigningRequestBuilder()
        .subject_name(twice)
        .sign(key, SHA256())
        .public_bytes(Encoding.DER),
        "too large": good + b"\n" * 20_000,
    }[what]
    (tmp_path / "anna.csr").write_bytes(content)
    words = ("person", "add", "anna", "--role", "auditor", *brought(tmp_path, "anna", "anna"))
    run(tmp_path, *words, code=74 if what == "too large" else 65, said=said)
    assert told(context) == []
    assert not (tmp_path / "anna.pem").exists()


def test_a_request_may_be_der_and_one_that_is_missing_is_an_error_of_its_file(
    context: ServerContext, tmp_path: Path
) -> None:
    words = ("person", "add", "anna", "--role", "operator", *brought(tmp_path, "anna", "anna"))
    run(tmp_path, *words, code=74)
    request = x509.load_pem_x509_csr(requested("anna", new_key()))
    (tmp_path / "anna.csr").write_bytes(request.public_bytes(Encoding.DER))
    assert run(tmp_path, *words)["person"] == "anna"
    assert [one.kind for one in told(context)] == ["person_admitted"]


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
        ("person", "add", "Anna", "--role", "auditor", "--csr", "anna.csr", "--out", "anna.pem"),
        ("person", "add", "anna", "--role", "auditor", "--party", "nobody", "--csr", "anna.csr", "--out", "anna.pem"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    context: ServerContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "anna.csr").write_bytes(requested("anna", new_key()))
    run(tmp_path, *words, code=2)
    assert told(context) == []
    assert not (tmp_path / "anna.pem").exists()
