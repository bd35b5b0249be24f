"""The process in which strangers' pictures are decoded and read: what a hostile file can break ends with it.

Started with one end of a pipe as its standard input. A request is eight bytes of length, big-endian, and a picture file; an
answer is a line of JSON. The process cannot be dumped, leaves no core, may not grow without bound, and ends with its parent.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import cv2

from gate.page.errors import RecogniserError
from gate.page.picture.objections import objections_to
from gate.page.picture.reader import read
from gate.page.picture.recognise import open_recogniser
from gate.page.values import NoReading, Reading, Why
from gate.picture import PICTURE_BYTES_MAX, BadPictureError, decode
from gate.programs.children.confine import Needs, confine, harden

if TYPE_CHECKING:
    from gate.page.values import Recogniser

WORDS = {
    Why.NO_MRZ: "no machine-readable zone is to be seen",
    Why.UPSIDE_DOWN: "the page lies upside down",
    Why.TOO_SMALL: "the zone is too small in the picture",
    Why.GLARE: "light shines off the zone",
    Why.BLURRED: "the zone is blurred or pale",
    Why.MOVING: "the page moves",
    Why.COVERED: "a part of the zone is covered",
    Why.UNREADABLE: "the zone cannot be read",
}
HEADER = struct.Struct(">Q")


def answer(content: bytes, recogniser: Recogniser) -> dict[str, Any]:
    """Decode and read one picture; what is wrong with it becomes a reason."""
    started_s = time.perf_counter()
    try:
        seen = read(decode(content), recogniser)
    except (BadPictureError, RecogniserError) as error:
        return _answered(started_s, {"found": False, "accepted": False, "reason": str(error)})
    except MemoryError:
        return _answered(started_s, {"found": False, "accepted": False, "reason": "the picture needs too much memory"})
    return _answered(started_s, _fields(seen))


def _answered(started_s: float, fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "took_ms": round((time.perf_counter() - started_s) * 1000, 1)}


def _fields(seen: Reading | NoReading) -> dict[str, Any]:
    match seen:
        case NoReading():
            return {
                "found": False,
                "accepted": False,
                "reason": "; ".join(WORDS[why] for why in seen.reasons),
                "hints": [why.value for why in seen.reasons],
            }
        case Reading():
            objections = objections_to(seen)
            return {
                "found": True,
                "accepted": not objections,
                "format": seen.format.value,
                "lines": list(seen.lines),
                "check_digits": dict(seen.check_digits),
                "confidence": round(seen.weakest, 4),
                "repaired": seen.repaired,
                "reason": "; ".join(objections),
                "hints": [why.value for why in seen.hints],
                "alternatives": [list(lines) for lines in seen.alternatives],
            }


def serve(requests: BinaryIO, recogniser: Recogniser) -> None:
    """Answer until the other end closes."""
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        (length,) = HEADER.unpack(header)
        if length > PICTURE_BYTES_MAX:
            raise ValueError(f"a request of {length} bytes")
        content = requests.read(length)
        sys.stdout.write(json.dumps(answer(content, recogniser)) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Entry point: `python -m gate.programs.vision.page_child MODELS PARENT_PID`. The first line says whether it is ready,
    and how long a picture may be.
    """
    harden(int(sys.argv[2]))
    confine(Needs())
    cv2.setNumThreads(1)
    try:
        recogniser = open_recogniser(Path(sys.argv[1]))
    except RecogniserError as error:
        sys.stdout.write(json.dumps({"ready": False, "reason": str(error)}) + "\n")
        return
    sys.stdout.write(json.dumps({"ready": True, "bytes_max": PICTURE_BYTES_MAX}) + "\n")
    sys.stdout.flush()
    serve(sys.stdin.buffer, recogniser)


if __name__ == "__main__":
    main()
