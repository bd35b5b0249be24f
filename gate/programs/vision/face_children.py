"""The face children's spare, with trials of camera and models; and the memory of referred travellers' faces."""

import asyncio
import logging
from collections import deque

from gate.channel import child_messages
from gate.channel.vision_messages import REMEMBERED_FACES_MAX
from gate.programs.children.child_handle import ChildLostError, Process
from gate.programs.children.warm_spare import Spare, Start
from gate.programs.shared.aligned_timer import loop_s

PROBE_DEADLINE_S = 5.0
PROVE_DEADLINE_S = 2.0
FACES = "gate.programs.vision.face_child"

log = logging.getLogger("vision")

Faces = Process[child_messages.FromChild]


class ChildMuteError(ChildLostError):
    """A child is alive but does not answer."""


class FaceSpare(Spare[child_messages.FromChild]):
    """Keeps one prepared face child; `start` starts one."""

    def __init__(self, start: Start[child_messages.FromChild]) -> None:
        super().__init__(self._start_one, log=log)
        self._start_face_child = start
        self._proven: tuple[Faces | None, float] = (None, 0.0)

    @property
    def proven_s(self) -> float | None:
        """Seconds since the spare's models gave their golden values; None without a spare or a proof."""
        child, at_s = self._proven
        if child is None or child is not self.child:
            return None
        return loop_s() - at_s

    async def probe_camera(self) -> str | None:
        """Let the spare test the camera. Returns None, or the fault. Raises ChildLostError."""
        answer = await self._try(child_messages.Trial.CAMERA, PROBE_DEADLINE_S)
        return None if answer.ok else answer.reason

    async def prove(self) -> str | None:
        """Let the spare run its models on their golden inputs. Returns None, or the fault. Raises ChildLostError.

        A spare that fails or does not answer is replaced.
        """
        child = self.child
        try:
            answer = await self._try(child_messages.Trial.MODELS, PROVE_DEADLINE_S)
        except ChildMuteError as error:
            await self._give_up(child, str(error))
            raise
        if not answer.ok:
            await self._give_up(child, answer.reason)
            return answer.reason
        return None

    async def _try(self, what: child_messages.Trial, deadline_s: float) -> child_messages.Tried:
        async with self._changed:  # the spare cannot be taken meanwhile
            child = self.child
            if child is None:
                raise ChildLostError(self.problem or "no child is ready")
            await child.send(child_messages.Try(what))
            try:
                async with asyncio.timeout(deadline_s):
                    while not (
                        isinstance(answer := await child.receive(), child_messages.Tried) and answer.what is what
                    ):
                        pass
            except TimeoutError as error:
                raise ChildMuteError(f"the waiting child did not answer for its {what.value} in time") from error
            if what is child_messages.Trial.MODELS and answer.ok:
                self._proven = (child, loop_s())
            return answer

    async def _start_one(self) -> Faces:
        child = await self._start_face_child()
        self._proven = (child, loop_s())  # it has just tested every model
        return child

    async def _give_up(self, child: Faces | None, reason: str) -> None:
        """End the spare, and request a new one."""
        async with self._changed:
            if child is None or child is not self.child:
                return
            self.child = None
        log.error("spare_unproven", extra={"reason": reason})
        await child.end()
        self.want()


class Memory:
    """Faces and portraits of recent referrals, to detect swaps; overwritten after the approved number of minutes.

    They are only in this memory, and sent only to the next face child. At REMEMBERED_FACES_MAX the oldest is
    overwritten.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[float, bytearray]] = deque()

    def remember(self, content: bytes, *, until_s: float) -> None:
        """Keep `content` until `until_s`."""
        self._kept.append((until_s, bytearray(content)))
        if len(self._kept) > REMEMBERED_FACES_MAX:
            _overwrite(self._kept.popleft()[1])

    def at(self, now_s: float) -> list[bytes]:
        """Return what is kept at `now_s`; overwrite what has expired."""
        self.forget(now_s)
        return [bytes(content) for _, content in self._kept]

    def forget(self, now_s: float) -> None:
        """Overwrite what has expired."""
        for until_s, content in [one for one in self._kept if one[0] <= now_s]:
            self._kept.remove((until_s, content))
            _overwrite(content)


def _overwrite(content: bytearray) -> None:
    content[:] = bytes(len(content))
