"""What is sealed to an officer opens with that officer's key, for that gate, crossing and part, and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from gate_core.orders.envelope import DOCUMENT, FACE, OVERHEAD_BYTES, info_of, seal
from gate_core.orders.errors import MalformedError

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
KEY, OTHER = X25519PrivateKey.generate(), X25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
ABOUT = {"gate": "north-7", "crossing": "5f0c2a", "part": FACE}


def test_the_vector_opens() -> None:
    vector = json.loads((VECTORS / "officers_sealing.json").read_text())
    shift = json.loads((VECTORS / "officers_orders.json").read_text())["shift"]
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(shift["sealing"]))
    for part in (FACE, DOCUMENT):
        about = info_of(vector["gate"], vector["crossing"], part)
        assert about == vector[part]["info"].encode()
        opened = SUITE.decrypt(bytes.fromhex(vector[part]["sealed"]), key, about)
        assert opened == vector[part]["text"].encode()
        json.loads(opened)


def test_what_is_sealed_opens_for_what_it_was_sealed_and_nothing_else() -> None:
    content = bytes(range(256)) * 700
    sealed = seal(content, PUBLIC, **ABOUT)
    assert len(sealed) == len(content) + OVERHEAD_BYTES
    assert SUITE.decrypt(sealed, KEY, info_of(**ABOUT)) == content
    assert seal(content, PUBLIC, **ABOUT) != sealed
    others = ({"gate": "north-8"}, {"crossing": "5f0c2b"}, {"part": DOCUMENT})
    for info in (*(info_of(**{**ABOUT, **other}) for other in others), b""):
        with pytest.raises(InvalidTag):
            SUITE.decrypt(sealed, KEY, info)
    with pytest.raises(InvalidTag):
        SUITE.decrypt(sealed, OTHER, info_of(**ABOUT))


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), bytes(32), b"\1" + bytes(31)])
def test_to_what_is_no_key_nothing_is_sealed(key: bytes) -> None:
    with pytest.raises(MalformedError):
        seal(b"a face", key, **ABOUT)
