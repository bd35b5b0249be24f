"""What the simulated camera sends next: scenes under settings."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from hardware_sim.camera import Injected, Settings
from hardware_sim.camera.player import Player, encoded, fitted
from hardware_sim.camera.settings import Rgb
from hardware_sim.faces.hall import Picture

SIZE = (64, 48)


@dataclass(frozen=True)
class Ramp:
    """A loop of pictures, each a little brighter, the left half darker than the right, the top darker than the bottom."""

    loop_length: int = 5

    def picture(self, index: int) -> Picture:
        return self.picture_under(index, (0.0, 0.0, 0.0))

    def picture_under(self, index: int, display: Rgb) -> Picture:
        picture = np.full((48, 64, 3), 40 + 10 * index, np.uint8)
        picture[:, 32:] += 40
        picture[24:] += 60
        picture[..., 2] += np.uint8(50 * display[0])
        return picture


@dataclass(frozen=True)
class Clock:
    """A live scene that shows what it was asked."""

    def picture_at(self, at_s: float, *, display: Rgb, exposure: float, gain: float) -> Picture:
        return np.full((48, 64, 3), round(100 * at_s + 50 * display[1] + 10 * exposure + gain), np.uint8)


@pytest.fixture
def player() -> Player:
    player = Player(size=SIZE, period_s=0.1)
    player.show(Ramp())
    return player


def seen(player: Player) -> Picture:
    jpeg = player.take(watched=True)
    assert jpeg is not None
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8)


def test_a_loop_goes_round_and_goes_on_while_nobody_watches(player: Player) -> None:
    assert player.take(watched=True) == encoded(Ramp(), 0, SIZE)
    assert player.take(watched=False) is None
    sent = [player.take(watched=True) for _ in range(4)]
    assert sent == [encoded(Ramp(), index, SIZE) for index in (2, 3, 4, 0)]


def test_settings_show_in_the_next_picture_and_go_again(player: Player) -> None:
    player.adjust(lambda _: Settings(exposure=2.0))
    assert seen(player)[0, 0, 0] == pytest.approx(40 * 2 ** (1 / 2.2), abs=2)
    player.adjust(lambda _: Settings(display=(1.0, 0.0, 0.0)))
    assert int(seen(player)[0, 0, 2]) - 50 == pytest.approx(50, abs=5)
    player.adjust(lambda _: Settings())
    assert player.take(watched=True) == encoded(Ramp(), 2, SIZE)


def test_a_live_scene_is_asked_for_the_time_since_it_began_under_the_settings(player: Player) -> None:
    player.adjust(lambda _: Settings(exposure=4.0, gain=3.0, display=(0.0, 1.0, 0.0)))
    player.show(Clock())
    assert [int(seen(player)[0, 0, 0]) for _ in range(3)] == pytest.approx([93, 103, 113], abs=1)


def test_injected_video_knows_nothing_of_settings(player: Player) -> None:
    player.adjust(lambda _: Settings(exposure=4.0, display=(1.0, 0.0, 0.0)))
    player.show(Injected(Ramp()))
    assert [player.take(watched=True) for _ in range(6)] == [encoded(Ramp(), index % 5, SIZE) for index in range(6)]


def test_a_stalled_camera_gives_nothing_and_garbage_is_no_picture(player: Player) -> None:
    player.stall()
    assert player.take(watched=True) is None
    player.garbage()
    noise = player.take(watched=True)
    assert noise is not None
    assert not noise.startswith(b"\xff\xd8")
    player.show(Ramp())
    assert player.take(watched=True) == encoded(Ramp(), 0, SIZE)


def test_an_upright_picture_gets_black_margins() -> None:
    upright: Picture = np.full((96, 48, 3), 200, np.uint8)
    out = fitted(upright, SIZE)
    assert out.shape == (48, 64, 3)
    assert (out[:, 20:44] == 200).all()
    assert not out[:, :20].any()
    assert not out[:, 44:].any()
