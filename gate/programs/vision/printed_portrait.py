"""The portrait printed on the page, held against the chip's and against the live face. Lives in the crossing's child process.

Evidence, never a rejection by itself: print, laminate and background lower the scores. The bound is the embedder's own threshold; how
often genuine pages fail it was measured on simulated pages only: none of 225, which leaves up to 1.6 % at 95 %.
"""

from __future__ import annotations

import contextlib
from typing import Final

from gate.face.chain import FaceModels, portrait_template, template_of
from gate.face.compare import alike
from gate.face.values import NoFaceError, SeveralFacesError, Template
from gate.picture import BadPictureError, Picture
from gate_core.evidence.crossing import CheckResult, PageCheck
from gate_core.evidence.names import PageCheckId

MEASURED_ON: Final = "225 simulated pages"
FALSE_ALARM_RATE: Final = 0.0


class PrintedPortrait:
    """One page's portrait. `wipe` zeroes the templates that it owns."""

    def __init__(self, models: FaceModels, image: bytes) -> None:
        threshold = models.embed.model.threshold
        assert threshold is not None, "the manifest gives an embedder its threshold"
        self._least = threshold.value
        self._models = models
        self._chip: Template | None = None
        self._live: Template | None = None
        try:
            self._printed: Template | None = portrait_template(models, image)
        except (BadPictureError, NoFaceError, SeveralFacesError):
            self._printed = None  # no usable print: the checks stay undetermined

    def take_chip(self, portrait: Template | object) -> None:
        """Keep a copy of the chip's template, if there is one; the original belongs to the capture."""
        if isinstance(portrait, Template):
            self._chip = Template(portrait.vector.copy(), portrait.model, portrait.cohort)

    def take_live(self, frame: Picture) -> None:
        """Embed the live face once, from a frame that shows one face well: until the chip is read there is time for it."""
        if self._live is None and self._printed is not None:
            with contextlib.suppress(NoFaceError, SeveralFacesError):
                self._live = template_of(self._models, frame)

    def findings(self) -> list[PageCheck]:
        """Both comparisons."""
        return [
            self._finding(PageCheckId.PRINTED_PORTRAIT_CHIP, self._chip),
            self._finding(PageCheckId.PRINTED_PORTRAIT_LIVE, self._live),
        ]

    def wipe(self) -> None:
        """Zero what we own."""
        for template in (self._printed, self._chip, self._live):
            if template is not None:
                template.wipe()

    def _finding(self, check: PageCheckId, other: Template | None) -> PageCheck:
        if self._printed is None or other is None:
            return PageCheck(check, CheckResult.UNDETERMINED)
        score = alike(self._printed, other)
        result = CheckResult.SUCCESSFUL if score >= self._least else CheckResult.FAILED
        return PageCheck(check, result, score, FALSE_ALARM_RATE, MEASURED_ON)
