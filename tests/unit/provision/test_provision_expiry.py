"""When the device certificate ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from gate.provision.expiry import expiry

ENDS = datetime(2026, 12, 24, tzinfo=UTC)


def test_it_is_read_from_the_certificate(tmp_path: Path) -> None:
    key, name = Ed25519PrivateKey.generate(), x509.Name([])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, ENDS - timedelta(days=90), ENDS).sign(key, None)
    (tmp_path / "device.pem").write_bytes(made.public_bytes(Encoding.PEM))
    assert expiry(tmp_path / "device.pem") == ENDS


def test_what_is_none_is_a_value_error(tmp_path: Path) -> None:
    (tmp_path / "device.pem").write_text("-----BEGIN")
    with pytest.raises(ValueError, match="PEM"):
        expiry(tmp_path / "device.pem")
    with pytest.raises(OSError, match="No such file"):
        expiry(tmp_path / "none")
