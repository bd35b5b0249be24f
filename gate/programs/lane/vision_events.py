"""Converts vision's messages to the machine's events, page source messages, counters, and reports for officers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from itertools import islice
from typing import Final

from gate.channel import document_messages, vision_messages
from gate.channel.message import Status
from gate.passage.events import FaceCompared, FaceSeen, Part, PartBack, PartLost, TrackChanged, VideoDoubted
from gate.passage.states import crossing_of
from gate.programs.children.warm_spare import Spare
from gate.programs.lane.documents import Documents, PageListener
from gate.programs.lane.engine import Engine
from gate.programs.lane.health_counters import Tally
from gate.programs.lane.views import Views
from gate_core.evidence.crossing import CueEvidence, FaceEvidence, PadEvidence, Score, page_checks

REFILL_AFTER_COMPARISON_S: Final = 2.0  # leaves the processor to the decision, then to vision's spare
CUES_MAX: Final = 16
CUE_CHARACTERS_MAX: Final = 32


class VisionEvents:
    """Handles vision's messages. `take_sealed`: called with pieces of the face's report for officers."""

    def __init__(
        self,
        engine: Engine,
        *,
        documents: Documents,
        views: Views,
        tally: Tally,
        spare: Spare[document_messages.FromDocument],
        take_sealed: Callable[[vision_messages.SealedPiece], None],
    ) -> None:
        self._engine = engine
        self._page = PageListener(
            documents,
            post=engine.post,
            idle=lambda: crossing_of(engine.state) is None,
            clock_s=lambda: asyncio.get_running_loop().time(),
        )
        self._views = views
        self._tally = tally
        self._spare = spare
        self._take_sealed = take_sealed

    def hear(self, message: vision_messages.FromVision) -> None:
        """Handle one message."""
        post, mark = self._engine.post, self._engine.mark
        match message:
            case vision_messages.CameraStatus(crossing, None):
                if crossing is not None:
                    mark(crossing, "camera_up")
                post(PartBack(Part.CAMERA))
            case vision_messages.CameraStatus():
                post(PartLost(Part.CAMERA))
            case vision_messages.FaceSeen(crossing, faces, guidance, session, progress):
                self._tally.guided(guidance)
                self._views.fill(crossing, progress)
                post(FaceSeen(crossing, faces, guidance, session))
            case vision_messages.FaceCompared(crossing):
                mark(crossing, "good_frame", message.good_frame_ms)
                mark(crossing, "face_compared")
                asyncio.get_running_loop().call_later(REFILL_AFTER_COMPARISON_S, self._spare.want)
                self._tally.frames_per_second = message.frames_per_second
                post(FaceCompared(crossing, face_evidence(message), message.session))
            case vision_messages.TrackChanged(crossing, change, session, seen_ago_ms, grown):
                post(TrackChanged(crossing, change, session, seen_ago_ms, grown))
            case vision_messages.VideoDoubted(crossing, trouble):
                post(VideoDoubted(crossing, trouble))
            case vision_messages.SealedPiece():
                self._take_sealed(message)
            case vision_messages.Erased() | Status():
                pass
            case _:
                self._hear_page(message)

    def _hear_page(self, message: vision_messages.FromPage) -> None:
        match message:
            case vision_messages.PageRead() | vision_messages.PageStatus(gone=False):
                self._tally.page(read=isinstance(message, vision_messages.PageRead))
            case vision_messages.PageHint(guidance):
                self._tally.guided(guidance)
            case vision_messages.PageStatus() | vision_messages.PageSource():
                pass
        self._page.hear(message)


def face_evidence(compared: vision_messages.FaceCompared) -> FaceEvidence:
    """Return vision's comparison as evidence. Missing or invalid scores count as not run; surplus cues are dropped."""
    pad = compared.pad
    return FaceEvidence(
        faces=compared.faces,
        match=_score(compared.match),
        liveness=_score(compared.liveness),
        portrait_usable=compared.portrait_usable,
        track_held=True,
        model=compared.model,
        cues=tuple(
            CueEvidence(cue[:CUE_CHARACTERS_MAX], value if value is not None and math.isfinite(value) else None)
            for cue, value in islice(compared.cues.items(), CUES_MAX)
        ),
        page_checks=page_checks(compared.page),
        swap=compared.swap,
        pad=None
        if pad is None
        else PadEvidence(pad.name, pad.version, Score(pad.bound), pad.result, _score(pad.score), pad.age_ms),
    )


def _score(value: float | None) -> Score | None:
    return None if value is None or not -1.0 <= value <= 1.0 else Score(value)
