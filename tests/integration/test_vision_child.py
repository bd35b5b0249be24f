"""The child's own loop, served in the test's process over a socket pair: what it answers and what it refuses."""

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Generator
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
from fakes.camera_certificates import shown
from fakes.mjpeg_server import MjpegServer
from fakes.portrait_channel import send_to
from fakes.portraits import as_file, astronaut, before_the_camera, swaying
from fakes.tiny_models import real_models

from drivers.camera.newest import NewestFrame
from drivers.camera.settings import Network
from drivers.pad import driver
from drivers.pad.settings import PadSensor as SensorSettings
from gate.channel import child_messages, preview_messages, vision_messages
from gate.channel.errors import ChannelClosedError
from gate.channel.message import Message
from gate.channel.sockets import CHILD_BYTES_MAX, Connection, adopt
from gate.face.capture import Changed, Compared, Guided
from gate.face.quality import HINTS
from gate.face.track import TrackState
from gate.passage.names import TrackChange
from gate.programs.children import child_handle, child_runtime, descriptors, fd_passing, portraits
from gate.programs.children.child_handle import ChildLostError, Process
from gate.programs.vision import face_child
from gate.programs.vision.face_child import Child, message_of
from gate.programs.vision.face_children import FACES
from gate_core.errors import RefusedError
from gate_core.evidence.crossing import PadResult
from gate_core.evidence.screen import Guidance
from hardware_sim.pad.sensor import Fault, PadSensor, PadServer, Stands

DEADLINE_S = 15.0
Wanted = TypeVar("Wanted")


class Parent:
    """The parent's end."""

    def __init__(self, connection: Connection[Any], way: socket.socket, child: asyncio.Future[None]) -> None:
        self.connection = connection
        self.way = way
        self.child = child

    async def send(self, message: Message) -> None:
        await self.connection.send(message)

    async def next(self, kind: type[Wanted]) -> Wanted:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = await self.connection.receive()
                if isinstance(message, kind):
                    return message

    async def prepare(self, camera: str) -> child_messages.Prepared:
        await self.send(child_messages.Prepare(models=str(real_models()), camera=Network(address=camera).spelt()))
        return await self.next(child_messages.Prepared)


@contextlib.asynccontextmanager
async def child_of() -> AsyncIterator[Parent]:
    ours, theirs = socket.socketpair()
    our_way, their_way = descriptors.pair()
    child = asyncio.ensure_future(
        child_runtime.attend(
            theirs,
            their_way,
            child_messages.ToChild,
            lambda parent, handed: Child(parent, handed, {"memory_locked": False}, confine=lambda _: {}).run(),
        )
    )
    connection = await adopt(ours, incoming=child_messages.FromChild, bytes_max=CHILD_BYTES_MAX)
    try:
        yield Parent(connection, our_way, child)
    finally:
        connection.close()
        our_way.close()
        await asyncio.wait([child], timeout=DEADLINE_S)
        assert child.done()  # a parent that hangs up ends it


@pytest.fixture
def camera() -> Any:
    frame = before_the_camera(astronaut())
    with MjpegServer(frames_per_second=20, picture=lambda number: swaying(frame, number)) as server:
        yield server


async def test_it_lives_prepares_and_says_on_what() -> None:
    async with child_of() as parent:
        await parent.next(child_messages.Alive)
        prepared = await parent.prepare("http://127.0.0.1:9/stream")
        assert prepared.detail["provider"] == "CPUExecutionProvider"
        assert prepared.detail["memory_locked"] is False
        assert prepared.detail["passed_over"] == []


@pytest.mark.parametrize(
    ("models", "camera", "reason"),
    [
        ("", "http://127.0.0.1:9/stream", "gate models fetch"),
        (None, "file://localhost/etc/passwd", "no network camera"),
        (None, "file:///etc/passwd", "no network camera"),
    ],
)
async def test_what_can_never_work_is_told(tmp_path: Path, models: str | None, camera: str, reason: str) -> None:
    async with child_of() as parent:
        folder = str(real_models()) if models is None else str(tmp_path)
        settings = json.dumps({"driver": "network", "address": camera})
        await parent.send(child_messages.Prepare(models=folder, camera=settings))
        assert reason in (await parent.next(child_messages.Unfit)).reason


async def test_one_crossing_from_frames_and_portrait_to_the_comparison(camera: MjpegServer) -> None:
    async with child_of() as parent:
        await parent.prepare(camera.address)
        assert camera.connections == 0
        await parent.send(vision_messages.StartCrossing("one"))
        assert (await parent.next(vision_messages.CameraStatus)).lost is None
        await send_to(parent.way, as_file(astronaut()))
        compared = await parent.next(vision_messages.FaceCompared)
        assert compared.crossing == "one"
        assert compared.match is not None
        assert compared.match > 0.9
        await parent.send(preview_messages.WantPreview(on=True))
        assert (await parent.next(preview_messages.Preview)).jpeg
        camera.mode = "drop"
        camera_now = await parent.next(vision_messages.CameraStatus)
        assert camera_now.crossing == "one"
        assert camera_now.lost


@pytest.mark.parametrize(
    ("stands", "fault", "result"),
    [
        (Stands.PERSON, Fault.NONE, PadResult.LIVE),
        (Stands.PICTURE, Fault.NONE, PadResult.ATTACK),
        (Stands.PERSON, Fault.WRONG_CROSSING, None),
        (Stands.PERSON, Fault.TORN, None),
    ],
    ids=["a person", "a picture", "a recording", "torn"],
)
async def test_the_comparison_carries_the_sensors_verdict_or_none(
    short_path: Path, stands: Stands, fault: Fault, result: PadResult | None
) -> None:
    frame = before_the_camera(astronaut())
    server = PadServer(short_path / "pad", PadSensor(stands, fault))
    shipped = resources.files("drivers.profiles") / "pad" / "portcullis-sim.toml"
    patient = shipped.read_text(encoding="utf-8").replace("age_ms_max = 1000", "age_ms_max = 3000")  # a busy machine
    (short_path / "patient.toml").write_text(patient)
    settings = SensorSettings(socket=str(short_path / "pad"), profile=str(short_path / "patient.toml"))
    try:
        with MjpegServer(frames_per_second=20, picture=lambda number: swaying(frame, number)) as camera:
            async with child_of() as parent:
                looks = Network(address=camera.address, pad=settings).spelt()
                await parent.send(child_messages.Prepare(models=str(real_models()), camera=looks))
                await parent.next(child_messages.Prepared)
                await parent.send(vision_messages.StartCrossing("one"))
                with await driver.connect(settings) as end:
                    descriptors.hand(parent.way, fd_passing.SENSOR, end.fileno())
                assert (await parent.next(vision_messages.CameraStatus)).lost is None
                await send_to(parent.way, as_file(astronaut()))
                compared = await parent.next(vision_messages.FaceCompared)
    finally:
        await asyncio.to_thread(server.stop)
    assert compared.match is not None
    if result is None:
        assert compared.pad is None
    else:
        assert compared.pad is not None
        assert (compared.pad.result, compared.pad.name, compared.pad.bound) == (result, "Simulated PAD", 0.5)


async def test_of_two_doors_the_camera_is_opened_when_the_traveller_is_inside(camera: MjpegServer) -> None:
    async with child_of() as parent:
        await parent.prepare(camera.address)
        await parent.send(vision_messages.OpenCamera("early"))
        await parent.send(vision_messages.StartCrossing("one", look=False))
        await send_to(parent.way, as_file(astronaut()))
        await parent.next(child_messages.Alive)
        assert camera.connections == 0
        await parent.send(vision_messages.OpenCamera("one"))
        await parent.send(vision_messages.OpenCamera("one"))
        assert (await parent.next(vision_messages.CameraStatus)).lost is None
        compared = await parent.next(vision_messages.FaceCompared)
        assert compared.match is not None
        assert compared.match > 0.9
        assert camera.connections == 1


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (bytes(portraits.BYTES_MAX + 1), "portrait_unreadable"),
        (b"junk", "portrait_unreadable"),
        (None, "portrait_with_several_faces"),
    ],
)
async def test_portraits_that_cannot_be_used(camera: MjpegServer, image: bytes | None, reason: str) -> None:
    if image is None:
        frame = before_the_camera(astronaut())
        image = as_file(np.hstack([frame, frame[:, ::-1]]))
    async with child_of() as parent:
        await parent.prepare(camera.address)
        await parent.send(vision_messages.StartCrossing("one"))
        await send_to(parent.way, image)
        compared = await parent.next(vision_messages.FaceCompared)
        assert compared.reasons == [reason]


class Broken(NewestFrame):
    """A camera that does not obey."""

    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        yield from ()
        raise RefusedError("the camera's exposure is 312, not 150")


async def test_a_camera_that_does_not_obey_is_a_lost_one_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_child, "camera_for", lambda _setup: Broken())
    async with child_of() as parent:
        await parent.prepare("http://127.0.0.1:9/stream")
        await parent.send(vision_messages.StartCrossing("one"))
        assert (await parent.next(vision_messages.CameraStatus)).lost == "the camera's exposure is 312, not 150"
        await parent.next(child_messages.Alive)  # and the lane's word ends it


async def test_a_second_crossing_ends_the_child(camera: MjpegServer) -> None:
    async with child_of() as parent:
        await parent.prepare(camera.address)
        await parent.send(vision_messages.StartCrossing("one"))
        await parent.send(vision_messages.StartCrossing("two"))
        with pytest.raises(RuntimeError, match="one crossing, once"):
            await parent.child


async def test_a_crossing_before_the_models_ends_the_child() -> None:
    async with child_of() as parent:
        await parent.send(vision_messages.StartCrossing("one"))
        with pytest.raises(RuntimeError, match="once it is prepared"):
            await parent.child


async def test_a_probe_says_whether_the_camera_gives_a_frame(camera: MjpegServer) -> None:
    async with child_of() as parent:
        await parent.prepare(camera.address)
        await parent.send(child_messages.Try(child_messages.Trial.CAMERA))
        assert (await parent.next(child_messages.Tried)).ok
        camera.mode = "drop"
        await parent.send(child_messages.Try(child_messages.Trial.CAMERA))
        probed = await parent.next(child_messages.Tried)
        assert not probed.ok
        assert probed.reason


@pytest.mark.parametrize(("right", "said"), [(True, ""), (False, "another certificate than certificate_sha256 names")])
async def test_a_child_that_is_confined_sees_its_https_camera_and_asks_no_other(
    tmp_path: Path, *, right: bool, said: str
) -> None:
    certificate = shown()
    with MjpegServer(tls=certificate.server(tmp_path)) as camera:
        settings = Network(address=camera.address, certificate_sha256=certificate.pin if right else shown().pin)
        prepare = child_messages.Prepare(models=str(real_models()), camera=settings.spelt())
        child: Process[child_messages.FromChild] = await Process.start(
            FACES, prepare, incoming=child_messages.FromChild
        )
        try:
            await child.send(child_messages.Try(child_messages.Trial.CAMERA))
            async with asyncio.timeout(DEADLINE_S):
                while not isinstance(answer := await child.receive(), child_messages.Tried):
                    pass
        finally:
            await child.end()
        assert (answer.ok, camera.connections > 0) == (right, right)
        assert said in answer.reason


@pytest.mark.parametrize("hint", HINTS)
def test_every_hint_has_a_word_on_the_screen(hint: Guidance) -> None:
    assert message_of(Guided(1, hint), "one", 7) == vision_messages.FaceSeen("one", 1, hint, 7)


def test_nobody_is_asked_to_look_at_the_camera_and_a_good_face_nothing() -> None:
    assert message_of(Guided(0, None), "one", 7) == vision_messages.FaceSeen("one", 0, Guidance.LOOK_AT_CAMERA, 7)
    assert message_of(Guided(1, None), "one", 7) == vision_messages.FaceSeen("one", 1, Guidance.NONE, 7)


def test_events_become_the_lanes_messages() -> None:
    compared = Compared(
        faces=1,
        match=0.5,
        liveness=None,
        portrait_usable=True,
        model="fr_feature",
        frames=3,
        good_frame_ms=7,
        reasons=("liveness_not_run",),
    )
    assert message_of(compared, "one", 7) == vision_messages.FaceCompared(
        crossing="one",
        faces=1,
        match=0.5,
        liveness=None,
        portrait_usable=True,
        model="fr_feature",
        frames=3,
        good_frame_ms=7,
        reasons=["liveness_not_run"],
        session=7,
    )
    assert message_of(Guided(2, Guidance.ONE_PERSON), "one", 7) == vision_messages.FaceSeen(
        "one", 2, Guidance.ONE_PERSON, 7
    )
    for state in (TrackState.LOST, TrackState.SWITCHED, TrackState.SEVERAL):
        assert message_of(Changed(state), "one", 7) == vision_messages.TrackChanged("one", TrackChange(state.value), 7)
    proved_ms = int(time.monotonic() * 1000) - 700
    told = message_of(Changed(TrackState.LOST, proved_ms, 1.5), "one", 7)
    assert isinstance(told, vision_messages.TrackChanged)
    assert told.grown == 1.5
    assert told.seen_ago_ms is not None
    assert told.seen_ago_ms >= 700


# ── the parent's side of a process that never works ──────────────────────────────────────────────────────────────────

PREPARE = child_messages.Prepare(models="none", camera=Network(address="http://127.0.0.1:9/stream").spelt())


def executable(tmp_path: Path, script: str) -> str:
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "reason"),
    [("exit 0", "the child is"), ("exec sleep 60", "not ready after"), (None, "cannot be started")],
)
async def test_a_child_that_does_not_come_up_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, reason: str
) -> None:
    place = executable(tmp_path, script) if script is not None else str(tmp_path / "nothing")
    monkeypatch.setattr(sys, "executable", place)
    monkeypatch.setattr(child_handle, "START_DEADLINE_S", 0.3)
    with pytest.raises(ChildLostError, match=reason):
        await Process.start(FACES, PREPARE, incoming=child_messages.FromChild)


async def test_a_parent_that_hangs_up_while_asked_is_a_closed_channel() -> None:
    ours, theirs = socket.socketpair()
    connection = await adopt(ours, incoming=child_messages.FromChild)
    theirs.close()
    with pytest.raises(ChannelClosedError):
        await connection.receive()
    connection.close()
