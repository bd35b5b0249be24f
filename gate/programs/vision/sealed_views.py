"""What an officer sees of a face, as it is sealed: JSON with JPEG in Base64 (docs/protocols/orders.md). Lives in the crossing's child process."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Final

from gate.face.likeness import WIDTH, Likeness
from gate.picture import Picture, preview

# With all of them, in Base64 and sealed, less than a part may have (`gate.channel.messages.SEALED_BYTES_MAX`).
PORTRAIT_BYTES_MAX: Final = 44_000
MOMENT_BYTES_MAX: Final = 32_000


def shown(likeness: Likeness, chip: Picture | None, *, alarm: bool) -> bytes:
    """The traveller beside the chip's portrait; with `alarm` the moments of the look, too."""
    told = {
        "live": _jpeg(likeness.live, PORTRAIT_BYTES_MAX),
        "chip": _jpeg(chip, PORTRAIT_BYTES_MAX),
        "alarms": [jpeg for one in likeness.moments if alarm and (jpeg := _jpeg(one, MOMENT_BYTES_MAX)) is not None],
    }
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def _jpeg(picture: Picture | None, bytes_max: int) -> str | None:
    if picture is None:
        return None
    # One that is too large even when coarse is shown smaller rather than not at all.
    whole = preview(picture, width_max=picture.shape[1], bytes_max=bytes_max)
    jpeg = whole or preview(picture, width_max=WIDTH, bytes_max=bytes_max)
    return None if jpeg is None else b64encode(jpeg).decode()
