"""The face children of vision: what they are started with, and the spare of them, which can try the camera and prove itself."""

from __future__ import annotations

import asyncio
import logging

from gate.channel import messages
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
