"""Make the console's sounds: `scripts/sounds` has this write officers/src/gate_officers/console/static/*.wav, the same bytes each time.

Each has its own rhythm, so that they can be told apart without pitch, and none is louder than speech at the same volume.
"""

from __future__ import annotations

import math
import wave
from pathlib import Path

RATE = 16_000
FADE_S = 0.012
STATIC = Path(__file__).resolve().parents[2] / "officers/src/gate_officers/console/static"
# Hertz and seconds; 0 Hz is silence.
SOUNDS = {
    "call": [(660, 0.14), (0, 0.05), (880, 0.22)],
    "alarm": [(784, 0.16), (0, 0.08), (784, 0.16), (0, 0.08), (988, 0.30)],
    "escalated": [(988, 0.10), (784, 0.10)] * 5,
}


def tone(hertz: float, seconds: float) -> list[int]:
    """One tone with its third harmonic, faded in and out so that it does not click."""
    count = int(RATE * seconds)
    fade = int(RATE * FADE_S)
    samples = []
    for at in range(count):
        angle = 2 * math.pi * hertz * at / RATE
        loud = min(1.0, at / fade, (count - at) / fade)
        samples.append(128 + round(70 * loud * (math.sin(angle) + math.sin(3 * angle) / 3)))
    return samples


def main() -> None:
    """Write them."""
    for name, tones in SOUNDS.items():
        with wave.open(str(STATIC / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(1)
            file.setframerate(RATE)
            file.writeframes(bytes(sample for hertz, seconds in tones for sample in tone(hertz, seconds)))


if __name__ == "__main__":
    main()
