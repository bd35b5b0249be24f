"""The listening socket of a server behind a door."""

from __future__ import annotations

import socket

import pytest

from gate_core.http_server.https import listen


def test_no_answer_waits_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        end, _ = listener.accept()
        with end:
            assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_that_cannot_be_had_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot serve on 127.0.0.1 port {port}: Address already in use"):
            listen("127.0.0.1", port)
