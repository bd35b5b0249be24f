"""Strips of text to probabilities of characters, by the model `mrz_lines` through `models.runtime`.

The model's contract is in its manifest entry: strips 32 x 704 in, 176 frames of 38 log-probabilities out for each.
"""

from collections.abc import Sequence
from pathlib import Path

from gate.page.values import Floats, RecogniserError
from models.errors import ModelError
from models.manifest import load
from models.runtime import Session, open_session

MODEL_NAME = "mrz_lines"


class LineRecogniser:
    """Reads strips with a proved session; fills the port `gate.page.values.Recogniser`. One thread at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, strips: Floats) -> Floats:
        """Read (n, 1, 32, 704) strips, as many as the model takes at once. Raises RecogniserError."""
        try:
            (frames,) = self._session.run(strips)
        except ModelError as error:
            raise RecogniserError(str(error)) from error
        return frames


def open_recogniser(folder: Path, *, threads: int = 1, providers: Sequence[str] = ()) -> LineRecogniser:
    """Open and prove the model. Raises RecogniserError when it is missing, not the pinned one, or drifts."""
    try:
        return LineRecogniser(open_session(load().model(MODEL_NAME), folder, threads=threads, providers=providers))
    except ModelError as error:
        raise RecogniserError(str(error)) from error
