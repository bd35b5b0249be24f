"""Enrolment and who may speak: tokens, signing requests, certificates, revocation."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from central_fakes.server import GATE_ID, NOW, Bench, Server
from core_fakes.sealed_log import ORIGIN
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gate_central import authority
from gate_central import folder as folders
from gate_central.database import open_database
from gate_central.errors import AwayError, FolderError, ForbiddenError, UnknownError
from gate_central.roster import Gate
from gate_core.audit_format.note import Algorithm, Signer
from gate_core.mirror_client import wire
from gate_core.mirror_client.wire import Request

LOG = Signer.generate(ORIGIN).verifier
LATER_S = int(NOW.timestamp()) + 60


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server.over(f"sqlite:///{tmp_path / 'central.sqlite'}")


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return authority.new_key()


@pytest.fixture
def csr(key: ec.EllipticCurvePrivateKey) -> bytes:
    return built([GATE_ID], key)


def built(name: list[str], key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one) for one in name])
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def headers(token: str, gate_id: str = GATE_ID, log_vkey: str = LOG.vkey) -> dict[str, str]:
    """What a gate sends with its signing request (docs/protocols/sync.md)."""
    credentials = base64.b64encode(f"{gate_id}:{token}".encode()).decode()
    return {
        "authorization": f"Basic {credentials}",
        "content-type": "application/pkcs10",
        "content-transfer-encoding": "base64",
        "accept-encoding": "identity",
        "portcullis-log-key": log_vkey,
    }


def read_bag(body: bytes) -> list[x509.Certificate]:
    """An answer of EST: PKCS #7 in Base64 (RFC 7030 §4.1.3)."""
    return pkcs7.load_der_pkcs7_certificates(base64.b64decode(b"".join(body.split()), validate=True))


async def post(server: Server, headers: dict[str, str], body: bytes) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=server.transport(None), base_url="https://central.example") as client:
        return await client.post("/.well-known/est/simpleenroll", headers=headers, content=body)


async def enrol(
    server: Server, token: str, csr: bytes, gate_id: str = GATE_ID, log_vkey: str = LOG.vkey
) -> httpx2.Response:
    return await post(server, headers(token, gate_id, log_vkey), base64.encodebytes(csr))


async def test_a_token_buys_a_certificate_for_this_key_and_name_once(
    server: Server, key: ec.EllipticCurvePrivateKey, csr: bytes
) -> None:
    token = server.roster.new_token(GATE_ID, LATER_S)
    answer = await enrol(server, token, csr)
    assert (answer.status_code, answer.headers["portcullis-mirror-key"]) == (200, server.signer.verifier.vkey)
    (certificate,) = read_bag(answer.content)
    assert certificate.public_key() == key.public_key()
    assert [one.value for one in certificate.subject] == [GATE_ID]
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH in uses
    assert certificate.not_valid_before_utc <= NOW < certificate.not_valid_after_utc
    certificate.verify_directly_issued_by(server.authority.certificate)
    found = server.roster.find(GATE_ID)
    known = authority.fingerprint(certificate)
    assert found == Gate(
        GATE_ID, ORIGIN, LOG, known, revoked=False, last_seen=None, enrolled_at="2026-11-25T10:00:00.000Z"
    )

    replayed = await enrol(server, token, csr)
    assert replayed.status_code == 403
    assert server.roster.find(GATE_ID) == found


async def test_an_expired_unknown_or_other_gates_token_buys_nothing(server: Server, csr: bytes) -> None:
    expired = server.roster.new_token(GATE_ID, int(NOW.timestamp()))
    other = server.roster.new_token("gate-0002", LATER_S)
    for token in (expired, other, "made-up", ""):
        assert (await enrol(server, token, csr)).status_code == 403
    # The right token for the credentials, but the signing request names another gate.
    assert (await enrol(server, other, csr, "gate-0002", LOG.vkey.replace("0001", "0002"))).status_code in {400, 403}
    assert server.roster.names() == []


async def test_the_signing_request_must_name_the_tokens_gate(server: Server, csr: bytes) -> None:
    other_log = Signer.generate("border.example/gate-0002").verifier
    token = server.roster.new_token("gate-0002", LATER_S)
    answer = await enrol(server, token, csr, "gate-0002", other_log.vkey)
    assert answer.status_code == 403
    assert "signing request" in answer.text
    assert server.roster.token_allows(token, "gate-0002", LATER_S - 60)


async def test_the_log_key_must_be_of_the_gate(server: Server, csr: bytes) -> None:
    token = server.roster.new_token(GATE_ID, LATER_S)
    foreign = Signer.generate("border.example/gate-0002").verifier.vkey
    cosigner = Signer.generate(ORIGIN, Algorithm.COSIGNATURE_V1).verifier.vkey
    for vkey, status in ((foreign, 403), (cosigner, 403), ("nonsense", 400), ("", 400), ("x" * 2000, 400)):
        assert (await enrol(server, token, csr, log_vkey=vkey)).status_code == status
    assert server.roster.names() == []


def test_of_two_enrolments_with_one_token_exactly_one_wins(server: Server) -> None:
    token = server.roster.new_token(GATE_ID, LATER_S)

    def attempt(number: int) -> bool:
        try:
            server.roster.enrol(token, GATE_ID, LOG, certificate=str(number), now_s=LATER_S - 60, at="now")
        except ForbiddenError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(8)))
    assert won.count(True) == 1
    found = server.roster.find(GATE_ID)
    assert found is not None
    assert found.certificate == str(won.index(True))


def test_a_gate_may_enrol_again_but_never_with_another_log(server: Server) -> None:
    old = server.enrol(LOG)
    new = server.enrol(LOG)
    found = server.roster.find(GATE_ID)
    assert found is not None
    assert found.certificate == authority.fingerprint(old)  # until the new one was used
    assert server.roster.speaker(GATE_ID, authority.fingerprint(new)) is not None
    assert server.roster.speaker(GATE_ID, authority.fingerprint(old)) is None
    with pytest.raises(ForbiddenError, match="new gate id"):
        server.enrol(Signer.generate(ORIGIN).verifier)
    with pytest.raises(ForbiddenError, match="another gate"):
        server.enrol(LOG, "gate-0002")


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic !!!", "Bearer abc", "Basic " + "eA==", "Basic //8="])
async def test_enrolment_needs_credentials(server: Server, csr: bytes, authorization: str) -> None:
    told = {"authorization": authorization, "portcullis-log-key": LOG.vkey}
    assert (await post(server, told, base64.b64encode(csr))).status_code == 400


async def test_bytes_that_are_no_signing_request_of_a_gate_are_bad_requests(server: Server, csr: bytes) -> None:
    token = server.roster.new_token(GATE_ID, LATER_S)
    p256 = authority.new_key()
    bad = [
        b"",
        b"nonsense",
        csr[:-4] + bytes(4),
        built([GATE_ID], rsa.generate_private_key(65537, 2048)),
        built([GATE_ID], ec.generate_private_key(ec.SECP384R1())),
        built([], p256),
        built([GATE_ID, GATE_ID], p256),
        built(["Gate One"], p256),
        bytes(9000),
    ]
    for one in bad:
        assert (await enrol(server, token, one)).status_code == 400
    told = headers(token)
    assert (await post(server, told, b"!!!")).status_code == 400
    assert (await post(server, told, bytes(20_000))).status_code == 400
    assert (await enrol(server, token, csr)).status_code == 200


async def test_the_authority_is_shown_to_everyone(server: Server) -> None:
    async with httpx2.AsyncClient(transport=server.transport(None), base_url="https://central.example") as client:
        answer = await client.get("/.well-known/est/cacerts")
    (shown,) = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer.content))
    assert shown == server.authority.certificate


# ── who may speak ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_only_the_newest_certificate_and_the_one_before_until_its_first_use_may_speak(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    root = bench.server.authority
    never_enrolled = authority.issue_device(root, "gate-0002", authority.new_key().public_key(), NOW)
    not_registered = authority.issue_device(root, GATE_ID, authority.new_key().public_key(), NOW)
    for certificate in (never_enrolled, not_registered, root.certificate):
        assert (await bench.ask(wire.bodies_request(), certificate)).status == 403
    async with httpx2.AsyncClient(transport=bench.server.transport(None), base_url="https://c.example") as client:
        assert (await client.get("/bodies")).status_code == 403
        assert (await client.post("/add-entries", content=b"")).status_code == 403
    assert (await bench.ask(wire.bodies_request())).status == 200
    newer = bench.server.enrol(bench.log.signer.verifier)
    assert (await bench.ask(wire.bodies_request())).status == 200
    assert (await bench.ask(wire.bodies_request(), newer)).status == 200
    assert (await bench.ask(wire.bodies_request())).status == 403


async def renewed(bench: Bench, csr: bytes, certificate: x509.Certificate | None = None) -> tuple[int, bytes]:
    asked = Request("POST", "/.well-known/est/simplereenroll", base64.encodebytes(csr), "application/pkcs10")
    response = await bench.ask(asked, certificate)
    return response.status, response.body


async def test_a_gate_renews_with_what_it_has_and_the_old_one_ends_with_the_first_use_of_the_new(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey, csr: bytes
) -> None:
    bench = Bench(tmp_path)
    (_, lost), (status, body) = (
        await renewed(bench, built([GATE_ID], authority.new_key())),
        await renewed(bench, csr),
    )
    assert status == 200
    (new,) = read_bag(body)
    assert (await bench.ask(wire.bodies_request(), read_bag(lost)[0])).status == 403  # its answer came too late
    assert (await bench.ask(wire.bodies_request())).status == 200
    assert (await bench.ask(wire.bodies_request(), new)).status == 200
    assert (await bench.ask(wire.bodies_request())).status == 403
    assert new.public_key() == key.public_key()


async def test_nobody_renews_for_another_gate_or_once_revoked(tmp_path: Path, csr: bytes) -> None:
    bench = Bench(tmp_path)
    other = built(["gate-0002"], authority.new_key())
    for wrong, expected in ((other, 403), (b"nonsense", 400), (b"", 400)):
        assert (await renewed(bench, wrong))[0] == expected
    _, body = await renewed(bench, csr)
    (pending,) = read_bag(body)
    bench.server.roster.revoke(GATE_ID)
    assert (await renewed(bench, csr))[0] == 403
    with pytest.raises(ForbiddenError, match="revoked"):
        bench.server.roster.renew(GATE_ID, "0" * 64, "now")  # it was revoked while its request was under way
    bench.server.enrol(bench.log.signer.verifier)
    assert (await bench.ask(wire.bodies_request(), pending)).status == 403  # of before the revocation
    assert (await bench.ask(wire.bodies_request())).status == 403


async def test_a_revoked_gate_is_refused_from_its_next_request_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert (await bench.ask(wire.bodies_request())).status == 200
    assert bench.gate.last_seen == "2026-11-25T10:00:00.000Z"
    bench.server.roster.revoke(GATE_ID)
    assert (await bench.ask(wire.bodies_request())).status == 403
    with pytest.raises(UnknownError):
        bench.server.roster.revoke("gate-0009")


# ── the server's folder ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_is_made_once_and_loaded(tmp_path: Path) -> None:
    verifier = folders.init(tmp_path / "c", "central.example", NOW)
    loaded = folders.load(tmp_path / "c")
    assert loaded.mirror.verifier == verifier
    assert (tmp_path / "c" / "ca.key").stat().st_mode & 0o077 == 0
    with pytest.raises(FolderError, match="set up before"):
        folders.init(tmp_path / "c", "central.example", NOW + timedelta(days=1))
    assert folders.load(tmp_path / "c").authority.certificate == loaded.authority.certificate


def test_a_folder_that_is_not_whole_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="central init"):
        folders.load(tmp_path)
    with pytest.raises(FolderError, match="host name"):
        folders.init(tmp_path / "c", "bad name\n" + "x" * 300, NOW)
    folders.init(tmp_path / "d", "10.0.0.1", NOW)
    pem = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "d" / "ca.key").write_bytes(pem)
    with pytest.raises(FolderError, match="another kind of key"):
        folders.load(tmp_path / "d")


def test_a_database_that_cannot_be_opened_is_one_clear_error(tmp_path: Path) -> None:
    for url in ("nonsense", f"sqlite:///{tmp_path}/none/x.sqlite", "oracle+nothing://x"):
        with pytest.raises((AwayError, FolderError), match="database"):
            open_database(url)
