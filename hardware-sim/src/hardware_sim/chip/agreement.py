"""Chip Authentication version 1, the chip's part: one agreement with its static key (ICAO 9303-11 §6.2, TR-03110-3 §B.1).

Pure. Which command carries the terminal's key, and that the new keys serve from the next command on, is `application`'s
to know.
"""

from __future__ import annotations

from collections.abc import Sequence

from hardware_sim.chip import RefusedError, crypto, status
from hardware_sim.passport.abilities import AgreementKey
from hardware_sim.passport.algorithms import ID_CA_DH, ID_CA_ECDH, Cipher
from hardware_sim.passport.der import oid
from hardware_sim.passport.domain import STANDARDISED, Curve
from hardware_sim.passport.groups import NotInGroupError


def choose(keys: Sequence[AgreementKey], *, reference: bytes | None, protocol: bytes | None) -> AgreementKey:
    """The key that the terminal means. `protocol` is the content of its object identifier, None for triple DES.

    Raises RefusedError when there is no such key, or it is not the only one.
    """
    wanted = None if reference is None else int.from_bytes(reference)
    named = [key for key in keys if wanted is None or key.key_id == wanted]
    if not named or (len(named) > 1 and len({key.public for key in named}) > 1):
        raise RefusedError(status.NO_SUCH_REFERENCE)
    for key in named:
        if (protocol is None and key.cipher is Cipher.TDES) or protocol == oid(protocol_of(key))[2:]:
            return key
    raise RefusedError(status.WRONG_DATA)


def protocol_of(key: AgreementKey) -> str:
    """The object identifier of Chip Authentication with this key and its cipher."""
    base = ID_CA_ECDH if isinstance(STANDARDISED[key.parameter_id], Curve) else ID_CA_DH
    return f"{base}.{key.cipher.value}"


def agree(key: AgreementKey, terminal_key: bytes) -> crypto.KeyPair:
    """The session keys that follow. Raises RefusedError on a key outside the group."""
    try:
        secret = key.group.secret(key.group.multiply(terminal_key, key.private))
    except NotInGroupError as foreign:
        raise RefusedError(status.WRONG_DATA) from foreign
    return crypto.derive(secret, key.cipher)
