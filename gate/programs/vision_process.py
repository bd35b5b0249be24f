"""The face children of vision: what they are started with, and the spare of them that can try the camera."""

from __future__ import annotations

import asyncio
import logging

from gate.channel import messages
from gate.programs.children.spare import Spare
from gate.programs.children.start import ChildLostError, Process

PROBE_DEADLINE_S = 5.0
FACES = "gate.programs.vision_child"

log = logging.getLogger("vision")

Faces = Process[messages.FromChild]


class FaceSpare(Spare[messages.FromChild]):
    """Keeps one prepared face child at hand."""

    def __init__(self, prepare: messages.Prepare) -> None:
        super().__init__(lambda: Process.start(FACES, prepare, incoming=messages.FromChild), log=log)

    async def probe_camera(self) -> str | None:
        """Let the spare see whether the camera gives a frame: None when it does, or why not. Raises ChildLostError."""
        async with self._changed:  # nobody takes it meanwhile
            child = self._child
            if child is None:
                raise ChildLostError(self.problem or "no child is ready")
            await child.send(messages.ProbeCamera())
            try:
                async with asyncio.timeout(PROBE_DEADLINE_S):
                    while not isinstance(message := await child.receive(), messages.CameraProbed):
                        pass
            except TimeoutError as error:
                raise ChildLostError("the camera was not probed in time") from error
            return None if message.ok else message.reason
