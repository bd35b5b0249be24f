"""Cookies that a hostile peer sets: none goes with a later question, and a letter that cannot be sent ends nobody's questions."""

from __future__ import annotations

import threading

import httpx2
import pytest

from gate.lists.adapters.https import Courier as ToRegister
from gate.lists.adapters.https import Place
from gate.programs.sync.updates import HttpsSource
from gate_core.mirror_client.https import Courier as ToMirror
from gate_core.mirror_client.wire import Request

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


@pytest.mark.parametrize("cookie", COOKIES)
async def test_a_register_hears_nothing_again_that_it_has_said(cookie: bytes) -> None:
    peer = Peer(cookie)
    async with ToRegister(Place("https://register.example"), peer.transport) as courier:
        assert [await courier("/lost-documents", b"{}") for _ in range(2)] == [b"{}", b"{}"]
    assert ["cookie" in one.headers for one in peer.asked] == [False, False]


@pytest.mark.parametrize("cookie", COOKIES)
async def test_nor_does_the_mirror(cookie: bytes) -> None:
    peer = Peer(cookie)
    async with ToMirror("central.example", None, peer.transport) as courier:
        assert [(await courier.send(Request("GET", "/"))).status for _ in range(2)] == [200, 200]
    assert ["cookie" in one.headers for one in peer.asked] == [False, False]


@pytest.mark.parametrize("cookie", COOKIES)
def test_nor_do_updates(cookie: bytes) -> None:
    peer = Peer(cookie)
    source = HttpsSource("central.example", None, ending=threading.Event(), transport=peer.transport)
    for _ in range(2):
        assert b"".join(source.read("1.root.json") or ()) == b"{}"
    assert ["cookie" in one.headers for one in peer.asked] == [False, False]
