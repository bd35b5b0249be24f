"""The peers' side of `bench.pages`; runs in the peers' own interpreter and imports nothing of ours.

Argument: rapidocr or passporteye. The first line says whether it is there. For each path on standard input it reads the picture
once and answers a JSON line: the processor's time, its children's included, and the pieces of text with their places.
"""

import json
import resource
import sys
import warnings
from collections.abc import Callable
from typing import Any

Reader = Callable[[str], list[dict[str, Any]]]

warnings.simplefilter("ignore")


def cpu_s() -> float:
    """Seconds of processor time so far, this process and the children that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def rapidocr() -> Reader:
    """Detection and recognition with the models of the wheel."""
    import logging

    from rapidocr import RapidOCR

    logging.disable(logging.CRITICAL)
    engine = RapidOCR()

    def read(path: str) -> list[dict[str, Any]]:
        found = engine(path)
        if not found.txts:
            return []
        return [{"text": text, "box": box.tolist()} for text, box in zip(found.txts, found.boxes, strict=True)]

    return read


def passporteye() -> Reader:
    """Its own search for the MRZ, and the system's tesseract with its English data."""
    from passporteye import read_mrz

    def read(path: str) -> list[dict[str, Any]]:
        found = read_mrz(path)
        lines = [] if found is None else found.aux["text"].split("\n")
        return [
            {"text": line, "box": [[0, row], [100, row], [100, row + 0.6], [0, row + 0.6]]}
            for row, line in enumerate(lines)
            if line.strip()
        ]

    return read


def say(answer: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve."""
    try:
        read = {"rapidocr": rapidocr, "passporteye": passporteye}[sys.argv[1]]()
    except ImportError as error:
        say({"absent": str(error)})
        return
    say({"absent": ""})
    for line in sys.stdin:
        started_s = cpu_s()
        pieces = read(line.rstrip("\n"))
        say({"cpu_ms": (cpu_s() - started_s) * 1000, "pieces": pieces})


if __name__ == "__main__":
    main()
