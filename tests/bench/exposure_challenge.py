"""`python -m bench.exposure_challenge DIR`: how often the challenge of the camera's exposure believes what it should, and how soon.

DIR holds sequences as `gate-sim faces render --set liveness` writes them. Their frames stand for what the camera sees; each is shown
at random times of a camera that obeys after 40 to 260 ms, as video that is fed in and knows nothing of the challenge, in steady light
or blinking by itself, and as a recording of another crossing that was challenged too. With `--measured` the gate knows the camera's
lag, as `gate provision` measures it: wrong by `MEASURED_WRONG_MS` at most. Figures go to docs/liveness.md.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from gate.programs.vision.liveness_checks import Video, exposures
from gate_core.command_line.output import say
from gate_core.ports.values import Frame
from hardware_sim.camera.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gate.picture import Picture
    from gate_core.ports.values import CameraControls

SIZE: Final = (160, 120)  # the challenge looks at fewer pixels still
LAG_MS: Final = (40, 260)
JITTER_MS: Final = 4
MEASURED_WRONG_MS: Final = 25
ENDS_MS: Final = 3500
WAYS: Final = ("obeys", "steady", "blinking", "recording")
BLINK_MS: Final = (100, 350)  # half a period
BLINK: Final = 0.62


class Camera:
    """Obeys after a lag, or does not; keeps what was in force when."""

    def __init__(self, dice: random.Random) -> None:
        self.now_ms = 0
        self.lag_ms = dice.uniform(*LAG_MS)
        self._told: list[tuple[float, float]] = [(-1e9, 1.0)]

    def set_controls(self, wanted: CameraControls) -> None:
        self._told.append((self.now_ms + self.lag_ms, wanted.exposure))

    def exposure(self, at_ms: float) -> float:
        return next(exposure for since_ms, exposure in reversed(self._told) if since_ms <= at_ms)


async def challenged(
    frames: Sequence[Picture], dice: random.Random, *, fps: float, way: str, is_measured: bool
) -> tuple[Camera, int | None]:
    """The camera, and when the video was believed; None: never."""
    camera = Camera(dice)
    measured = round(camera.lag_ms + dice.uniform(-MEASURED_WRONG_MS, MEASURED_WRONG_MS))
    lag_ms = max(0, measured) if is_measured else None
    video = Video(camera, clock_ms=lambda: camera.now_ms, exposures=exposures(dice), lag_ms=lag_ms)
    before, shift_ms = Camera(dice), 0.0
    half_ms, phase_ms = dice.uniform(*BLINK_MS), dice.uniform(0, 1000)
    if way == "recording":
        before, _ = await challenged(frames, dice, fps=fps, way="obeys", is_measured=is_measured)
        shift_ms = dice.uniform(-150, 250)
    start, seq = dice.randrange(len(frames)), 0
    while camera.now_ms < ENDS_MS:
        if way == "blinking":
            exposure = BLINK if int((camera.now_ms + phase_ms) / half_ms) % 2 else 1.0
        else:
            exposure = camera.exposure(camera.now_ms) if way == "obeys" else before.exposure(camera.now_ms - shift_ms)
        picture = frames[_there_and_back(start + seq, len(frames))]
        pixels = Settings(exposure=exposure * dice.gauss(1, 0.005)).sensed(picture, seed=seq)
        seq += 1
        await video.see(Frame(pixels=pixels, seq=seq, at_s=camera.now_ms / 1000))
        if video.settled:
            return camera, camera.now_ms
        camera.now_ms += int(1000 / fps + dice.gauss(0, JITTER_MS))
    return camera, None


def _there_and_back(index: int, length: int) -> int:
    index %= 2 * length - 2
    return index if index < length else 2 * length - 2 - index


def _sequences(folder: Path) -> list[list[Picture]]:
    found = []
    for path in sorted(path for path in folder.glob("*/**") if next(path.glob("*.jpg"), None)):
        pictures = (cv2.imread(str(file)) for file in sorted(path.glob("*.jpg")))
        found.append(
            [cv2.resize(p, SIZE, interpolation=cv2.INTER_AREA).astype(np.uint8) for p in pictures if p is not None]
        )
    return [frames for frames in found if len(frames) > 1]


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print one line a way and a frame rate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--measured", action="store_true", help="the gate knows the camera's lag")
    options = parser.parse_args(arguments)
    sequences = _sequences(options.folder)
    if not sequences:
        say(f"{options.folder} holds no sequences")
        return 65
    for fps in (10.0, 14.0, 28.0):
        for way in WAYS:
            dice = random.Random(5)
            answers = [
                asyncio.run(challenged(dice.choice(sequences), dice, fps=fps, way=way, is_measured=options.measured))[1]
                for _ in range(options.rounds)
            ]
            believed = [at_ms for at_ms in answers if at_ms is not None]
            soon = (
                f", after {np.percentile(believed, 50):.0f} ms, 95 % by {np.percentile(believed, 95):.0f}"
                if believed
                else ""
            )
            say(f"{fps:4.0f} frames a second, {way}: {len(believed)} of {options.rounds} believed{soon}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
