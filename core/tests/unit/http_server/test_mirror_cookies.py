"""Cookies that a hostile mirror sets: none goes with a later question, and a letter that cannot be sent ends nobody's questions."""

from __future__ import annotations

import pytest
from core_fakes.cookie_peer import COOKIES, Peer

from gate_core.mirror_client.https import Courier
from gate_core.mirror_client.wire import Request


@pytest.mark.parametrize("cookie", COOKIES)
async def test_a_mirror_hears_nothing_again_that_it_has_said(cookie: bytes) -> None:
    peer = Peer(cookie)
    async with Courier("central.example", None, peer.transport) as courier:
        assert [(await courier.send(Request("GET", "/"))).status for _ in range(2)] == [200, 200]
    assert ["cookie" in one.headers for one in peer.asked] == [False, False]
