"""How often an address may knock at a server's door, or ask: at a rate that leaves room for everybody else."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Final

from gate_core.rate_limit import Buckets, Rate

HANDSHAKE_RATE: Final = Rate(5, 20)  # of one address


class Addresses:
    """Counts what addresses begin. An IPv6 network of 64 bits counts as one address."""

    def __init__(self, rate: Rate = HANDSHAKE_RATE) -> None:
        self._of = Buckets(rate)

    def welcomes(self, host: str) -> bool:
        """True while this address begins no more than its rate."""
        address = ipaddress.ip_address(host.partition("%")[0])
        prefix = 64 if address.version == 6 else 32
        now_s = asyncio.get_running_loop().time()
        bucket = self._of.of(ipaddress.ip_network((address, prefix), strict=False), now_s)
        if bucket.wait_s(now_s):
            return False
        bucket.take(now_s)
        return True
