"""Each cue tells what it is for, and says nothing where it has too little to go by."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from gate.face.liveness.cues import TINTS, Flicker, Light, Motion, Pattern, linear
from gate.face.liveness.frame_features import FACE_SIZE, FrameFeatures, extract_features
from gate.face.liveness.liveness_aggregate import Cue, Reading
from gate.face.values import Box, LiveEvidence
from gate.picture import Picture

Grey = npt.NDArray[np.float32]
BOX = Box(200, 100, 400, 350)
COLOURS = tuple(linear(colour) for colour in TINTS[1:5])
WIDTH, HEIGHT = FACE_SIZE


def texture(seed: int = 0, width: int = 640, height: int = 480) -> Grey:
    """A picture with detail of every size, as skin and hair have it."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(random.standard_normal((height, width)))
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    grey = np.fft.irfft2(spectrum / (np.hypot(down, across) + 0.005) ** 1.6, s=(height, width))
    drawn: Grey = (128 + 40 * grey / grey.std()).astype(np.float32)
    return drawn


def picture(grey: Grey) -> Picture:
    return np.clip(np.repeat(grey[..., None], 3, axis=2), 0, 255).astype(np.uint8)


def face(grey: Grey, at_ms: int = 0, *, light: npt.ArrayLike = (0.2, 0.2, 0.2)) -> FrameFeatures:
    """The features of a frame whose face is this grey, under this light, before a hall that does not change."""
    return FrameFeatures(
        at_ms=at_ms,
        box=BOX,
        grey=np.clip(grey, 0, 255).astype(np.uint8),
        power=None,
        face_light=np.broadcast_to(np.array(light, np.float32), (2, 4, 3)),
        hall_light=np.array((0.1, 0.1, 0.1), np.float32),
    )


def moved(grey: Grey, shift: Grey) -> Grey:
    """The picture with its columns shifted by so many pixels at each place."""
    rows, columns = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]].astype(np.float32)
    return cv2.remap(grey, columns + shift, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).astype(np.float32)


def motion_of(bulge_px: float, *, tilt: float = 0.1) -> float:
    """The cue for a sheet that is tilted, and whose middle moves by so much more than its edge."""
    grey = texture(1, WIDTH, HEIGHT)
    columns = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None]
    rows = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    depth = np.exp(-3 * (columns**2 + rows**2))
    motion = Motion()
    for number in range(14):
        turn = float(np.sin(number / 3))
        lean = tilt * turn * np.arange(WIDTH, dtype=np.float32)[None]
        motion.see(face(moved(grey, (3 * turn + lean + bulge_px * turn * depth).astype(np.float32))))
    assert motion.value is not None
    return motion.value


def test_a_flat_sheet_that_moves_leaves_little_and_depth_leaves_much() -> None:
    assert motion_of(0.0) < -2.5
    assert motion_of(4.0) > -1.8


def test_motion_says_nothing_of_a_face_without_detail_or_of_few_frames() -> None:
    blank, short = Motion(), Motion()
    for _ in range(14):
        blank.see(face(np.full((HEIGHT, WIDTH), 128, np.float32)))
    for _ in range(4):
        short.see(face(texture(1, WIDTH, HEIGHT)))
    assert (blank.value, short.value) == (None, None)


def test_somebody_who_holds_still_is_neither_flat_nor_deep() -> None:
    still = Motion()
    for number in range(14):
        still.see(face(moved(texture(1, WIDTH, HEIGHT), np.full((1, 1), np.sin(number), np.float32))))
    assert still.value is None


def pattern_of(grey: Grey, frames: int = 6) -> float | None:
    pattern = Pattern()
    for number in range(frames):
        noise = np.random.default_rng(number).standard_normal(grey.shape).astype(np.float32)
        piece = extract_features(picture(grey + noise), BOX, at_ms=number)
        assert piece is not None
        pattern.see(piece)
    return pattern.value


def test_a_raster_stands_out_of_the_spectrum_and_skin_does_not() -> None:
    rows, columns = np.mgrid[0:480, 0:640]
    raster = 6 * (np.cos(2 * np.pi * 0.31 * columns + 0.4 * rows) + np.cos(2 * np.pi * 0.27 * rows))
    plain, printed = pattern_of(texture()), pattern_of(texture() + raster.astype(np.float32))
    assert plain is not None
    assert printed is not None
    assert printed > plain + 2


def test_the_blocks_of_jpeg_are_no_raster() -> None:
    plain = pattern_of(texture())
    _, encoded = cv2.imencode(".jpg", picture(texture()), [cv2.IMWRITE_JPEG_QUALITY, 60])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    blocky = pattern_of(decoded.astype(np.float32))
    assert plain is not None
    assert blocky is not None
    assert blocky < plain + 1.5


def test_pattern_needs_some_frames_and_a_large_face() -> None:
    assert pattern_of(texture(), frames=3) is None
    small = extract_features(picture(texture()), Box(200, 100, 300, 200), at_ms=0)
    assert small is not None
    assert small.power is None


def flicker_of(band: float) -> float:
    grey, rows = texture(2, WIDTH, HEIGHT), np.arange(HEIGHT, dtype=np.float32)[:, None]
    flicker = Flicker()
    for number in range(12):
        noise = np.random.default_rng(number).standard_normal(grey.shape).astype(np.float32)
        flicker.see(face((grey * (1 + band * np.sin(rows / 12 + 1.7 * number)) + noise).astype(np.float32)))
    assert flicker.value is not None
    return flicker.value


def test_bands_that_run_over_the_rows_are_seen() -> None:
    assert flicker_of(0.05) > flicker_of(0.0) + 2


def test_flicker_needs_some_frames() -> None:
    flicker = Flicker()
    for _ in range(5):
        flicker.see(face(texture(2, WIDTH, HEIGHT)))
    assert flicker.value is None


def challenged(share: float, *, lag_ms: int = 150, colours: int = 6, hall: bool = True, uneven: float = 0.0) -> Light:
    """A face that takes on this share of the display's light, more at its middle by `uneven`, beside a slow sunset."""
    light = Light()
    shown = [(400 * number, COLOURS[number % 4]) for number in range(colours)]
    for at_ms, colour in shown:
        light.show(colour, at_ms=at_ms)
    random = np.random.default_rng(0)
    for at_ms in range(0, 400 * colours, 70):
        now = [colour for since_ms, colour in shown if since_ms + lag_ms <= at_ms]
        display = np.array(now[-1] if now else (0.0, 0.0, 0.0))
        own = np.array((0.3, 0.2, 0.15)) * (1 + at_ms / 5000 * np.array((0.2, 0, -0.2)))
        parts = 1 + uneven * np.array((-1, 1, 1, -1))[None, :, None]
        seen = own + share * parts * display + random.normal(0, 0.001, (2, 4, 3))
        piece = face(texture(3, WIDTH, HEIGHT), at_ms, light=seen)
        if not hall:
            object.__setattr__(piece, "hall_light", None)
        light.see(piece)
    return light


def gain_of(light: Light) -> float:
    assert light.gain is not None
    return light.gain


def test_a_face_takes_on_the_display_and_fed_in_video_does_not() -> None:
    assert gain_of(challenged(0.1)) > 0.1
    assert gain_of(challenged(0.0)) < 0.02


def test_the_lag_of_display_and_camera_does_not_matter_within_its_bound() -> None:
    assert gain_of(challenged(0.1, lag_ms=40)) == pytest.approx(gain_of(challenged(0.1, lag_ms=220)), rel=0.2)


def test_paper_takes_colours_on_evenly_and_a_head_does_not() -> None:
    paper, head = challenged(0.1).shading, challenged(0.1, uneven=0.4).shading
    assert paper is not None
    assert head is not None
    assert head > 3 * paper


def test_a_face_that_does_not_answer_has_no_shading() -> None:
    assert challenged(0.0).shading is None


def test_without_colours_or_hall_the_display_was_no_challenge() -> None:
    assert challenged(0.1, colours=2).gain is None
    assert challenged(0.1, hall=False).gain is None
    assert (Light().gain, Light().shading) == (None, None)


def test_three_colours_in_a_row_of_tints_are_too_little_to_tell() -> None:
    assert challenged(0.1, colours=3).gain is None


def test_a_face_at_the_frames_edge_gives_no_features() -> None:
    frame = picture(texture())
    assert extract_features(frame, Box(-30, 100, 170, 350), at_ms=0) is None
    assert extract_features(frame, Box(500, 300, 700, 500), at_ms=0) is None
    assert extract_features(frame, Box(100, 100, 120, 120), at_ms=0) is None


def test_a_face_that_fills_the_picture_has_no_hall_beside_it() -> None:
    piece = extract_features(picture(texture()), Box(20, 20, 620, 460), at_ms=0)
    assert piece is not None
    assert piece.hall_light is None


def test_wiping_leaves_nothing_of_the_person() -> None:
    piece = extract_features(picture(texture()), BOX, at_ms=0)
    assert piece is not None
    assert "grey" not in repr(piece)
    piece.wipe()
    assert not piece.grey.any()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_is_no_reading(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Reading(Cue.MOTION, value)


def test_a_score_out_of_range_is_none() -> None:
    with pytest.raises(ValueError, match="out of range"):
        LiveEvidence(1.2)
