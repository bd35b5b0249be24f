"""A TCP port of this machine that nobody has."""

from __future__ import annotations

import socket


def free_port() -> int:
    """It is free now; who takes it first has it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
