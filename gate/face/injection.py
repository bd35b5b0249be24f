"""Checks that the video comes from the camera before the lane, now: not covered, not a replayed loop, not injected from elsewhere.

Uses whole frames, also without a face. A camera's noise never repeats: pictures that recur in the same order are a recording.
Exposure changes at random moments, and the frames must follow closely. Findings refer the traveller and are incidents. No finding
proves nothing: live video with forged exposure is not detected.
"""

from collections import deque
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate.face.liveness.challenge_response import Answer, Command, Hearing, Lag, answer, lag
from gate.face.values import Floats
from gate.picture import Picture
from gate_core.evidence.crossing import CameraTrouble

PRINT_SIZE: Final = (32, 24)
LOOP_FRAMES_MAX: Final = 240  # of the past that are compared: 18 seconds at 13 a second
LOOP_RUN_MIN: Final = 6  # frames that come again in their order, of the last LOOP_LOOK_FRAMES
LOOP_LOOK_FRAMES: Final = 10
_APART_MIN: Final = 3  # a frame is like the ones just before it
# How near a frame must come to one long ago, in parts of what changes from frame to frame.
LOOP_SHARE_MAX: Final = 0.1
MOVING_MIN: Final = 0.15  # grey levels from frame to frame; below it a still scene resembles itself
COVERED_SPREAD_MAX: Final = 7.0  # grey levels over the whole picture: nothing is seen
COVERED_MS: Final = 700
CHALLENGE_CORRELATION_MIN: Final = 0.97
CHALLENGE_GAIN_MIN: Final = 0.5
CAMERA_LAG_MAX_MS: Final = 320  # where it was not measured: four or five frames of 15 a second
MEASURED_LAG_MAX_MS: Final = 600
# Five exposures of three levels: what blinks by itself follows fewer by chance one time in two.
_HEARING: Final = Hearing(
    lag_max_ms=CAMERA_LAG_MAX_MS, lag_step_ms=20, settle_ms=30, frames_min=6, commands_min=5, levels_min=3
)


class Feed:
    """Checks the video of one crossing. Each finding is given once. `lag_ms`: the camera's measured delay after a command, if known."""

    def __init__(self, *, lag_ms: int | None = None) -> None:
        self._hearing = _HEARING.about(lag_ms)
        self._prints: deque[Floats] = deque(maxlen=LOOP_FRAMES_MAX)
        self._seen = 0
        self._matched = -1  # the frame of the past that came again last, counted from the first
        self._again: deque[bool] = deque(maxlen=LOOP_LOOK_FRAMES)
        self._covered_since_ms: int | None = None
        self._commands: list[Command] = []
        self._times_ms: list[int] = []
        self._levels: list[npt.NDArray[np.float64]] = []
        self._given: set[CameraTrouble] = set()

    def command(self, exposure: float, *, at_ms: int, taken_ms: int | None = None) -> None:
        """Note a new exposure, a multiple of the calibrated one, with the times of command and answer, in order."""
        self._commands.append(Command(at_ms, (float(np.log(exposure)),), taken_ms))

    def see(self, frame: Picture, *, at_ms: int) -> tuple[CameraTrouble, ...]:
        """Take the next frame and return new findings."""
        # Few pixels, so that noise and compression do not distinguish two frames.
        seen = cv2.cvtColor(cv2.resize(frame, PRINT_SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY).astype(
            np.float32
        )
        if self._commands and len(self._times_ms) < LOOP_FRAMES_MAX:
            self._times_ms.append(at_ms)
            self._levels.append(np.array([_log_light(seen)]))
        is_covered, is_looped = self._is_covered(seen, at_ms), self._comes_again(seen)
        self._prints.append(seen)
        self._seen += 1
        found = ((CameraTrouble.COVERED, is_covered), (CameraTrouble.LOOPED, is_looped))
        return self._new([trouble for trouble, is_so in found if is_so])

    @property
    def exposure_answer(self) -> Answer | None:
        """Return how the frames followed the exposures; None while there is too little data."""
        return answer(self._commands, self._times_ms, self._levels, self._hearing)

    @property
    def lag(self) -> Lag | None:
        """Return the frames' delay after the exposures, for the camera's set-up; None while there is too little data."""
        wide = replace(_HEARING, lag_max_ms=MEASURED_LAG_MAX_MS, lag_step_ms=10)
        return lag(self._commands, self._times_ms, self._levels, wide)

    @property
    def follows(self) -> bool:
        """True if the frames followed the exposures so far; other video does so only by chance, a few times in 100."""
        found = self.exposure_answer
        return found is not None and self._is_close(found)

    def conclude(self) -> tuple[CameraTrouble, ...]:
        """Judge the challenge once it is over. With too few commands, or none, there is no finding."""
        found = self.exposure_answer
        return () if found is None or self._is_close(found) else self._new([CameraTrouble.DEAF])

    def wipe(self) -> None:
        """Zero data that shows the person."""
        for seen in self._prints:
            seen.fill(0)
        self._prints.clear()

    @staticmethod
    def _is_close(found: Answer) -> bool:
        return found.correlation >= CHALLENGE_CORRELATION_MIN and found.gain >= CHALLENGE_GAIN_MIN

    def _new(self, found: list[CameraTrouble]) -> tuple[CameraTrouble, ...]:
        new = tuple(trouble for trouble in found if trouble not in self._given)
        self._given.update(new)
        return new

    def _is_covered(self, seen: Floats, at_ms: int) -> bool:
        if float(seen.std()) > COVERED_SPREAD_MAX:
            self._covered_since_ms = None
            return False
        if self._covered_since_ms is None:
            self._covered_since_ms = at_ms
        return at_ms - self._covered_since_ms >= COVERED_MS

    def _comes_again(self, seen: Floats) -> bool:
        """Compare with every past frame. Frames may be missing, so most of the last ones, not all, must recur."""
        if len(self._prints) < _APART_MIN:
            return False
        apart = np.abs(np.stack(self._prints) - seen).mean(axis=(1, 2))
        if apart[-1] < MOVING_MIN:
            self._again.clear()
            return False
        index = self._seen - len(self._prints) + int(np.argmin(apart[:-_APART_MIN])) if len(apart) > _APART_MIN else -1
        near = index >= 0 and float(np.min(apart[:-_APART_MIN])) < LOOP_SHARE_MAX * float(apart[-1])
        self._again.append(near and index > self._matched)
        self._matched = index if near else self._matched
        return sum(self._again) >= LOOP_RUN_MIN


def _log_light(seen: Floats) -> float:
    """Return the logarithm of the incoming light, from the middle half of the pixels: without lamps and black coats."""
    levels = np.sort(seen, axis=None)
    middle = levels[levels.size // 4 : -levels.size // 4]
    return 2.2 * float(np.log(middle.mean() + 1.0))
