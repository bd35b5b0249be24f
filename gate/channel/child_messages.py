"""Messages between the vision program and its children: a crossing's and the page source's. Types, unions and bounds: `gate.channel.table`."""

from __future__ import annotations

import enum

from gate.channel.log_messages import DeviceSettings
from gate.channel.message import Message, PageNumber, Words, refuse_unplain
from gate.channel.preview_messages import FromPreview, TintShown, WantPreview
from gate.channel.vision_messages import (
    EndCrossing,
    FaceRemembered,
    FromFace,
    FromPage,
    OfficersOf,
    OpenCamera,
    StartCrossing,
)


class Prepare(Message, frozen=True):
    """The first message to a new child: the model folder, the models to use, the camera or page source to open.

    `camera`: its driver's settings, as JSON. `tints`: the display beside it can show colours. `officers` None: the gate
    has none, and nothing is sealed. `first_page`: the number of a page source's next page.
    """

    models: str
    camera: DeviceSettings
    officers: OfficersOf | None = None
    tints: bool = False
    profile: str = "standard"
    providers: list[str] = []
    first_page: PageNumber = 1


class Prepared(Message, frozen=True):
    """The models are loaded and verified; `detail` is for the status. The child waits for a crossing."""

    detail: dict[str, object]

    def __post_init__(self) -> None:
        """Refuse values that JSON cannot represent: it becomes part of a status."""
        refuse_unplain(self.detail)


class Unfit(Message, frozen=True):
    """The child cannot work; the reason. It ends."""

    reason: Words


class Trial(enum.Enum):
    """What a child without a crossing can test."""

    CAMERA = "camera"  # after a loss: open it, decode one frame, drop it, close
    MODELS = "models"  # run every model on its golden input


class Try(Message, frozen=True):
    """Without a crossing: run this test. Answered by Tried."""

    what: Trial


class Tried(Message, frozen=True):
    """Whether the camera gave a frame, or every model its golden values; and why not."""

    what: Trial
    ok: bool
    reason: Words


class Alive(Message, frozen=True):
    """The child's loop is running. Sent a few times a second; silence means that it hangs."""


ToPageChild = Prepare
FromPageChild = Prepared | Unfit | Alive | FromPage

ToChild = Prepare | StartCrossing | OpenCamera | EndCrossing | WantPreview | TintShown | Try
FromChild = Prepared | Unfit | Alive | Tried | FromFace | FromPreview | FaceRemembered
