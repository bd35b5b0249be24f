"""Strips of text to probabilities of characters, by the model `mrz_lines` through `models.runtime`.

The model's contract is in its manifest entry: one strip 32 x 704 in, 176 frames of 38 log-probabilities out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gate.page.errors import RecogniserError
from gate.page.values import CLASSES, FRAMES, STRIP_HEIGHT_PX, STRIP_WIDTH_PX
from models.errors import ModelError
from models.manifest import load
from models.runtime import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gate.page.values import Floats
    from models.runtime import Session

MODEL_NAME = "mrz_lines"
STRIPS_MAX = 24  # more lines than the candidates of one picture can have


class LineRecogniser:
    """Reads strips with a proved session; fills the port `gate.page.values.Recogniser`. One thread at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, strips: Floats) -> Floats:
        """Read (n, 1, 32, 704) strips, n at most `STRIPS_MAX`. Raises RecogniserError."""
        if strips.ndim != 4 or strips.shape[1:] != (1, STRIP_HEIGHT_PX, STRIP_WIDTH_PX) or len(strips) > STRIPS_MAX:
            raise RecogniserError(f"strips of shape {list(strips.shape)}")
        frames = np.empty((len(strips), FRAMES, CLASSES), np.float32)
        for number, strip in enumerate(strips):
            try:
                (frames[number : number + 1],) = self._session.run(strip[None].astype(np.float32, copy=False))
            except ModelError as error:
                raise RecogniserError(str(error)) from error
        return frames


def open_recogniser(folder: Path, *, threads: int = 1, providers: Sequence[str] = ()) -> LineRecogniser:
    """Open and prove the model. Raises RecogniserError when it is missing, not the pinned one, or drifts."""
    try:
        return LineRecogniser(open_session(load().model(MODEL_NAME), folder, threads=threads, providers=providers))
    except ModelError as error:
        raise RecogniserError(str(error)) from error
