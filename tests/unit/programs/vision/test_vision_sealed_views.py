"""What officers see of a face: both pictures, the moments of an alarm, and never more than a part may hold."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import cv2
import numpy as np

from gate.channel.order_messages import SEALED_BYTES_MAX
from gate.face.likeness import HEIGHT, WIDTH, Likeness
from gate.picture import Picture, decode
from gate.programs.vision.portraits import shown
from gate_core.orders.envelope import OVERHEAD_BYTES


def noise(seed: int) -> Picture:
    """A picture that no encoder makes small, somewhat smoothed."""
    drawn = np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    return cv2.GaussianBlur(drawn, (5, 5), 0).astype(np.uint8)


def plain(value: int) -> Picture:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


def likeness(live: Picture | None, *moments: Picture) -> Likeness:
    made = Likeness()
    made.live, made.moments = live, list(moments)
    return made


def told(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content)
    return found


def test_both_pictures_are_shown_and_the_moments_only_of_an_alarm() -> None:
    kept = likeness(plain(50), plain(90), plain(130))
    found = told(shown(kept, plain(200), alarm=True))
    values = [int(np.median(decode(b64decode(one)))) for one in (found["live"], found["chip"], *found["alarms"])]
    assert np.allclose(values, [50, 200, 90, 130], atol=2)
    assert decode(b64decode(found["live"])).shape == (600, 480, 3)
    assert told(shown(kept, plain(200), alarm=False))["alarms"] == []


def test_what_is_not_there_is_null() -> None:
    assert told(shown(likeness(None), None, alarm=True)) == {"live": None, "chip": None, "alarms": []}


def test_the_busiest_pictures_there_are_fit_a_part() -> None:
    content = shown(likeness(noise(1), noise(2), noise(3), noise(4)), noise(5), alarm=True)
    assert len(content) + OVERHEAD_BYTES <= SEALED_BYTES_MAX
    assert told(content)["live"] is not None
