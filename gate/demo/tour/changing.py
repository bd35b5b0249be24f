"""One byte of the log, changed: a copy of a bundle in which one byte of one sealed record is another one. Pure."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changed:
    """The changed bundle, and what the byte was and is."""

    bundle: bytes
    was: int
    now: int


def change_one_byte(bundle: bytes, entry: int, at: int) -> Changed:
    """Change the byte `at` of the sealed body of this entry, counted from 0. Raises IndexError when there is none such."""
    lines = bundle.splitlines(keepends=True)
    entries = [number for number, line in enumerate(lines) if b'"ct":' in line]
    number = entries[entry]
    text = json.loads(lines[number])["ct"]
    sealed = bytearray(b64decode(text))
    was, now = sealed[at], sealed[at] ^ 1
    sealed[at] = now
    lines[number] = lines[number].replace(text.encode(), b64encode(sealed))
    return Changed(b"".join(lines), was, now)
