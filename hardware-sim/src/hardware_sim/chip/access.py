"""Basic Access Control, the chip's part: one answer to one EXTERNAL AUTHENTICATE (ICAO 9303-11 §4.3.3).

Pure: nonces and key material come in as arguments.
"""

from __future__ import annotations

import hmac
from typing import Final

from hardware_sim.chip import crypto
from hardware_sim.chip.secure_messaging import Session

NONCE_BYTES: Final = 8
PROOF_BYTES: Final = 40  # 32 enciphered, 8 of MAC
_MAC_BYTES: Final = 8


def answer_proof(
    keys: crypto.KeyPair, proof: bytes, *, nonce: bytes, key_material: bytes
) -> tuple[bytes, Session] | None:
    """Check the terminal's proof against the chip's `nonce` (8 bytes); return the chip's own proof and the session.

    None when the terminal does not know the document's keys, or answers another challenge. `key_material` is the
    chip's random half of the session keys, 16 bytes.
    """
    ciphered, mac = proof[:-_MAC_BYTES], proof[-_MAC_BYTES:]
    if len(proof) != PROOF_BYTES or not hmac.compare_digest(mac, crypto.retail_mac(keys.mac, ciphered)):
        return None
    plain = crypto.decipher(keys.enc, ciphered)
    terminal_nonce, echoed, terminal_material = plain[:8], plain[8:16], plain[16:]
    if not hmac.compare_digest(echoed, nonce):
        return None
    own = crypto.encipher(keys.enc, nonce + terminal_nonce + key_material)
    session_keys = crypto.derive(bytes(a ^ b for a, b in zip(terminal_material, key_material, strict=True)))
    counter = int.from_bytes(nonce[4:] + terminal_nonce[4:])
    return own + crypto.retail_mac(keys.mac, own), Session(session_keys, counter)
