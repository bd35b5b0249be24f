"""Replaces one content inside nested TLV objects and puts the lengths around it right."""

from __future__ import annotations

from hardware_sim.passport import der


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """The same objects with one content replaced and the lengths around it put right."""
    if data == old:
        return new
    made = b""
    while data:
        start = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
        size = data[1] if start == 2 else int.from_bytes(data[2:start])
        content, whole = data[start : start + size], data[: start + size]
        made += der.tlv(data[0], replaced(content, old, new)) if old in content else whole
        data = data[start + size :]
    return made
