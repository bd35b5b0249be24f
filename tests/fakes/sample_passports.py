"""One simulated country and a few pictures, made once a test run: issuing is quick, making a country's RSA keys is not."""

from __future__ import annotations

import functools
from datetime import date

import cv2
import numpy as np

from hardware_sim.passport.issuer import Issuer, Person

TODAY = date(2026, 11, 25)
ANNA = Person("Eriksson", "Anna Maria", "L898902C3", "UTO", "F", date(1994, 8, 12), date(2031, 4, 15))


def numbered(count: int) -> Person:
    """The same traveller with another document: numbers choose the issuer's line and the chip's key."""
    return Person("Eriksson", "Anna Maria", f"X{count:07}", "UTO", "F", date(1994, 8, 12), date(2031, 4, 15))


@functools.cache
def portrait(shade: int = 90, *, width: int = 96, height: int = 128) -> bytes:
    """A JPEG of noise around one shade of grey, some kilobytes."""
    noise = np.random.default_rng(shade).integers(-40, 40, (height, width, 3))
    encoded, jpeg = cv2.imencode(".jpg", np.clip(noise + shade, 0, 255).astype(np.uint8))
    assert encoded
    return jpeg.tobytes()


@functools.cache
def utopia() -> Issuer:
    return Issuer(7, today=TODAY)
