"""The evidence from chip and camera about a simulated traveller, as the lane receives it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from gate.passage.events import DocumentRead, Event, FaceCompared, FaceSeen
from gate_core.evidence.crossing import Check, CheckId, CheckResult, DocumentEvidence, FaceEvidence, Score
from gate_core.evidence.screen import Guidance
from hardware_sim.hall.plan import Crossing, Intention

SEEN_S = 0.2  # from the crossing's beginning to the camera's first picture
HIDDEN_SHARE = 0.5  # of those inside with another person: the camera sees one of them
GENUINE = DocumentEvidence(
    checks=tuple(Check(check_id, CheckResult.SUCCESSFUL) for check_id in CheckId), issuer="UTO", document_type="P"
)
SAME_FACE = FaceEvidence(
    faces=1, match=Score(0.8), liveness=Score(0.9), portrait_usable=True, track_held=True, model="simulated"
)
_BAD_RESULTS = (CheckResult.FAILED, CheckResult.UNDETERMINED, CheckResult.ABORTED)
_BAD_FACES = (
    replace(SAME_FACE, match=Score(0.1)),
    replace(SAME_FACE, liveness=Score(0.1)),
    replace(SAME_FACE, match=None),
    replace(SAME_FACE, portrait_usable=False, match=None),
)


def document_of(crossing: Crossing) -> DocumentEvidence:
    """Return the inspection's result. A forged document fails one check."""
    if crossing.intention is not Intention.FORGED:
        return GENUINE
    at = int(crossing.drawn * len(CheckId))
    bad = replace(GENUINE.checks[at], result=_BAD_RESULTS[crossing.number % len(_BAD_RESULTS)])
    return replace(GENUINE, checks=(*GENUINE.checks[:at], bad, *GENUINE.checks[at + 1 :]))


def face_of(crossing: Crossing) -> FaceEvidence:
    """Return the comparison's result."""
    match crossing.intention:
        case Intention.LOOKALIKE:
            return _BAD_FACES[int(crossing.drawn * len(_BAD_FACES))]
        case Intention.ACCOMPANIED:
            return replace(SAME_FACE, faces=2)
        case _:
            return SAME_FACE


async def tell_document(crossing: Crossing, post: Callable[[Event], None]) -> None:
    """Post the chip's events for a document before the first of two doors."""
    await asyncio.sleep(crossing.reads_s)
    post(DocumentRead(crossing.name, document_of(crossing)))


async def tell_face(
    crossing: Crossing, session: int, inside: Callable[[], tuple[str, ...]], post: Callable[[Event], None]
) -> None:
    """Post the events of the camera between two doors: people inside may hide each other."""
    await asyncio.sleep(SEEN_S)
    hidden = crossing.drawn < HIDDEN_SHARE
    post(FaceSeen(crossing.name, 1 if hidden else len(inside()), Guidance.NONE, session))
    await asyncio.sleep(max(0.0, crossing.compares_s - SEEN_S))
    people = inside()
    face = face_of(crossing) if crossing.name in people else replace(SAME_FACE, match=Score(0.1))
    post(FaceCompared(crossing.name, replace(face, faces=1 if hidden else len(people)), session))


async def tell(crossing: Crossing, session: int, post: Callable[[Event], None]) -> None:
    """Post the events of chip and camera, each at its time."""
    name = crossing.name
    faces = 2 if crossing.intention is Intention.ACCOMPANIED else 1
    said: list[tuple[float, Event]] = [
        (SEEN_S, FaceSeen(name, faces, Guidance.NONE, session)),
        (crossing.reads_s, DocumentRead(name, document_of(crossing))),
        (crossing.compares_s, FaceCompared(name, face_of(crossing), session)),
    ]
    passed_s = 0.0
    for at_s, event in sorted(said, key=lambda one: one[0]):
        await asyncio.sleep(at_s - passed_s)
        passed_s = at_s
        post(event)
