"""Portraits in a face child: comparison of the printed one with chip and live face, and pictures for officers.

Comparisons are evidence, never a rejection alone: print, laminate and background lower the scores. Genuine pages below
the embedder's threshold were measured on simulated pages only: 0 of 225, so at most 1.6 % at 95 % confidence.
"""

import contextlib
import json
from base64 import b64encode
from typing import Final

from gate.face.chain import FaceModels, portrait_template, template_of
from gate.face.compare import alike
from gate.face.likeness import WIDTH, Likeness
from gate.face.values import NoFaceError, SeveralFacesError, Template
from gate.picture import BadPictureError, Picture, preview
from gate_core.evidence.crossing import CheckResult, PageCheck
from gate_core.evidence.names import PageCheckId

MEASURED_ON: Final = "225 simulated pages"
FALSE_ALARM_RATE: Final = 0.0
# Together, in Base64 and encrypted, below a part's limit (`gate.channel.order_messages.SEALED_BYTES_MAX`).
PORTRAIT_BYTES_MAX: Final = 44_000
MOMENT_BYTES_MAX: Final = 32_000


def shown(likeness: Likeness, chip: Picture | None, *, alarm: bool) -> bytes:
    """Return the officer's JSON, with JPEG in Base64 (docs/protocols/orders.md): live picture and chip's portrait; with
    `alarm` also moments of the look.
    """
    told = {
        "live": _jpeg(likeness.live, PORTRAIT_BYTES_MAX),
        "chip": _jpeg(chip, PORTRAIT_BYTES_MAX),
        "alarms": [jpeg for one in likeness.moments if alarm and (jpeg := _jpeg(one, MOMENT_BYTES_MAX)) is not None],
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def _jpeg(picture: Picture | None, bytes_max: int) -> str | None:
    if picture is None:
        return None
    # A picture that is too large at any quality is sent smaller.
    whole = preview(picture, width_max=picture.shape[1], bytes_max=bytes_max)
    jpeg = whole or preview(picture, width_max=WIDTH, bytes_max=bytes_max)
    return None if jpeg is None else b64encode(jpeg).decode()


class PrintedPortrait:
    """One page's portrait. `wipe` zeroes its templates."""

    def __init__(self, models: FaceModels, image: bytes) -> None:
        self._models = models
        self._chip: Template | None = None
        self._live: Template | None = None
        try:
            self._printed: Template | None = portrait_template(models, image)
        except (BadPictureError, NoFaceError, SeveralFacesError):
            self._printed = None  # no usable print: the checks stay undetermined

    def take_chip(self, portrait: Template | object) -> None:
        """Copy the chip's template, if there is one; the original belongs to the capture."""
        if isinstance(portrait, Template):
            self._chip = Template(portrait.vector.copy(), portrait.model, portrait.cohort)

    def take_live(self, frame: Picture) -> None:
        """Embed the live face once, from a frame with one good face, while the chip is being read."""
        if self._live is None and self._printed is not None:
            with contextlib.suppress(NoFaceError, SeveralFacesError):
                self._live = template_of(self._models, frame)

    def findings(self) -> list[PageCheck]:
        """Return both comparisons."""
        return [
            self._finding(PageCheckId.PRINTED_PORTRAIT_CHIP, self._chip),
            self._finding(PageCheckId.PRINTED_PORTRAIT_LIVE, self._live),
        ]

    def wipe(self) -> None:
        """Zero the owned templates."""
        for template in (self._printed, self._chip, self._live):
            if template is not None:
                template.wipe()

    def _finding(self, check: PageCheckId, other: Template | None) -> PageCheck:
        if self._printed is None or other is None:
            return PageCheck(check, CheckResult.UNDETERMINED)
        score = alike(self._printed, other)
        result = CheckResult.SUCCESSFUL if score >= self._models.match_threshold else CheckResult.FAILED
        return PageCheck(check, result, score, FALSE_ALARM_RATE, MEASURED_ON)
