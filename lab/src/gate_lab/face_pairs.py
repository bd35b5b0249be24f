"""The page that `gate face evaluate --pairs` writes: the different people who are most alike, side by side, for somebody to look at.

A wrong label, a twin and a true confusion have the same score, and only eyes tell them apart. The page holds pictures of people and says so;
whoever writes it lets nobody else read the file.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader

from gate.picture import BadPictureError, decode, preview, read
from gate_lab.face_evaluation import Evaluation

_PAGES: Final = Path(__file__).with_name("pages")
_WIDTH_MAX: Final = 240
_BYTES_MAX: Final = 100_000


def render(evaluation: Evaluation) -> str:
    """The whole page. A picture that cannot be read any more is left out."""
    environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("face_pairs.html").render(
        evaluation=evaluation,
        pairs=[(pair, [(path, _inline(path)) for path in (pair.one, pair.other)]) for pair in evaluation.top],
    )


def _inline(path: Path) -> str | None:
    """The picture, made small, as an address that holds it."""
    try:
        jpeg = preview(decode(read(path)), width_max=_WIDTH_MAX, bytes_max=_BYTES_MAX)
    except (BadPictureError, OSError):
        return None
    return None if jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
