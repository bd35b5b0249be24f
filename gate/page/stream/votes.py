"""When a text may be used: the acceptance rule, over pictures.

Pure. A text is accepted when two pictures that differ gave it (`gate.page.picture.views`) and nothing speaks against either
(`gate.page.picture.objections`), with none against them. The other way to accept, equality with the chip's DG1, belongs to the
inspection of the chip.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.page.picture.objections import counts
from gate.page.picture.views import apart
from gate.page.values import Reading

FRAMES_MIN = 2
TEXTS_MAX = 8  # different texts that are counted for one document; more means that nothing can be made of it


@dataclass(slots=True)
class _Text:
    """One text that was read: the first picture that gave it, how many did, and whether two of them differ."""

    first: Reading
    count: int = 0
    apart: bool = False


class Votes:
    """The readings of one document so far."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, ...], _Text] = {}
        self.agreed = False  # the last reading's text has the votes, whether or not the pictures differ

    def cast(self, reading: Reading) -> bool:
        """Take one frame's reading; True when its text is now accepted.

        A text needs `FRAMES_MIN` votes more than any other one has, so a frame that disagrees has to be outvoted, and two pictures
        that differ.
        """
        self.agreed = False
        if not counts(reading):
            return False
        if reading.lines not in self._texts and len(self._texts) == TEXTS_MAX:
            return False
        text = self._texts.setdefault(reading.lines, _Text(reading))
        text.count += 1
        text.apart = text.apart or apart(text.first, reading)
        others = max((other.count for other in self._texts.values() if other is not text), default=0)
        self.agreed = text.count - others >= FRAMES_MIN
        return self.agreed and text.apart
