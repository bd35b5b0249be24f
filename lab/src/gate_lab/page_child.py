"""The process that decodes and reads pictures from unknown sources: a hostile file can crash only this process.

Its standard input is one end of a pipe. A request is eight bytes of length, big-endian, and a picture file; an answer
is a line of JSON. The process cannot be dumped, writes no core, has a memory limit, and ends with its parent.
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path
from typing import BinaryIO

import cv2
import msgspec

from gate.page.picture.objections import objections_to
from gate.page.picture.reader import open_recogniser, read
from gate.page.values import NoReading, Reading, Recogniser, RecogniserError, Why
from gate.picture import PICTURE_BYTES_MAX, BadPictureError, decode
from gate.programs.children.confine import Needs, confine, harden
from gate_lab.page_pictures import PageAnswer, Ready

WORDS = {
    Why.NO_MRZ: "no machine-readable zone is to be seen",
    Why.UPSIDE_DOWN: "the page lies upside down",
    Why.TOO_SMALL: "the MRZ is too small in the picture",
    Why.GLARE: "light shines off the MRZ",
    Why.BLURRED: "the MRZ is blurred or pale",
    Why.MOVING: "the page moves",
    Why.COVERED: "a part of the MRZ is covered",
    Why.UNREADABLE: "the MRZ cannot be read",
}
HEADER = struct.Struct(">Q")


def answer(content: bytes, recogniser: Recogniser) -> PageAnswer:
    """Decode and read one picture; an error in it becomes a reason."""
    started_s = time.perf_counter()
    try:
        found = _answer(read(decode(content), recogniser))
    except (BadPictureError, RecogniserError) as error:
        found = PageAnswer(reason=str(error))
    except MemoryError:
        found = PageAnswer(reason="the picture needs too much memory")
    return msgspec.structs.replace(found, took_ms=round((time.perf_counter() - started_s) * 1000, 1))


def _answer(seen: Reading | NoReading) -> PageAnswer:
    match seen:
        case NoReading():
            return PageAnswer(
                reason="; ".join(WORDS[why] for why in seen.reasons), hints=[why.value for why in seen.reasons]
            )
        case Reading():
            objections = objections_to(seen)
            return PageAnswer(
                found=True,
                accepted=not objections,
                reason="; ".join(objections),
                format=seen.format.value,
                lines=list(seen.lines),
                check_digits=dict(seen.check_digits),
                confidence=round(seen.weakest, 4),
                repaired=seen.repaired,
                hints=[why.value for why in seen.hints],
                alternatives=[list(lines) for lines in seen.alternatives],
            )


def serve(requests: BinaryIO, recogniser: Recogniser) -> None:
    """Answer requests until the other end closes."""
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        (length,) = HEADER.unpack(header)
        if length > PICTURE_BYTES_MAX:
            raise ValueError(f"a request of {length} bytes")
        content = requests.read(length)
        _say(answer(content, recogniser))


def _say(what: Ready | PageAnswer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Entry point: `python -m gate_lab.page_child MODELS PARENT_PID`. Its first line is `Ready`: whether it can read,
    and the largest picture it takes.
    """
    harden(int(sys.argv[2]))
    confine(Needs())
    cv2.setNumThreads(1)
    try:
        recogniser = open_recogniser(Path(sys.argv[1]))
    except RecogniserError as error:
        _say(Ready(ready=False, reason=str(error)))
        return
    _say(Ready(ready=True, bytes_max=PICTURE_BYTES_MAX))
    serve(sys.stdin.buffer, recogniser)


if __name__ == "__main__":
    main()
