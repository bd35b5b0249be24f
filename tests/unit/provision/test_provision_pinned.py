"""Keys that two machines know each other by: made once, for their owner only, told by a fingerprint that openssl gives, too."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest

from gate_core import pinned_certificates
from gate_core.console_certificates import consoles_in
from gate_core.pinned_certificates import PinnedError


def test_a_key_is_its_owners_and_is_told_as_openssl_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "console.pem"
    certificate = pinned_certificates.make(path, "north-7")
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "c.crt").write_text(certificate)
    public = subprocess.run(
        ["openssl", "x509", "-in", str(tmp_path / "c.crt"), "-noout", "-pubkey"], check=True, capture_output=True
    ).stdout
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"], input=public, check=True, capture_output=True
    )
    assert pinned_certificates.fingerprint_in(path) == hashlib.sha256(der.stdout).hexdigest()
    assert pinned_certificates.fingerprint(ssl.PEM_cert_to_DER_cert(certificate)) == pinned_certificates.fingerprint_in(
        path
    )
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)


def test_what_exists_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "console.pem"
    pinned_certificates.make(path, "north-7")
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        pinned_certificates.make(path, "north-7")
    assert path.read_bytes() == before


def test_a_file_that_others_can_read_or_that_holds_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "console.pem"
    pinned_certificates.make(path, "north-7")
    path.chmod(0o640)
    with pytest.raises(PinnedError, match="chmod 600"):
        pinned_certificates.fingerprint_in(path)
    path.write_text("nothing")
    path.chmod(0o600)
    with pytest.raises(PinnedError, match="holds no certificate"):
        pinned_certificates.fingerprint_in(path)


EC_KEY, VERSION_3 = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("a003020102")  # as DER has them


def test_a_certificate_of_no_version_or_with_a_key_of_no_kind_that_we_know_is_none(tmp_path: Path) -> None:
    der = ssl.PEM_cert_to_DER_cert(pinned_certificates.make(tmp_path / "console.pem", "north-7"))
    with pytest.raises(PinnedError, match="no certificate"):
        pinned_certificates.fingerprint(der.replace(EC_KEY, EC_KEY[:-1] + b"\x7f"))
    of_another_version = der.replace(VERSION_3, VERSION_3[:-1] + b"\x07")
    with pytest.raises(PinnedError, match="no certificate"):
        pinned_certificates.fingerprint(of_another_version)
    with pytest.raises(PinnedError, match="holds no certificates"):
        pinned_certificates.certificates(ssl.DER_cert_to_PEM_cert(of_another_version).encode())


@pytest.mark.parametrize("spelt", ["utf-8", "latin-1"])
def test_a_list_of_consoles_may_have_words_between_the_certificates(tmp_path: Path, spelt: str) -> None:
    certificate = pinned_certificates.make(tmp_path / "console.pem", "north-7")
    path = tmp_path / "consoles.pem"
    path.write_bytes(f"# Müllers Büro\n{certificate}# Ende\n".encode(spelt))
    pem, known = consoles_in(path)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=pem)
    assert list(known.values()) == ["CN=north-7"]


@pytest.mark.parametrize("raw", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_holds_no_certificates_is_no_list_of_consoles(raw: bytes) -> None:
    with pytest.raises(PinnedError, match="holds no certificates"):
        pinned_certificates.certificates(raw)
    with pytest.raises(PinnedError, match="no certificate"):
        pinned_certificates.fingerprint(raw)
