"""The process in which one crossing's document is read and judged, and with which it is forgotten: its end is the erasure.

Started by the lane with one end of a socket pair as its standard input, and prepared before there is a traveller: it opens the lists, reaches the chip
reader, and then gives up whatever could reach anything else. A crossing gives it the printed MRZ; the chip's portrait goes into a way to the face child.
Out come evidence without anything personal and questions; and at its end, of a crossing that was referred, what officers see, sealed to them.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from drivers.reader.settings import ChipReaderSettings
from gate.channel import messages
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

LOOK_EVERY_S = 1.0  # at the reader, before there is a crossing
WAY_DEADLINE_S = 10.0  # until the face child has taken the portrait, and the page child given the lines

REASON_CHARACTERS_MAX = 500


class ListsError(Exception):
    """The lists cannot be opened, or must not be used here; the message says why."""


def open_lists(path: Path, *, service: bool) -> TrustStore:
    """The trust store of this gate, every list of it parsed. Raises ListsError when it cannot be opened or must not be used.

    `gate trust import --test` marks what is fit for demos and trials, and a gate in service judges by no store that holds any of it (safety
    invariant 14). A specimen would be referred all the same, but whoever put it there did not mean this gate.
    """
    try:
        store = TrustStore.open(path)
    except StoreError as error:
        raise ListsError(str(error).removeprefix(f"{path}: ")) from error  # the path is that of a copy
    # Asked of what was opened, not of the file: another one may have taken its name since.
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


def told(store: TrustStore) -> messages.Lists:
    """What the lane is told of the lists."""
    return messages.Lists(
        version=store.version,
        certificates=len(store),
        newest_import=store.newest_import,
        published=list(store.published),
        revocation_lists=list(store.editions()),
    )


async def serve(lane: Connection[messages.ToDocument], handed: Handed, hardened: dict[str, bool]) -> None:
    """Prepare, and serve the lane until it hangs up, or until the chip reader is lost before there was a crossing."""
    wanted = await lane.receive()
    assert isinstance(wanted, messages.PrepareDocument), "the first message prepares"
    key = "paths.trust"
    try:
        store = open_lists(Path(wanted.lists), service=wanted.service)
        key = "chip"
        chip: ChipReaderSettings = msgspec.json.decode(wanted.chip, type=ChipReaderSettings)
        reader = chip_reader(chip)
        key = "time_zone"
        zone = config_file.zone_of(wanted.time_zone)  # before the files are closed
    except (ListsError, DriverError, ValueError) as error:
        await lane.send(messages.Unfit(messages.words(f"{key}: {error}")))
        return
    confined, missing = hardened | confine(OF_DOCUMENTS), ""
    try:
        await reader.open()
    except DriverError as error:
        missing = str(error)[:REASON_CHARACTERS_MAX] or "the chip reader is away"
    refuse(ONCE_REACHED)
    child = Child(lane, handed, wanted, store=store, reader=reader, missing=missing, zone=zone)
    try:
        ready = messages.DocumentReady(told(store), missing, confined)
        await lane.send(messages.Prepared(msgspec.to_builtins(ready)))
        await child.run()
    finally:
        await reader.close()


class Child:
    """One prepared child. `missing`: why there is no reader."""

    def __init__(
        self,
        lane: Connection[messages.ToDocument],
        handed: Handed,
        prepared: messages.PrepareDocument,
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
        self._wanted: asyncio.Queue[messages.ReadDocument] = asyncio.Queue(maxsize=1)
        self._taken = False
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._sending: asyncio.Task[None] | None = None
        self._particulars: Particulars | None = None
        self._mark = ""

    async def run(self) -> None:
        """Wait for the crossing, read, and watch the document until the lane hangs up."""
        try:
            await run_until_first_exits(self._receive(), self._cross())
        finally:
            if self._sending is not None:
                self._sending.cancel()

    async def _receive(self) -> None:
        async for message in self._lane:
            match message:
                case messages.ReadDocument() if not self._taken:
                    self._taken = True
                    self._wanted.put_nowait(message)
                case messages.CentreAnswered(answer):
                    self._answers.put_nowait(answer)
                case messages.EndCrossing():
                    content = None if self._particulars is None else self._particulars.shown()
                    now_s, officers = int(clock.now().timestamp()), self._prepared.officers
                    await say_sealed(
                        self._lane, message, officers=officers, now_s=now_s, part=DOCUMENT, content=content
                    )
                case messages.PrepareDocument() | messages.ReadDocument():
                    raise RuntimeError("a child is prepared once, and serves one crossing")

    async def _cross(self) -> None:
        """The one crossing of this process, once it comes. Ends before, for another child, when the reader is lost meanwhile."""
        wanted: messages.ReadDocument | None = None
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
        await asyncio.Event().wait()  # a second one never comes

    async def _read(self, wanted: messages.ReadDocument) -> None:
        if wanted.lines:
            wanted = msgspec.structs.replace(wanted, readings=await self._lines())
        # Before anything about the chip is known: it is the same whatever comes.
        if (issuer := printed_issuer(wanted)) is not None:
            await self._lane.send(messages.IssuerSeen(issuer))
        if self._missing:
            await self._lane.send(messages.DocumentUnread(messages.words(self._missing)))
            return
        anchors = RememberingAnchors(self._store)
        side = ChipSide(
            self._reader,
            on_chip=partial(self._lane.send, messages.ChipReached(messages.ChipStage.FOUND)),
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
            await self._lane.send(messages.DocumentUnread(str(error)[:REASON_CHARACTERS_MAX]))
            return
        await self._lane.send(messages.DocumentJudged(evidence, self._mark))
        with contextlib.suppress(DriverError):  # a reader that is lost is a document that is gone
            await self._reader.wait_for_removal()
        await self._lane.send(messages.DocumentLeft())

    async def _lines(self) -> list[list[str]]:
        """The readings of the page, from the page source's child; none when they do not come."""
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
        """Say what lists and registers may be asked, and no more of it than they need."""
        if not self._prepared.registers:
            return
        question = messages.DocumentQuestion(
            document_type=mrz.document_type, issuer=mrz.issuer, number=mrz.number, nationality=mrz.nationality
        )
        if self._prepared.names:
            born = mrz.born_on(clock.now().astimezone(self._zone).date())
            question = msgspec.structs.replace(
                question, surname=mrz.surname, given=mrz.given_names, born="" if born is None else born.isoformat()
            )
        await self._lane.send(messages.DocumentKnown(question))

    async def _pass_portrait(self, portrait: Portrait, *, taken: bool) -> None:
        """Send the portrait beside the reading, where a face child takes it: it may not be there yet."""
        await self._lane.send(messages.ChipReached(messages.ChipStage.PORTRAIT))
        if taken and self._sending is None:  # a second reading of the same chip has nothing to add
            self._sending = asyncio.ensure_future(self._send(portrait))

    async def _send(self, portrait: Portrait) -> None:
        with contextlib.suppress(TimeoutError, OSError):  # nobody to take it: then there is no comparison, which refers
            async with asyncio.timeout(WAY_DEADLINE_S):
                end = await self._handed.take(fd_passing.CHIP_PORTRAIT)
                await portraits.send(end, portrait.encoding, portrait.image)

    async def _ask_centre(self, request: CentreRequest) -> bytes | None:
        await self._lane.send(question_of(request))
        return await self._answers.get()


def main() -> None:
    """Entry point of the process."""
    child_runtime.run(messages.ToDocument, serve)


if __name__ == "__main__":
    main()
