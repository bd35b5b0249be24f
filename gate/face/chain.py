"""The stages in a row: the models of the face room, a frame to an observation, a portrait to a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from gate.face.align import align, five_points, landmarks
from gate.face.detect import central, companions, detect
from gate.face.embed import embed, embed_portrait
from gate.face.errors import NoFaceError, SeveralFacesError
from gate.face.liveness import live_probability
from gate.face.picture import decode
from gate.face.quality import Hint, Quality, assess
from models.manifest import load
from models.runtime import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gate.face.values import Box, Picture, Template
    from models.runtime import Session

# ICAO 9303-9 portraits are well under one megapixel; a chip that claims more is not believed.
PORTRAIT_PIXELS_MAX = 4_000_000


@dataclass(frozen=True, slots=True)
class FaceModels:
    """The sessions that the chain needs. Each is used by one thread at a time."""

    detect: Session
    landmark: Session
    embed: Session
    liveness: Session

    @property
    def match_threshold(self) -> float:
        """The embedder's own bound on `alike`, with its evidence in the manifest."""
        threshold = self.embed.model.threshold
        assert threshold is not None, "the manifest gives an embedder its threshold"
        return threshold.value


def open_models(
    folder: Path, *, threads: int = 1, providers: Sequence[str] = (), embedder: str = "fr_feature"
) -> FaceModels:
    """Open and prove all models. Raises models.errors.ModelError."""
    manifest = load()
    cv2.setNumThreads(threads)

    def opened(name: str) -> Session:
        return open_session(manifest.model(name), folder, threads=threads, providers=providers)

    return FaceModels(opened("fr_detect"), opened("fr_landmark"), opened(embedder), opened("fr_liveness"))


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame shows of the main face. `faces` counts those that could be travellers.

    `template` is None when the face is too small or cut to embed; `liveness` is None when it was not asked for or the
    frame is not usable. `at_ms` is the frame's monotonic time.
    """

    at_ms: int
    faces: int
    box: Box | None = None
    quality: Quality | None = None
    template: Template | None = None
    liveness: float | None = None

    @property
    def usable(self) -> bool:
        """True when the frame may be compared: one good face, alone."""
        return self.faces == 1 and self.template is not None and self.quality is not None and self.quality.usable

    @property
    def hints(self) -> tuple[Hint, ...]:
        """What the traveller could do better, most useful first."""
        alone = () if self.faces < 2 else (Hint.ONE_PERSON,)
        return alone + (self.quality.hints if self.quality is not None else ())


def observe(models: FaceModels, frame: Picture, *, at_ms: int, with_liveness: bool = True) -> Observation:
    """Look at one frame."""
    height, width = frame.shape[:2]
    faces = detect(models.detect, frame)
    main = central(faces, width=width, height=height)
    if main is None:
        return Observation(at_ms=at_ms, faces=0)
    count = 1 + companions(faces, main)
    try:
        five = five_points(landmarks(models.landmark, frame, main.box))
        aligned = align(frame, five)
        quality = assess(main.box, five, aligned, width=width, height=height)
        template = embed(models.embed, aligned)
        wanted = with_liveness and count == 1 and quality.usable
        liveness = live_probability(models.liveness, frame, main.box) if wanted else None
    except NoFaceError:
        return Observation(at_ms=at_ms, faces=count, box=main.box)
    return Observation(at_ms, count, main.box, quality, template, liveness)


def template_of(models: FaceModels, picture: Picture, *, alone: bool = True) -> Template:
    """Embed the main face of a picture. Raises NoFaceError and, when it must be `alone`, SeveralFacesError."""
    return embed(models.embed, aligned_face(models, picture, alone=alone))


def aligned_face(models: FaceModels, picture: Picture, *, alone: bool) -> Picture:
    """The main face of a picture in standard position. Raises NoFaceError and, when it must be `alone`, SeveralFacesError."""
    faces = detect(models.detect, picture)
    main = central(faces, width=picture.shape[1], height=picture.shape[0])
    if main is None:
        raise NoFaceError("no face in the picture")
    if alone and (others := companions(faces, main)):
        raise SeveralFacesError(f"{1 + others} faces in the picture")
    return align(picture, five_points(landmarks(models.landmark, picture, main.box)))


def portrait_template(models: FaceModels, image: bytes) -> Template:
    """Decode and embed a chip's portrait. Raises BadImageError, NoFaceError and SeveralFacesError."""
    return embed_portrait(models.embed, aligned_face(models, decode(image, pixels_max=PORTRAIT_PIXELS_MAX), alone=True))
