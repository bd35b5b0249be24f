"""The inspection of one document: the sequence of TR-03135-1 §5.6.2 as a conversation.

`inspect` yields what is to be done (send these bytes to the chip; here is the portrait) and is sent what came back, so that
the same code runs against a reader, an in-process chip, a recorded trace and a fuzzer. `inspect_files` judges the files of a
chip that someone else has read. Both end with an Inspection, whatever the chip answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.document.examination import DocumentFields, Examination, Inspection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from datetime import datetime

    from gate.document.mrz import Mrz
    from gate.document.pki.anchors import TrustAnchors

__all__ = ["DocumentFields", "Inspection", "Portrait", "Step", "Transmit", "inspect", "inspect_files"]


@dataclass(frozen=True, slots=True, repr=False)
class Transmit:
    """Send this command to the chip. Answered by the response with its status word, at least two bytes."""

    apdu: bytes

    def __repr__(self) -> str:
        """Never shows the command: it may carry what the session keys protect."""
        return f"Transmit({len(self.apdu)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class Portrait:
    """The picture of EF.DG2 as the chip holds it, its hash agreeing with EF.SOD. `encoding` is `jpeg` or `jpeg2000`.

    Answered by None. The bytes are a stranger's: they are decoded in the crossing's child process only.
    """

    encoding: str
    image: bytes

    def __repr__(self) -> str:
        """Never shows the picture."""
        return f"Portrait({self.encoding}, {len(self.image)} bytes)"


Step = Transmit | Portrait


def inspect(
    mrz: Mrz,
    *,
    anchors: TrustAnchors,
    now: datetime,
    random: Callable[[int], bytes],
) -> Generator[Step, bytes | None, Inspection]:
    """Open, read and judge the chip of the document with this printed zone.

    Start it with `next` or `send(None)`, answer each step with `send`; the Inspection is the value of StopIteration. Throw
    ChipLostError in when the chip or its reader goes away: what had not terminated by then is aborted. `now` is aware.
    `random` gives that many unpredictable bytes.
    """
    raise NotImplementedError
    yield


def inspect_files(
    files: Mapping[str, bytes],
    *,
    anchors: TrustAnchors,
    now: datetime,
    mrz: Mrz | None = None,
) -> Inspection:
    """Judge the files of one chip, named `EF.COM`, `EF.SOD`, `EF.DG1` to `EF.DG16`, that someone else has read."""
    raise NotImplementedError
