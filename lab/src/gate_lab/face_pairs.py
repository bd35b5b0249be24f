"""The page of `gate face evaluate --pairs`: the most similar pairs of different people, side by side, for a person to inspect.

A wrong label, a twin and a false match have the same score; only a person can tell which it is. The page holds pictures of people
and states so; the command writes it readable for its user only.
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
    """Return the whole page. A picture that can no longer be read is left out."""
    environment = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("face_pairs.html").render(
        evaluation=evaluation,
        pairs=[(pair, [(path, _inline(path)) for path in (pair.one, pair.other)]) for pair in evaluation.top],
    )


def _inline(path: Path) -> str | None:
    """Return the picture, reduced, as a data URL."""
    try:
        jpeg = preview(decode(read(path)), width_max=_WIDTH_MAX, bytes_max=_BYTES_MAX)
    except (BadPictureError, OSError):
        return None
    return None if jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
