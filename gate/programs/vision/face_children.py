"""The face children of vision: the spare of them, which can try the camera and prove itself, and what of referred travellers is remembered."""

import asyncio
import logging
from collections import deque

from gate.channel import messages
from gate.channel.messages import REMEMBERED_FACES_MAX
from gate.programs.children.child_handle import ChildLostError, Process
from gate.programs.children.warm_spare import Spare, Start
from gate.programs.shared.aligned_timer import loop_s

PROBE_DEADLINE_S = 5.0
PROVE_DEADLINE_S = 2.0
FACES = "gate.programs.vision.face_child"

log = logging.getLogger("vision")

Faces = Process[messages.FromChild]


class ChildMuteError(ChildLostError):
    """A child lives, and gives no answer."""


class FaceSpare(Spare[messages.FromChild]):
    """Keeps one prepared face child at hand, which `start` gives."""

    def __init__(self, start: Start[messages.FromChild]) -> None:
        super().__init__(self._start_one, log=log)
        self._start_face_child = start
        self._proven: tuple[Faces | None, float] = (None, 0.0)

    @property
    def proven_s(self) -> float | None:
        """How long ago the waiting child gave its golden values; None when there is none, or it never did."""
        child, at_s = self._proven
        if child is None or child is not self.child:
            return None
        return loop_s() - at_s

    async def probe_camera(self) -> str | None:
        """Let the spare see whether the camera gives a frame: None when it does, or why not. Raises ChildLostError."""
        answer = await self._try(messages.Trial.CAMERA, PROBE_DEADLINE_S)
        return None if answer.ok else answer.reason

    async def prove(self) -> str | None:
        """Let the spare run its models on their golden inputs: None when it does, or why not. Raises ChildLostError.

        One that does not answer, or no longer as it should, is replaced.
        """
        child = self.child
        try:
            answer = await self._try(messages.Trial.MODELS, PROVE_DEADLINE_S)
        except ChildMuteError as error:
            await self._give_up(child, str(error))
            raise
        if not answer.ok:
            await self._give_up(child, answer.reason)
            return answer.reason
        return None

    async def _try(self, what: messages.Trial, deadline_s: float) -> messages.Tried:
        async with self._changed:  # nobody takes it meanwhile
            child = self.child
            if child is None:
                raise ChildLostError(self.problem or "no child is ready")
            await child.send(messages.Try(what))
            try:
                async with asyncio.timeout(deadline_s):
                    while not (isinstance(answer := await child.receive(), messages.Tried) and answer.what is what):
                        pass
            except TimeoutError as error:
                raise ChildMuteError(f"the waiting child did not answer for its {what.value} in time") from error
            if what is messages.Trial.MODELS and answer.ok:
                self._proven = (child, loop_s())
            return answer

    async def _start_one(self) -> Faces:
        child = await self._start_face_child()
        self._proven = (child, loop_s())  # it has just proved every model
        return child

    async def _give_up(self, child: Faces | None, reason: str) -> None:
        """End a child that waits, and have another one."""
        async with self._changed:
            if child is None or child is not self.child:
                return
            self.child = None
        log.error("spare_unproven", extra={"reason": reason})
        await child.end()
        self.want()


class Memory:
    """Faces and documents of the latest referrals of a lane, against swaps, for the minutes that the site's approved configuration says; overwritten after.

    They are in this memory alone and go to the next crossing's face child, nowhere else. At `REMEMBERED_FACES_MAX` the oldest goes.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[float, bytearray]] = deque()

    def remember(self, content: bytes, *, until_s: float) -> None:
        """Keep this until then."""
        self._kept.append((until_s, bytearray(content)))
        if len(self._kept) > REMEMBERED_FACES_MAX:
            _overwrite(self._kept.popleft()[1])

    def at(self, now_s: float) -> list[bytes]:
        """What is remembered now; what is over is forgotten."""
        self.forget(now_s)
        return [bytes(content) for _, content in self._kept]

    def forget(self, now_s: float) -> None:
        """Overwrite what is over."""
        for until_s, content in [one for one in self._kept if one[0] <= now_s]:
            self._kept.remove((until_s, content))
            _overwrite(content)


def _overwrite(content: bytearray) -> None:
    content[:] = bytes(len(content))
