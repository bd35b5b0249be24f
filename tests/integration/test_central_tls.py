"""Who gets past the central server's TLS and certificates: a real server on loopback, and every wrong way to knock."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fakes.audit_logs import crossing
from fakes.mirrored_gate import Central, MirroredGate, gate_command

from gate_central import authority
from gate_central.folder import load
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import MirrorAwayError
from gate_core.mirror_client.https import Courier, tls
from gate_core.mirror_client.wire import Request, Response


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    made = Central(tmp_path_factory.mktemp("central") / "central")
    made.init()
    with made.running():
        yield made


@pytest.fixture(scope="module")
def gate(central: Central, tmp_path_factory: pytest.TempPathFactory) -> MirroredGate:
    """A gate that is enrolled and has mirrored one traveller."""
    made = MirroredGate.make(tmp_path_factory.mktemp("gate"))
    made.log.write(crossing("first"))
    steps = made.enrol(central)["steps"]
    assert [(one["id"], one["state"]) for one in steps] == [("certificate", "done"), ("configuration", "done")]
    pushed = gate_command("sync", "push", "--config", str(made.file))
    assert (pushed["head"], pushed["mirrored"], pushed["pending"]) == (5, 5, 0)
    return made


def ask(central: Central, context: ssl.SSLContext, request: Request | None = None) -> Response:
    async def once() -> Response:
        async with Courier(central.address, context) as courier:
            return await courier.send(request or wire.bodies_request())

    return asyncio.run(once())


def anonymous(central: Central) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=central.ca)


def device(gate: MirroredGate, central: Central) -> ssl.SSLContext:
    return tls(ca=central.ca, certificate=str(gate.device))


def stranger(folder: Path, central: Central, root: authority.Authority) -> ssl.SSLContext:
    """A certificate in the gate's name that `root` issued, which the server's roster does not have."""
    key = authority.new_key()
    certificate = authority.issue_device(root, "gate-0001", key.public_key(), datetime.now(UTC))
    (folder / "c.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "c.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return tls(ca=central.ca, certificate=str(folder / "c.pem"), key=str(folder / "c.key"))


def test_the_enrolled_gate_gets_in(central: Central, gate: MirroredGate) -> None:
    assert wire.parse_bodies(ask(central, device(gate, central))).next == 5


def test_without_a_certificate_only_enrolment_speaks(central: Central, gate: MirroredGate) -> None:
    for request in (
        wire.bodies_request(),
        wire.checkpoint_request(gate.config.origin),
        wire.add_entries(gate.config.origin, 0, 0, b"", ()),
        wire.put_key("0" * 64, b"x"),
        wire.put_sealed(b"x\n"),
        Request("POST", "/add-checkpoint", b"old 0\n\n"),
    ):
        answer = ask(central, anonymous(central), request)
        assert (answer.status, answer.body) == (403, b"a client certificate is needed\n")
    assert ask(central, anonymous(central), Request("GET", "/.well-known/est/cacerts")).status == 200
    assert ask(central, anonymous(central), Request("POST", "/.well-known/est/simpleenroll", b"x")).status == 400


def test_a_certificate_of_another_authority_ends_in_tls(central: Central, tmp_path: Path) -> None:
    other = authority.found("elsewhere.example", datetime.now(UTC))
    with pytest.raises(MirrorAwayError):
        ask(central, stranger(tmp_path, central, other))


@pytest.mark.usefixtures("gate")
def test_a_certificate_that_the_authority_issued_but_the_roster_does_not_know_is_refused(
    central: Central, tmp_path: Path
) -> None:
    context = stranger(tmp_path, central, load(central.folder).authority)
    assert ask(central, context).body == b"this certificate is of no enrolled gate\n"


def test_the_servers_own_certificate_is_no_gates(central: Central) -> None:
    context = tls(ca=central.ca, certificate=str(central.folder / "server.pem"))
    with pytest.raises(MirrorAwayError):
        ask(central, context)


def test_a_gate_does_not_see_the_log_of_another(central: Central, gate: MirroredGate) -> None:
    request = wire.checkpoint_request("border.example/gate-0002/demo")
    assert ask(central, device(gate, central), request).status == 404


def test_a_gate_refuses_a_server_of_another_authority(central: Central, tmp_path: Path) -> None:
    other = authority.found("elsewhere.example", datetime.now(UTC))
    (tmp_path / "ca.pem").write_bytes(other.certificate.public_bytes(Encoding.PEM))
    with pytest.raises(MirrorAwayError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(central, ssl.create_default_context(cafile=str(tmp_path / "ca.pem")))


def test_nothing_older_than_tls_1_3_is_spoken(central: Central) -> None:
    context = anonymous(central)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", central.port), timeout=5) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_certificate_is_valid_on_the_servers_own_machine(central: Central, name: str) -> None:
    context = anonymous(central)
    with (
        socket.create_connection(("127.0.0.1", central.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        assert secured.version() == "TLSv1.3"


def test_a_header_cannot_stand_in_for_a_certificate(central: Central, gate: MirroredGate) -> None:
    pem = gate.device.read_text().replace("\n", "")
    with httpx2.Client(verify=anonymous(central), trust_env=False) as client:
        answer = client.get(f"https://{central.address}/bodies", headers={"x-ssl-cert": pem, "x-client-cert": pem})
    assert answer.status_code == 403


def test_a_token_works_once_for_its_own_gate(central: Central, tmp_path: Path) -> None:
    ours = MirroredGate.make(tmp_path / "ours", "gate-0007")
    theirs = MirroredGate.make(tmp_path / "theirs", "gate-0008")
    token = central.command("token", "gate-0007")["token"]
    assert [one["state"] for one in theirs.enrol(central, token=token, check=False)["steps"]] == ["failed", "skipped"]
    assert [one["state"] for one in ours.enrol(central, token=token)["steps"]] == ["done", "done"]
    again = MirroredGate.make(tmp_path / "again", "gate-0007")
    (first, _) = again.enrol(central, token=token, check=False)["steps"]
    assert "403" in first["detail"]
    assert "used" in first["detail"]
    assert again.config.sync is None


def test_a_revoked_gate_is_out_until_it_enrols_again(central: Central, tmp_path: Path) -> None:
    gate = MirroredGate.make(tmp_path / "gate", "gate-0009")
    gate.enrol(central)
    assert ask(central, device(gate, central)).status == 200
    central.command("revoke", "gate-0009")
    assert ask(central, device(gate, central)).status == 403
    states = {one["id"]: one["state"] for one in central.command("fleet")["gates"]}
    assert states["gate-0009"] == "revoked"


def test_the_certificate_names_the_gate_and_serves_clients_only(central: Central, gate: MirroredGate) -> None:
    certificate = x509.load_pem_x509_certificate(gate.device.read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=gate-0001"
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert gate.config.sync is not None
    assert gate.config.sync.mirror_vkey == central.mirror_vkey
