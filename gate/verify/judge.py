"""Judges entries one after the other: spelling, order, hashes of what is sealed, and at the end the root.

The readers of bundles, folders and databases bring the bytes here; they judge only what is particular to their form.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from gate.verify.findings import Findings, Report, StructureError
from gate.verify.keyring import KeyRing
from gate.verify.signed import Head, read_head
from gate.verify.tree import Tree

LEAF_BYTES_MAX = 1024
_PATTERNS = {
    "class": re.compile(r"crossing|device|administration"),
    "hour": re.compile(r"\d{4}-\d\d-\d\dT\d\d:00:00Z"),
    "origin": re.compile(r"[!-~]{1,512}"),
    "sealed": re.compile(r"[0-9a-f]{64}"),
    "key": re.compile(r"[0-9a-f]{64}"),
}
_FIELDS = frozenset({*_PATTERNS, "v", "index"})
SEALED_BYTES = frozenset(12 + plain + 16 for plain in (1536, 8192, 49152))  # nonce, plaintext, tag


def one_spelling(raw: bytes) -> dict[str, Any]:
    """Read a JSON object that is spelled in the one allowed way. Raises StructureError."""
    try:
        value = json.loads(raw)
        again = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise StructureError("not JSON") from error
    if not isinstance(value, dict) or again != raw:
        raise StructureError("not a JSON object in its one spelling")
    return value


def read_header(leaf: bytes) -> dict[str, Any]:
    """Read the clear part of a record. Raises StructureError."""
    if len(leaf) > LEAF_BYTES_MAX:
        raise StructureError("too long")
    header = one_spelling(leaf)
    if set(header) != _FIELDS or header["v"] != 2:
        raise StructureError("not the fields of version 2")
    for name, pattern in _PATTERNS.items():
        if not isinstance(header[name], str) or pattern.fullmatch(header[name]) is None:
            raise StructureError(f"{name} is not as the format says")
    for name in ("v", "index"):
        if type(header[name]) is not int or header[name] < 0:
            raise StructureError(f"{name} is not as the format says")
    return header


class Judge:
    """One verification, from the first entry to the report."""

    def __init__(self, ring: KeyRing, *, since: int = 0, frontier: bytes = b"", keep_tiles: bool = False) -> None:
        self.findings = Findings()
        self.keys_used: dict[str, int] = {}  # key id: the first entry that uses it
        self._uses: Counter[str] = Counter()
        self.keys_seen: set[str] = set()
        self._ring = ring
        self._since = since
        self._tree = Tree(since, frontier, keep_tiles=keep_tiles)
        self._bodies = 0
        self._without_body = 0
        self._checkpoints = 0
        self._hours: list[str] = []

    @property
    def tree(self) -> Tree:
        """The tree so far."""
        return self._tree

    def entry(self, leaf: bytes, sealed: bytes | None) -> str | None:
        """Judge the next entry and the body beside it, None where bodies are not kept; return its key's id."""
        index = self._tree.size
        self._tree.add(leaf)
        try:
            header = read_header(leaf)
        except StructureError as error:
            self.findings.add(f"entry {index} is no header: {error}")
            return None
        if header["index"] != index:
            self.findings.add(f"entry {index} says that it is entry {header['index']}")
        if header["origin"] != self._ring.name:
            self.findings.add(f"entry {index} is of {header['origin']}, not of {self._ring.name}")
        if sealed is None:
            self._without_body += 1
        else:
            if sha256(sealed).hexdigest() == header["sealed"]:
                self._bodies += 1
            else:
                self.findings.add(f"the sealed body of entry {index} is not the one that was logged")
            if len(sealed) not in SEALED_BYTES:
                self.findings.add(f"entry {index} is sealed to a length that no other has")
        self._hours = [*self._hours[:1], header["hour"]]
        self.keys_used.setdefault(header["key"], index)
        self._uses[header["key"]] += 1
        return str(header["key"])

    def key(self, wrapped: bytes) -> str:
        """Take note of an age file and return its id."""
        key_id = sha256(wrapped).hexdigest()
        self.keys_seen.add(key_id)
        return key_id

    def handovers(self, notes: Iterable[bytes]) -> None:
        """Follow the log's keys; before its checkpoint is judged."""
        for objection in self._ring.take(notes):
            self.findings.add(objection)

    def checkpoint(self, note: bytes) -> Head | None:
        """Judge the signed checkpoint against the entries read so far."""
        for objection in self._ring.objections(note):
            self.findings.add(objection)
        try:
            head = read_head(note)
        except StructureError:
            return None  # already among the objections
        if head.size != self._tree.size:
            self.findings.add(f"the checkpoint covers {head.size} entries, {self._tree.size} are here")
        elif head.root != self._tree.root():
            self.findings.add("the entries do not lead to the root that was signed")
        self._checkpoints += 1
        return head

    def report(self, at_least: int | None = None) -> Report:
        """Close the case; `at_least` entries are known to have been."""
        if not self._checkpoints:
            self.findings.add("no checkpoint is here: nothing is signed")
        if at_least is not None and self._tree.size < at_least:
            self.findings.add(f"the log had {at_least} entries at least, and ends after {self._tree.size}")
        problems, missing = self.findings.all(), tuple(self._missing())
        return Report(
            entries=self._tree.size - self._since,
            since=self._since,
            root=self._tree.root().hex(),
            verified=not problems,
            checkpoints=self._checkpoints,
            first_time=self._hours[0] if self._hours else None,
            last_time=self._hours[-1] if self._hours else None,
            bodies=self._bodies,
            keys=len(self.keys_seen & set(self.keys_used)),
            erased=len(set(self.keys_used) - self.keys_seen),
            problems=problems,
            unknown=(*missing, *self._after_the_end(at_least)),
            is_partial=bool(missing),
            signers=self._ring.signers(),
        )

    def _missing(self) -> Iterator[str]:
        """What is not here, and is no contradiction."""
        if self._since:
            yield f"entries 0 to {self._since - 1} are not here, only the hashes over them"
        if self._tree.size == self._since:
            yield "no entry is here"
        if self._without_body:
            yield f"the sealed bodies of {self._without_body} entries are not here, only their hashes"
        lost = set(self.keys_used) - self.keys_seen
        if lost:
            entries = sum(self._uses[one] for one in lost)
            yield f"{len(lost)} keys of {entries} entries are not here: erased, or taken away, which looks the same"

    def _after_the_end(self, at_least: int | None) -> Iterator[str]:
        if at_least is None:
            yield "whether the log went on after this checkpoint: --at-least N says how many entries it is known to have had"
        elif self._tree.size > at_least:
            yield f"whether the log went on after this checkpoint; the {at_least} entries known to have been are here"
