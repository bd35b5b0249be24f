"""What vision remembers of the latest referrals of its lane, against swaps: minutes, in memory, and no more of them than FACES_MAX.

It is asked for by the lane, as the site's approved configuration says; it is neither written nor sent anywhere but to the next crossing's face child, which holds face and document against it. Whatever leaves here
is overwritten. The end of the program is the end of it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from gate.channel.messages import REMEMBERED_FACES_MAX

FACES_MAX: Final = REMEMBERED_FACES_MAX  # the oldest goes first


class Memory:
    """Contents with the second at which each is forgotten."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, bytearray]] = deque()

    def remember(self, content: bytes, *, until_s: float) -> None:
        """Keep this until then."""
        self._kept.append((until_s, bytearray(content)))
        if len(self._kept) > FACES_MAX:
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
