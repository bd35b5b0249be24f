"""A terminal for the simulated chip: BAC and secure messaging with triple DES, the reader's end, for tests only.

Written apart from both the gate's reader and the card, on the cipher library alone, so that it can catch either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

Transmit = Callable[[bytes], bytes]
SELECT_APPLICATION = bytes.fromhex("00A4040C07A0000002471001")
FILE_IDS = {"EF_COM": 0x011E, "EF_SOD": 0x011D} | {f"EF_DG{number}": 0x0100 + number for number in range(1, 17)}


def _cbc(key: bytes, data: bytes, *, encrypt: bool) -> bytes:
    cipher = Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(8)))
    context = cipher.encryptor() if encrypt else cipher.decryptor()
    return context.update(data) + context.finalize()


def _padded(data: bytes) -> bytes:
    data += b"\x80"
    return data + bytes(-len(data) % 8)


def mac(key: bytes, data: bytes) -> bytes:
    """Retail MAC, block by block as ISO/IEC 9797-1 draws it."""
    block = bytes(8)
    padded = _padded(data)
    for at in range(0, len(padded), 8):
        mixed = bytes(a ^ b for a, b in zip(block, padded[at : at + 8], strict=True))
        block = _cbc(key[:8] * 2, mixed, encrypt=True)
    return _cbc(key[:8] * 2, _cbc(key[8:] * 2, block, encrypt=False), encrypt=True)


def keys(seed: bytes) -> tuple[bytes, bytes]:
    enc, mac_key = (hashlib.sha1(seed + bytes((0, 0, 0, purpose))).digest()[:16] for purpose in (1, 2))
    return enc, mac_key


def _tlv(tag: int, value: bytes) -> bytes:
    size = len(value)
    length = bytes([size]) if size < 0x80 else bytes([0x81, size]) if size < 0x100 else b"\x82" + size.to_bytes(2)
    return bytes([tag]) + length + value


def objects(body: bytes) -> dict[int, bytes]:
    found = {}
    while body:
        tag, size, start = body[0], body[1], 2
        if size > 0x80:
            start += size & 0x7F
            size = int.from_bytes(body[2:start])
        found[tag] = body[start : start + size]
        body = body[start + size :]
    return found


@dataclass
class Protected:
    """An open session. `send` wraps a command and returns the plain data and the status."""

    transmit: Transmit
    enc: bytes
    mac_key: bytes
    counter: int

    def wrap(self, header: bytes, body: bytes = b"", ne: int | None = None, *, extended: bool = False) -> bytes:
        """`header` is CLA INS P1 P2 with CLA 0C; advances the counter."""
        self.counter += 1
        odd = header[1] % 2
        covered = b""
        if body:
            ciphered = _cbc(self.enc, _padded(body), encrypt=True)
            covered += _tlv(0x85, ciphered) if odd else _tlv(0x87, b"\x01" + ciphered)
        if ne is not None:
            covered += _tlv(0x97, (ne % 65536).to_bytes(2) if extended else bytes([ne % 256]))
        signed = self.counter.to_bytes(8) + (_padded(header) + covered if covered else header)
        content = covered + _tlv(0x8E, mac(self.mac_key, signed))
        if extended:
            return header + b"\x00" + len(content).to_bytes(2) + content + b"\x00\x00"
        return header + bytes([len(content)]) + content + b"\x00"

    def unwrap(self, answer: bytes, *, odd: bool = False) -> tuple[bytes, int]:
        self.counter += 1
        found = objects(answer[:-2])
        proof = found.pop(0x8E)
        covered = b"".join(_tlv(tag, value) for tag, value in found.items())
        assert proof == mac(self.mac_key, self.counter.to_bytes(8) + covered), "the answer's MAC does not hold"
        assert found[0x99] == answer[-2:], "the status inside is not the status outside"
        plain = b""
        if (ciphered := found.get(0x85 if odd else 0x87)) is not None:
            plain = _cbc(self.enc, ciphered if odd else ciphered[1:], encrypt=False).rstrip(b"\x00")[:-1]
        return plain, int.from_bytes(found[0x99])

    def send(
        self, header: bytes, body: bytes = b"", ne: int | None = None, *, extended: bool = False
    ) -> tuple[bytes, int]:
        answer = self.transmit(self.wrap(header, body, ne, extended=extended))
        return self.unwrap(answer, odd=bool(header[1] % 2))

    def select(self, name: str) -> int:
        return self.send(bytes.fromhex("0CA4020C"), FILE_IDS[name].to_bytes(2))[1]

    def read(self, offset: int, ne: int, *, extended: bool = False) -> tuple[bytes, int]:
        if offset <= 0x7FFF:
            return self.send(b"\x0c\xb0" + offset.to_bytes(2), ne=ne, extended=extended)
        room = len(_tlv(0x53, bytes(ne)))  # the data object's tag and length count, too
        part, status = self.send(bytes.fromhex("0CB10000"), b"\x54\x04" + offset.to_bytes(4), room, extended=extended)
        return objects(part)[0x53] if part else b"", status

    def read_file(self, name: str, *, chunk: int = 0xDF, extended: bool = False) -> bytes:
        assert self.select(name) == 0x9000
        head, _status = self.read(0, 6)
        size = head[1] if head[1] < 0x80 else int.from_bytes(head[2 : 2 + (head[1] & 0x7F)])
        size += 2 + (head[1] & 0x7F if head[1] > 0x80 else 0)
        content = b""
        while len(content) < size:
            part, status = self.read(len(content), min(chunk, size - len(content)), extended=extended)
            assert status == 0x9000
            content += part
        return content


def open_access(
    transmit: Transmit,
    lower_line: str,
    *,
    nonce: bytes = bytes(range(8)),
    material: bytes = bytes(range(16)),
) -> Protected:
    """SELECT, GET CHALLENGE, EXTERNAL AUTHENTICATE with the keys of the lower line of the MRZ."""
    assert transmit(SELECT_APPLICATION) == b"\x90\x00"
    information = lower_line[:10] + lower_line[13:20] + lower_line[21:28]
    enc, mac_key = keys(hashlib.sha1(information.encode()).digest()[:16])
    challenge = transmit(bytes.fromhex("0084000008"))
    assert challenge[-2:] == b"\x90\x00"
    proof = _cbc(enc, nonce + challenge[:8] + material, encrypt=True)
    answer = transmit(bytes.fromhex("0082000028") + proof + mac(mac_key, proof) + b"\x28")
    assert answer[-2:] == b"\x90\x00", answer[-2:].hex()
    assert answer[32:40] == mac(mac_key, answer[:32])
    plain = _cbc(enc, answer[:32], encrypt=False)
    assert plain[:16] == challenge[:8] + nonce
    session_enc, session_mac = keys(bytes(a ^ b for a, b in zip(material, plain[16:], strict=True)))
    return Protected(transmit, session_enc, session_mac, int.from_bytes(challenge[4:8] + nonce[4:]))
