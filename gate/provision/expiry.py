"""When the device certificate ends."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509

BYTES_MAX: Final = 64 * 1024


def expiry(certificate: Path) -> datetime:
    """When the certificate in this PEM file ends, UTC. Raises OSError, and ValueError for a file that holds none."""
    with certificate.open("rb") as file:
        return x509.load_pem_x509_certificate(file.read(BYTES_MAX)).not_valid_after_utc
