"""The table of all channels between our programs; docs/protocols/channels.md is generated from it.

A new channel needs a row here and its groups in systemd/portcullis.sysusers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gate.channel import (
    centre_messages,
    log_messages,
    order_messages,
    preview_messages,
    register_messages,
    vision_messages,
)
from gate.channel.row import OFFICERS, PROGRAMS, Channel, status_row
from gate_core.rate_limit import Rate


class Channels(NamedTuple):
    """The channels of the programs' work, by name."""

    log: Channel[log_messages.ToLog, log_messages.FromLog]
    vision: Channel[vision_messages.ToVision, vision_messages.FromVision]
    portraits: Channel[Any, Any]
    preview: Channel[preview_messages.ToPreview, preview_messages.FromPreview]
    lane: Channel[order_messages.ToLane, order_messages.FromLane]
    orders: Channel[order_messages.ToOrders, order_messages.FromOrders]
    centre: Channel[centre_messages.ToCentre, centre_messages.FromCentre]
    registers: Channel[register_messages.ToRegisters, register_messages.FromRegisters]

    def every(self) -> tuple[Channel[Any, Any], ...]:
        """Return all rows in the table's order; last those of each program's status."""
        return (*self, *map(status_row, PROGRAMS))

    def by_name(self, name: str) -> Channel[Any, Any]:
        """The row of this name. Raises KeyError."""
        return {channel.name: channel for channel in self.every()}[name]


CHANNELS = Channels(
    log=Channel(
        name="log", listener="log", callers=("lane",), purpose="records to write, and their receipts",
        to_listener=log_messages.ToLog, to_caller=log_messages.FromLog,
        # Counted in records: a crossing is about ten; the backlog after an outage, a thousand at most, comes 64 at a time.
        to_listener_rate=Rate(50, 250), to_caller_rate=Rate(200, 1000),
    ),
    vision=Channel(
        name="vision", listener="vision", callers=("lane",),
        purpose="crossings to watch, and results about faces and pages",
        to_listener=vision_messages.ToVision, to_caller=vision_messages.FromVision,
        to_listener_rate=Rate(50, 100), to_caller_rate=Rate(100, 300),
    ),
    portraits=Channel(
        name="portraits", listener="vision", callers=("lane",),
        purpose="a chip's portrait, from the document child to the face child: no messages, each connection is passed to the child",
        to_listener=None, to_caller=None, to_listener_rate=Rate(1, 1), to_caller_rate=Rate(1, 1),
    ),
    preview=Channel(
        name="preview", listener="vision", callers=("screens",),
        purpose="pictures for the traveller's page while it shows them, and the colours that the page must show",
        to_listener=preview_messages.ToPreview, to_caller=preview_messages.FromPreview,
        to_listener_rate=Rate(20, 60), to_caller_rate=Rate(60, 120), bytes_max=1024 * 1024,
    ),
    lane=Channel(
        name="lane", listener="lane", callers=("screens",),
        purpose="views for the screens, and travellers' requests on the page",
        to_listener=order_messages.ToLane, to_caller=order_messages.FromLane,
        to_listener_rate=Rate(20, 60), to_caller_rate=Rate(50, 200),
    ),
    orders=Channel(
        name="orders", listener="lane", callers=("screens",), persons=OFFICERS,
        purpose="signed orders of officers, opaque to the transmitting program, and their results (protocols/orders.md)",
        to_listener=order_messages.ToOrders, to_caller=order_messages.FromOrders,
        # An order is a look and a submission. A caller above the rate waits: a release among them is not refused. Screens queries for eight consoles,
        # an order a connection, and looks for itself.
        to_listener_rate=Rate(40, 80), to_caller_rate=Rate(40, 80), connections_a_program=40,
        # Data sealed to an officer is sent in one answer, with all waiting referrals; the lane accepts 64 KiB (`officers`).
        bytes_max=3 * 1024 * 1024,
    ),
    centre=Channel(
        name="centre", listener="centre", callers=("lane",),
        purpose="certificates and signatures of a control centre, an external program (protocols/terminal-authentication.md)",
        to_listener=centre_messages.ToCentre, to_caller=centre_messages.FromCentre,
        to_listener_rate=Rate(20, 40), to_caller_rate=Rate(20, 40),
    ),
    registers=Channel(
        name="registers", listener="registers", callers=("lane",),
        purpose="answers of lists and registers about a document, one question per connection, and the outcome of a hit",
        to_listener=register_messages.ToRegisters, to_caller=register_messages.FromRegisters,
        to_listener_rate=Rate(10, 40), to_caller_rate=Rate(10, 40),
        bytes_max=32 * 1024,  # sixteen registers, each with 300 characters of any writing for the officer
    ),
)  # fmt: skip
