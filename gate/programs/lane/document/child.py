"""The process that reads and judges one crossing's document. Its end erases the document.

The lane starts it with one end of a socket pair as stdin, before there is a traveller. It opens the lists, connects to
the chip reader, then gives up all other access. Input: the printed MRZ. Output: evidence without personal data, and
questions; the chip's portrait to the face child; after a referral, what officers see, encrypted to them.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from drivers.reader.settings import ChipReaderSettings
from gate.channel import child_messages, document_messages, register_messages, vision_messages
from gate.channel.message import words
from gate.channel.sockets import Connection
from gate.programs.children import child_runtime, fd_passing, portraits
from gate.programs.children.confine import OF_DOCUMENTS, ONCE_REACHED, confine
from gate.programs.children.descriptors import Handed
from gate.programs.children.sealed_report import say_sealed
from gate.programs.children.seccomp import refuse
from gate.programs.lane.document.inspection import (
    ChipSide,
    Particulars,
    RememberingAnchors,
    inspect_presented,
    mark_of,
    printed_issuer,
    question_of,
)
from gate.programs.shared.devices.chip_readers import chip_reader
from gate.trust.errors import StoreError
from gate.trust.store import TrustStore
from gate_core.errors import DriverError
from gate_core.orders.envelope import DOCUMENT
from gate_core.ports.drivers import ChipReader
from gate_core.programs import clock
from gate_core.programs.task_groups import run_until_first_exits
from gate_core.settings import config_file
from gate_documents.authenticity.terminal_authentication import CentreRequest
from gate_documents.errors import DocumentError
from gate_documents.inspection import Portrait
from gate_documents.mrz.parser import Mrz

LOOK_EVERY_S = 1.0  # check of the reader before there is a crossing
WAY_DEADLINE_S = 10.0  # for the face child to take the portrait, or the page child to send lines

REASON_CHARACTERS_MAX = 500


class ListsError(Exception):
    """The lists cannot be opened or must not be used here; the message gives the reason."""


def open_lists(path: Path, *, service: bool) -> TrustStore:
    """Open the gate's trust store and parse all its lists. Raises ListsError.

    `gate trust import --test` marks content for demos and trials. A gate in service refuses a store that has any
    (safety invariant 14): a specimen would be referred anyway, but the store was meant for another gate.
    """
    try:
        store = TrustStore.open(path)
    except StoreError as error:
        raise ListsError(str(error).removeprefix(f"{path}: ")) from error  # the path of a copy
    # Ask the open store, not the file, which may have been replaced since.
    if service and store.marked_as_test:
        raise ListsError(
            f"purpose = service refuses: it holds {store.marked_as_test} certificates or lists that are marked as test; make it anew "
            "without --test"
        )
    try:
        store.read_ahead()
    except DocumentError as error:
        raise ListsError(f"holds a list that cannot be read: {error}") from error
    return store


def told(store: TrustStore) -> document_messages.Lists:
    """Return the lists' description for the lane."""
    return document_messages.Lists(
        version=store.version,
        certificates=len(store),
        newest_import=store.newest_import,
        published=list(store.published),
        revocation_lists=list(store.editions()),
    )


async def serve(lane: Connection[document_messages.ToDocument], handed: Handed, hardened: dict[str, bool]) -> None:
    """Prepare, then serve the lane until it closes, or until the chip reader is lost before there is a crossing."""
    wanted = await lane.receive()
    assert isinstance(wanted, document_messages.PrepareDocument), "the first message must be PrepareDocument"
    key = "paths.trust"
    try:
        store = open_lists(Path(wanted.lists), service=wanted.service)
        key = "chip"
        chip: ChipReaderSettings = msgspec.json.decode(wanted.chip, type=ChipReaderSettings)
        reader = chip_reader(chip)
        key = "time_zone"
        zone = config_file.zone_of(wanted.time_zone)  # before the files are closed
    except (ListsError, DriverError, ValueError) as error:
        await lane.send(child_messages.Unfit(words(f"{key}: {error}")))
        return
    confined, missing = hardened | confine(OF_DOCUMENTS), ""
    try:
        await reader.open()
    except DriverError as error:
        missing = str(error)[:REASON_CHARACTERS_MAX] or "the chip reader is away"
    refuse(ONCE_REACHED)
    child = Child(lane, handed, wanted, store=store, reader=reader, missing=missing, zone=zone)
    try:
        ready = document_messages.DocumentReady(told(store), missing, confined)
        await lane.send(child_messages.Prepared(msgspec.to_builtins(ready)))
        await child.run()
    finally:
        await reader.close()


class Child:
    """One prepared child. `missing`: why there is no chip reader."""

    def __init__(
        self,
        lane: Connection[document_messages.ToDocument],
        handed: Handed,
        prepared: document_messages.PrepareDocument,
        *,
        store: TrustStore,
        reader: ChipReader,
        missing: str,
        zone: ZoneInfo,
    ) -> None:
        self._lane = lane
        self._handed = handed
        self._prepared = prepared
        self._store = store
        self._reader = reader
        self._missing = missing
        self._zone = zone
        self._wanted: asyncio.Queue[document_messages.ReadDocument] = asyncio.Queue(maxsize=1)
        self._taken = False
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._sending: asyncio.Task[None] | None = None
        self._particulars: Particulars | None = None
        self._mark = ""

    async def run(self) -> None:
        """Wait for the crossing, read the document, and watch it until the lane closes the connection."""
        try:
            await run_until_first_exits(self._receive(), self._cross())
        finally:
            if self._sending is not None:
                self._sending.cancel()

    async def _receive(self) -> None:
        async for message in self._lane:
            match message:
                case document_messages.ReadDocument() if not self._taken:
                    self._taken = True
                    self._wanted.put_nowait(message)
                case document_messages.CentreAnswered(answer):
                    self._answers.put_nowait(answer)
                case vision_messages.EndCrossing():
                    content = None if self._particulars is None else self._particulars.shown()
                    now_s, officers = int(clock.now().timestamp()), self._prepared.officers
                    await say_sealed(
                        self._lane, message, officers=officers, now_s=now_s, part=DOCUMENT, content=content
                    )
                case document_messages.PrepareDocument() | document_messages.ReadDocument():
                    raise RuntimeError("repeated PrepareDocument or ReadDocument")

    async def _cross(self) -> None:
        """Serve the one crossing. Ends before, to be replaced, if the reader is lost before there is one."""
        wanted: document_messages.ReadDocument | None = None
        while wanted is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    wanted = await self._wanted.get()
            if wanted is None and not self._missing:
                try:
                    await self._reader.look()
                except DriverError:
                    return
        await self._read(wanted)
        await asyncio.Event().wait()  # there is no second crossing

    async def _read(self, wanted: document_messages.ReadDocument) -> None:
        if wanted.lines:
            wanted = msgspec.structs.replace(wanted, readings=await self._lines())
        # Sent before the chip is read, so that its time does not depend on the chip.
        if (issuer := printed_issuer(wanted)) is not None:
            await self._lane.send(document_messages.IssuerSeen(issuer))
        if self._missing:
            await self._lane.send(document_messages.DocumentUnread(words(self._missing)))
            return
        anchors = RememberingAnchors(self._store)
        side = ChipSide(
            self._reader,
            on_chip=partial(self._lane.send, document_messages.ChipReached(document_messages.ChipStage.FOUND)),
            on_portrait=partial(self._pass_portrait, taken=wanted.portrait),
            on_particulars=self._know,
            on_known=self._tell_known,
            on_security_object=partial(self._make_mark, wanted.day_key),
            ask_centre=self._ask_centre,
            fingers=self._prepared.fingers,
            clock_sure=wanted.clock_sure,
            now=clock.now().astimezone(self._zone),
        )
        try:
            evidence = await inspect_presented(wanted, side, anchors)
        except DriverError as error:
            await self._lane.send(document_messages.DocumentUnread(str(error)[:REASON_CHARACTERS_MAX]))
            return
        await self._lane.send(document_messages.DocumentJudged(evidence, self._mark))
        with contextlib.suppress(DriverError):  # a lost reader counts as a removed document
            await self._reader.wait_for_removal()
        await self._lane.send(document_messages.DocumentLeft())

    async def _lines(self) -> list[list[str]]:
        """Return the page's readings from the page child; empty if they do not arrive."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAY_DEADLINE_S):
                return await fd_passing.receive_lines(await self._handed.take(fd_passing.LINES))
        return []

    def _know(self, particulars: Particulars) -> None:
        self._particulars = particulars

    def _make_mark(self, day_key: bytes, security_object: bytes) -> None:
        if day_key:
            self._mark = mark_of(day_key, security_object)

    async def _tell_known(self, mrz: Mrz) -> None:
        """Send the fields that lists and registers need, and no others."""
        if not self._prepared.registers:
            return
        question = register_messages.DocumentQuestion(
            document_type=mrz.document_type, issuer=mrz.issuer, number=mrz.number, nationality=mrz.nationality
        )
        if self._prepared.names:
            born = mrz.born_on(clock.now().astimezone(self._zone).date())
            question = msgspec.structs.replace(
                question, surname=mrz.surname, given=mrz.given_names, born="" if born is None else born.isoformat()
            )
        await self._lane.send(document_messages.DocumentKnown(question))

    async def _pass_portrait(self, portrait: Portrait, *, taken: bool) -> None:
        """Start to send the portrait, if a face child takes it, while the reading continues."""
        await self._lane.send(document_messages.ChipReached(document_messages.ChipStage.PORTRAIT))
        if taken and self._sending is None:  # a second reading of the chip has the same portrait
            self._sending = asyncio.ensure_future(self._send(portrait))

    async def _send(self, portrait: Portrait) -> None:
        with contextlib.suppress(TimeoutError, OSError):  # without a receiver there is no comparison, which refers
            async with asyncio.timeout(WAY_DEADLINE_S):
                end = await self._handed.take(fd_passing.CHIP_PORTRAIT)
                await portraits.send(end, portrait.encoding, portrait.image)

    async def _ask_centre(self, request: CentreRequest) -> bytes | None:
        await self._lane.send(question_of(request))
        return await self._answers.get()


def main() -> None:
    """Run the child."""
    child_runtime.run(document_messages.ToDocument, serve)


if __name__ == "__main__":
    main()
