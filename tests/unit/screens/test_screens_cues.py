"""The page's sounds: one a screen, one for all referrals, and the files in the repository are what is synthesised."""

from __future__ import annotations

import io
import wave
from array import array
from pathlib import Path

import pytest

import gate.screens.kiosk.cues as module
from gate.screens.kiosk.cues import CUES, Cue, cue_of, waveform
from gate_core.evidence.screen import Screen

FOLDER = Path(module.__file__).parent / "static" / "cues"


def samples(sound: bytes) -> list[int]:
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, module.RATE_HZ)
        return array("h", file.readframes(file.getnframes())).tolist()


@pytest.mark.parametrize("cue", CUES, ids=lambda cue: cue.name)
def test_the_file_is_what_is_synthesised(cue: Cue) -> None:
    made, kept = samples(waveform(cue)), samples((FOLDER / f"{cue.name}.wav").read_bytes())
    assert len(made) == len(kept)
    assert max(abs(one - other) for one, other in zip(made, kept, strict=True)) <= 1  # a library's last bit of a sine


def test_no_file_is_of_another_cue() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {cue.name for cue in CUES}


def test_every_referral_sounds_alike_and_what_asks_nothing_is_silent() -> None:
    assert cue_of(Screen.OFFICER) is cue_of(Screen.OTHER_LANE) is not None
    assert [screen for screen in Screen if cue_of(screen) is None] == [Screen.CLOSED, Screen.WAIT]


@pytest.mark.parametrize("cue", CUES, ids=lambda cue: cue.name)
def test_volume_is_a_share_of_the_whole(cue: Cue) -> None:
    whole, half = (max(map(abs, samples(waveform(cue, volume)))) for volume in (100, 50))
    assert whole > 16_000
    assert half == pytest.approx(whole / 2, abs=1)
    assert set(samples(waveform(cue, 0))) == {0}
    assert len(samples(waveform(cue))) < 1.1 * module.RATE_HZ
