"""Length-prefixed messages between the reader and the card's process, and the passport's encoding in them.

A message is a 4-byte big-endian length and a JSON object. A passport's private keys are unencrypted in it: send it only
through the pipe between the two processes, never through a file.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from datetime import date
from typing import Any, BinaryIO, Final, cast

from hardware_sim.chip import ReaderGoneError
from hardware_sim.chip.card import Switches
from hardware_sim.passport.abilities import Abilities, AgreementKey
from hardware_sim.passport.algorithms import Cipher, Pace
from hardware_sim.passport.algorithms import Mapping as PaceMapping
from hardware_sim.passport.chip_key import ChipKey
from hardware_sim.passport.issuer import Passport
from hardware_sim.passport.terminals import TrustPoint

MESSAGE_BYTES_MAX: Final = 8 * 1024 * 1024  # more ends the connection
_LENGTH: Final = struct.Struct(">I")


def write_message(stream: BinaryIO, message: Mapping[str, object]) -> None:
    """Send one message. Raises ReaderGoneError when the other end is closed, ValueError when it is too long."""
    body = json.dumps(message).encode()
    if len(body) > MESSAGE_BYTES_MAX:
        raise ValueError(f"a message of {len(body)} bytes is over the limit")
    try:
        stream.write(_LENGTH.pack(len(body)) + body)
        stream.flush()
    except OSError as broken:
        raise ReaderGoneError("the card's process no longer listens") from broken


def read_message(stream: BinaryIO) -> dict[str, object] | None:
    """Return the next message, or None at the end of the stream. Raises ReaderGoneError on a broken one."""
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else MESSAGE_BYTES_MAX + 1
    body = stream.read(size) if size <= MESSAGE_BYTES_MAX else b""
    if len(body) != size:
        raise ReaderGoneError("a message between reader and card was cut short or is too long")
    return cast("dict[str, object]", json.loads(body))


def pack(passport: Passport, switches: Switches) -> dict[str, object]:
    """Return a passport and its card's quirks as JSON values."""
    key = passport.chip_key
    return {
        "mrz_lines": list(passport.mrz_lines),
        "files": {name: _text(content) for name, content in passport.files.items()},
        "chip_key": None if key is None else {"scheme": key.scheme.value, "private": _text(key.to_bytes())},
        "abilities": _pack_abilities(passport.abilities),
        "switches": switches,
    }


def unpack(packed: Mapping[str, Any]) -> tuple[Passport, Switches]:
    """Return the passport and the quirks that `pack` encoded."""
    key = packed["chip_key"]
    passport = Passport(
        mrz_lines=tuple(packed["mrz_lines"]),
        files={name: base64.b64decode(content) for name, content in packed["files"].items()},
        chip_key=None if key is None else ChipKey.from_bytes(key["scheme"], base64.b64decode(key["private"])),
        abilities=_unpack_abilities(packed["abilities"]),
    )
    return passport, packed["switches"]


def _pack_abilities(held: Abilities) -> dict[str, object]:
    return {
        "bac": held.bac,
        "can": held.can,
        "pace": [(way.mapping.value, way.parameter_id, way.cipher.value) for way in held.pace],
        "mapping_keys": [_pack_key(key) for key in held.mapping_keys],
        "agreement_keys": [_pack_key(key) for key in held.agreement_keys],
        "trust_point": None if held.trust_point is None else _pack_trust(held.trust_point),
    }


def _unpack_abilities(packed: Mapping[str, Any]) -> Abilities:
    return Abilities(
        bac=packed["bac"],
        can=packed["can"],
        pace=tuple(Pace(PaceMapping(mapping), number, Cipher(cipher)) for mapping, number, cipher in packed["pace"]),
        mapping_keys=tuple(_unpack_key(key) for key in packed["mapping_keys"]),
        agreement_keys=tuple(_unpack_key(key) for key in packed["agreement_keys"]),
        trust_point=None if packed["trust_point"] is None else _unpack_trust(packed["trust_point"]),
    )


def _pack_trust(known: TrustPoint) -> tuple[str, str, str]:
    return known.reference.hex(), known.public.hex(), known.today.isoformat()


def _unpack_trust(packed: tuple[str, str, str]) -> TrustPoint:
    reference, public, today = packed
    return TrustPoint(bytes.fromhex(reference), bytes.fromhex(public), date.fromisoformat(today))


def _pack_key(key: AgreementKey) -> tuple[int, str, int, int | None]:
    return key.parameter_id, f"{key.private:x}", key.cipher.value, key.key_id


def _unpack_key(packed: tuple[int, str, int, int | None]) -> AgreementKey:
    number, private, cipher, key_id = packed
    return AgreementKey(number, int(private, 16), Cipher(cipher), key_id)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
