"""Reads definite-length BER into a tree, for tests that look at structures for which there is no schema."""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import core


@dataclass(frozen=True)
class Node:
    """One object. `tag` is the whole identifier, `raw` the whole object."""

    tag: int
    content: bytes
    raw: bytes

    @property
    def parts(self) -> list[Node]:
        """The objects inside a constructed one."""
        return parse_all(self.content)

    @property
    def oid(self) -> str:
        """The dotted decimals of an object identifier."""
        return str(core.ObjectIdentifier.load(self.raw).dotted)

    @property
    def number(self) -> int:
        """The value of an integer."""
        return int.from_bytes(self.content, signed=True)

    def __getitem__(self, index: int) -> Node:
        return self.parts[index]


def parse(encoded: bytes) -> Node:
    """The one object that these bytes are."""
    (node,) = parse_all(encoded)
    return node


def parse_all(encoded: bytes) -> list[Node]:
    """All objects, one after the other."""
    nodes = []
    while encoded:
        tag_bytes = 2 if encoded[0] & 0x1F == 0x1F else 1
        size, start = encoded[tag_bytes], tag_bytes + 1
        if size > 0x80:
            start += size & 0x7F
            size = int.from_bytes(encoded[tag_bytes + 1 : start])
        assert start + size <= len(encoded), "an object is cut short"
        nodes.append(Node(int.from_bytes(encoded[:tag_bytes]), encoded[start : start + size], encoded[: start + size]))
        encoded = encoded[start + size :]
    return nodes
