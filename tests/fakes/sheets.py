"""People drawn with a few ellipses, in a folder that stands for the simulator's data: of these a test knows every point."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from renderer import files

from hardware_sim.faces import identity, studio
from hardware_sim.faces.vectors import floats
from hardware_sim.sequences import accessories, artefacts, materials, person, poses, relight, store
from hardware_sim.sequences.materials import PORTRAIT_EYES, PORTRAIT_PX_PER_DM
from hardware_sim.sequences.poses import Anatomy, Sheet

SKIN_BGR = (62, 76, 95)
SHIRT_BGR = (50, 50, 90)
EYE_DM = 0.31


def pretend_people(folder: Path) -> None:
    """Write everybody's sheets and portrait, and the manifest, into a folder."""
    content, portrait = (
        files.packed(pretend_anatomy(), [pretend_sheet(pose) for pose in poses.POSES]),
        pretend_portrait(),
    )
    for name in store.names():
        (folder / f"{name}.npz").write_bytes(content)
    for name in identity.names():
        (folder / f"{name}.jpg").write_bytes(portrait)
    (folder / identity.MANIFEST).write_bytes((identity.DATA / identity.MANIFEST).read_bytes())


def pretend_anatomy() -> Anatomy:
    angle = np.linspace(0, 2 * np.pi, 40, dtype=np.float32)
    outline = np.stack([0.7 * np.cos(angle), 0.95 * np.sin(angle) - 0.25, np.zeros(40)], axis=1)
    roots = np.stack([0.5 * np.cos(angle), -0.8 + 0.2 * np.sin(angle), np.full(40, 0.3)], axis=1)
    down = np.array([[0, -0.05 * step, 0.02 * step] for step in range(4)])
    return Anatomy(
        face=outline.astype(np.float32),
        lower_face=outline[outline[:, 1] < -0.35].astype(np.float32),
        eyes=np.array([[-EYE_DM, 0, 0], [EYE_DM, 0, 0]], np.float32),
        beard=(roots[:, None] + down).astype(np.float32),
        crown_dm=1.1,
        hair=floats([0.02, 0.03, 0.04]),
        skin=floats([0.05, 0.07, 0.11]),
    )


def pretend_sheet(pose: poses.Pose) -> Sheet:
    """A head and shoulders whose eyes and nose lie where those of a turned head would."""
    size = (poses.HEIGHT_PX, poses.WIDTH_PX)
    colour, cover = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    (x, y), head = poses.EYES_PX, (80, 110)
    for canvas, shirt, skin in ((colour, SHIRT_BGR, SKIN_BGR), (cover, (255,), (255,))):
        cv2.ellipse(canvas, (x, y + 260), (220, 150), 0, 0, 360, shirt, -1)
        cv2.ellipse(canvas, (x, y + 28), head, 0, 0, 360, skin, -1)
    _features(colour, pose, (0, 0))
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    dome = np.sqrt(np.maximum(1 - ((columns - x) / head[0]) ** 2 - ((rows - y - 28) / head[1]) ** 2, 0))
    forward = np.clip((0.9 * dome - 0.776 + 2.6) / 4 * 255, 0, 255).astype(np.uint8)
    expressions = None
    if pose in poses.EXPRESSIVE:
        left, top, width, height = poses.CUTOUT_PX
        part = np.full((height, width, 3), SKIN_BGR, np.uint8)
        opened, smiling = part.copy(), part.copy()
        cv2.ellipse(opened, (x - left, y + 90 - top), (25, 20), 0, 0, 360, (4, 4, 4), -1)
        _features(smiling, pose, (left, top))
        kinds = (opened, opened, smiling)
        expressions = np.stack([np.stack([kind] * len(poses.LIGHTS)) for kind in kinds])
    return Sheet(pose, np.stack([colour] * len(poses.LIGHTS)), cover, forward, expressions)


def _features(canvas: np.ndarray, pose: poses.Pose, corner: tuple[int, int]) -> None:
    turn = poses.turned(pose)
    eyes = pretend_anatomy().eyes @ turn.T
    for point in poses.projected(eyes):
        at = (
            round(poses.EYES_PX[0] + float(point[0]) - corner[0]),
            round(poses.EYES_PX[1] + float(point[1]) - corner[1]),
        )
        cv2.ellipse(canvas, at, (12, 7), 0, 0, 360, (4, 4, 4), -1)


def pretend_portrait() -> bytes:
    """The frontal sheet on grey, as large as portraits are."""
    sheet = pretend_sheet(poses.POSES[0])
    width, height = studio.PORTRAIT_SIZE
    scale = PORTRAIT_PX_PER_DM / poses.PX_PER_DM
    x, y = (
        width * PORTRAIT_EYES[0] - scale * poses.EYES_PX[0],
        height * PORTRAIT_EYES[1] - scale * poses.EYES_PX[1],
    )
    picture = np.where(sheet.cover[..., None] > 0, sheet.layers[0], np.uint8(200))
    portrait = cv2.warpAffine(
        picture, np.array([[scale, 0, x], [0, scale, y]], np.float32), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    return studio.jpeg(portrait.astype(np.uint8), 90)


def forget() -> None:
    """Drop everything that the modules keep in memory of people."""
    for module in (store, relight, person, materials, artefacts, accessories):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


@contextmanager
def pretended(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have everybody drawn with ellipses for a while."""
    pretend_people(folder)
    patch.setattr(identity, "DATA", folder)
    forget()
    yield
    patch.undo()
    forget()
