"""Background and light of a line: security print, foil, shadows and glare, at the capture's resolution."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from gate_lab.train.mrz.conditions import Conditions

Picture = npt.NDArray[np.float32]


def paper(rng: np.random.Generator, shape: tuple[int, int], conditions: Conditions) -> Picture:
    """Return the reflectance of unprinted paper: fibres, guilloche and bands of foil or optically variable ink."""
    x, y = _axes(shape)
    reflectance = np.full(shape, conditions.paper, np.float32)
    if conditions.texture:
        for cell_px in (2, 7):
            reflectance += np.float32(conditions.texture) * _cloud(rng, shape, cell_px)
    if conditions.guilloche:
        for _ in range(int(rng.integers(1, 4))):
            reflectance *= 1 - _guilloche(rng, x, y) * np.float32(conditions.guilloche * rng.uniform(0.3, 1.0))
    if conditions.hologram:
        for _ in range(int(rng.integers(1, 4))):
            band = _band(rng, x, y)
            toward = np.float32(rng.choice([0.15, 1.0]))
            reflectance += (toward - reflectance) * band * np.float32(conditions.hologram * rng.uniform(0.4, 1.0))
    return reflectance


def illuminate(rng: np.random.Generator, seen: Picture, conditions: Conditions) -> Picture:
    """Apply uneven light and shadows to print and paper alike, and glare on the laminate, which hides both."""
    x, y = _axes((seen.shape[0], seen.shape[1]))
    if conditions.gradient:
        angle = rng.uniform(0, 2 * np.pi)
        ramp = (x / seen.shape[1] - 0.5) * np.float32(np.cos(angle)) + (y / seen.shape[0] - 0.5) * np.float32(
            np.sin(angle)
        )
        seen = seen * (1 - np.float32(conditions.gradient) * (0.5 + ramp))
    if conditions.shadow:
        seen = seen * (1 - np.float32(conditions.shadow) * _band(rng, x, y))
    if conditions.glare:
        for _ in range(int(rng.integers(1, 4))):
            patch = _band(rng, x, y) if rng.random() < 0.4 else _spot(rng, x, y)
            strength = np.float32(conditions.glare * rng.uniform(0.5, 1.0))
            seen = seen + (np.float32(rng.uniform(0.95, 1.3)) - seen) * patch * strength
    return seen


def lay_beside(rng: np.random.Generator, seen: Picture, conditions: Conditions) -> Picture:
    """Add other objects at the strip's ends and edges: the page's edge, a finger, a frame, a rule."""
    height, width = seen.shape
    for side in (0, 1):
        if rng.random() > 0.4 * conditions.junk:
            continue
        reach = max(1, int(conditions.margins[side] * conditions.pitch_px * rng.uniform(0.2, 0.7)))
        tone = np.float32(rng.uniform(0.0, 1.0)) * (1 + 0.2 * _cloud(rng, (height, reach), 4))
        seen[:, :reach] = tone if side == 0 else seen[:, :reach]
        if side == 1:
            seen[:, width - reach :] = tone
    if rng.random() < 0.15 * conditions.junk:
        row = int(rng.choice([0, height - 1])) if rng.random() < 0.5 else int(rng.integers(height))
        if abs(row - height / 2) > height * 0.38:
            seen[row] *= np.float32(rng.uniform(0.2, 0.8))
    return seen


def _axes(shape: tuple[int, int]) -> tuple[Picture, Picture]:
    return np.arange(shape[1], dtype=np.float32)[None, :], np.arange(shape[0], dtype=np.float32)[:, None]


def _cloud(rng: np.random.Generator, shape: tuple[int, int], cell_px: int) -> Picture:
    coarse = rng.standard_normal((shape[0] // cell_px + 2, shape[1] // cell_px + 2), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _guilloche(rng: np.random.Generator, x: Picture, y: Picture) -> Picture:
    """Return a family of wavy lines, 1 on the lines and 0 between them."""
    wavelength, angle = rng.uniform(2.5, 16), rng.uniform(0, np.pi)
    sway = np.float32(rng.uniform(0, 3)) * np.sin(
        x * np.float32(2 * np.pi / rng.uniform(20, 200)) + np.float32(rng.uniform(0, 6))
    )
    along = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    wave = 0.5 + 0.5 * np.cos(along * np.float32(2 * np.pi / wavelength) + sway)
    return np.asarray(wave ** int(rng.integers(1, 5)), np.float32)


def _band(rng: np.random.Generator, x: Picture, y: Picture) -> Picture:
    """Return a slanted band, with soft or hard edges, 1 inside."""
    width = x.shape[1]
    middle, half = rng.uniform(0, width), width * rng.uniform(0.01, 0.12)
    across = np.abs(x + y * np.float32(rng.normal(0.0, 1.5)) - np.float32(middle))
    edge = max(0.7, half * float(rng.uniform(0.05, 1.0)))
    return np.asarray(np.clip((np.float32(half + edge) - across) / np.float32(edge), 0.0, 1.0), np.float32)


def _spot(rng: np.random.Generator, x: Picture, y: Picture) -> Picture:
    height, width = y.shape[0], x.shape[1]
    dx = (x - np.float32(rng.uniform(0, width))) / np.float32(width * rng.uniform(0.01, 0.12))
    dy = (y - np.float32(rng.uniform(0, height))) / np.float32(height * rng.uniform(0.2, 1.5))
    return np.asarray(np.exp(-(dx * dx) - dy * dy), np.float32)
