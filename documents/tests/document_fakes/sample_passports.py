"""One simulated country and a few pictures, made once a test run: issuing is quick, making a country's RSA keys is not."""

from __future__ import annotations

import functools
import random
from datetime import date

from hardware_sim.passport.issuer import Issuer, Person

TODAY = date(2026, 11, 25)
ANNA = Person("Eriksson", "Anna Maria", "L898902C3", "UTO", "F", date(1994, 8, 12), date(2031, 4, 15))
_BLOCK = 8  # pixels
_WAVES = 44  # coefficients of each block, beside its mean
_BITS = 5  # of each of these


def numbered(count: int) -> Person:
    """The same traveller with another document: numbers choose the issuer's line and the chip's key."""
    return Person("Eriksson", "Anna Maria", f"X{count:07}", "UTO", "F", date(1994, 8, 12), date(2031, 4, 15))


@functools.cache
def portrait(shade: int = 90, *, width: int = 96, height: int = 128) -> bytes:
    """A JPEG of noise around one shade of grey, some kilobytes (ISO/IEC 10918-1, baseline, written without a library of pictures)."""
    noise = random.Random(shade)
    means = [shade - 128 + noise.randint(-20, 20) for _ in range(-(-width // _BLOCK) * -(-height // _BLOCK))]
    bits = ""
    for before, mean in zip((0, *means), means, strict=False):
        step = mean - before
        size = step.bit_length()
        bits += f"{size:04b}" + (f"{step if step > 0 else step + (1 << size) - 1:0{size}b}" if size else "")
        bits += "".join(f"0{noise.getrandbits(_BITS):0{_BITS}b}" for _ in range(_WAVES)) + "10"
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\x00")
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xDB, b"\x00" + bytes((8, *[1] * 63))),  # means in steps of one shade
            _segment(0xC0, b"\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x01\x01\x11\x00"),
            _segment(
                0xC4, b"\x00" + bytes((0, 0, 0, 12, *[0] * 12)) + bytes(range(12))
            ),  # four bits: how long a mean is
            _segment(0xC4, b"\x10" + bytes((1, 1, *[0] * 14)) + bytes((_BITS, 0))),  # 0: a coefficient, 10: the end
            _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
            scan,
            b"\xff\xd9",
        )
    )


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content


@functools.cache
def utopia() -> Issuer:
    return Issuer(7, today=TODAY)
