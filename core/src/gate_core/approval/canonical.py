"""The canonical text of a configuration: one line for each setting that decisions depend on.

Approvers read the text on their own machines and sign its SHA-256. Format: a first line, then `key = value` sorted by
key, the value as ASCII JSON without spaces (docs/protocols/approval.md). Left to the caller: which settings it has.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gate_core.approval.errors import ApprovalError

FIRST_LINE: Final = "portcullis configuration/1"
TEXT_BYTES_MAX: Final = 1024 * 1024
_LINE: Final = re.compile(r"([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*) = ([!-~]|[!-~][ -~]*[!-~])")


def canonical(settings: Mapping[str, object]) -> str:
    """Return nested settings as canonical text. Keys have only letters, digits, hyphens and underscores."""
    lines = sorted(
        f"{key} = {json.dumps(value, separators=(',', ':'), sort_keys=True)}" for key, value in _leaves(settings, "")
    )
    return "\n".join([FIRST_LINE, *lines]) + "\n"


def digest(text: str) -> str:
    """Return the SHA-256 of a canonical text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def read(raw: bytes) -> dict[str, str]:
    """Parse a canonical text into values, still as JSON text, by key. Raises ApprovalError."""
    text = raw.decode("ascii", errors="replace")
    first, *lines = text.split("\n")
    if len(raw) > TEXT_BYTES_MAX or first != FIRST_LINE or lines[-1:] != [""]:
        raise ApprovalError(
            f"is no canonical text of a configuration: it begins with {FIRST_LINE!r} and ends with a newline"
        )
    found: dict[str, str] = {}
    for number, line in enumerate(lines[:-1], start=2):
        match = _LINE.fullmatch(line)
        if match is None or match[1] in found or not _is_json(match[2]):
            raise ApprovalError(f"line {number} is none of a canonical text")
        found[match[1]] = match[2]
    if list(lines[:-1]) != sorted(lines[:-1]):
        raise ApprovalError("the lines of a canonical text are in order")
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that differs, with both values as JSON text; None: not set."""

    key: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        """Return `key: old -> new`."""
        return f"{self.key}: {self.old or 'nothing'} -> {self.new or 'nothing'}"


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[Difference]:
    """Return the differences, sorted by key."""
    keys = sorted(old.keys() | new.keys())
    return [Difference(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


def _leaves(value: object, key: str) -> Iterator[tuple[str, object]]:
    match value:
        case dict() if value or not key:
            for name, inner in value.items():
                yield from _leaves(inner, f"{key}.{name}" if key else name)
        case list() | tuple() if any(isinstance(one, dict) for one in value):
            for at, inner in enumerate(value):
                yield from _leaves(inner, f"{key}.{at}")
        case _:
            yield key, value


def _is_json(text: str) -> bool:
    try:
        return json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True) == text
    except (ValueError, RecursionError):
        return False
