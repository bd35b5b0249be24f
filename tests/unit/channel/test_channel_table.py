"""The table of channels, and docs/protocols/channels.md, which is made of it: `python tests/unit/channel/test_channel_table.py` prints it."""

from __future__ import annotations

import sys
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gate.channel.message import Message
from gate.channel.row import PROGRAMS, Channel, status_row
from gate.channel.table import CHANNELS
from gate_core.rate_limit import Rate

PAGE = Path(__file__).resolve().parents[3] / "docs" / "protocols" / "channels.md"

_HEAD = """\
# Channels between the programs

Generated from `gate/channel/table.py` by `python tests/unit/channel/test_channel_table.py > docs/protocols/channels.md`; a test compares it with the table.

A channel is a Unix stream socket in its listener's runtime folder (below /run, as set by `paths.run`). A message is a 4-byte big-endian
length, then MessagePack of one of the channel's kinds, a map whose `type` names the kind. Unknown kinds and fields, undefined values of an enum,
and anything else that cannot be decoded end the connection, never the program (`gate/channel/sockets.py`).

**Who is who.** Only the listener's user can write the runtime folder (systemd's `RuntimeDirectory=`, mode 0711). The socket's
access list permits its owner and one group, whose members may connect (systemd/portcullis.sysusers). In addition both ends query the kernel
(SO_PEERCRED). The listener accepts only the callers' users, and persons by their group, which admits no program. A caller trusts only the
listener's user. Under `gate run`, and so in the demo, all programs have one user, and these checks cannot distinguish them.

**A socket's place.** The program holds a lock file beside the socket while it listens. A file there that is not a socket, a second
instance, or a folder that others can write: one line, exit code 74, no change. A stale socket is replaced.

**Limits.** Each caller has its own. Connections are counted by user and by process; programs' are reserved, persons share 16. Messages
are counted by user over all its connections, an append as its records: *burst* at once, then so many a second. Above that the listener does not read from the caller, which waits.
A connection that does not send within {first:g} s, or does not complete a message within {complete:g} s, is closed. A peer that
does not read for {read:g} s counts as gone.
"""


def kinds(union: Any) -> list[str]:
    if union is None:
        return ["no messages"]
    return [kind.__name__ for kind in (typing.get_args(union) or (union,))]


def rate(rate: Rate) -> str:
    return f"{rate.a_second:g} a second, burst {rate.burst}"


def section(channel: Channel[Any, Any]) -> str:
    callers = [f"`{caller}`" for caller in channel.callers]
    if channel.persons:
        callers += [f"group `{channel.persons}`", "root"]
    size = f"{channel.bytes_max // 1024} KiB" if channel.bytes_max < 1 << 20 else f"{channel.bytes_max >> 20} MiB"
    program = f", {channel.connections_a_program} a program" if channel.connections_a_program else ""
    said = {"to the listener": channel.to_listener, "to the caller": channel.to_caller}
    rates = {"to the listener": channel.to_listener_rate, "to the caller": channel.to_caller_rate}
    return "\n".join(
        [
            f"## {channel.name}",
            "",
            f"{channel.purpose[0].upper()}{channel.purpose[1:]}.",
            "",
            "| | |",
            "| --- | --- |",
            f"| listens | `{channel.listener}` at portcullis-{channel.listener}/{channel.file} |",
            f"| may call | {', '.join(callers)} |",
            f"| the socket's group | `{channel.group}` |",
            *(f"| {way} | {', '.join(kinds(union))} ({rate(rates[way])}) |" for way, union in said.items()),
            f"| a message | {size} at most |",
            f"| connections | {channel.connections_a_process} a process, {channel.connections_a_user} a user{program} |",
            "",
        ]
    )


def page() -> str:
    rows = CHANNELS.every()
    (first,), (complete,), (read,) = {r.first_s for r in rows}, {r.complete_s for r in rows}, {r.read_s for r in rows}
    head = _HEAD.format(first=first, complete=complete, read=read)
    return "\n".join([head, *map(section, rows)])


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text() == page()


@pytest.mark.parametrize("channel", CHANNELS.every(), ids=lambda channel: channel.name)
def test_a_row_is_whole(channel: Channel[Any, Any]) -> None:
    assert channel is CHANNELS.by_name(channel.name)
    assert channel.callers
    assert {*channel.callers, channel.listener} <= {*PROGRAMS, "centre"}
    assert len(channel.group) <= 32, "useradd(8) takes no longer name"
    assert 0 < channel.connections_a_process <= channel.connections_a_user <= 16
    assert 0 <= channel.connections_a_program <= 64
    for limit in (channel.to_listener_rate, channel.to_caller_rate):
        assert 0 < limit.a_second <= limit.burst <= 10 * limit.a_second


@pytest.mark.parametrize("channel", CHANNELS.every(), ids=lambda channel: channel.name)
def test_each_way_is_a_closed_union_of_messages(channel: Channel[Any, Any]) -> None:
    if channel is CHANNELS.portraits:
        assert (channel.to_listener, channel.to_caller) == (None, None)
        return
    for union in (channel.to_listener, channel.to_caller):
        kinds = typing.get_args(union) or (union,)
        assert all(issubclass(kind, Message) for kind in kinds)
        assert all(kind.__struct_config__.forbid_unknown_fields and kind.__struct_config__.frozen for kind in kinds)
        msgspec.msgpack.Decoder(union)


def test_each_program_says_how_it_is() -> None:
    assert {status_row(program).listener for program in PROGRAMS} == set(PROGRAMS)


if __name__ == "__main__":
    sys.stdout.write(page())
