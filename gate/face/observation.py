"""What one frame shows of the traveller: the value that chain, track, capture and liveness hand one another."""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.face.guidance import Hint
from gate.face.quality import Quality
from gate.face.values import Box, Landmarks, Template


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame shows of the traveller. `faces` counts those that could be travellers.

    `quality` is None when the face lies outside the frame or its points fall together, `template` when the frame was not worth an
    embedding. `subject` is the person's number while the face is followed. `at_ms` is the frame's monotonic time.
    """

    at_ms: int
    faces: int
    box: Box | None = None
    points: Landmarks | None = field(default=None, repr=False)
    quality: Quality | None = None
    template: Template | None = None
    subject: int = 0

    @property
    def usable(self) -> bool:
        """True when the frame may be compared: one face, alone, that leaves nothing to wish for."""
        return self.faces == 1 and self.quality is not None and self.quality.usable

    @property
    def passable(self) -> bool:
        """True when a template of the frame would tell who it is: one face, alone, whole, frontal and sharp."""
        return self.faces == 1 and self.quality is not None and self.quality.passable

    @property
    def hints(self) -> tuple[Hint, ...]:
        """What the traveller could do better in this frame, most useful first."""
        return self.quality.hints if self.quality is not None else ()
