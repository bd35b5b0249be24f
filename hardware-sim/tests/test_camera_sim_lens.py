"""Loops before a lens never come again; what is fed in behind it stays a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hardware_sim.camera.lens import FPS, Lens, LensScene
from hardware_sim.camera.scenes import Covered, Injected
from hardware_sim.faces.hall import Picture


@dataclass(frozen=True)
class Loop:
    """Two pictures of a wall, one after another for ever."""

    loop_length: int = 2

    def picture(self, index: int) -> Picture:
        wall: Picture = np.tile(np.arange(64, 192, 2, dtype=np.uint8), (48, 1))[..., None].repeat(3, axis=2)
        return wall + np.uint8(20 * index)


def at(at_s: float, **settings: Any) -> Picture:
    usual: dict[str, Any] = {"display": (0.0, 0.0, 0.0), "exposure": 1.0, "gain": 1.0}
    return LensScene(Loop()).picture_at(at_s, **usual | settings)


def test_no_round_is_like_another() -> None:
    rounds = [at(2 * number / FPS).astype(np.float32) for number in range(30)]
    nearest = min(float(np.abs(a - b).mean()) for n, a in enumerate(rounds) for b in rounds[:n])
    assert nearest > 0.3


def test_the_loop_goes_on_and_the_picture_stays_recognisable() -> None:
    assert float(at(1 / FPS).mean()) - float(at(0).mean()) > 15
    assert abs(float(at(3.0).mean()) - float(Loop().picture(1).mean())) < 6


def test_exposure_shows() -> None:
    assert at(0, exposure=0.5).mean() < 0.8 * at(0).mean()


class Camera:
    def __init__(self) -> None:
        self.shown: list[Any] = []

    def show(self, scene: Any) -> None:
        self.shown.append(scene)


def test_only_loops_before_the_lens_waver() -> None:
    camera = Camera()
    for scene in (Loop(), Injected(Loop()), Covered()):
        Lens(camera).show(scene)
    assert camera.shown == [LensScene(Loop()), Injected(Loop()), Covered()]


def test_who_comes_nearer_grows_until_the_next_scene() -> None:
    camera = Camera()
    lens = Lens(camera)
    usual: dict[str, Any] = {"display": (0.0, 0.0, 0.0), "exposure": 1.0, "gain": 1.0}

    def steepness() -> float:
        """Of the wall's brightness from left to right."""
        row = camera.shown[-1].picture_at(0.0, **usual)[24, :, 0].astype(np.float32)
        return float(np.polyfit(np.arange(len(row)), row, 1)[0])

    lens.show(Loop())
    stands = steepness()
    lens.follow(lambda: 2.0)
    assert 0.4 < steepness() / stands < 0.6
    lens.show(Loop())
    assert steepness() == stands


def test_a_covered_lens_shows_nothing_but_noise() -> None:
    dark = Covered().picture_at(0.1, display=(1.0, 1.0, 1.0), exposure=2.0, gain=1.0)
    assert dark.mean() < 10
    assert dark.std() > 0
