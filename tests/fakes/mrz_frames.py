"""What a recogniser says of a line, made from the text: right in the main, with the faults that real ones have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gate.page.picture.reader import open_recogniser
from gate.page.values import ALPHABET, CLASSES, FRAMES

Frames = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Faults:
    """Margins and jitter in pitches; `squeeze` is perspective; shares of characters that are lost or taken for another."""

    left: float = 1.0
    right: float = 1.0
    squeeze: float = 0.0
    jitter: float = 0.0
    lost: float = 0.0
    mistaken: float = 0.0
    ghosts: int = 0
    noise: float = 0.01


RIGHT = Faults()


def frames_of(text: str, faults: Faults = Faults(), random: np.random.Generator | None = None) -> Frames:
    """(176, 38) log-probabilities for a line."""
    random = random or np.random.default_rng(0)
    count = len(text)
    across = count + faults.left + faults.right
    part = (np.arange(count) + 0.5 + faults.left) / across
    part = part + faults.squeeze * part * (1 - part)
    places = part * FRAMES - 0.5 + random.normal(0, faults.jitter, count) * FRAMES / across
    pitch = np.gradient(places)
    said = np.full((FRAMES, CLASSES), faults.noise / (CLASSES - 1))
    said[:, 0] = 1 - faults.noise
    for place, step, character in zip(places, pitch, text, strict=True):
        if random.random() < faults.lost:
            continue
        seen = str(random.choice(list(ALPHABET))) if random.random() < faults.mistaken else character
        near = np.abs(np.arange(FRAMES) - place) <= 0.3 * step
        said[near] = faults.noise / (CLASSES - 1)
        said[near, 1 + ALPHABET.index(seen)] = 1 - faults.noise
    for at in random.integers(0, FRAMES, faults.ghosts):
        said[at, 0], said[at, 1 + int(random.integers(len(ALPHABET)))] = 0.3, 0.7
    said /= said.sum(axis=1, keepdims=True)
    return np.log(said).astype(np.float32)


def blank_frames() -> Frames:
    """No character anywhere."""
    said = np.full((FRAMES, CLASSES), 1e-6)
    said[:, 0] = 1 - 1e-6 * (CLASSES - 1)
    return np.log(said).astype(np.float32)


class Scripted:
    """A recogniser that says the given lines in turn, whatever the strips show; without lines it sees nothing."""

    def __init__(self, lines: tuple[str, ...], faults: Faults = Faults()) -> None:
        self.lines = lines
        self.calls = 0
        self.faults = faults
        self._next = 0

    def __call__(self, strips: Frames) -> Frames:
        self.calls += 1
        said = []
        for _ in strips:
            if not self.lines:
                said.append(blank_frames())
                continue
            said.append(frames_of(self.lines[self._next % len(self.lines)], self.faults))
            self._next += 1
        return np.stack(said)


class Seeing(Scripted):
    """Sees what the picture shows, by the real model, while it has lines and no faults; else as scripted.

    What is read must have the shapes that are printed, so a text that stands elsewhere in the picture is never agreed on.
    """

    def __init__(self, lines: tuple[str, ...], faults: Faults = RIGHT) -> None:
        super().__init__(lines, faults)
        self._real = open_recogniser(Path("the weights are in the tree"))

    def __call__(self, strips: Frames) -> Frames:
        if not self.lines or self.faults is not RIGHT:
            return super().__call__(strips)
        self.calls += 1
        return self._real(strips)
