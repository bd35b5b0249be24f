"""Draws the pages to show and their conditions. A seed and a number determine a case.

Kinds come from a deck of a hundred cards, which is dealt to its end before it is shuffled again, so that a hundred
pages hold each kind as often as the deck does. Every case is two pictures of one sheet.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from gate_lab.evaluate.hurt import harm
from gate_lab.evaluate.hurt.camera import Dirt, Finger, Grey, PictureConditions, picture_of, placed
from gate_lab.evaluate.hurt.sheet import OCR_B, OTHER_FACES, PITCH_PX, Sheet, printed
from gate_lab.evaluate.hurt.texts import FORMATS, WIDTHS, Mrz, invented

DECK: Final[Mapping[str, int]] = {
    "plain": 5, "turned": 4, "steep": 4, "small": 4, "blurred": 4, "dim": 4, "jpeg": 3, "glare": 4,
    "worn": 7, "broken": 3, "pen": 7, "dust": 5, "stained": 3, "scratched": 4, "chipped": 6, "stamped": 3,
    "fingers": 7, "glass": 4, "typeface": 6, "cut": 7, "covered": 6,
}  # fmt: skip
HARMS: Final[Mapping[str, Callable[[np.random.Generator, Sheet, float], None]]] = {
    "worn": harm.worn, "broken": harm.broken, "pen": harm.pen, "dust": harm.dust, "stained": harm.stained,
    "scratched": harm.scratched, "chipped": harm.chipped, "stamped": harm.stamped,
}  # fmt: skip
CUT_SHORT: Final = frozenset({"cut", "covered"})  # a part of the MRZ is not to be seen in any picture


class Between(enum.Enum):
    """The difference between the first picture and the second."""

    NOTHING = "nothing"  # but noise
    PLACE = "place"
    LIGHT = "light"


@dataclass(frozen=True, slots=True, repr=False)
class Case:
    """One page. `kept` is the number of columns of the MRZ that remain where an end is lost, else all of them."""

    kind: str
    format: str
    printed: Mrz
    pictures: tuple[Grey, Grey]
    between: Between
    kept: int

    @property
    def whole(self) -> bool:
        """Return True when no end of the MRZ is lost."""
        return self.kind not in CUT_SHORT


@dataclass(slots=True)
class _Plan:
    """The conditions of one page, until its pictures are taken."""

    sheet: Sheet
    view: PictureConditions
    kept: int
    ends_at: float = 1.0
    frame_ends_at: float = 1.0
    fingers: tuple[Finger, ...] = ()
    dirt: tuple[Dirt, ...] = ()


def case_of(seed: int, number: int) -> Case:
    """Draw a page and its two pictures."""
    kind = kind_of(seed, number)
    rng = np.random.default_rng([seed, 71, number])
    name = "MRVA" if kind in CUT_SHORT and rng.random() < 0.5 else str(rng.choice(FORMATS))
    mrz = invented(rng, name)
    font = OTHER_FACES[int(rng.integers(len(OTHER_FACES)))] if kind == "typeface" else OCR_B
    plan = _Plan(printed(rng, name, mrz, font), _usual(rng, name), WIDTHS[name])
    _befall(rng, kind, float(rng.random()), plan)
    between = Between(str(rng.choice([one.value for one in Between], p=[0.25, 0.5, 0.25])))
    seen = plan.sheet.seen()
    pictures = [
        picture_of(
            rng,
            seen,
            view,
            ends_at=plan.ends_at,
            fingers=_held(rng, plan.fingers),
            dirt=plan.dirt,
            frame_ends_at=plan.frame_ends_at,
        )
        for view in (plan.view, _again(rng, plan.view, between))
    ]
    return Case(kind, name, mrz, (pictures[0], pictures[1]), between, plan.kept)


def kind_of(seed: int, number: int) -> str:
    """Return the kind that the deck of this seed deals to that page."""
    cards = [kind for kind, count in DECK.items() for _ in range(count)]
    deck, card = divmod(number, len(cards))
    return str(np.random.default_rng([seed, 70, deck]).permutation(cards)[card])


def _usual(rng: np.random.Generator, name: str) -> PictureConditions:
    """Return the view of a camera over a bed, of a page placed with some care: 10 to 18 pixels a character."""
    pitch_px = float(rng.uniform(10, 18))
    width_mm = {"TD1": 85.6, "TD2": 105.0, "TD3": 125.0, "MRVA": 120.0, "MRVB": 105.0}[name]
    return PictureConditions(
        width_px=pitch_px * width_mm / 2.54,
        turn_deg=float(rng.normal(0, 2.5)),
        steep=float(rng.normal(0, 0.02)),
        spot=(float(rng.normal(0, 0.01)), float(rng.normal(0, 0.01))),
        light=(float(rng.uniform(0, 0.25)), float(rng.uniform(0, 2 * np.pi))),
        exposure=float(rng.uniform(0.8, 1.05)),
        blur_px=float(rng.uniform(0.3, 1.1)),
        noise=float(rng.uniform(0.004, 0.02)),
        jpeg=int(rng.integers(75, 97)),
        table=float(rng.choice([rng.uniform(0.02, 0.25), rng.uniform(0.25, 0.6), rng.uniform(0.6, 0.95)])),
    )


def _again(rng: np.random.Generator, view: PictureConditions, between: Between) -> PictureConditions:
    """Return the view of the second picture."""
    match between:
        case Between.NOTHING:
            return view
        case Between.PLACE:
            away, towards = rng.uniform(0.05, 0.12), rng.uniform(0, 2 * np.pi)
            return replace(
                view,
                spot=(view.spot[0] + away * np.cos(towards) * 0.6, view.spot[1] + away * np.sin(towards) * 0.4),
                turn_deg=view.turn_deg + float(rng.normal(0, 3)),
                steep=view.steep + float(rng.normal(0, 0.01)),
            )
        case Between.LIGHT:
            glare = view.glare and (float(rng.uniform(0, 1)), float(rng.uniform(0.6, 1)), *view.glare[2:])
            fall, towards = view.light
            return replace(
                view, light=(fall + float(rng.uniform(0.15, 0.35)), towards + float(rng.uniform(1.5, 4.5))), glare=glare
            )


def _held(rng: np.random.Generator, fingers: tuple[Finger, ...]) -> tuple[Finger, ...]:
    """Return the fingers of one picture: a hand moves a little between pictures."""
    return tuple(
        replace(one, tip=(one.tip[0] + float(rng.normal(0, 0.003)), one.tip[1] + float(rng.normal(0, 0.003))))
        for one in fingers
    )


def _befall(rng: np.random.Generator, kind: str, much: float, plan: _Plan) -> None:
    """Damage the page as its kind requires."""
    if kind in HARMS:
        HARMS[kind](rng, plan.sheet, much)
    elif kind == "fingers":
        plan.fingers = tuple(_finger(rng, plan.sheet, much) for _ in range(int(rng.integers(1, 3))))
    elif kind == "glass":
        plan.dirt = _dirt(rng, plan, much)
    elif kind == "cut":
        _cut(rng, plan)
    elif kind == "covered":
        plan.kept = harm.lost_end(rng, plan.sheet, much)
    else:
        plan.view = _worse(rng, kind, much, plan)


def _worse(rng: np.random.Generator, kind: str, much: float, plan: _Plan) -> PictureConditions:
    """Return the view of an undamaged sheet; "plain" and "typeface" have the usual view."""
    view = plan.view
    match kind:
        case "turned":
            return replace(view, turn_deg=float(rng.uniform(-180, 180)))
        case "steep":
            return replace(view, steep=float(rng.choice([-1, 1])) * (0.06 + 0.16 * much))
        case "small":
            return replace(view, width_px=view.width_px * float(rng.uniform(6.2, 9.5)) / _pitch_px(plan))
        case "blurred" if rng.random() < 0.5:
            return replace(view, blur_px=(0.06 + 0.09 * much) * _pitch_px(plan))
        case "blurred":
            return replace(view, motion_px=(0.15 + 0.2 * much) * _pitch_px(plan))
        case "dim":
            return replace(view, exposure=0.5 - 0.32 * much, noise=0.02)
        case "jpeg":
            return replace(view, jpeg=round(35 - 25 * much))
        case "glare":
            spot = float(rng.uniform(0, 1)), float(rng.uniform(0.7, 1))
            return replace(view, glare=(*spot, 0.3 + 0.6 * much, float(rng.uniform(0.05, 0.2))))
        case _:
            return view


def _pitch_px(plan: _Plan) -> float:
    return float(PITCH_PX * plan.view.width_px / plan.sheet.ink.shape[1])


def _finger(rng: np.random.Generator, sheet: Sheet, much: float) -> Finger:
    """Return a finger that reaches in from below or from a side; how far it covers the MRZ grows with `much`."""
    height, width = sheet.ink.shape
    left, top, right, bottom = sheet.mrz
    over = rng.uniform(-2.0, -0.3 + 2.6 * much) * PITCH_PX
    wide, tone = 16.0 / 25.4 * 10 * PITCH_PX / width, float(rng.uniform(0.25, 0.8))
    side = rng.random()
    if side < 0.6:
        return Finger(
            (float(rng.uniform(left, right)) / width, (bottom - over) / height),
            np.pi / 2 + float(rng.normal(0, 0.2)),
            wide,
            tone,
        )
    y = float(rng.uniform(top, bottom)) / height
    if side < 0.8:
        return Finger(((right - over) / width, y), float(rng.normal(0, 0.25)), wide, tone)
    return Finger(((left + over) / width, y), np.pi + float(rng.normal(0, 0.25)), wide, tone)


def _dirt(rng: np.random.Generator, plan: _Plan, much: float) -> tuple[Dirt, ...]:
    """Return marks on the glass where the MRZ is in the first picture."""
    _, matrix = placed(plan.sheet.ink.shape, plan.view)
    left, top, right, bottom = plan.sheet.mrz
    pitch_px = _pitch_px(plan)
    marks = []
    for _ in range(1 + round(3 * much)):
        spot = np.array([[(rng.uniform(left, right), rng.uniform(top, bottom))]], np.float64)
        x, y = cv2.perspectiveTransform(spot, matrix)[0, 0]
        long, thick = rng.uniform(0.3, 1.5 + 2 * much) * pitch_px, rng.uniform(0.1, 0.3 + 0.3 * much) * pitch_px
        tone = float(rng.choice([rng.uniform(0.1, 0.5), rng.uniform(0.7, 1.2)]))
        marks.append(
            Dirt(
                (float(x), float(y)),
                (long, thick),
                float(rng.uniform(0, np.pi)),
                tone,
                float(rng.uniform(0, 0.12) * pitch_px),
            )
        )
    return tuple(marks)


def _cut(rng: np.random.Generator, plan: _Plan) -> None:
    """End the sheet, or the picture, within the MRZ; often where a shorter format would end."""
    width = plan.sheet.ink.shape[1]
    left, right, _ = plan.sheet.lines[0]
    columns = round((right - left) / PITCH_PX)
    shorter = [count for count in (30, 36) if count < columns]
    plan.kept = (
        int(rng.choice(shorter)) if shorter and rng.random() < 0.75 else int(rng.integers(columns // 2, columns))
    )
    off = float(rng.choice([0.0, rng.uniform(-0.3, 0.6)]))
    ends_at = (left + (plan.kept + off) * PITCH_PX) / width
    if rng.random() < 0.5:
        plan.ends_at = ends_at
    else:
        plan.frame_ends_at = ends_at
