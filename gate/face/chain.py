"""The stages in order: the face room's models, from a frame to an observation, from a portrait to a template."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2

from gate.face.align import align, embed, embed_portrait, standard_position
from gate.face.detect import Landmarked, Mtcnn, central, companions
from gate.face.quality import Observation, Quality, measure
from gate.face.track import TrackRules
from gate.face.values import Face, Landmarks, NoFaceError, SeveralFacesError, Template
from gate.picture import Picture, decode
from models.cohort import Cohort
from models.cohort import read as read_cohort
from models.errors import ManifestError
from models.manifest import DEFAULT_PROFILE, Model, check_finders
from models.runtime import Session, open_session
from models.site import load_for

# ICAO 9303-9 portraits are well under one megapixel; a larger one in a chip is refused.
PORTRAIT_PIXELS_MAX = 4_000_000


class Finder(Protocol):
    """Finds faces and the points of each."""

    def find(self, picture: Picture) -> tuple[Face, ...]:
        """Faces, best score first."""

    def points(self, picture: Picture, face: Face) -> Landmarks:
        """Return one face's points. Raises NoFaceError."""


@dataclass(frozen=True, slots=True)
class FaceModels:
    """The models of one manifest profile, opened. Each session is used by one thread at a time.

    `liveness`, `pose` and `eyes` are None in a profile without them: those measures are then missing. `cohort`: the
    site's, if its threshold was made with one; all templates are relative to it.
    """

    finder: Finder
    embed: Session
    liveness: Session | None
    pose: Session | None
    eyes: Session | None
    sessions: tuple[Session, ...]
    cohort: Cohort | None = None

    @property
    def match_threshold(self) -> float:
        """The embedder's own bound on `alike`, with its evidence in the manifest."""
        threshold = self.embed.model.threshold
        assert threshold is not None, "the manifest gives an embedder its threshold"
        return threshold.value

    @property
    def track_rules(self) -> TrackRules:
        """When the person before the camera counts as another one, in this embedder's scores."""
        threshold = self.embed.model.threshold
        assert threshold is not None, "the manifest gives an embedder its threshold"
        assert threshold.same_min is not None, "and says what one person always reaches"
        return TrackRules(same_min=threshold.same_min)


def open_models(
    folder: Path,
    *,
    threads: int = 1,
    providers: Sequence[str] = (),
    profile: str = DEFAULT_PROFILE,
    embedder: str | None = None,
    measuring: bool = False,
    cohort: Path | None = None,
) -> FaceModels:
    """Open and verify all models of a profile, with another embedder if one is named. Raises models.errors.ModelError.

    An embedder without a threshold opens only for `measuring` it, with the named `cohort` or none, whatever the site
    has. Otherwise the cohort of its threshold is used.
    """
    cv2.setNumThreads(threads)
    manifest = load_for(folder)
    chosen = {model.role: model for model in manifest.profile(profile)}
    if embedder is not None:
        chosen["embed"] = manifest.model(embedder)
        if chosen["embed"].role != "embed":
            raise ManifestError(f"{embedder} is not an embedder")
    if "embed" in chosen and chosen["embed"].threshold is None and not measuring:
        raise ManifestError(
            f"{chosen['embed'].name} has no threshold: gate face evaluate gives it one, site.toml names it"
        )
    if not measuring:
        check_finders(chosen.values())
    seen_by = _cohort(chosen.get("embed"), folder, cohort, measuring=measuring)
    opened = {role: open_session(model, folder, threads=threads, providers=providers) for role, model in chosen.items()}
    try:
        finder: Finder = (
            Landmarked(opened["detect"], opened["landmark"])
            if "detect" in opened
            else Mtcnn(opened["propose"], opened["refine"], opened["locate"])
        )
        return FaceModels(
            finder=finder,
            embed=opened["embed"],
            liveness=opened.get("liveness"),
            pose=opened.get("pose"),
            eyes=opened.get("eyes"),
            sessions=tuple(opened.values()),
            cohort=seen_by,
        )
    except KeyError as error:
        raise ManifestError(f"the profile {profile} lacks a model that can {error.args[0]}") from error


def _cohort(embedder: Model | None, folder: Path, named: Path | None, *, measuring: bool) -> Cohort | None:
    """Return the cohort of these models. Raises CohortError."""
    if embedder is None:
        return None
    if measuring:
        return None if named is None else read_cohort(named, embedder)
    pinned = embedder.cohort
    return None if pinned is None else read_cohort(folder / pinned.file, embedder, sha256=pinned.sha256)


def look(models: FaceModels, frame: Picture, face: Face, *, faces: int, at_ms: int, subject: int = 0) -> Observation:
    """Find the points of one face in a frame and measure it, without embedding."""
    try:
        points = models.finder.points(frame, face)
        aligned = align(frame, points.five)
    except NoFaceError:
        return Observation(at_ms=at_ms, faces=faces, box=face.box, subject=subject)
    measures = measure(face.box, points, aligned, frame)
    return Observation(at_ms, faces, face.box, points, Quality.of(measures), None, subject)


def with_template(models: FaceModels, frame: Picture, seen: Observation) -> Observation:
    """Embed the face of this frame's observation; one without a direction gets no template."""
    assert seen.points is not None, "only what was looked at is embedded"
    try:
        template = embed(models.embed, [standard_position(models.embed, frame, seen.points.five)], models.cohort)
    except NoFaceError:
        return seen
    return replace(seen, template=template)


def observe(models: FaceModels, frame: Picture, *, at_ms: int = 0) -> Observation:
    """Look at one picture alone, at its main face, and embed it. For a stream: `gate.face.watch`."""
    height, width = frame.shape[:2]
    faces = models.finder.find(frame)
    main = central(faces, width=width, height=height)
    if main is None:
        return Observation(at_ms=at_ms, faces=0)
    seen = look(models, frame, main, faces=1 + companions(faces, main), at_ms=at_ms)
    return seen if seen.points is None else with_template(models, frame, seen)


def template_of(models: FaceModels, picture: Picture, *, alone: bool = True) -> Template:
    """Embed the main face of a picture. Raises NoFaceError and, if it must be `alone`, SeveralFacesError."""
    return embed(models.embed, [aligned_face(models, picture, alone=alone)], models.cohort)


def aligned_face(models: FaceModels, picture: Picture, *, alone: bool) -> Picture:
    """Return the main face of a picture in standard position. Raises NoFaceError and, if it must be `alone`, SeveralFacesError."""
    faces = models.finder.find(picture)
    main = central(faces, width=picture.shape[1], height=picture.shape[0])
    if main is None:
        raise NoFaceError("no face in the picture")
    if alone and (others := companions(faces, main)):
        raise SeveralFacesError(f"{1 + others} faces in the picture")
    return standard_position(models.embed, picture, models.finder.points(picture, main).five)


def portrait_template(models: FaceModels, image: bytes) -> Template:
    """Decode and embed a chip's portrait. Raises BadPictureError, NoFaceError and SeveralFacesError."""
    aligned = aligned_face(models, decode(image, pixels_max=PORTRAIT_PIXELS_MAX), alone=True)
    return embed_portrait(models.embed, aligned, models.cohort)
