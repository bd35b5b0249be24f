"""Cookies that a hostile peer sets: none goes with a later question, and a letter that cannot be sent ends nobody's questions."""

from __future__ import annotations

import threading

import pytest
from core_fakes.cookie_peer import COOKIES, Peer

from gate.lists.adapters.https import Courier as ToRegister
from gate.lists.adapters.https import Place
from gate.programs.sync.updates import HttpsSource


@pytest.mark.parametrize("cookie", COOKIES)
async def test_a_register_hears_nothing_again_that_it_has_said(cookie: bytes) -> None:
    peer = Peer(cookie)
    async with ToRegister(Place("https://register.example"), peer.transport) as courier:
        assert [await courier("/lost-documents", b"{}") for _ in range(2)] == [b"{}", b"{}"]
    assert ["cookie" in one.headers for one in peer.asked] == [False, False]


@pytest.mark.parametrize("cookie", COOKIES)
def test_nor_do_updates(cookie: bytes) -> None:
    peer = Peer(cookie)
    source = HttpsSource("central.example", None, ending=threading.Event(), transport=peer.transport)
    for _ in range(2):
        assert b"".join(source.read("1.root.json") or ()) == b"{}"
    assert ["cookie" in one.headers for one in peer.asked] == [False, False]
