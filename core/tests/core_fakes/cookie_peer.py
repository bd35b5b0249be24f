"""A server that answers every question and sets a cookie."""

from __future__ import annotations

import httpx2

COOKIES = [b"seen=L898902C3", b"seen=\xff", b'seen="; expires=Wed, 99 Foo 99999 99:99:99 GMT', b"seen=1; domain=.\xff"]


class Peer:
    """Says yes, and sets a cookie. `asked` is all that came."""

    def __init__(self, cookie: bytes) -> None:
        self._cookie = cookie
        self.asked: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self.answer)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return httpx2.Response(200, headers=[(b"set-cookie", self._cookie)], stream=httpx2.ByteStream(b"{}"))
