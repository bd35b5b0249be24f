"""Presentation attacks as objects before the lens: prints, bent prints, cut-outs, screens and replays.

Each moves as a rigid object, held in a hand or worn before a face, so it shows no parallax within itself.
Pure.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hardware_sim.faces.vectors import Floats, floats
from hardware_sim.sequences import materials, person, poses, relight, store
from hardware_sim.sequences.actor import Actor, smeared
from hardware_sim.sequences.materials import PORTRAIT_EYES, PORTRAIT_PX_PER_DM, Panel, Paper
from hardware_sim.sequences.surface import Hold, Shape, Spot, Surface
from hardware_sim.sequences.values import EXPOSURE_S, FPS, Lens, Lighting, PersonTruth

if TYPE_CHECKING:
    from hardware_sim.faces.hall import Picture
    from hardware_sim.sequences.actor import Layer
    from hardware_sim.sequences.sequence import Sequence
    from hardware_sim.sequences.values import Timeline

_EMPTY = np.zeros((0, 0, 4), np.float32)
_MASK_GAP_CM = 5.0  # distance of a worn print before the eyes


class Attack(enum.Enum):
    """Classes of artefacts, as in a report on attack detection."""

    PRINT = "print"
    BENT_PRINT = "bent_print"
    CUTOUT = "cutout"
    SCREEN = "screen"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A print held in a hand, flat or bent."""

    paper: Paper
    where: Timeline[Hold]
    radius_cm: float | None = None
    tremble: int | None = 0

    @property
    def attack(self) -> Attack:
        """Return the class of the artefact."""
        return Attack.PRINT if self.radius_cm is None else Attack.BENT_PRINT

    def hold(self, at_s: float) -> Hold:
        """Return position and rotation at a time."""
        return _held(self.where, at_s, self.tremble)

    def distance_cm(self, at_s: float) -> float:
        """Return the distance from the lens at a time."""
        return self.hold(at_s).distance_cm

    def _surface(self, at_s: float, lens: Lens) -> Surface:
        return Surface(Shape(self.paper.width_cm, self.paper.height_cm, self.radius_cm), self.hold(at_s), lens)

    def layer(self, at_s: float, lens: Lens, lighting: Lighting) -> Layer:
        """Return the drawn print with motion blur."""
        spot = self._surface(at_s, lens).spot()
        if spot is None:
            return _EMPTY, (0, 0)
        layer = _laid(spot, self.paper.radiance(spot, at_s, lighting), self.paper.opacity(spot))
        return _moved(layer, self.hold(at_s), self.hold(at_s - EXPOSURE_S), lens), spot.corner

    def truths(self, at_s: float, lens: Lens) -> tuple[PersonTruth, ...]:
        """Return the truth of the printed face."""
        return (_printed_truth(self.paper, self._surface(at_s, lens), self.attack),)


@dataclass(frozen=True, slots=True)
class Cutout:
    """A print with eye holes, worn before a face. The wearer's eyes show through the holes."""

    paper: Paper
    wearer: Actor

    attack = Attack.CUTOUT

    def distance_cm(self, at_s: float) -> float:
        """Return the distance from the lens at a time."""
        return self.wearer.distance_cm(at_s) - _MASK_GAP_CM

    def _surface(self, at_s: float, lens: Lens) -> Surface:
        hold = Hold.before(self.wearer.look(at_s), lens, gap_cm=_MASK_GAP_CM)
        # The holes, not the sheet's centre, are before the eyes.
        hold = replace(hold, above_floor_cm=hold.above_floor_cm + self.paper.eyes_cm[1])
        return Surface(Shape(self.paper.width_cm, self.paper.height_cm), hold, lens)

    def layer(self, at_s: float, lens: Lens, lighting: Lighting) -> Layer:
        """Return the drawn print. The wearer is a separate object."""
        surface = self._surface(at_s, lens)
        spot = surface.spot()
        if spot is None:
            return _EMPTY, (0, 0)
        layer = _laid(spot, self.paper.radiance(spot, at_s, lighting), self.paper.opacity(spot))
        before = self._surface(at_s - EXPOSURE_S, lens).hold
        return _moved(layer, surface.hold, before, lens), spot.corner

    def truths(self, at_s: float, lens: Lens) -> tuple[PersonTruth, ...]:
        """Return the truth of the printed face; the eyes are the wearer's."""
        look = self.wearer.look(at_s)
        eyes = relight.expression(look, person.nearest_pose(look)).drawn
        shown = _printed_truth(self.paper, self._surface(at_s, lens), self.attack)
        return (replace(shown, closed_left=eyes["closed_left"], closed_right=eyes["closed_right"]),)


@dataclass(frozen=True, slots=True)
class Display:
    """A screen held in a hand that shows a portrait or plays a recording."""

    panel: Panel
    identity: str
    where: Timeline[Hold]
    recording: Sequence | None = None
    tremble: int | None = 0

    @property
    def attack(self) -> Attack:
        """Return the class of the artefact."""
        return Attack.SCREEN if self.recording is None else Attack.REPLAY

    def hold(self, at_s: float) -> Hold:
        """Return position and rotation at a time."""
        return _held(self.where, at_s, self.tremble)

    def distance_cm(self, at_s: float) -> float:
        """Return the distance from the lens at a time."""
        return self.hold(at_s).distance_cm

    def _surface(self, at_s: float, lens: Lens) -> Surface:
        edge = 2 * self.panel.bezel_cm
        return Surface(Shape(self.panel.width_cm + edge, self.panel.height_cm + edge), self.hold(at_s), lens)

    def layer(self, at_s: float, lens: Lens, lighting: Lighting) -> Layer:
        """Return the drawn screen with motion blur."""
        spot = self._surface(at_s, lens).spot()
        if spot is None:
            return _EMPTY, (0, 0)
        layer = _laid(spot, self.panel.radiance(self._shown(at_s), spot, at_s, lighting), None)
        return _moved(layer, self.hold(at_s), self.hold(at_s - EXPOSURE_S), lens), spot.corner

    def truths(self, at_s: float, lens: Lens) -> tuple[PersonTruth, ...]:
        """Return the truth of the face on the screen."""
        surface = self._surface(at_s, lens)
        if self.recording is None:
            return (_shown_truth(self, surface),)
        shown = self.recording.truth(_frame_time(self.recording, at_s)).people
        return tuple(_replayed_truth(self, face, surface) for face in shown)

    def _shown(self, at_s: float) -> Picture:
        if self.recording is None:
            return _fitted(materials.portrait(self.identity), self.panel)
        return _played(self.recording, _frame_time(self.recording, at_s), self.panel)


def _frame_time(recording: Sequence, at_s: float) -> float:
    """Return the time of the frame that the player shows; the recording repeats."""
    return (int(at_s * FPS + 0.5) % recording.length) / FPS


@lru_cache(maxsize=4)
def _played(recording: Sequence, at_s: float, panel: Panel) -> Picture:
    return _fitted(recording.frame(at_s), panel)


def _fitted(picture: Picture, panel: Panel) -> Picture:
    """Return the picture cropped about its centre to the panel's aspect ratio."""
    left, top, width, height = _cut(picture.shape[1], picture.shape[0], panel)
    return picture[top : top + height, left : left + width]


def _cut(width_px: int, height_px: int, panel: Panel) -> tuple[int, int, int, int]:
    form = panel.width_cm / panel.height_cm
    width, height = min(width_px, round(height_px * form)), min(height_px, round(width_px / form))
    return (width_px - width) // 2, (height_px - height) // 2, width, height


def _held(where: Timeline[Hold], at_s: float, tremble: int | None) -> Hold:
    hold = where.at(at_s)
    return hold if tremble is None else hold.trembling(at_s, tremble)


def _laid(spot: Spot, radiance: Floats, opacity: Floats | None) -> Floats:
    cover = (spot.cover if opacity is None else spot.cover * opacity)[..., None]
    return np.concatenate([radiance * cover, cover], axis=-1)


def _moved(layer: Floats, now: Hold, before: Hold, lens: Lens) -> Floats:
    """Return the layer blurred by the centre's movement during the exposure."""
    places = [
        lens.place_px(sideways_cm=hold.sideways_cm, above_floor_cm=hold.above_floor_cm, distance_cm=hold.distance_cm)
        for hold in (before, now)
    ]
    return smeared(layer, places[1][0] - places[0][0], places[1][1] - places[0][1])


# ── truth of the faces on artefacts ──────────────────────────────────────────────────────────────────────────────────


def _printed_truth(paper: Paper, surface: Surface, attack: Attack) -> PersonTruth:
    return _flat_truth(paper.identity, attack, surface, eyes_cm=paper.eyes_cm, cm_per_dm=paper.cm_per_dm)


def _shown_truth(screen: Display, surface: Surface) -> PersonTruth:
    height, width = materials.portrait(screen.identity).shape[:2]
    left, top, cut_width, cut_height = _cut(width, height, screen.panel)
    cm_per_px = screen.panel.width_cm / cut_width
    eyes = (
        (width * PORTRAIT_EYES[0] - left - cut_width / 2) * cm_per_px,
        (height * PORTRAIT_EYES[1] - top - cut_height / 2) * cm_per_px,
    )
    cm_per_dm = PORTRAIT_PX_PER_DM * cm_per_px
    return _flat_truth(screen.identity, screen.attack, surface, eyes_cm=eyes, cm_per_dm=cm_per_dm)


def _flat_truth(
    identity: str, attack: Attack, surface: Surface, *, eyes_cm: tuple[float, float], cm_per_dm: float
) -> PersonTruth:
    """Return the truth of a frontal, neutral face on a sheet; its eyes' middle is at `eyes_cm` from the centre."""
    body, scale = store.anatomy(identity), cm_per_dm / poses.PX_PER_DM
    face = surface.pixels(floats(poses.projected(body.face) * scale + floats(eyes_cm)))
    eyes = surface.pixels(floats(poses.projected(body.eyes) * scale + floats(eyes_cm)))
    hold = surface.hold
    return PersonTruth(
        identity=identity,
        attack=attack.value,
        **person.outlined(face, eyes, surface.lens),
        yaw_deg=hold.yaw_deg,
        pitch_deg=hold.pitch_deg,
        roll_deg=hold.roll_deg,
        **relight.NEUTRAL.drawn,
        distance_cm=hold.distance_cm,
        height_cm=None,
    )


def _replayed_truth(screen: Display, face: PersonTruth, surface: Surface) -> PersonTruth:
    """Return the truth of a recorded face at its position on the screen."""
    assert screen.recording is not None, "the screen has no recording"
    lens = screen.recording.lens
    left, top, width, height = _cut(lens.width_px, lens.height_px, screen.panel)
    scale = screen.panel.width_cm / width

    def on_sheet(points: Floats) -> Floats:
        return surface.pixels(floats((points - floats([left + width / 2, top + height / 2])) * scale))

    x0, y0, x1, y1 = face.box_px
    box = on_sheet(floats([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))
    half = face.eye_distance_px / 2
    eyes = on_sheet(floats(face.eyes_px) + floats([[-half, 0], [half, 0]]))
    hold = surface.hold
    return replace(
        face,
        attack=screen.attack.value,
        **person.outlined(box, eyes, surface.lens),
        yaw_deg=face.yaw_deg + hold.yaw_deg,
        pitch_deg=face.pitch_deg + hold.pitch_deg,
        roll_deg=face.roll_deg + hold.roll_deg,
        distance_cm=hold.distance_cm,
        height_cm=None,
    )
