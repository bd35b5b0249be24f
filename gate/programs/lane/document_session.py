"""The lane's side of a document: a separate child for each crossing, whose messages become events.

The lane parses nothing from a chip: it passes questions to the control centre, and posts the evidence. If a child dies,
hangs or cannot start, its crossing is referred. The child ends with its crossing, which erases the document.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from gate.channel import centre_messages, child_messages, document_messages, register_messages, vision_messages
from gate.channel.errors import ChannelError
from gate.channel.sockets import connect, reach
from gate.channel.table import CHANNELS
from gate.passage.events import DocumentRead, DocumentRemoved, Event
from gate.programs.children import fd_passing
from gate.programs.children.child_handle import ChildLostError
from gate.programs.children.final_report import last_words
from gate.programs.children.warm_spare import Spare
from gate.programs.lane.documents import Presented
from gate.programs.lane.list_renewal import DocumentChild
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.evidence.crossing import CheckId, DocumentEvidence

DEADLINE_S: Final = 2.0  # of the control centre
QUESTIONS_MAX = 4  # a chain and a signature, for each of two readings

log = logging.getLogger("lane")

Way = Callable[[fd_passing.Address], Awaitable[socket.socket | None]]


class ControlCentre:
    """Connection to a control centre, which has the inspection system's certificates and key (TR-03110, TR-03129).

    Each question has a connection and a deadline, so that a slow, silent or lost centre costs a result, never a
    crossing. Failures give None, and are logged once when they begin and once when they end.
    """

    def __init__(self, path: Path, *, deadline_s: float = DEADLINE_S) -> None:
        self._path = path
        self._deadline_s = deadline_s
        self._trouble = FaultLatch(log, begins="control_centre_lost", ends="control_centre_back", each=False)

    async def ask(self, question: centre_messages.ToCentre) -> bytes | None:
        """Return the answer to an inspection's question; None if there is none, for any reason."""
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._exchange(question)
        except (ChannelError, TimeoutError) as error:
            self._trouble.is_now(type(error).__name__)
            return None
        answered: bytes | None = None
        match question, answer:
            case centre_messages.ChainWanted(), centre_messages.Chain(certificates):
                trouble, answered = "", b"".join(certificates)
            case centre_messages.SignatureWanted(), centre_messages.Signature(signature):
                trouble, answered = "", signature
            case _, centre_messages.NotGranted():
                trouble = "not granted"
            case _:
                trouble = "the answer to another question"
        self._trouble.is_now(trouble)
        return answered

    async def _exchange(self, question: centre_messages.ToCentre) -> centre_messages.FromCentre:
        connection = await connect(CHANNELS.centre, self._path)
        try:
            await connection.send(question)
            return await connection.receive()
        finally:
            connection.close()


class Registers(Protocol):
    """Queries lists and registers about a crossing's document (`gate.programs.lane.registers`)."""

    async def day_key(self, crossing: str) -> bytes:
        """Return the key for the chip's mark; empty if there is none or none is needed."""

    def ask(self, crossing: str, question: register_messages.DocumentQuestion) -> None:
        """Query by the MRZ, as soon as it is certain."""

    def ask_marked(self, crossing: str, mark: str) -> None:
        """Query by the chip's mark, after the chip was read; empty: no mark."""


def ways_by(portraits: Path) -> Way:
    """Return a function that opens a socket to one of vision's children, through the socket at `portraits`."""

    async def way(address: fd_passing.Address) -> socket.socket | None:
        try:
            end = await reach(CHANNELS.portraits, portraits)
        except ChannelError:
            return None
        try:
            await asyncio.get_running_loop().sock_sendall(end, fd_passing.written(address))
        except BaseException as error:
            end.close()
            if isinstance(error, OSError):
                return None
            raise
        return end

    return way


@dataclass(slots=True, kw_only=True)
class Reading:
    """Reads documents, each in a separate child. `way` opens a socket to a child of vision, or returns None.

    `is_shielded`: True for a crossing about which no question may leave the gate, not even to the control centre.
    `registers` None: there are none to query.
    """

    spare: Spare[document_messages.FromDocument]
    centre: ControlCentre
    way: Way
    post: Callable[[Event], None]
    mark: Callable[[str, str], None]
    issued_by: Callable[[str, str], None]
    take_sealed: Callable[[vision_messages.SealedPiece], None]
    is_shielded: Callable[[str], bool]
    registers: Registers | None = None
    _ending: vision_messages.EndCrossing | None = None

    def ends(self, end: vision_messages.EndCrossing) -> None:
        """Set the end message of the crossing whose reading will be cancelled next."""
        self._ending = end

    async def read(self, crossing: str, presented: Presented, *, clock_sure: bool) -> None:
        """Read the document; post the result, then its removal. Ends when cancelled, or with the child."""
        try:
            child = await self.spare.take()
        except ChildLostError as error:
            self.spare.want()
            self._refer(crossing, str(error))
            return
        conversation = _Conversation(crossing)
        try:
            await self._begin(conversation, child, presented, clock_sure=clock_sure)
            del presented  # only the child keeps the lines
            while True:  # the child answers for officers until the crossing ends
                await self._hear(conversation, child, await child.receive())
        except ChildLostError as error:
            if not (conversation.over or conversation.read):
                self._refer(crossing, str(error))
                return
            log.warning("document_child_lost", extra={"crossing": crossing, "reason": str(error)})
            if not conversation.over:
                self.post(DocumentRemoved())  # nothing watches the document any longer
        finally:
            await self._part_with(child, crossing)

    async def _part_with(self, child: DocumentChild, crossing: str) -> None:
        """End the child, after its final report."""
        try:
            if self._ending is not None and self._ending.crossing == crossing:
                await last_words(child, self._ending, self._take)
        finally:
            await child.end()
            self.spare.want()

    async def _take(self, piece: vision_messages.SealedPiece) -> None:
        self.take_sealed(piece)

    async def _begin(
        self, conversation: _Conversation, child: DocumentChild, presented: Presented, *, clock_sure: bool
    ) -> None:
        day_key = b"" if self.registers is None else await self.registers.day_key(conversation.crossing)
        lines = presented.page is not None and await self._hand(
            child, fd_passing.LINES, fd_passing.OfPage(presented.page.page)
        )
        portrait = await self._hand(child, fd_passing.CHIP_PORTRAIT, fd_passing.ToCrossing(conversation.crossing))
        await child.send(
            document_messages.ReadDocument(
                crossing=conversation.crossing,
                readings=[list(lines) for lines in presented.readings],
                clock_sure=clock_sure,
                page=presented.page,
                visa=presented.visa,
                lines=lines,
                portrait=portrait,
                day_key=day_key,
            )
        )

    async def _hand(self, child: DocumentChild, letter: bytes, address: fd_passing.Address) -> bool:
        """Send the child a socket to this address; False if there is none."""
        way = await self.way(address)
        if way is None:
            return False
        with way:
            child.hand(letter, way.fileno())
        return True

    async def _hear(
        self, conversation: _Conversation, child: DocumentChild, message: document_messages.FromDocument
    ) -> None:
        crossing = conversation.crossing
        if isinstance(message, document_messages.DocumentKnown | centre_messages.ToCentre):
            await self._carry(conversation, child, message)
            return
        match message:
            case document_messages.IssuerSeen(issuer):
                if conversation.is_issuer_known:
                    raise ChildLostError("it says a second time who issued the document")
                conversation.is_issuer_known = True
                self.issued_by(crossing, issuer)
            case document_messages.ChipReached(stage):
                self.mark(crossing, stage.value)
            case document_messages.DocumentJudged(evidence, mark):
                self._is_new(conversation)
                conversation.read = True
                self.mark(crossing, "chip_read")
                if self.registers is not None:
                    self.registers.ask_marked(crossing, mark)
                self.post(DocumentRead(crossing, evidence))
            case document_messages.DocumentUnread(reason):
                self._is_new(conversation)
                self._is_over(conversation)
                self.post(DocumentRead(crossing, DocumentEvidence.unreadable(reason, CheckId.CHIP_ACCESS)))
            case document_messages.DocumentLeft():
                self._is_over(conversation)
                self.post(DocumentRemoved())
            case (
                child_messages.Prepared()
                | child_messages.Unfit()
                | child_messages.Alive()
                | vision_messages.SealedPiece()
            ):
                pass  # from before the crossing, or of its final report

    async def _carry(
        self,
        conversation: _Conversation,
        child: DocumentChild,
        message: document_messages.DocumentKnown | centre_messages.ToCentre,
    ) -> None:
        crossing = conversation.crossing
        match message:
            case document_messages.DocumentKnown(known):
                if conversation.is_known:
                    raise ChildLostError("it says a second time what may be asked about the document")
                conversation.is_known = True
                if self.registers is not None:
                    self.registers.ask(crossing, known)
            case centre_messages.ChainWanted() | centre_messages.SignatureWanted():
                conversation.asked += 1
                if conversation.asked > QUESTIONS_MAX:
                    raise ChildLostError("it asks the control centre too often")
                answer = None if self.is_shielded(crossing) else await self.centre.ask(message)
                await child.send(document_messages.CentreAnswered(answer))

    @staticmethod
    def _is_new(conversation: _Conversation) -> None:
        """Raise ChildLostError if the document was already judged."""
        if conversation.read or conversation.over:
            raise ChildLostError("it judges a second time")

    def _is_over(self, conversation: _Conversation) -> None:
        """Note that the document is gone or unreadable; prepare the next child. Raises ChildLostError if repeated."""
        if conversation.over:
            raise ChildLostError("it ends a second time")
        conversation.over = True
        self.spare.want()

    def _refer(self, crossing: str, reason: str) -> None:
        """Post that nothing was read, so that the crossing is referred."""
        log.warning("document_not_read", extra={"crossing": crossing, "reason": reason})
        self.post(
            DocumentRead(crossing, DocumentEvidence.unreadable(f"the document child: {reason}", CheckId.CHIP_ACCESS))
        )


@dataclass(slots=True)
class _Conversation:
    crossing: str
    asked: int = 0
    is_issuer_known: bool = False
    is_known: bool = False
    read: bool = False
    over: bool = False
