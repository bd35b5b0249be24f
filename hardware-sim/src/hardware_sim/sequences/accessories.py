"""What people wear or hold before the face: shapes in the head's coordinates that turn with it, drawn over the person.

Shaded as matt objects in the person's light, except lenses. Positions in decimetres from the point between the eyes.
Pure: the input layer is not changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware_sim.faces.vectors import Floats, floats
from hardware_sim.sequences import poses, relight, store
from hardware_sim.sequences.person import Placing
from hardware_sim.sequences.values import Lens, Lighting, Look, Wears

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


_SUBPIXEL_BITS = 4
_SIDES = (-1, 1)
_GLASSES_DM = 0.30  # distance of a rim before the eye
_RIM_DM = (0.25, 0.20)
_EAR = floats([0.74, -0.05, -0.85])
_FRAME = floats([0.012, 0.010, 0.010])
_SUNGLASS = floats([0.008, 0.007, 0.006])
_CAP = floats([0.09, 0.03, 0.02])
_MASK = floats([0.66, 0.52, 0.36])


@dataclass(frozen=True, eq=False)
class _Easel:
    """A layer to draw on, and the projection of head points onto it."""

    layer: Floats
    corner: tuple[int, int]
    placing: Placing
    turn: Floats
    light: Floats  # light that a matt white surface reflects, BGR
    px_per_dm: float

    def pixels(self, points: Floats) -> Floats:
        """Return the layer's pixels, (n, 2), of head points, (n, 3)."""
        seen = self.placing.seen(poses.projected(floats(points @ self.turn.T)))
        return floats(seen - floats(self.corner))

    def fill(self, points: Floats, colour: Floats, opacity: float = 1.0) -> None:
        """Fill the outline of points, (n, 3)."""
        hull = cv2.convexHull(self.pixels(points).reshape(-1, 1, 2))
        mask = self._blank()
        cv2.fillPoly(mask, [_fixed(floats(hull))], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        self._paint(mask, colour, opacity)

    def lines(self, lines: list[Floats], colour: Floats, thick_dm: float, opacity: float = 1.0) -> None:
        """Draw lines through points, (n, 3)."""
        mask = self._blank()
        thickness = max(1, round(thick_dm * self.px_per_dm))
        fixed = [_fixed(self.pixels(line)) for line in lines]
        cv2.polylines(mask, fixed, isClosed=False, color=255, thickness=thickness, lineType=cv2.LINE_AA, shift=4)
        self._paint(mask, colour, opacity)

    def shade(self, points: Floats, share: float) -> None:
        """Darken the area inside the outline of points, with soft edges."""
        mask = self._blank()
        hull = cv2.convexHull(self.pixels(points).reshape(-1, 1, 2))
        cv2.fillPoly(mask, [_fixed(floats(hull))], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        soft = cv2.GaussianBlur(mask, (0, 0), max(1.0, 0.06 * self.px_per_dm)).astype(np.float32) / 255
        self.layer[..., :3] *= 1 - (1 - share) * soft[..., None]

    def _blank(self) -> NDArray[np.uint8]:
        return np.zeros(self.layer.shape[:2], np.uint8)

    def _paint(self, mask: NDArray[np.uint8], colour: Floats, opacity: float) -> None:
        left, top, width, height = cv2.boundingRect(mask)
        box = np.s_[top : top + height, left : left + width]
        share = mask[box].astype(np.float32)[..., None] * np.float32(opacity / 255)
        layer = self.layer[box]
        layer *= 1 - share
        layer += share * floats([*(colour * self.light), 1.0])


def worn(
    layer: Floats,
    corner: tuple[int, int],
    *,
    name: str,
    look: Look,
    lens: Lens,
    lighting: Lighting,
    wears: frozenset[Wears],
) -> Floats:
    """Return the layer with everything that the person wears."""
    if not wears or not layer.size:
        return layer
    placing = Placing.of(look, lens)
    light = relight.gain(name) * (relight.weights(lighting) * floats([[0.28], [0.45], [0.45], [0.8]])).sum(0)
    turn = poses.turned((look.yaw_deg, look.pitch_deg))
    easel = _Easel(layer.copy(), corner, placing, turn, floats(light), placing.scale * poses.PX_PER_DM)
    for thing, draw in _DRAW.items():
        if thing in wears:
            draw(easel, name, look)
    return easel.layer


def _fixed(points: Floats) -> NDArray[np.int32]:
    fixed: NDArray[np.int32] = np.round(points * 2**_SUBPIXEL_BITS).astype(np.int32)
    return fixed


def _ring(centre: Floats, radii: tuple[float, float]) -> Floats:
    angle = np.linspace(0, 2 * np.pi, 33)
    around = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle), np.zeros(33)], axis=1)
    # Rims bend back at the outer side, as faces do.
    around[:, 2] -= 0.25 * np.maximum(np.sign(centre[0]) * around[:, 0], 0)
    return floats(centre + around)


def _rims(name: str) -> list[Floats]:
    return [_ring(eye + floats([0, -0.02, _GLASSES_DM]), _RIM_DM) for eye in store.anatomy(name).eyes]


def _frame(easel: _Easel, rims: list[Floats], look: Look) -> None:
    bridge = np.stack([rims[0][0], rims[1][16]])
    lines = [*rims, bridge]
    if abs(look.yaw_deg) > 4:  # only the arm on the side turned to the camera; the face hides the other
        side = 0 if look.yaw_deg > 0 else 1
        lines.append(np.stack([rims[side][16 if side == 0 else 0], _EAR * floats([_SIDES[side], 1, 1])]))
    easel.lines(lines, _FRAME, 0.045)


def _glasses(easel: _Easel, name: str, look: Look) -> None:
    rims = _rims(name)
    for rim in rims:
        easel.fill(rim, floats([0.5, 0.5, 0.5]), 0.05)
        glint = rim.mean(0) + (rim[[5, 6, 7]] - rim.mean(0)) * 0.6
        easel.lines([floats(glint)], floats([0.9, 0.9, 0.9]), 0.035, 0.55)
    _frame(easel, rims, look)


def _sunglasses(easel: _Easel, name: str, look: Look) -> None:
    rims = _rims(name)
    for rim in rims:
        easel.fill(rim, _SUNGLASS, 0.94)
    _frame(easel, rims, look)


def _hat(easel: _Easel, name: str, look: Look) -> None:
    del look
    top = store.anatomy(name).crown_dm + 0.28
    around, up = np.meshgrid(np.linspace(0, 2 * np.pi, 40), np.linspace(0, np.pi / 2, 8))
    level = 0.55
    dome = np.stack(
        [
            0.90 * np.cos(around) * np.cos(up),
            level + (top - level) * np.sin(up),
            -0.75 + 1.0 * np.sin(around) * np.cos(up),
        ],
        axis=-1,
    ).reshape(-1, 3)
    front = np.linspace(0.12 * np.pi, 0.88 * np.pi, 24)
    inner = np.stack([0.88 * np.cos(front), np.full(24, level), -0.75 + 1.0 * np.sin(front)], axis=1)
    outer = inner + np.stack([np.zeros(24), np.full(24, -0.08), 0.55 * np.sin(front)], axis=1)
    easel.shade(floats(np.concatenate([inner - [0, 0, 0.05], inner * [0.95, 0.2, 0.95]])), 0.62)
    easel.fill(floats(dome), _CAP)
    easel.fill(floats(np.concatenate([inner, outer])), _CAP * 0.6)


def _face_mask(easel: _Easel, name: str, look: Look) -> None:
    del look
    body = store.anatomy(name).lower_face
    cloth = floats(body + floats([0, 0, 0.07]) + 0.04 * np.sign(body) * floats([1, 0, 0]))
    low, high = float(np.min(cloth[:, 1])), float(np.max(cloth[:, 1]))
    edges = [cloth[np.argmin(side * cloth[:, 0])] for side in (1, -1)]
    for edge, side in zip(edges, _SIDES, strict=True):
        straps = [np.stack([edge + floats([0, rise, 0]), _EAR * floats([side, 1, 1])]) for rise in (0.12, -0.12)]
        easel.lines([floats(strap) for strap in straps], _MASK * 1.2, 0.03)
    easel.fill(cloth, _MASK)
    for share in (0.3, 0.5, 0.7):
        near = cloth[np.abs(cloth[:, 1] - (low + (high - low) * share)) < 0.08]
        if len(near) > 2:
            easel.lines([floats(near[np.argsort(near[:, 0])])], _MASK * 0.75, 0.02, 0.5)


def _beard(easel: _Easel, name: str, look: Look) -> None:
    strands = store.anatomy(name).beard
    # The face hides strands on the far cheek.
    shown = strands[:, 0, 0] * np.sin(np.radians(look.yaw_deg)) < 0.25
    colour = store.anatomy(name).hair
    for bucket, shade in enumerate((0.5, 0.8, 1.2)):
        easel.lines(list(strands[shown][bucket::3]), floats(colour * shade), 0.011, 0.75)


def _hand(easel: _Easel, name: str, look: Look) -> None:
    del look
    tone = store.anatomy(name).skin
    fingers = []
    for index, reach in enumerate((0.25, 0.05, 0.0, 0.12)):
        tip = floats([-0.45 + reach, -0.62 - 0.19 * index, 0.75])
        fingers.append(np.stack([tip, tip + floats([0.75, -0.10, -0.05]), floats([1.25, -1.15 - 0.1 * index, 0.5])]))
    arm = np.stack([floats([1.2, -1.3, 0.5]), floats([1.5, -3.2, 0.2])])
    easel.lines([floats(arm)], tone * 0.9, 0.62)
    for finger in fingers:
        easel.lines([floats(finger)], tone * 0.45, 0.21)
        easel.lines([floats(finger)], tone * 0.95, 0.17)


_DRAW: dict[Wears, Callable[[_Easel, str, Look], None]] = {
    Wears.BEARD: _beard,
    Wears.FACE_MASK: _face_mask,
    Wears.GLASSES: _glasses,
    Wears.SUNGLASSES: _sunglasses,
    Wears.HAT: _hat,
    Wears.HAND: _hand,
}
