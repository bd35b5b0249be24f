"""The process that holds one crossing's biometric data. Its end erases them; it serves no second crossing.

`gate.programs.vision.program` starts it with one end of a socket pair as stdin. Output: scores, reasons, guidance, any
preview pictures, and after a referral, what officers must see, encrypted to them. It stores nothing biometric, cannot
be dumped or traced, is locked into memory if permitted, has limited resources, and ends with its parent.
"""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from drivers.camera.newest import NewestFrame
from drivers.camera.settings import LIVE_IMAGE_ASPECT, CameraSettings
from drivers.pad.settings import PadProfile, load_profile
from gate.channel import child_messages, preview_messages, vision_messages
from gate.channel.message import words
from gate.channel.sockets import Connection
from gate.face.capture import Changed, Compared, Event, Guided, PortraitProblem
from gate.face.chain import FaceModels, open_models, portrait_template
from gate.face.compare import pair_of, spelt, swapped
from gate.face.likeness import Geometry, Likeness, of_portrait
from gate.face.liveness.liveness_aggregate import LivenessAggregate
from gate.face.subject import Zone
from gate.face.values import NoFaceError, SeveralFacesError, Template
from gate.face.watch import Watch
from gate.passage.names import TrackChange
from gate.picture import BadPictureError, preview
from gate.programs.children import child_runtime, fd_passing, portraits
from gate.programs.children.confine import Needs, confine, of_device
from gate.programs.children.descriptors import Handed
from gate.programs.children.sealed_report import say_sealed
from gate.programs.shared.devices.cameras import camera_for
from gate.programs.shared.devices.pads import codec
from gate.programs.vision.liveness_checks import DisplayChallenge, SensorLiveness, Video, VideoLiveness, exposures
from gate.programs.vision.portraits import PrintedPortrait, shown
from gate_core.errors import DriverError
from gate_core.evidence.crossing import Swap
from gate_core.evidence.screen import Guidance
from gate_core.orders.envelope import FACE
from gate_core.ports.pad import PadCodec
from gate_core.programs import clock
from gate_core.programs.task_groups import run_until_first_exits
from models.errors import ModelError

FRAME_EVERY_S = 0.06  # fast enough for all frames of a camera with 15 a second
FRAME_WAIT_S = 0.1
PREVIEW_WIDTH_MAX = 640
PREVIEW_BYTES_MAX = 60_000  # with the rest of its message below BYTES_MAX
PROBE_S = 2.0
SESSION_BITS = 53  # exact in a JSON number
PRINTED_DEADLINE_S = 2.0  # the page child has it already
Confine = Callable[[Needs], dict[str, bool]]


@dataclass(frozen=True, slots=True)
class Crossing:
    """The one crossing of this process. `tints`: the display's challenge, or None. `sensor`: the PAD sensor, or None.

    `session`: random number of this look at the traveller; the camera is opened once, and another child has another.
    """

    id: str
    session: int
    camera: NewestFrame
    watch: Watch
    video: Video
    tints: DisplayChallenge | None
    likeness: Likeness
    sensor: SensorLiveness | None


class Child:
    """One child; `run` serves the parent until it closes the connection."""

    def __init__(
        self, parent: Connection[child_messages.ToChild], handed: Handed, hardened: dict[str, bool], *, confine: Confine
    ) -> None:
        self._parent = parent
        self._handed = handed
        self._hardened = hardened
        self._confine = confine
        self._models: FaceModels | None = None
        self._camera: CameraSettings | None = None
        self._sensor: tuple[PadProfile, PadCodec] | None = None
        self._officers: vision_messages.OfficersOf | None = None
        self._has_display = False
        self._crossing: Crossing | None = None
        self._started = asyncio.Event()
        self._looking = asyncio.Event()
        self._preview_wanted = False
        self._printed: PrintedPortrait | None = None
        self._printed_comes = False
        self._portrait: bytearray | None = None  # the chip's, not decoded; decoded again if an officer must see it
        self._seen_well = False  # one face, without guidance
        self._first: tuple[int, float] | None = None  # number and time of the first frame
        self._earlier: list[bytes] | None = None  # face and portrait of recent referrals
        self._rate: float | None = None  # the camera's frames a second

    async def run(self) -> None:
        """Serve until the parent closes; then close the camera and wipe."""
        try:
            await run_until_first_exits(self._receive(), self._look(), self._await_portrait(), self._hear_sensor())
        finally:
            if self._printed is not None:
                self._printed.wipe()
            if self._portrait is not None:
                self._portrait[:] = bytes(len(self._portrait))
            if self._crossing is not None:
                self._crossing.watch.wipe()
                self._crossing.video.wipe()
                self._crossing.camera.close()

    async def _receive(self) -> None:
        async for message in self._parent:
            match message:
                case child_messages.Prepare():
                    await self._prepare(message)
                case vision_messages.StartCrossing(crossing, page, look, earlier):
                    self._earlier = earlier
                    self._start(crossing, printed=page is not None)
                    if look:
                        self._open_camera()
                case vision_messages.OpenCamera():
                    self._open_camera()
                case vision_messages.EndCrossing():
                    await self._end(message)
                case preview_messages.WantPreview(on):  # the page with the preview also shows tints
                    self._preview_wanted = on
                    if self._crossing is not None and self._crossing.tints is not None:
                        self._crossing.tints.page_is(there=on)
                case preview_messages.TintShown(number, at_ms):
                    if self._crossing is not None and self._crossing.tints is not None:
                        self._crossing.tints.painted(number, at_ms=at_ms, now_ms=_now_ms())
                case child_messages.Try(what):
                    test = self._camera_fault if what is child_messages.Trial.CAMERA else self._models_fault
                    reason = await test()
                    await self._parent.send(child_messages.Tried(what, ok=not reason, reason=words(reason)))

    async def _prepare(self, message: child_messages.Prepare) -> None:
        try:
            camera: CameraSettings = msgspec.json.decode(message.camera, type=CameraSettings)
            camera_for(camera)
            self._sensor = None if camera.pad is None else (load_profile(camera.pad.profile), codec(camera.pad))
            self._camera, self._has_display, self._officers = camera, message.tints, message.officers
            self._hardened |= self._confine(of_device(camera.reach))
            models = open_models(Path(message.models), profile=message.profile, providers=message.providers)
        except (DriverError, ModelError, msgspec.ValidationError) as error:
            await self._parent.send(child_messages.Unfit(words(error)))
            return
        self._models = models
        sessions = models.sessions
        detail = {
            "models": [session.model.name for session in sessions],
            "provider": ", ".join(sorted({session.provider for session in sessions})),
            "passed_over": [reason for session in sessions for reason in session.passed_over],
            **self._hardened,
        }
        await self._parent.send(child_messages.Prepared(detail))

    def _start(self, crossing: str, *, printed: bool) -> None:
        """Prepare the one crossing of this process."""
        if self._crossing is not None or self._models is None or self._camera is None:
            raise RuntimeError("a child serves one crossing, once it is prepared")
        camera = camera_for(self._camera)
        challenge = exposures(random.SystemRandom()) if self._camera.is_challenged else ()
        video = Video(camera, clock_ms=_now_ms, exposures=challenge, lag_ms=self._camera.obeys_after_ms)
        faces = LivenessAggregate(self._models.liveness, lag_ms=self._camera.lag_ms)
        tints = DisplayChallenge(faces, random.SystemRandom()) if self._has_display else None
        answered = VideoLiveness(tints or faces, video)
        sensor = None if self._sensor is None else SensorLiveness(answered, *self._sensor, clock_ms=_now_ms)
        liveness = sensor or answered
        height, head = self._camera.live_image_px, self._camera.live_image_head  # if the site requires a live image
        shape = None if height is None else Geometry(round(LIVE_IMAGE_ASPECT * height), height, head)
        likeness = Likeness(shape)
        watch = Watch(self._models, zone=Zone(bottom=self._camera.zone_bottom), liveness=liveness, likeness=likeness)
        session = secrets.randbits(SESSION_BITS)
        self._crossing = Crossing(crossing, session, camera, watch, video, tints, likeness, sensor)
        self._printed_comes = printed
        self._started.set()

    def _open_camera(self) -> None:
        if self._crossing is not None and not self._looking.is_set():
            self._crossing.camera.open()
            self._looking.set()

    async def _await_portrait(self) -> None:
        """Receive the chip's portrait from the document child over a forwarded socket; before it the page's printed
        one, from the page child, if the crossing has a page.
        """
        await self._started.wait()
        if self._printed_comes:
            with contextlib.suppress(TimeoutError, portraits.BrokenPortraitError):
                async with asyncio.timeout(PRINTED_DEADLINE_S):
                    printed = await portraits.receive(await self._handed.take(fd_passing.PRINTED_PORTRAIT))
                if printed is not None and self._models is not None:
                    self._printed = PrintedPortrait(self._models, bytes(printed.image))
        try:
            sent = await portraits.receive(await self._handed.take(fd_passing.CHIP_PORTRAIT))
        except portraits.BrokenPortraitError:
            await self._take_portrait(PortraitProblem.UNREADABLE)
        else:
            if sent is not None and self._models is not None:
                self._portrait = sent.image
                await self._take_portrait(portrait(self._models, sent.image))
        await asyncio.Event().wait()

    async def _hear_sensor(self) -> None:
        """Run the sensor's session once the traveller is before the camera, over a socket opened by the parent."""
        await self._looking.wait()
        if self._crossing is not None and self._crossing.sensor is not None:
            await self._crossing.sensor.hear(await self._handed.take(fd_passing.SENSOR))
        await asyncio.Event().wait()

    async def _take_portrait(self, template: Template | PortraitProblem) -> None:
        crossing = self._crossing
        assert crossing is not None, "a portrait needs a crossing"
        if self._printed is not None:
            self._printed.take_chip(template)
        await self._tell(crossing, crossing.watch.take_portrait(template))

    async def _end(self, end: vision_messages.EndCrossing) -> None:
        """Send a referred traveller's report, encrypted for officers, and the face to remember, if requested."""
        content: bytes | None = None
        if end.seal is not None and self._crossing is not None and self._models is not None:
            chip = None if self._portrait is None else of_portrait(self._models, bytes(self._portrait))
            content = shown(self._crossing.likeness, chip, alarm=end.seal.alarm)
        now_s = int(clock.now().timestamp())
        await say_sealed(self._parent, end, officers=self._officers, now_s=now_s, part=FACE, content=content)
        if end.remember:
            pair = None if self._crossing is None else self._crossing.watch.compared_pair()
            await self._parent.send(vision_messages.FaceRemembered(end.crossing, b"" if pair is None else spelt(*pair)))

    def _swap(self, crossing: Crossing) -> Swap | None:
        """Compare face and portrait with recent referrals; None if not permitted, or if these cannot be decoded."""
        pair = crossing.watch.compared_pair()
        if pair is None or self._earlier is None or self._models is None:
            return None
        face, portrait_of_chip = pair
        try:
            earlier = [pair_of(content, face.model, face.cohort) for content in self._earlier]
            found = swapped(face, portrait_of_chip, earlier, same_face_min=self._models.match_threshold)
        except ValueError:
            return None
        finally:
            self._earlier = None
        for templates in earlier:
            for template in templates:
                template.wipe()
        return found

    async def _camera_fault(self) -> str:
        """Return the camera's fault, empty if it gives two different pictures; nothing is analysed."""
        if self._camera is None:
            raise RuntimeError("a child that is not prepared has no camera")
        camera = camera_for(self._camera)
        camera.open()
        try:
            return "" if await asyncio.to_thread(gives_pictures, camera) else "the camera sends no new picture"
        except DriverError as error:
            return str(error) or type(error).__name__
        finally:
            camera.close()

    async def _models_fault(self) -> str:
        """Return the fault of a model without its golden values, or of missing models; empty if all pass."""
        try:
            for session in () if self._models is None else self._models.sessions:
                session.self_test()
                await asyncio.sleep(0)
        except ModelError as error:
            return str(error)
        return "no models are loaded" if self._models is None else ""

    async def _look(self) -> None:
        """Process frames once the traveller is before the camera. Reports a lost camera; the parent then ends us."""
        await self._looking.wait()
        crossing = self._crossing
        assert crossing is not None, "set before the event"
        try:
            await self._look_until_lost(crossing)
        except DriverError as error:
            await self._parent.send(vision_messages.CameraStatus(crossing.id, words(error)))
            crossing.camera.close()
        await asyncio.Event().wait()

    async def _look_until_lost(self, crossing: Crossing) -> None:
        """Process the newest frame, at most one each FRAME_EVERY_S. Raises DriverError."""
        seq = 0
        while True:
            started_s = time.monotonic()
            frame = await asyncio.to_thread(crossing.camera.newest, after=seq, wait_s=FRAME_WAIT_S)
            if frame is not None:
                if seq == 0:
                    await self._parent.send(vision_messages.CameraStatus(crossing.id))
                seq = frame.seq
                first, first_s = self._first = self._first or (seq, frame.at_s)
                if frame.at_s > first_s:  # by frame numbers, which count skipped frames, too
                    self._rate = min(1000.0, (seq - first) / (frame.at_s - first_s))
                if self._preview_wanted and (
                    jpeg := preview(frame.pixels, width_max=PREVIEW_WIDTH_MAX, bytes_max=PREVIEW_BYTES_MAX)
                ):
                    await self._parent.send(preview_messages.Preview(jpeg))
                for trouble in await crossing.video.see(frame):
                    await self._parent.send(vision_messages.VideoDoubted(crossing.id, trouble))
                await self._tell(crossing, crossing.watch.see(frame.pixels, at_ms=int(frame.at_s * 1000)))
                # Colours wait for the exposure challenge, as they could look like changes of exposure.
                if (
                    crossing.tints is not None
                    and crossing.video.settled
                    and (tint := crossing.tints.due(now_ms=_now_ms()))
                ):
                    await self._parent.send(tint)
                if self._printed is not None and self._seen_well:
                    self._printed.take_live(frame.pixels)
            await asyncio.sleep(max(0.0, FRAME_EVERY_S - (time.monotonic() - started_s)))

    async def _tell(self, crossing: Crossing, events: tuple[Event, ...]) -> None:
        for event in events:
            message = message_of(event, crossing.id, crossing.session)
            if isinstance(message, vision_messages.FaceSeen):
                self._seen_well = message.faces == 1 and message.guidance is Guidance.NONE
            elif isinstance(message, vision_messages.FaceCompared):
                printed = [] if self._printed is None else self._printed.findings()
                swap = None if message.match is None else self._swap(crossing)
                said = None if crossing.sensor is None else crossing.sensor.said()
                more = {"page": printed, "frames_per_second": self._rate, "swap": swap, "pad": said}
                message = msgspec.structs.replace(message, **more)
            await self._parent.send(message)


def _now_ms() -> int:
    """Return CLOCK_MONOTONIC in milliseconds, as in the frames."""
    return int(time.monotonic() * 1000)


def gives_pictures(camera: NewestFrame) -> bool:
    """True if the camera gives two different pictures soon. Raises DriverError."""
    first = camera.newest(after=0, wait_s=PROBE_S)
    until_s = time.monotonic() + PROBE_S
    newest = first
    while first is not None and newest is not None and time.monotonic() < until_s:
        if newest.seq > first.seq and not np.array_equal(newest.pixels, first.pixels):
            return True
        newest = camera.newest(after=newest.seq, wait_s=PROBE_S)
    return False


def portrait(models: FaceModels, image: bytes | bytearray) -> Template | PortraitProblem:
    """Return the template of the chip's portrait, or its problem. The bytes are untrusted."""
    try:
        return portrait_template(models, bytes(image))
    except BadPictureError:
        return PortraitProblem.UNREADABLE
    except NoFaceError:
        return PortraitProblem.NO_FACE
    except SeveralFacesError:
        return PortraitProblem.SEVERAL_FACES


def message_of(
    event: Event, crossing: str, session: int
) -> vision_messages.FaceSeen | vision_messages.FaceCompared | vision_messages.TrackChanged:
    """Convert an event to the lane's message."""
    match event:
        case Guided(faces, hint, progress):  # without a face, ask the traveller to look at the camera
            guidance = hint or (Guidance.LOOK_AT_CAMERA if faces == 0 else Guidance.NONE)
            return vision_messages.FaceSeen(crossing, faces, guidance, session, progress)
        case Compared():
            return vision_messages.FaceCompared(
                crossing=crossing,
                faces=event.faces,
                match=event.match,
                liveness=event.liveness,
                portrait_usable=event.portrait_usable,
                model=event.model,
                frames=event.frames,
                good_frame_ms=event.good_frame_ms,
                reasons=list(event.reasons),
                cues=dict(event.cues),
                session=session,
            )
        case Changed(change, proved_ms, grown):
            ago_ms = None if proved_ms is None else max(0, _now_ms() - proved_ms)
            return vision_messages.TrackChanged(crossing, TrackChange(change.value), session, ago_ms, grown)


def main() -> None:
    """Run the child."""
    child_runtime.run(child_messages.ToChild, lambda *ends: Child(*ends, confine=confine).run())


if __name__ == "__main__":
    main()
