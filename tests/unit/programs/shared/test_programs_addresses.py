"""How often an address is let in: at its rate, and never at the cost of another."""

from __future__ import annotations

import asyncio

from gate_contract.virtual_time import in_virtual_time
from gate_core.rate_limit import Addresses, Rate


@in_virtual_time
async def test_an_address_that_knocks_too_often_waits_and_no_other_does() -> None:
    addresses = Addresses(Rate(2, 4))
    assert [addresses.welcomes("192.0.2.1") for _ in range(6)] == [True] * 4 + [False] * 2
    assert addresses.welcomes("192.0.2.2")
    await asyncio.sleep(0.5)
    assert [addresses.welcomes("192.0.2.1") for _ in range(2)] == [True, False]


@in_virtual_time
async def test_a_network_of_ipv6_is_one_address() -> None:
    addresses = Addresses(Rate(2, 4))
    assert [addresses.welcomes(f"2001:db8::{number}") for number in range(5)] == [True] * 4 + [False]
    assert addresses.welcomes("2001:db8:0:1::1")
    assert addresses.welcomes("fe80::1%eth0")
