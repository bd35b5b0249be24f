"""Measures the recogniser on unseen lines: one table for each kind of damage, from the same synthesis with other seeds.

Characters are judged at their known places, so the figures are an upper limit for a reader; a reader's own figures, on
whole pages, come from `gate_lab.evaluate.mrz`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from gate_lab.train.mrz.conditions import Conditions, draw
from gate_lab.train.mrz.glyphs import Atlas
from gate_lab.train.mrz.samples import BLANK, FRAME_PX, Sample, render
from gate_lab.train.mrz.texts import ALPHABET

Run = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]

HELD_OUT: Final = 0x7E57
"""Mixed into every seed here; training never uses it."""
BATCH: Final = 25
_USUAL: Final = Conditions(
    paper=0.85, ink=0.2, texture=0.02, guilloche=0.15, blur=0.04, noise=0.02, jpeg_quality=85, pitch_px=14.0, rough=0.3
)
SEVERITIES: Final[Mapping[str, tuple[Conditions, ...]]] = {
    "pitch_px": tuple(replace(_USUAL, pitch_px=value) for value in (5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 16.0, 24.0)),
    "blur": tuple(replace(_USUAL, blur=value) for value in (0.0, 0.08, 0.12, 0.16, 0.2, 0.24, 0.28)),
    "motion": tuple(replace(_USUAL, motion=value) for value in (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)),
    "glare": tuple(replace(_USUAL, glare=value) for value in (0.0, 0.4, 0.6, 0.8, 0.9, 0.97)),
    "worn": tuple(replace(_USUAL, worn=value) for value in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
    "weight_px": tuple(replace(_USUAL, weight_px=value) for value in (-1.2, -0.9, -0.5, 0.0, 1.0, 1.8)),
    "noise": tuple(replace(_USUAL, noise=value) for value in (0.0, 0.04, 0.08, 0.12, 0.16)),
    "ink": tuple(replace(_USUAL, ink=value) for value in (0.2, 0.5, 0.6, 0.7, 0.75)),
    "guilloche": tuple(replace(_USUAL, guilloche=value) for value in (0.0, 0.3, 0.5, 0.7)),
    "jpeg_quality": tuple(replace(_USUAL, jpeg_quality=value) for value in (90, 50, 30, 20, 12)),
    "drift": tuple(replace(_USUAL, drift=value) for value in (0.0, 0.1, 0.2, 0.3, 0.4)),
    "offset": tuple(replace(_USUAL, offset=value) for value in (0.0, 0.1, 0.15, 0.2, 0.25)),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over one set, and the mean confidence of the weakest character of a line."""

    name: str
    value: float
    lines: int
    lines_exact: int
    characters: int
    characters_right: int
    frames: int
    frames_right: int
    weakest_mean: float


def measure(run: Run, fonts: Sequence[Atlas], *, seed: int, lines: int) -> Iterator[Tally]:
    """Yield the mixed set (as hard as the end of training, ten times as many lines), then each severity."""
    rng = np.random.default_rng([seed, HELD_OUT])
    mixed = [render(rng, draw(rng, 1.0), fonts[int(rng.integers(len(fonts)))]) for _ in range(10 * lines)]
    yield tally("mixed", 1.0, mixed, run)
    for name, steps in SEVERITIES.items():
        for conditions in steps:
            made = [
                render(np.random.default_rng([seed, HELD_OUT, index]), conditions, fonts[index % 2])
                for index in range(lines)  # the same lines at each severity
            ]
            yield tally(name, float(getattr(conditions, name)), made, run)


def tally(name: str, value: float, made: Sequence[Sample], run: Run) -> Tally:
    """Count the right frames, characters and lines of one set."""
    frames = np.concatenate([run(_batch(made[start : start + BATCH])) for start in range(0, len(made), BATCH)])
    wanted = np.stack([example.frames for example in made])
    exact = right = characters = 0
    weakest: list[float] = []
    for example, found in zip(made, frames, strict=True):
        if not example.text:
            continue
        at_centres = found[np.clip(np.round(example.centres / FRAME_PX - 0.375), 0, len(found) - 1).astype(int), 1:]
        truth = np.array([ALPHABET.index(character) + 1 for character in example.text])
        hits = at_centres.argmax(axis=1) + 1 == truth
        characters += len(example.text)
        right += int(hits.sum())
        exact += bool(hits.all())
        weakest.append(float(np.exp(at_centres.max(axis=1)).min()))
    return Tally(
        name=name,
        value=value,
        lines=len(weakest),
        lines_exact=exact,
        characters=characters,
        characters_right=right,
        frames=wanted.size,
        frames_right=int((frames.argmax(axis=2) == wanted).sum()),
        weakest_mean=float(np.mean(weakest)) if weakest else 0.0,
    )


def false_characters(made: Sequence[Sample], run: Run) -> float:
    """Return the share of frames read as a character (probability over one half) in strips that hold no line."""
    frames = run(_batch(made))
    return float((frames[:, :, BLANK] < np.log(0.5)).mean())


def _batch(made: Sequence[Sample]) -> npt.NDArray[np.float32]:
    return np.stack([example.strip for example in made])[:, None].astype(np.float32) / np.float32(255)
