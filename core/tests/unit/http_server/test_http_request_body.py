"""The body of a request: whole, or too long and read no further."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gate_core.http_server.request_body import read_body


@pytest.mark.parametrize(
    ("pieces", "read", "left"),
    [
        ([], b"", []),
        ([b"ab", b"", b"c"], b"abc", []),
        ([b"abcd"], b"abcd", []),
        ([b"abcde"], None, []),
        ([b"abc", b"de", b"never"], None, [b"never"]),
    ],
)
async def test_a_body_is_whole_or_read_no_further(pieces: list[bytes], read: bytes | None, left: list[bytes]) -> None:
    coming = iter(pieces)

    async def stream() -> AsyncIterator[bytes]:
        for piece in coming:
            yield piece

    assert await read_body(stream(), 4) == read
    assert list(coming) == left
