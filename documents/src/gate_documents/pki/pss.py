"""Parameters of RSASSA-PSS: those of a signature, and those to which a key may be restricted (RFC 4055 §1.2 and §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asn1crypto import algos

from gate_documents.errors import AlgorithmUnknownError
from gate_documents.pki.asn1 import load
from gate_documents.pki.hashes import hash_name

PARAMETERS_BYTES_MAX: Final = 256
SALT_BYTES_MAX: Final = 64
_MGF1: Final = "1.2.840.113549.1.1.8"


@dataclass(frozen=True, slots=True)
class PssParameters:
    """The hashes of message and mask, and the salt; for a key, the minimum for a signature."""

    hash: str
    mask_hash: str
    salt_bytes: int


def read_pss(encoded: bytes) -> PssParameters:
    """Parse RSASSA-PSS-params; omitted fields have their default. Raises MalformedError or AlgorithmUnknownError."""
    read = load(algos.RSASSAPSSParams, encoded, "the parameters of PSS", bytes_max=PARAMETERS_BYTES_MAX)
    mask = read["mask_gen_algorithm"]
    if mask["algorithm"].dotted != _MGF1 or read["trailer_field"].native not in (1, "trailer_field_bc"):
        raise AlgorithmUnknownError("PSS with another mask or trailer")
    salt_bytes = int(read["salt_length"].native)
    if not 0 <= salt_bytes <= SALT_BYTES_MAX:
        raise AlgorithmUnknownError("PSS with a salt that long")
    return PssParameters(
        hash=hash_name(read["hash_algorithm"]["algorithm"].dotted),
        mask_hash=hash_name(mask["parameters"]["algorithm"].dotted),
        salt_bytes=salt_bytes,
    )
