"""Judges entries in order: spelling, index, hours, hashes of sealed bodies, and at the end root and signature.

The readers of bundles, folders and databases supply the bytes; they judge only what is specific to their format.
`gate_verify.consistency` compares copies and lists what remains unknown.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from gate_verify.clock import ms
from gate_verify.cosigners import Cosigners
from gate_verify.findings import Cosignature, Findings, StructureError
from gate_verify.handover import KeyRing
from gate_verify.signed_note import Head, read_head
from gate_verify.tree import HASH_BYTES, Tree

LEAF_BYTES_MAX = 1024
SEALED_BYTES = frozenset(12 + plain + 16 for plain in (1536, 8192, 49152))  # nonce, plaintext, tag
NONE, WRONG, RIGHT = range(3)  # a sealed body: not here, not the one that was logged, the one that was
HOUR_MIN = "2026-01-01T00:00:00Z"  # nothing of this format was written before
RECIPIENTS_MAX = 1000  # changes of a set that two persons approve
HOUR_MAX = "9999-12-31T23:00:00Z"
_HEADER = re.compile(
    r'\{"class":"(?:crossing|device|administration)","hour":"(\d{4}-\d\d-\d\dT\d\d:00:00Z)","index":(0|[1-9]\d*),'
    r'"key":"([0-9a-f]{64})","origin":"([!#-\[\]-~]{1,512})",(?:"recipients":"([0-9a-f]{64})",)?"sealed":"([0-9a-f]{64})","v":(?(5)3|2)\}',  # version 3 names recipients, version 2 does not
    re.ASCII,
)
# As a string of a bundle's line spells it.
_HEADER_IN_A_LINE = re.compile(_HEADER.pattern.replace('"', r"\\\""), re.ASCII)


class Header(NamedTuple):
    """The clear part of a record, without its class. `number`: its index; `sealed`, `key`: SHA-256 in hex;
    `recipients`: SHA-256 of the key's recipients, empty in version 2.
    """

    hour: str
    number: int
    key: str
    origin: str
    sealed: str
    recipients: str = ""


def one_spelling(raw: bytes) -> dict[str, object]:
    """Parse a JSON object in its only allowed spelling. Raises StructureError."""
    try:
        value = json.loads(raw)
        again = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise StructureError("not JSON") from error
    if not isinstance(value, dict) or again != raw:
        raise StructureError("not a JSON object in its one spelling")
    return value


def read_header(leaf: bytes) -> Header:
    """Parse a record's clear part; one pattern covers all its spellings. Raises StructureError."""
    match = _HEADER.fullmatch(leaf.decode("latin-1"))
    if match is None or len(leaf) > LEAF_BYTES_MAX:
        raise StructureError("not the fields of version 2 or 3 in their one spelling")
    return _header(match)


def header_in_a_line(spelt: str) -> tuple[bytes, Header] | None:
    """Return a record's clear part and its header from a string of a bundle's line, without quotes; None for another spelling."""
    match = _HEADER_IN_A_LINE.fullmatch(spelt)
    if match is None:
        return None
    leaf = spelt.replace('\\"', '"').encode()
    return None if len(leaf) > LEAF_BYTES_MAX else (leaf, _header(match))


def _header(match: re.Match[str]) -> Header:
    hour, index, key, origin, recipients, sealed = match.groups("")
    return Header(hour, int(index), key, origin, sealed, recipients)


def key_of(leaf: bytes) -> str | None:
    """Return the ID of the age file that opens an entry; None if the leaf is no header."""
    try:
        return read_header(leaf).key
    except StructureError:
        return None


class Judge:
    """One copy of the log, from its first entry on. `hour_max`: the last possible hour by the auditor's clock."""

    def __init__(
        self,
        ring: KeyRing,
        *,
        since: int = 0,
        frontier: bytes = b"",
        cosigners: Cosigners | None = None,
        hour_max: str = HOUR_MAX,
    ) -> None:
        self.findings = Findings()
        self.tree = Tree(since, frontier)
        self.keys_used: dict[str, int] = {}  # key id: the first entry that uses it
        self.uses: Counter[str] = Counter()
        self.keys_seen: set[str] = set()
        self.bodies = bytearray()  # what is here of each entry's sealed body
        self.notes: list[bytes] = []
        self.first_here = since  # the first entry of which more than a hash may be here
        self.recipients: list[tuple[int, str]] = []  # (first entry, its and later recipients)
        self.hours_from: list[tuple[int, str]] = []  # (first entry, its and later hours)
        self.first_hour: str | None = None
        self.last_hour: str | None = None
        self._ring = ring
        self._origin = ring.name
        self._cosigners = cosigners or Cosigners()
        self.hour_max = hour_max
        self._is_strange = False
        self._strange: Counter[str] = Counter()  # hours that cannot be
        self._strange_first: dict[str, int] = {}

    def entry(self, leaf: bytes, sealed: bytes | None, header: Header | None = None) -> str | None:
        """Judge the next entry and its body (None if bodies are not kept); return its key's ID. `header`: the leaf's
        header, if the caller has parsed it.
        """
        index = self.tree.size
        self.tree.add(leaf)
        try:
            header = header or read_header(leaf)
        except StructureError as error:
            self.findings.add(f"entry {index} is no header: {error}")
            self.bodies.append(NONE)
            return None
        if header.number != index:
            self.findings.add(f"entry {index} says that it is entry {header.number}")
        if header.origin != self._origin:
            self.findings.add(f"entry {index} is of {header.origin}, not of {self._origin}")
        self.bodies.append(NONE if sealed is None else self._body(index, header.sealed, sealed))
        if not self.recipients or self.recipients[-1][1] != header.recipients:
            self._sealed_for(index, header.recipients)
        if header.hour != self.last_hour:
            self.first_hour = self.first_hour or header.hour
            self.last_hour = header.hour
            self.hours_from.append((index, header.hour))
            self._is_strange = not HOUR_MIN <= header.hour <= self.hour_max or not ms(header.hour)
        if self._is_strange:
            self._strange[header.hour] += 1
            self._strange_first.setdefault(header.hour, index)
        key = header.key
        self.keys_used.setdefault(key, index)
        self.uses[key] += 1
        return key

    def dropped(self, hashes: bytes) -> None:
        """Add the hashes of the log's first entries that are no longer here. Only the tree uses them."""
        for at in range(0, len(hashes), HASH_BYTES):
            self.tree.add_hash(hashes[at : at + HASH_BYTES])
            self.bodies.append(NONE)
        self.first_here = self.tree.size

    def _sealed_for(self, index: int, recipients: str) -> None:
        if len(self.recipients) < RECIPIENTS_MAX:
            self.recipients.append((index, recipients))
        else:
            self.findings.add(f"entry {index} is sealed for others than the one before, as very many are")

    def _body(self, index: int, wanted: str, sealed: bytes) -> int:
        if len(sealed) not in SEALED_BYTES:
            self.findings.add(f"entry {index} is sealed to a length that no other has")
        if sha256(sealed).hexdigest() == wanted:
            return RIGHT
        self.findings.add(f"the sealed body of entry {index} is not the one that was logged")
        return WRONG

    def key(self, wrapped: bytes) -> str:
        """Note an age file and return its ID."""
        key_id = sha256(wrapped).hexdigest()
        self.keys_seen.add(key_id)
        return key_id

    def handovers(self, notes: Iterable[bytes]) -> None:
        """Apply handovers of the log's keys. Call before the checkpoint is judged."""
        for objection in self._ring.take(notes):
            self.findings.add(objection)

    def mirror_handovers(self, notes: Iterable[bytes]) -> None:
        """Apply handovers of the cosigners' keys."""
        for objection in self._cosigners.take(notes):
            self.findings.add(f"of the mirror's: {objection}")

    def checkpoint(self, note: bytes) -> Head | None:
        """Compare a signed checkpoint with the entries read so far. Its signatures are judged after all copies were read."""
        self.notes.append(note)
        try:
            head = read_head(note)
        except StructureError:
            return None  # `signatures` reports it
        if head.size != self.tree.size:
            self.findings.add(f"the checkpoint covers {head.size} entries, {self.tree.size} are here")
        elif head.root != self.tree.root():
            self.findings.add("the entries do not lead to the root that was signed")
        return head

    def signatures(self) -> tuple[Cosignature, ...]:
        """Judge the signatures by the log keys known by now; return the cosignatures."""
        found: list[Cosignature] = []
        for note in self.notes:
            for objection in self._ring.objections(note):
                self.findings.add(objection)
            try:
                marks, wrong = self._cosigners.judge(note)
            except StructureError as error:
                wrong = [str(error)]
            else:
                found += marks
            for problem in wrong:
                if problem not in self.findings.problems:
                    self.findings.add(problem)
        return tuple(found)

    def hours(self) -> Findings:
        """Return the problems of the hours, one line per hour."""
        found = Findings()
        for hour, count in sorted(self._strange.items()):
            why = "nothing of this format was written so early" if hour < HOUR_MIN else "it has not come yet"
            if hour >= HOUR_MIN and not ms(hour):
                why = "no calendar has it"
            found.add(f"{count} entries, the first of them {self._strange_first[hour]}, say the hour {hour}: {why}")
        return found
