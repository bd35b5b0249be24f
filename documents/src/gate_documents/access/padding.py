"""Padding method 2 of ISO/IEC 9797-1: 80, then zeros to a whole block."""

from __future__ import annotations


def pad(data: bytes, block_bytes: int) -> bytes:
    """Data in whole blocks, at least one byte longer."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block_bytes)


def unpad(data: bytes, block_bytes: int) -> bytes | None:
    """Undo `pad`, or None where there is no padding."""
    body = data.rstrip(b"\x00")
    return body[:-1] if body.endswith(b"\x80") and len(data) - len(body) < block_bytes else None
