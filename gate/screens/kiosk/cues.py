"""The page's sounds, synthesised. `python -m gate.screens.kiosk.cues` writes them to static/cues/.

Every referral sounds alike, and so does a page without its server (safety invariant 13).
"""

from __future__ import annotations

import io
import math
import sys
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gate_core.evidence.screen import Screen

RATE_HZ: Final = 16_000
ATTACK_S: Final = 0.008  # no click at the beginning
PEAK: Final = 0.8 * 32_767
OFFLINE: Final = "offline"  # the page's name for its screen without a server


@dataclass(frozen=True, slots=True)
class Cue:
    """A sound: `notes`: frequency in Hz and length in s, in order. `screens`: where it is played; `loops`: until the screen changes."""

    name: str
    screens: str
    notes: tuple[tuple[float, float], ...]
    loops: bool = False


CUES: Final = (
    Cue("lay", Screen.WELCOME.value, ((523.3, 0.14), (659.3, 0.22))),
    Cue("look", Screen.LOOK.value, ((784.0, 0.3),)),
    Cue("go", Screen.GO.value, ((523.3, 0.11), (659.3, 0.11), (784.0, 0.3))),
    Cue("officer", f"{Screen.OFFICER.value} {Screen.OTHER_LANE.value} {OFFLINE}", ((440.0, 0.2), (440.0, 0.34))),
    Cue("alarm", Screen.EMERGENCY.value, ((880.0, 0.25), (622.3, 0.25)) * 2, loops=True),
)


def cue_of(screen: Screen) -> Cue | None:
    """Return a screen's cue; None for one that requests nothing."""
    return next((cue for cue in CUES if screen.value in cue.screens.split()), None)


def waveform(cue: Cue, volume: int = 100) -> bytes:
    """The cue as a WAV file, mono, 16 bits. `volume` is 0 to 100."""
    samples = array("h")
    for frequency_hz, length_s in cue.notes:
        count = int(length_s * RATE_HZ)
        for at in range(count):
            time_s = at / RATE_HZ
            envelope = min(1.0, time_s / ATTACK_S) * (1.0 - at / count) ** 1.5
            tone = math.sin(2 * math.pi * frequency_hz * time_s) + 0.25 * math.sin(4 * math.pi * frequency_hz * time_s)
            samples.append(round(PEAK * volume / 100 * envelope * tone / 1.25))
    if sys.byteorder == "big":
        samples.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


if __name__ == "__main__":
    folder = Path(__file__).parent / "static" / "cues"
    folder.mkdir(exist_ok=True)
    for each in CUES:
        (folder / f"{each.name}.wav").write_bytes(waveform(each))
