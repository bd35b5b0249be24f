"""What a captured program might send: bytes that are nearly a message, or nothing like one. For hypothesis, and for a flood from a seed."""

from __future__ import annotations

import random
import struct
import typing
from typing import Any

import msgspec
from hypothesis import strategies as st

pack = msgspec.msgpack.encode
NOT_UTF_8 = b"\xa2\xff\xfe"
NAN = pack(float("nan"))
PIECES = (
    NOT_UTF_8,
    NAN,
    pack(float("inf")),
    pack(float("-inf")),
    b"\x91" * 1_000 + b"\xc0",  # a thousand levels
    b"\x81\xa1a" * 1_000 + b"\xc0",
    b"\xcf" + b"\xff" * 8,  # 2 ** 64 - 1
    b"\xd3\x80" + b"\x00" * 7,  # - 2 ** 63
    b"\xd4\x05\x00",  # an extension
    b"\xd6\xff\x00\x00\x00\x00",  # a time
    b"\xc7\x0c\xff" + b"\xff" * 12,  # a time that there is not
    b"\xdd\xff\xff\xff\xff",  # a list of 2 ** 32 - 1 nothings
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc1",  # never used
    b"\xc4\x02\xff\xd8",
    b"\x81\x01\x02",  # a key that is a number
    b"\x81\x91\x01\x02",  # or a list
    pack(""),
    pack("x" * 5_000),
    pack("c1\n\x00\u202e"),
    pack("../../etc"),
    pack(-1),
    pack(None),
    pack(True),
    pack([]),
    pack({}),
)


def framed(body: bytes) -> bytes:
    """The bytes of a frame."""
    return struct.pack(">I", len(body)) + body


def kinds(union: Any) -> tuple[type[msgspec.Struct], ...]:
    """The kinds of messages of a union."""
    return typing.get_args(union) or (union,)


def _map(entries: list[tuple[bytes, bytes]]) -> bytes:
    return b"\xde" + struct.pack(">H", len(entries)) + b"".join(key + value for key, value in entries)


def spoiled(kind: type[msgspec.Struct], values: list[bytes], *, extra: bool = False) -> bytes:
    """A message of this kind whose fields are these values, in turn."""
    fields = [(pack("type"), pack(kind.__name__))]
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    fields += [(pack(name), values[number % len(values)]) for number, name in enumerate(names)] if values else []
    if extra:
        fields.append((pack("extra"), pack(1)))
    return _map(fields)


def bodies(union: Any) -> st.SearchStrategy[bytes]:
    """Bodies of frames of one direction: noise, messages of spoiled values, good ones that were cut or changed, other directions' ones."""
    kind = st.sampled_from(kinds(union))
    value = st.one_of(
        st.sampled_from(PIECES),
        st.recursive(
            st.one_of(
                st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.floats(), st.text(), st.binary()
            ),
            lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
            max_leaves=8,
        ).map(pack),
    )
    whole = st.builds(spoiled, kind, st.lists(value, max_size=12), extra=st.booleans())
    cut = st.builds(lambda body, end: body[:end], whole, st.integers(0, 200))

    def changed(body: bytes, at: int, byte: int) -> bytes:
        copy = bytearray(body)
        if copy:
            copy[at % len(copy)] = byte
        return bytes(copy)

    return st.one_of(
        st.binary(max_size=200),
        st.sampled_from(PIECES),
        whole,
        cut,
        st.builds(changed, whole, st.integers(0, 1 << 16), st.integers(0, 255)),
    )


def flood(union: Any, rng: random.Random) -> bytes:
    """One body of a flood, reproducible by its generator: much of it comes near to being a message."""
    kind = rng.choice(kinds(union))
    choice = rng.random()
    if choice < 0.1:
        return rng.randbytes(rng.randrange(120))
    body = spoiled(kind, [_value(rng) for _ in range(rng.randrange(1, 8))], extra=rng.random() < 0.1)
    if choice < 0.3:
        return body[: rng.randrange(len(body))]
    if choice < 0.5:
        changed = bytearray(body)
        changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)
    return body


def _value(rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        return rng.choice(PIECES)
    plain = (
        rng.getrandbits(rng.randrange(1, 64)),
        rng.random(),
        rng.random() < 0.5,
        None,
        f"c{rng.randrange(100)}",
        rng.choice(["demo", "jpeg", "lost", "camera_covered", "opened", "walked_back", "#a0b0c0"]),
        rng.randbytes(rng.randrange(64)),
        [rng.randrange(10)],
        {"a": rng.random()},
    )
    return pack(rng.choice(plain))
