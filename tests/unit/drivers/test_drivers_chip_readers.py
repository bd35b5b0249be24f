"""What each chip reader does by itself: the service's quirks, and an APDU link that answers nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.direct_slot import DirectSlot
from fakes.scard import FakeScard

from drivers.reader.direct import DirectReader
from drivers.reader.pcsc import PcscReader, Worker
from gate_contract.virtual_time import in_virtual_time
from gate_core.errors import BadFrameError, CardGoneError, LinkLostError, NoReplyError, SetupError

SELECT = bytes.fromhex("00A4040C07A0000002471001")
SIGN_OF_LIFE = bytes.fromhex("00A4000C023F00")


@contextlib.asynccontextmanager
async def pcsc_reader(
    service: FakeScard, name_part: str = "", command_deadline_s: float = 5.0
) -> AsyncIterator[PcscReader]:
    reader = PcscReader(name_part, None, scard=service, command_deadline_s=command_deadline_s)
    try:
        async with asyncio.timeout(10):
            yield reader
    finally:
        await reader.close()


@pytest.mark.parametrize(("protocol", "control"), [(1, FakeScard.SCARD_PCI_T0), (2, FakeScard.SCARD_PCI_T1)])
async def test_commands_use_the_protocol_that_the_card_agreed_to(protocol: int, control: int) -> None:
    service = FakeScard()
    service.protocol = protocol
    service.insert()
    async with pcsc_reader(service) as reader:
        await reader.wait_for_card(5)
        await reader.transmit(SELECT)
    assert service.sent == [(control, SELECT)]


@pytest.mark.parametrize(
    ("told", "extended"), [(None, True), (0, True), (1, False), (255, False), (256, False), (257, True), (65_536, True)]
)
async def test_a_reader_may_say_that_it_carries_short_apdus_only(told: int | None, extended: bool) -> None:  # noqa: FBT001
    service = FakeScard()
    service.apdu_data_max = told
    service.insert()
    async with pcsc_reader(service) as reader:
        await reader.wait_for_card(5)
        assert reader.extended is extended
    assert service.sent == [], "the card was told nothing"


@pytest.mark.parametrize(
    "properties", ["", "0A", "0A04", "0A04000100", "0A00", "0B02E607", "FF" * 40, "0A0400000100 0A0400010000"]
)
async def test_what_a_reader_says_oddly_of_itself_says_nothing(properties: str) -> None:
    service = FakeScard()
    service.apdu_data_max = 256
    service.controls = {0x42330012: bytes.fromhex(properties)}
    service.insert()
    async with pcsc_reader(service) as reader:
        await reader.wait_for_card(5)
        assert reader.extended


async def test_a_used_card_gives_a_sign_of_life_before_it_is_trusted_again() -> None:
    service = FakeScard()
    service.insert()
    async with pcsc_reader(service) as reader:
        await reader.wait_for_card(5)
        assert service.sent == []
        await reader.disconnect()
        await reader.wait_for_card(5)
    assert [apdu for _, apdu in service.sent] == [SIGN_OF_LIFE]


async def test_a_card_whose_removal_the_service_has_not_noticed_is_not_taken_for_the_next_one() -> None:
    service = FakeScard()
    service.insert()
    async with pcsc_reader(service) as reader:
        await reader.wait_for_card(5)
        await reader.disconnect()
        service.remove(noticed=False)
        with pytest.raises(NoReplyError, match="answers"):
            await reader.wait_for_card(0.05)
        waiting = asyncio.create_task(reader.wait_for_card(5))
        await asyncio.sleep(0)
        service.remove()
        service.insert()
        await waiting
        assert await reader.transmit(SELECT) == b"\x90\x00"


async def test_a_card_swapped_while_it_is_watched_counts_as_removed() -> None:
    service = FakeScard()
    service.insert()
    async with pcsc_reader(service) as reader:
        await reader.wait_for_card(5)
        service.remove()
        service.insert()
        await reader.wait_for_removal()


async def test_the_reader_is_picked_by_a_part_of_its_name() -> None:
    service = FakeScard()
    service.readers = ["Another 00 00", *service.readers]
    service.insert()
    async with pcsc_reader(service, "Virtual") as reader:
        await reader.wait_for_card(5)
    async with pcsc_reader(service, "Third") as reader:
        with pytest.raises(NoReplyError):
            await reader.wait_for_card(0.05)


async def test_a_reader_that_is_plugged_in_later_is_found_and_one_pulled_out_is_lost() -> None:
    service = FakeScard()
    service.unplug_reader()
    service.insert()
    async with pcsc_reader(service) as reader:
        waiting = asyncio.create_task(reader.wait_for_card(5))
        await asyncio.sleep(0.05)
        service.plug_reader()
        await waiting
        service.unplug_reader()
        with pytest.raises(LinkLostError, match="reader went away"):
            await reader.wait_for_removal()


async def test_a_response_without_a_status_word_is_a_bad_frame() -> None:
    service = FakeScard()
    service.insert()
    service.answer = b"\x90"
    async with pcsc_reader(service) as reader:
        await reader.wait_for_card(5)
        with pytest.raises(BadFrameError):
            await reader.transmit(SELECT)


async def test_a_card_that_hangs_past_the_deadline_is_given_up() -> None:
    service = FakeScard()
    service.insert()
    async with pcsc_reader(service, command_deadline_s=0.05) as reader:
        await reader.wait_for_card(5)
        service.hang.clear()
        with pytest.raises(NoReplyError, match=r"within 0\.05 s"):
            await reader.transmit(SELECT)
        service.hang.set()
        with pytest.raises(CardGoneError, match="no card is connected"):
            await reader.transmit(SELECT)
        await reader.wait_for_card(5)
        assert await reader.transmit(SELECT) == b"\x90\x00"


def test_one_process_uses_one_card_service_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", "/run/one/pcscd.comm")
    PcscReader("", "/run/one/pcscd.comm", scard=FakeScard())
    with pytest.raises(SetupError, match="already uses"):
        PcscReader("", "/run/two/pcscd.comm", scard=FakeScard())


def test_the_socket_is_named_before_the_library_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", "")  # so that what the reader sets is taken back
    monkeypatch.delenv("PCSCLITE_CSOCK_NAME")
    PcscReader("", "/run/mine/pcscd.comm", scard=FakeScard())
    assert os.environ["PCSCLITE_CSOCK_NAME"] == "/run/mine/pcscd.comm"


def test_a_missing_library_is_a_setup_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard.scard", None)
    with pytest.raises(SetupError, match="extra 'pcsc'"):
        PcscReader("", None)


async def test_the_worker_skips_calls_nobody_waits_for_any_more() -> None:
    worker, begun, may_end, ran = Worker("test"), threading.Event(), threading.Event(), list[str]()

    def long_call() -> None:
        begun.set()
        may_end.wait(5)

    first = asyncio.create_task(worker.call(long_call, deadline_s=5))
    second = asyncio.create_task(worker.call(lambda: ran.append("second"), deadline_s=5))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    may_end.set()
    await first
    await worker.call(lambda: ran.append("third"), deadline_s=5)
    assert ran == ["third"]
    worker.close()
    worker.close()


async def test_the_worker_carries_what_a_call_raises_to_its_waiter() -> None:
    worker = Worker("test")
    with pytest.raises(ValueError, match="invalid literal"):
        await worker.call(lambda: int("no number"), deadline_s=5)
    worker.close()


def test_a_call_that_outlives_its_loop_ends_quietly() -> None:
    worker, may_end, ended = Worker("test"), threading.Event(), threading.Event()

    def late() -> None:
        may_end.wait(5)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await worker.call(late, deadline_s=0.01)

    asyncio.run(give_up())
    may_end.set()
    worker.post(ended.set)
    assert ended.wait(5)
    worker.close()


@contextlib.asynccontextmanager
async def direct_reader(folder: Path, within_s: float = 10) -> AsyncIterator[tuple[DirectReader, DirectSlot]]:
    slot = DirectSlot(folder / "apdu.sock")
    await slot.start()
    reader = DirectReader(slot.path)
    try:
        async with asyncio.timeout(within_s):
            yield reader, slot
    finally:
        await reader.close()
        await slot.stop()


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xff\xff\xff",  # a length without end
        b"\x00\x00\x00\x00",  # nothing
        b"\x00\x00\x00\x02\x00\x90",  # no status word
        b"\x00\x00\x00\x03\x02\x90\x00",  # neither response nor gone
    ],
)
async def test_nonsense_on_the_direct_link_is_a_bad_frame(tmp_path: Path, raw: bytes) -> None:
    async with direct_reader(tmp_path) as (reader, slot):
        slot.card = True
        await reader.wait_for_card(5)
        slot.raw = raw
        with pytest.raises(BadFrameError):
            await reader.transmit(SELECT)


async def test_a_slot_that_says_neither_yes_nor_no_is_a_bad_frame(tmp_path: Path) -> None:
    async with direct_reader(tmp_path) as (reader, slot):
        slot.raw = b"\x00\x00\x00\x01\x07"
        with pytest.raises(BadFrameError):
            await reader.wait_for_card(5)


async def test_a_card_that_leaves_before_it_is_powered_is_gone(tmp_path: Path) -> None:
    async with direct_reader(tmp_path) as (reader, slot):
        slot.card = True
        slot._obey = lambda body: b"\x01" if body[0] == 0 else b""  # type: ignore[method-assign]
        with pytest.raises(CardGoneError, match="powered"):
            await reader.wait_for_card(5)


@in_virtual_time
async def test_a_silent_direct_link_is_hung_up_so_that_no_late_answer_meets_a_later_command(tmp_path: Path) -> None:
    async with direct_reader(tmp_path, within_s=60) as (reader, slot):
        slot.card = True
        await reader.wait_for_card(5)
        slot.mute = True
        with pytest.raises(NoReplyError):
            await reader.transmit(SELECT)
        slot.mute = False
        with pytest.raises(CardGoneError):
            await reader.transmit(SELECT)
        await reader.wait_for_card(5)
        assert await reader.transmit(SELECT) == b"\x90\x00"
