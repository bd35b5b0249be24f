"""What the frames of one tracked face say together about whether it is a person, and when looking longer would not help.

Takes every frame with one face alone. Another subject is another face: what was gathered is wiped.
"""

import statistics
from collections import deque
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from gate.face.liveness.frame_features import glimpse
from gate.face.liveness.fusion import Cue, Judge, Reading, judge_for
from gate.face.liveness.light import Light, Rgb
from gate.face.liveness.motion import Motion
from gate.face.liveness.pattern import Flicker, Pattern
from gate.face.quality import Observation
from gate.face.values import Box, LiveEvidence, NoFaceError
from gate.picture import Picture
from models.runtime import Session

CROP_SCALE = 2.7
LOOK_MS: Final = 1200  # how long a face is looked at before the cues of a sequence are believed, where they count
GAP_MAX_MS: Final = 600  # a longer pause begins anew
PASSIVE_MIN: Final = 5  # scores of the model after which it is believed, where it alone counts
PASSIVE_MAX: Final = 9  # scores that count, the newest


def live_probability(session: Session, picture: Picture, box: Box) -> float:
    """Ask the model about the face in `box`, 0 (a picture) to 1 (a person). Raises NoFaceError for a box outside the picture.

    A weak signal (models/cards/fr_liveness.md): it may refer a traveller and may never admit one.
    """
    left, top, right, bottom = context_crop(box, width=picture.shape[1], height=picture.shape[0])
    _, _, height, width = session.model.input.shape
    crop = cv2.resize(picture[top:bottom, left:right], (width, height))
    tensor = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], dtype=np.float32)  # BGR, 0 to 255
    (logits,) = session.run(tensor)
    weights = np.exp(logits[0].astype(np.float64) - float(logits[0].max()))
    return float(weights[0] / weights.sum())


def context_crop(box: Box, *, width: int, height: int) -> tuple[int, int, int, int]:
    """The box made 2.7 times larger, less where the picture is too small, and shifted inside it: left, top, right, bottom."""
    if box.width < 1 or box.height < 1 or box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
        raise NoFaceError("the face lies outside the picture")
    scale = min(CROP_SCALE, width / box.width, height / box.height)
    crop_width, crop_height = min(width, round(box.width * scale)), min(height, round(box.height * scale))
    x, y = box.centre
    left = min(max(0, round(x - crop_width / 2)), width - crop_width)
    top = min(max(0, round(y - crop_height / 2)), height - crop_height)
    return left, top, left + crop_width, top + crop_height


class Witness:
    """Looks at one face after another. `passive` is the model of the profile, None in a profile without.

    `lag_ms`: how late the camera shows what the page has painted, if it was measured.
    """

    def __init__(self, passive: Session | None, judge: Judge | None = None, *, lag_ms: int | None = None) -> None:
        self._judge = judge if judge is not None else judge_for(with_model=passive is not None)
        self._model = passive
        self._subject = 0
        self._since_ms: int | None = None
        self._last_ms = 0
        self._lag_ms = lag_ms
        self._light = Light(lag_ms=lag_ms)
        self._begin()

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return what is known up to it."""
        if seen.subject != self._subject or seen.at_ms - self._last_ms > GAP_MAX_MS:
            self.wipe()
        self._subject, self._last_ms = seen.subject, seen.at_ms
        if self._since_ms is None:
            self._since_ms = seen.at_ms
        if seen.box is not None and self._model is not None and seen.passable:
            self._scores.append(live_probability(self._model, frame, seen.box))
        if seen.box is not None and (piece := glimpse(frame, seen.box, at_ms=seen.at_ms)) is not None:
            for cue in (self._motion, self._pattern, self._flicker, self._light):
                cue.see(piece)
            piece.wipe()
        return replace(self.judge(), ready=self._ready)

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """The display shows a colour."""
        self._light.show(colour, at_ms=at_ms)

    def show_nothing(self) -> None:
        """The display shows nothing, and what it showed does not count."""
        self._light = Light(lag_ms=self._lag_ms)

    @property
    def judged(self) -> int:
        """How many frames of this face the model's score rests on."""
        return len(self._scores)

    def judge(self) -> LiveEvidence:
        """The score and what it rests on, so far."""
        readings = (
            Reading(Cue.PASSIVE, statistics.median(self._scores) if self._scores else None),
            Reading(Cue.MOTION, self._motion.value),
            Reading(Cue.PATTERN, self._pattern.value),
            Reading(Cue.FLICKER, self._flicker.value),
            Reading(Cue.LIGHT, self._light.gain),
            Reading(Cue.SHADING, self._light.shading),
        )
        return LiveEvidence(self._judge.judge(readings), cues=tuple((one.cue.value, one.value) for one in readings))

    def wipe(self) -> None:
        """Zero what shows the person, and begin anew; what the display shows is still true."""
        self._motion.wipe()
        self._flicker.wipe()
        self._begin()

    @property
    def _ready(self) -> bool:
        """True when longer looking would change little: the model has seen frames enough, or the cues have had their time."""
        if self._judge.by_frames and len(self._scores) >= PASSIVE_MIN:
            return True
        return self._since_ms is not None and self._last_ms - self._since_ms >= LOOK_MS

    def _begin(self) -> None:
        self._motion, self._pattern, self._flicker = Motion(), Pattern(), Flicker()
        self._light = Light(self._light.shown, lag_ms=self._lag_ms)
        self._scores: deque[float] = deque(maxlen=PASSIVE_MAX)
        self._since_ms = None
