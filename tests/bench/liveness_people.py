"""`python -m bench.liveness_people DIR [--ways]`: whom fr_liveness takes for a picture, by light, noise, background and number of frames.

DIR is a set of pictures as `gate face evaluate` takes it; the first picture of each person is a bona fide presentation, framed as a crossing
frames it. The frames of one picture are small jitters of it (the box by 2 % of its height, the light by 4 %), so several frames
show what averaging takes away and not what a person who moves would add. Attacks are drawn upon the same pictures (a print, a display, a
display with its bezel): they say which way is the better one and are no APCER of anything.

With `--ways` everything that was tried to mend it is judged: the people are split in two by a hash of their names; each way's bound is the one
at which it passes as many attacks of the first half as the shipped way does at its own, and its figures are those of the second half, and the
other way about. Figures go to docs/liveness.md and the card.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gate.cli.models import default_folder
from gate.face.chain import FaceModels, look, open_models
from gate.face.detect import central
from gate.face.liveness.liveness_aggregate import context_crop, live_probability
from gate.face.values import Box, FaceError
from gate.picture import Picture, decode, read
from gate_core.command_line.output import say
from gate_verify.report.rates import clopper_pearson
from models.runtime import Session

BOUND = 0.5
FRAMES = (1, 3, 5)
FIFTHS = 5
SIDE = 128
PEOPLE = 300  # so many are looked at under every condition
WAYS_PEOPLE, HARD_PEOPLE = 160, 40  # and for each of the ways, under hard conditions


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """The first picture of somebody, where the face is in it, and how bright: the mean grey of the aligned face."""

    name: str
    picture: Picture
    box: Box
    brightness: float

    @property
    def half(self) -> int:
        """In which half of the people, by a hash of the name. Its first byte has chosen who is in this set at all."""
        return hashlib.sha256(self.name.encode()).digest()[5] & 1

    def random(self, number: int) -> np.random.Generator:
        """The same numbers for the same person and frame."""
        return np.random.default_rng([number, *hashlib.sha256(self.name.encode()).digest()[:8]])


Scene = tuple[Picture, Box]
Condition = Callable[[Picture, Box, np.random.Generator], Scene]
Way = Callable[[Session, Picture, Box], float]


def gather(models: FaceModels, folder: Path, count: int | None = None) -> list[Person]:
    """Everybody of whom a face was found, or so many of them, whatever their names begin with."""
    identities = sorted(path for path in folder.iterdir() if path.is_dir())
    if count is not None:
        identities = sorted(identities, key=lambda path: hashlib.sha256(path.name.encode()).digest()[1:])[:count]
    found = []
    for identity in identities:
        picture = decode(read(min(identity.iterdir())))
        face = central(models.finder.find(picture), width=picture.shape[1], height=picture.shape[0])
        if face is None:
            continue
        seen = look(models, picture, face, faces=1, at_ms=0)
        if seen.quality is not None and seen.box is not None:
            found.append(Person(identity.name, picture, seen.box, seen.quality.measures.brightness))
    return found


# ── conditions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _bytes(values: np.ndarray) -> Picture:
    clipped: Picture = np.clip(values, 0, 255).astype(np.uint8)
    return clipped


def jittered(picture: Picture, box: Box, random: np.random.Generator) -> Scene:
    """The next frame: the detector's box has moved a little, and the light. Its own pixels stay: resampled or with noise added, they are a
    condition of their own.
    """
    edges = np.array((box.left, box.top, box.right, box.bottom)) + random.uniform(-0.02, 0.02, 4) * box.height
    return _bytes(picture * random.uniform(0.96, 1.04)), Box(*map(float, edges))


def _as_is(picture: Picture, box: Box, _: np.random.Generator) -> Scene:
    return picture, box


def exposed(factor: float) -> Condition:
    """Twice the light is twice the sensor's signal, not twice the grey."""

    def apply(picture: Picture, box: Box, _: np.random.Generator) -> Scene:
        linear = (picture / 255.0) ** 2.2 * factor
        return _bytes(np.clip(linear, 0, 1) ** (1 / 2.2) * 255), box

    return apply


def coloured(blue: float, green: float, red: float) -> Condition:
    """Under light of another colour than the camera's white."""

    def apply(picture: Picture, box: Box, _: np.random.Generator) -> Scene:
        linear = (picture / 255.0) ** 2.2 * np.array((blue, green, red))
        return _bytes(np.clip(linear, 0, 1) ** (1 / 2.2) * 255), box

    return apply


def noisy(deviation: float) -> Condition:
    """Noise of the sensor, in grey levels."""

    def apply(picture: Picture, box: Box, random: np.random.Generator) -> Scene:
        return _bytes(picture + random.normal(0, deviation, picture.shape)), box

    return apply


def blurred(picture: Picture, box: Box, _: np.random.Generator) -> Scene:
    """A little out of focus."""
    return _bytes(cv2.GaussianBlur(picture, (0, 0), 1.5)), box


def compressed(picture: Picture, box: Box, _: np.random.Generator) -> Scene:
    """As a cheap network camera sends it."""
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    sent = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    assert sent is not None, "it was just encoded"
    return _bytes(sent), box


def bordered(kind: int, grey: int = 0) -> Condition:
    """The picture within a larger frame, as a camera has it; what is around it is one colour, or goes on."""

    def apply(picture: Picture, box: Box, _: np.random.Generator) -> Scene:
        side = picture.shape[0] // 2
        framed = cv2.copyMakeBorder(picture, side, side, side, side, kind, value=(grey, grey, grey))
        return _bytes(framed), Box(box.left + side, box.top + side, box.right + side, box.bottom + side)

    return apply


def behind(grey: int) -> Condition:
    """A wall of one colour behind head and shoulders, within the picture."""

    def apply(picture: Picture, box: Box, _: np.random.Generator) -> Scene:
        head = np.zeros(picture.shape[:2], np.uint8)
        (x, y), (width, height) = box.centre, (box.width, box.height)
        cv2.ellipse(head, (round(x), round(y)), (round(0.72 * width), round(0.78 * height)), 0, 0, 360, 255, -1)
        shoulders = (round(x), round(box.bottom + 0.8 * height)), (round(1.5 * width), round(0.8 * height))
        cv2.ellipse(head, *shoulders, 0, 0, 360, 255, -1)
        soft = cv2.GaussianBlur(head, (0, 0), 3).astype(np.float64)[..., None] / 255
        return _bytes(picture * soft + grey * (1 - soft)), box

    return apply


CONDITIONS: dict[str, Condition] = {
    "as they are": _as_is,
    "half the light": exposed(0.5),
    "a quarter of the light": exposed(0.25),
    "half as much light again": exposed(1.5),
    "twice the light": exposed(2.0),
    "warm light": coloured(0.6, 0.9, 1.2),
    "cold light": coloured(1.2, 1.0, 0.7),
    "greenish light": coloured(0.8, 1.1, 0.85),
    "noise of 5 levels": noisy(5),
    "noise of 10 levels": noisy(10),
    "noise of 20 levels": noisy(20),
    "out of focus": blurred,
    "JPEG of quality 40": compressed,
    "dark wall behind": behind(40),
    "grey wall behind": behind(128),
    "white wall behind": behind(235),
    "grey border": bordered(cv2.BORDER_CONSTANT, 128),
    "black border": bordered(cv2.BORDER_CONSTANT, 0),
    "border that goes on": bordered(cv2.BORDER_REPLICATE),
    "border that mirrors": bordered(cv2.BORDER_REFLECT_101),
}
HARD = ("cold light", "noise of 10 levels", "grey wall behind")


# ── attacks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def printed(picture: Picture, box: Box, random: np.random.Generator) -> Scene:
    """On paper: the gamut of four inks, dots, a little blur."""
    height, width = picture.shape[:2]
    period = float(random.uniform(2.5, 4.5))
    y, x = np.mgrid[0:height, 0:width]
    dots = sum(np.cos(2 * np.pi * (x * np.cos(a) + y * np.sin(a)) / period) for a in np.deg2rad((15, 45, 75)))
    inked = 28 + picture * 0.78 * np.array((0.92, 0.98, 1.0)) + 7 * np.asarray(dots)[..., None]
    return _bytes(cv2.GaussianBlur(_bytes(inked), (0, 0), 0.8)), box


def displayed(picture: Picture, box: Box, random: np.random.Generator) -> Scene:
    """On a display: its pixels' stripes, beating with the camera's own, bluish, with a reflection."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    stripes = 1 + 0.08 * np.cos(2 * np.pi * (x[..., None] / random.uniform(2.1, 3.4) + np.array((0, 1, 2)) / 3))
    beat = 1 + 0.06 * np.cos(2 * np.pi * (x * random.uniform(0.01, 0.04) + y * random.uniform(0.01, 0.04)))
    shine = 18 * np.clip(1 - np.hypot(x - width * random.random(), y - height * random.random()) / width, 0, 1)
    lit = picture * np.array((1.08, 1.0, 0.94)) * stripes * beat[..., None] + shine[..., None]
    return _bytes(cv2.GaussianBlur(_bytes(lit), (0, 0), 0.6)), box


def held_up(picture: Picture, box: Box, random: np.random.Generator) -> Scene:
    """A display held up before the camera: smaller, in a dark bezel, before the hall."""
    lit, _ = displayed(picture, box, random)
    height, width = picture.shape[:2]
    part = float(random.uniform(0.62, 0.8))
    small = cv2.resize(lit, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
    out = _bytes(np.full(picture.shape, random.uniform(90, 170)) + random.normal(0, 3, picture.shape))
    left, top = (width - small.shape[1]) // 2, (height - small.shape[0]) // 2
    rim = round(0.04 * width)
    out[max(0, top - rim) : top + small.shape[0] + rim, max(0, left - rim) : left + small.shape[1] + rim] = 22
    out[top : top + small.shape[0], left : left + small.shape[1]] = small
    return out, Box(
        *(
            edge * part + shift
            for edge, shift in zip((box.left, box.top, box.right, box.bottom), (left, top, left, top), strict=True)
        )
    )


ATTACKS: dict[str, Condition] = {"print": printed, "display": displayed, "display in its bezel": held_up}


# ── ways ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def shipped(session: Session, picture: Picture, box: Box) -> float:
    """As a crossing does it."""
    return live_probability(session, picture, box)


def _whole(session: Session, crop: Picture) -> float:
    """The model's word on a crop."""
    height, width = crop.shape[:2]
    return live_probability(session, crop, Box(0, 0, width, height))


def cropped(
    scale: float | None = None,
    *,
    border: int | None = None,
    interpolation: int = cv2.INTER_LINEAR,
    square: bool = False,
    change: Callable[[Picture], Picture] | None = None,
) -> Way:
    """Another crop, or another change of it before the model. `scale` None is the shipped crop; with a `border` the picture goes on there."""

    def judge(session: Session, picture: Picture, box: Box) -> float:
        if border is not None:
            pad = round(2 * max(box.width, box.height))
            picture = _bytes(cv2.copyMakeBorder(picture, pad, pad, pad, pad, border, value=(128, 128, 128)))
            box = Box(box.left + pad, box.top + pad, box.right + pad, box.bottom + pad)
        if square:
            (x, y), reach = box.centre, max(box.width, box.height) / 2
            box = Box(x - reach, y - reach, x + reach, y + reach)
        height, width = picture.shape[:2]
        if scale is None:
            left, top, right, bottom = context_crop(box, width=width, height=height)
        else:
            (x, y), part = box.centre, min(scale, width / box.width, height / box.height)
            wide, high = min(width, round(box.width * part)), min(height, round(box.height * part))
            left, top = min(max(0, round(x - wide / 2)), width - wide), min(max(0, round(y - high / 2)), height - high)
            right, bottom = left + wide, top + high
        crop = _bytes(cv2.resize(picture[top:bottom, left:right], (SIDE, SIDE), interpolation=interpolation))
        return _whole(session, crop if change is None else change(crop))

    return judge


def _middle(crop: Picture) -> Picture:
    """Where the face is in a crop."""
    low, high = round(0.32 * SIDE), round(0.68 * SIDE)
    return crop[low:high, low:high]


def exposed_for_the_face(crop: Picture) -> Picture:
    """Bring the face to a mean grey of 120 by light, a factor of four at most."""
    mean = float(np.mean((_middle(crop) / 255.0) ** 2.2))
    factor = min(4.0, max(0.25, (120 / 255) ** 2.2 / max(mean, 1e-3)))
    return _bytes(np.clip((crop / 255.0) ** 2.2 * factor, 0, 1) ** (1 / 2.2) * 255)


def gamma_for_the_face(crop: Picture) -> Picture:
    """The same by a gamma, so that nothing is clipped."""
    mean = min(0.95, max(0.03, float(_middle(crop).mean()) / 255))
    power = min(2.0, max(0.5, float(np.log(120 / 255) / np.log(mean))))
    return _bytes((crop / 255.0) ** power * 255)


def grey_world(crop: Picture) -> Picture:
    """Balance the white by the mean of everything."""
    means = crop.reshape(-1, 3).mean(axis=0)
    return _bytes(crop * (means.mean() / np.maximum(means, 1.0)))


def warmed(crop: Picture) -> Picture:
    """As under warm light."""
    return _bytes(np.clip((crop / 255.0) ** 2.2 * np.array((0.7, 0.95, 1.15)), 0, 1) ** (1 / 2.2) * 255)


def coloured_by_the_face(crop: Picture) -> Picture:
    """Balance the white so that the face is as red and as little blue as a face in warm light, whatever lights it."""
    means = _middle(crop).reshape(-1, 3).mean(axis=0)
    wanted = np.array((0.72, 0.92, 1.36)) * means.mean()
    return _bytes(crop * np.clip(wanted / np.maximum(means, 1.0), 0.6, 1.7))


def median_filtered(crop: Picture) -> Picture:
    """Take noise away by a median of nine."""
    return _bytes(cv2.medianBlur(crop, 3))


def mirrored_too(session: Session, picture: Picture, box: Box) -> float:
    """The mean of the picture and its mirror image."""
    width = picture.shape[1]
    mirrored = _bytes(picture[:, ::-1])
    turned = Box(width - box.right, box.top, width - box.left, box.bottom)
    return (shipped(session, picture, box) + shipped(session, mirrored, turned)) / 2


def walled(grey: int) -> Way:
    """Put a wall of one colour behind head and shoulders, whatever is there."""
    wall = behind(grey)

    def judge(session: Session, picture: Picture, box: Box) -> float:
        return shipped(session, *wall(picture, box, np.random.default_rng(0)))

    return judge


WAYS: dict[str, Way] = {
    "shipped": shipped,
    "warmed": cropped(change=warmed),
    "colour of the face": cropped(change=coloured_by_the_face),
    "grey world": cropped(change=grey_world),
    "dark wall": walled(40),
    "grey wall": walled(128),
    "goes on beyond the edge": cropped(border=cv2.BORDER_REPLICATE),
    "averaged reduction": cropped(interpolation=cv2.INTER_AREA),
    "exposed for the face": cropped(change=exposed_for_the_face),
    "gamma for the face": cropped(change=gamma_for_the_face),
    "crop 2.3": cropped(2.3),
    "crop 2.0": cropped(2.0),
    "crop 3.2": cropped(3.2),
    "colour and averaged": cropped(interpolation=cv2.INTER_AREA, change=coloured_by_the_face),
    "mirrored beyond the edge": cropped(border=cv2.BORDER_REFLECT_101),
    "grey beyond the edge": cropped(border=cv2.BORDER_CONSTANT),
    "median of nine": cropped(change=median_filtered),
    "mirror image too": mirrored_too,
}


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def drawn(people: Sequence[Person], count: int) -> list[Person]:
    """So many of the people, whatever their names begin with."""
    return sorted(people, key=lambda person: hashlib.sha256(person.name.encode()).digest()[1:])[:count]


def score(session: Session, way: Way, person: Person, condition: Condition, *, frames: int) -> list[float]:
    """The scores of the frames of one presentation; a frame whose face is cut off has none."""
    found = []
    for number in range(frames):
        random = person.random(number)
        picture, box = condition(person.picture, person.box, random)
        if number:
            picture, box = jittered(picture, box, random)
        try:
            found.append(way(session, picture, box))
        except FaceError:
            continue
    return found


def flagged(scores: Sequence[float], frames: int, bound: float = BOUND) -> bool:
    """Whether the median of the first so many frames takes the person for a picture."""
    return statistics.median(scores[:frames]) < bound if scores else True


def rate(flags: Sequence[bool]) -> str:
    """In per cent, with its interval at 95 %."""
    low, high = clopper_pearson(sum(flags), len(flags), 0.95)
    return f"{100 * sum(flags) / len(flags):5.1f} % [{100 * low:4.1f}, {100 * high:4.1f}]"


def by_fifth(people: Sequence[Person]) -> list[list[int]]:
    """The people's places by the brightness of their faces, darkest first."""
    order = sorted(range(len(people)), key=lambda at: people[at].brightness)
    return [order[len(order) * part // FIFTHS : len(order) * (part + 1) // FIFTHS] for part in range(FIFTHS)]


def report_conditions(session: Session, people: Sequence[Person]) -> None:
    """BPCER under every condition, and by brightness as they are."""
    for name, condition in CONDITIONS.items():
        everybody = name == "as they are"
        seen = people if everybody else drawn(people, PEOPLE)
        several = everybody or name in HARD
        scores = [score(session, shipped, person, condition, frames=max(FRAMES) if several else 1) for person in seen]
        say(
            f"{name:26} "
            + "   ".join(
                rate([flagged(one, frames) for one in scores]) for frames in FRAMES[: len(FRAMES) if several else 1]
            )
        )
        if everybody:
            for part, places in enumerate(by_fifth(seen), start=1):
                brightness = [seen[at].brightness for at in places]
                cells = [rate([flagged(scores[at], frames) for at in places]) for frames in FRAMES]
                say(f"  fifth {part}: grey {min(brightness):3.0f} to {max(brightness):3.0f}  " + "   ".join(cells))
        sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Judged:
    """One way: the scores of everybody as they are, under hard conditions, and of the attacks; a row a person."""

    easy: np.ndarray
    hard: np.ndarray
    attacks: np.ndarray


def judge(session: Session, way: Way, people: Sequence[Person]) -> Judged:
    """Score everybody once."""

    def one(person: Person, condition: Condition) -> float:
        return next(iter(score(session, way, person, condition, frames=1)), 0.0)

    return Judged(
        np.array([one(person, _as_is) for person in people]),
        np.array([[one(person, CONDITIONS[name]) for name in HARD] for person in people[:HARD_PEOPLE]]),
        np.array([[one(person, attack) for attack in ATTACKS.values()] for person in people]),
    )


def report_ways(session: Session, people: Sequence[Person], names: Sequence[str]) -> None:
    """Each way at the bound at which it passes as many attacks of one half as the shipped one, judged on the other half."""
    halves = np.array([person.half for person in people])
    first = judge(session, shipped, people)
    say(
        f"{len(people)} people, {int((halves == 0).sum())} in the first half; attacks: {', '.join(ATTACKS)}; hard: {', '.join(HARD)}"
    )
    for name in names:
        way = first if name == "shipped" else judge(session, WAYS[name], people)
        cells = []
        for tuned, held in ((0, 1), (1, 0)):
            passed = float((first.attacks[halves == tuned] >= BOUND).mean())
            bound = float(np.quantile(way.attacks[halves == tuned], 1 - passed))
            easy = float((way.easy[halves == held] < bound).mean())
            hard = (way.hard[halves[: len(way.hard)] == held] < bound).mean(axis=0)
            apcer = (way.attacks[halves == held] >= bound).mean(axis=0)
            cells.append(
                f"bound {bound:.3f} BPCER {100 * easy:4.1f} hard {100 * hard.mean():4.1f} "
                f"({' '.join(f'{100 * part:.0f}' for part in hard)}) APCER {' '.join(f'{100 * part:.0f}' for part in apcer)}"
            )
        at_half = f"at 0.5: BPCER {100 * float((way.easy < BOUND).mean()):4.1f} APCER {100 * float((way.attacks >= BOUND).mean()):4.1f}"
        say(f"{name:26} {' | '.join(cells)} | {at_half}")
        sys.stdout.flush()


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ways", nargs="*", metavar="WAY", help="judge these ways, or all, instead of conditions")
    parser.add_argument("--people", type=int, default=WAYS_PEOPLE, help="so many for the ways")
    arguments = parser.parse_args()
    models = open_models(default_folder())
    people = gather(models, arguments.folder, arguments.people if arguments.ways is not None else None)
    assert models.liveness is not None, "the standard profile has the model"
    if arguments.ways is not None:
        report_ways(models.liveness, people, arguments.ways or list(WAYS))
    else:
        say(f"{len(people)} people; frames {', '.join(map(str, FRAMES))}; BPCER at {BOUND}, intervals at 95 %")
        report_conditions(models.liveness, people)
    return 0


if __name__ == "__main__":
    sys.exit(main())
