"""The commands of docs/guides/auditor.md by which a person of a nation makes a key, and what central makes of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from central_fakes.folder import make_context
from central_fakes.server import Bench
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from typer.testing import CliRunner

from gate_central.authority import fingerprint
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


def brought(tmp_path: Path, name: str, out: str) -> tuple[str, ...]:
    return "--csr", str(tmp_path / f"{name}.csr"), "--out", str(tmp_path / f"{out}.pem")


def test_a_person_makes_a_key_of_their_own_as_the_guide_says_and_counts_until_they_are_dismissed(
    context: ServerContext, tmp_path: Path
) -> None:
    """The commands of docs/guides/auditor.md, as they stand there; a test has no terminal to be asked for a passphrase on."""
    guide = (Path(__file__).parents[3] / "docs/guides/auditor.md").read_text()
    make, ask, shown, keep = [line for line in guide.splitlines() if line.startswith("openssl ")]
    openssl(tmp_path, f"{make} -pass pass:mine")
    openssl(tmp_path, f"{ask} -passin pass:mine")
    assert b"ENCRYPTED PRIVATE KEY" in (tmp_path / "anna.key").read_bytes()
    run(tmp_path, "person", "add", "anna", "--role", "auditor", *brought(tmp_path, "anna", "anna"), code=0)
    given = run(tmp_path, "person", "add", "anna", "--role", "auditor", *brought(tmp_path, "anna", "again"))
    assert (
        openssl(tmp_path, shown.replace("-in anna.key", "-in anna.key -passin pass:mine")).split()[0]
        == given["key_sha256"]
    )
    certificate = x509.load_pem_x509_certificate((tmp_path / "again.pem").read_bytes())
    assert b"PRIVATE" not in (tmp_path / "again.pem").read_bytes()
    certificate.verify_directly_issued_by(context.folder.authority.certificate)
    assert certificate.subject.rfc4514_string() == "CN=person:anna"
    person = context.tenants.person(fingerprint(certificate))
    assert person is not None
    assert (person.name, person.role.value, person.party) == ("anna", "auditor", None)
    run(tmp_path, "person", "add", "anna", "--role", "auditor", *brought(tmp_path, "anna", "again"), code=74)
    (tmp_path / "anna.pem").write_bytes((tmp_path / "again.pem").read_bytes())
    openssl(tmp_path, f"{keep} -passin pass:mine -passout pass:theirs")
    key, held, _ = pkcs12.load_key_and_certificates((tmp_path / "anna.p12").read_bytes(), b"theirs")
    assert key is not None
    assert held == certificate
    run(tmp_path, "person", "dismiss", "anna")
    assert context.tenants.person(fingerprint(certificate)) is None
    assert run(tmp_path, "person", "list")["people"] == [
        {"name": "anna", "role": "auditor", "party": None, "dismissed": True}
    ]


def openssl(tmp_path: Path, line: str) -> str:
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
