"""The cues of a sequence: changes of a face over frames that a picture of a face does not show.

Motion: one homography explains any motion of a rigid flat sheet before a pinhole camera (Hartley and Zisserman, §2 and §13). The rest is depth,
or a face that moves in itself; it is related to the total change of shape beyond shift, turn and scale. It detects prints and still pictures.
Pattern: a raster (dots, pixels, moiré) is a few narrow peaks on a spectrum that falls evenly with frequency (Field 1987); each ring of equal
frequency has its own scale. Flicker: a display with pulsed light, seen by a rolling shutter, causes stripes along the rows that move from frame
to frame. Light: the display shows pale colours in an unpredictable order. A screen reflects little of them and an injected video nothing:
`gain` shows it. Paper reflects as much as skin, but evenly: `shading` shows it. A change of face and hall together is daylight.
"""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate.face.align import similarity
from gate.face.liveness.challenge_response import Answer, Command, Hearing, Lag, answer, lag
from gate.face.liveness.frame_features import SPECTRUM_SIDE_PX, FrameFeatures
from gate.face.values import Floats, NoFaceError

STEPS_MIN: Final = 8
STEPS_MAX: Final = 120
CHANGE_MIN: Final = 6.0  # of the shape, in thousandths of the face's width
_POINTS_MAX: Final = 120
_POINTS_MIN: Final = 16  # twice what a homography takes
_SPACING_PX: Final = 5
_WINDOW: Final = (17, 17)
_RETURN_ERROR_MAX_PX: Final = 1.0  # a point that does not come back to where it was is lost
_OUTLIER_PX: Final = 3.0
_LOST_SHARE: Final = 0.1  # of the points, the worst: they are not depth
_SHADES_PX: Final = 8.0

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]  # (n, 2)


class Motion:
    """Follows one face. `value`: logarithm of the part of the change of shape that homographies do not explain: 0 is all of it."""

    def __init__(self) -> None:
        self._first: Grey | None = None
        self._start: Points = np.empty((0, 2), np.float32)
        self._now: Points = self._start
        self._steps: list[tuple[float, float]] = []  # change of shape, and what of it no homography explains

    def see(self, features: FrameFeatures) -> None:
        """Take the next frame."""
        detail = _without_shades(features.grey)
        if self._first is None or len(self._start) < _POINTS_MIN:
            self._first = detail
            corners = cv2.goodFeaturesToTrack(detail, _POINTS_MAX, 0.01, _SPACING_PX)
            # None if there are none, which the library's stubs omit.
            found = np.empty((0, 2), np.float32) if corners is None else corners  # type: ignore[redundant-expr, unused-ignore]
            self._start = self._now = found.reshape(-1, 2).astype(np.float32, copy=False)
        else:
            self._find_again(self._first, detail)

    @property
    def value(self) -> float | None:
        """The value over the third of the frames with the largest difference of shape; None before STEPS_MIN frames and CHANGE_MIN."""
        if len(self._steps) < STEPS_MIN:
            return None
        most = np.array(sorted(self._steps)[-(len(self._steps) // 3) :])
        changed, left_over = most.mean(axis=0)
        return float(np.log((left_over + 1e-3) / changed)) if changed >= CHANGE_MIN else None

    def wipe(self) -> None:
        """Zero data that shows the person; the object is then unusable."""
        if self._first is not None:
            self._first.fill(0)

    def _find_again(self, first: Grey, detail: Grey) -> None:
        there, found = _flow(first, detail, self._start, self._now)
        back, found_back = _flow(detail, first, there, self._start)
        kept = found & found_back & (np.linalg.norm(back - self._start, axis=1) < _RETURN_ERROR_MAX_PX)
        self._start, self._now = self._start[kept], there[kept]
        if len(self._start) >= _POINTS_MIN and (step := _changed(self._start, self._now)) is not None:
            scale = 1000 / detail.shape[1]
            self._steps = [*self._steps[-STEPS_MAX + 1 :], (step[0] * scale, step[1] * scale)]


def _without_shades(grey: Grey) -> Grey:
    """Return only the face's detail, so that changing light does not count as movement."""
    level = grey.astype(np.float32)
    shades = cv2.GaussianBlur(level, (0, 0), _SHADES_PX)
    detail: Grey = np.clip(128 + 320 * (level - shades) / (shades + 16), 0, 255).astype(np.uint8)
    return detail


def _flow(before: Grey, after: Grey, points: Points, near: Points) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Return the points' new positions, searched near a guess, and which were found (Lucas and Kanade, in a pyramid)."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, near.copy(), winSize=_WINDOW, maxLevel=2, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    return there.astype(np.float32, copy=False), found.ravel() == 1


def _changed(start: Points, now: Points) -> tuple[float, float] | None:
    """Return root mean squares, in pixels: the residuals of the best similarity and of the best homography."""
    matrix, _ = cv2.findHomography(start, now, cv2.RANSAC, _OUTLIER_PX)
    if matrix is None:
        return None
    flat = cv2.perspectiveTransform(start[:, None].astype(np.float64), matrix)[:, 0]
    errors = np.linalg.norm(flat - now, axis=1)
    kept = errors <= np.quantile(errors, 1 - _LOST_SHARE)
    try:
        turned = similarity(start[kept].astype(np.float64), now[kept].astype(np.float64))
    except NoFaceError:
        return None
    rest = start[kept] @ turned[:, :2].T + turned[:, 2] - now[kept]
    return float(np.sqrt((rest**2).sum(axis=1).mean())), float(np.sqrt((errors[kept] ** 2).mean()))


FRAMES_MIN: Final = 5
_LOWEST: Final = 0.12  # cycles a pixel; below it are the features of a face
_HIGHEST: Final = 0.5
_RINGS: Final = 24
_PEAKS: Final = 12  # bins: three pairs of peaks, two bins wide
_BLOCK_PX: Final = 8  # of JPEG, whose edges make peaks on the axes
_BLUR_PX: Final = 3.0


class Pattern:
    """Averages the spectra of one face. `value`: how far the strongest bins exceed their ring, in standard deviations."""

    def __init__(self) -> None:
        self._sum: npt.NDArray[np.float64] | None = None
        self._frames = 0

    def see(self, features: FrameFeatures) -> None:
        """Take the next frame; one without a spectrum does not count."""
        if features.power is not None:
            self._sum = features.power.astype(np.float64) if self._sum is None else self._sum + features.power
            self._frames += 1

    @property
    def value(self) -> float | None:
        """The value; None before FRAMES_MIN frames."""
        if self._sum is None or self._frames < FRAMES_MIN:
            return None
        return standing_out((self._sum / self._frames).astype(np.float32))


def standing_out(power: Floats) -> float:
    """Return how far the strongest bins of a log power spectrum exceed their rings, in standard deviations."""
    flat = np.full(power.shape, -np.inf)
    for ring in _rings():
        values = power[ring]
        middle = np.median(values)
        spread = 1.4826 * np.median(np.abs(values - middle))
        flat[ring] = (values - middle) / max(float(spread), 0.05)
    return float(np.sort(flat, axis=None)[-_PEAKS:].mean())


def _rings() -> list[npt.NDArray[np.bool_]]:
    """Masks of rings of equal frequency, without the bins that JPEG fills and without half of the plane, which mirrors the other."""
    frequency = np.fft.fftfreq(SPECTRUM_SIDE_PX)
    across, down = frequency[None, :], frequency[:, None]
    radius = np.hypot(across, down)
    bins = np.arange(SPECTRUM_SIDE_PX)
    step = SPECTRUM_SIDE_PX // _BLOCK_PX
    near_block = np.minimum(bins % step, step - bins % step) <= 1
    on_axis = np.abs(frequency) <= 2 / SPECTRUM_SIDE_PX
    from_jpeg = (on_axis[:, None] & near_block[None, :]) | (near_block[:, None] & on_axis[None, :])
    usable = ~from_jpeg & ((across > 0) | ((across == 0) & (down > 0)))
    edges = np.linspace(_LOWEST, _HIGHEST, _RINGS + 1)
    return [usable & (radius >= low) & (radius < high) for low, high in pairwise(edges)]


class Flicker:
    """Compares frames of one face. `value`: logarithm of the ratio of changes along rows to changes along columns."""

    def __init__(self) -> None:
        self._before: Floats | None = None
        self._rows: list[float] = []
        self._columns: list[float] = []

    def see(self, features: FrameFeatures) -> None:
        """Take the next frame."""
        level = np.log(cv2.GaussianBlur(features.grey, (0, 0), _BLUR_PX).astype(np.float32) + 8)
        if self._before is not None:
            change = level - self._before
            self._rows.append(_waves(change.mean(axis=1)))
            self._columns.append(_waves(change.mean(axis=0)))
        self._before = level

    @property
    def value(self) -> float | None:
        """The value; None before STEPS_MIN steps."""
        if len(self._rows) < STEPS_MIN:
            return None
        return float(np.log((np.median(self._rows) + 1e-6) / (np.median(self._columns) + 1e-6)))

    def wipe(self) -> None:
        """Zero data that shows the person; the object is then unusable."""
        if self._before is not None:
            self._before.fill(0)


def _waves(profile: Floats) -> float:
    """Return the variance of a profile about its straight line: evenly changing light and a nod leave little."""
    place = np.linspace(-1, 1, len(profile), dtype=np.float32)
    centred = profile - profile.mean()
    slope = float(centred @ place) / float(place @ place)
    return float(np.var(centred - slope * place))


COLOURS_MIN: Final = 3
# Without a measurement; the display's own delay is known, because the page reports when it has painted.
CAMERA_LAG_MAX_MS: Final = 240
MEASURED_LAG_MAX_MS: Final = 500
POWER_MIN: Final = 2.0  # of the colours seen, at any lag: with less, movement and noise pass for an answer
SHADING_GAIN_MIN: Final = 0.08  # below it the parts of the face answer with noise
FRAMES_MAX: Final = 200
_HEARING: Final = Hearing(lag_max_ms=CAMERA_LAG_MAX_MS, power_min=POWER_MIN)
_DARK: Final = 1e-3
# Pale, far apart in tint, of a relative luminance of 0.80 to 0.83: no change is a flash in the sense of WCAG 2.3.1 (its darker side lies below
# 0.80), and dark text keeps its contrast. Rose, amber, lime, mint, sky, lilac.
TINTS: Final = ("#ffe0e7", "#ffe6aa", "#ddf2aa", "#bcf8dd", "#c4f0ff", "#f0e3ff")
FAR: Final = 0.8  # logarithms of red and blue against green: two or three colours are as far from each

Rgb = tuple[float, float, float]  # linear red, green and blue, 0 to 1
Doubles = npt.NDArray[np.float64]


class Light:
    """One challenge to one face. `lag_ms`: the camera's measured delay after the painted page, if known."""

    def __init__(self, shown: tuple[Command, ...] = (), *, lag_ms: int | None = None) -> None:
        self._hearing = _HEARING.about(lag_ms)
        self._shown = list(shown)
        self._times_ms: list[int] = []
        self._parts: list[Doubles] = []  # tints of the parts of the face, (parts, 2), against the hall's

    @property
    def shown(self) -> tuple[Command, ...]:
        """The display's commands so far."""
        return tuple(self._shown)

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """Note a new colour of the display, with its time, in order."""
        self._shown.append(Command(at_ms, tuple(_tint(np.array(colour)))))

    def see(self, features: FrameFeatures) -> None:
        """Take the next frame; one without any hall beside the face is ignored."""
        if self._shown and features.hall_light is not None and len(self._times_ms) < FRAMES_MAX:
            self._times_ms.append(features.at_ms)
            parts = features.face_light.reshape(-1, 3)
            self._parts.append(_tint(np.vstack([parts, parts.mean(axis=0)])) - _tint(features.hall_light))

    @property
    def gain(self) -> float | None:
        """The share of the display's change of tint that the face shows; None with too few colours or frames."""
        found = self._answer(-1)
        return None if found is None else found.gain

    @property
    def shading(self) -> float | None:
        """How differently the parts of the face answer: their spread over their mean; None as for `gain`, and without an answer."""
        whole = self.gain
        if whole is None or whole < SHADING_GAIN_MIN:
            return None
        gains = [found.gain for part in range(len(self._parts[0]) - 1) if (found := self._answer(part)) is not None]
        return float(np.std(gains) / np.mean(gains)) if gains and np.mean(gains) > 0 else None

    def _answer(self, part: int) -> Answer | None:
        if len({command.value for command in self._shown}) < COLOURS_MIN:
            return None
        seen = [tints[part] for tints in self._parts]
        return answer(self._shown, self._times_ms, seen, self._hearing)

    @property
    def lag(self) -> Lag | None:
        """Return the face's delay after the colours, for the camera's set-up; None with too few colours or frames."""
        if len({command.value for command in self._shown}) < COLOURS_MIN:
            return None
        wide = replace(_HEARING, lag_max_ms=MEASURED_LAG_MAX_MS, lag_step_ms=10)
        return lag(self._shown, self._times_ms, [tints[-1] for tints in self._parts], wide)


def _tint(light: npt.NDArray[np.floating]) -> Doubles:
    """Return red and blue relative to green, (…, 2) in logarithms: independent of level and exposure."""
    red, green, blue = np.moveaxis(np.log(np.asarray(light, np.float64) + _DARK), -1, 0)
    return np.stack([red - green, blue - green], axis=-1)


def far_from(colour: str) -> tuple[str, ...]:
    """Return the colours that may follow this one: each step is large, so that a few seconds suffice."""

    def against_green(one: str) -> tuple[float, float]:
        red, green, blue = linear(one)
        return math.log(red / green), math.log(blue / green)

    return tuple(other for other in TINTS if math.dist(against_green(colour), against_green(other)) >= FAR)


def linear(colour: str) -> Rgb:
    """The light of a colour `#rrggbb`, linear, 0 to 1 (IEC 61966-2-1)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return float(red), float(green), float(blue)
