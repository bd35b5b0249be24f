"""The vision program with real children, real models and an MJPEG server for a camera.

The program runs in the test's own event loop; its children are processes. The traveller is the public-domain portrait.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest
from core_fakes.shifts import PUBLIC, of_an_officer, today
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from fakes.mjpeg_server import MjpegServer
from fakes.portrait_channel import send_portrait
from fakes.portraits import as_file, astronaut, before_the_camera, swaying
from fakes.tiny_models import real_models

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.pad.settings import PadSensor as SensorSettings
from drivers.reader.settings import Elyctis
from gate.channel import preview_messages, vision_messages
from gate.channel.errors import ChannelError
from gate.channel.message import Status, StatusRequest
from gate.channel.row import Channel
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.face.chain import open_models, template_of
from gate.picture import decode
from gate.programs.shared.config import Audit, Config, Officers, Paths, Rules, Screens
from gate.programs.vision import program as vision
from gate_core.evidence.crossing import PadResult, Swap
from gate_core.evidence.screen import Guidance, Purpose
from gate_core.orders.envelope import FACE, info_of
from hardware_sim.camera.scenes import shone_at_person
from hardware_sim.display import light_of
from hardware_sim.pad.sensor import PadSensor, PadServer, Stands
from models.manifest import load

pytestmark = pytest.mark.faces

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 15.0
Wanted = TypeVar("Wanted")


class World:
    """What stands before the camera; a test changes `frame` while the camera runs."""

    def __init__(self) -> None:
        self.portrait = astronaut()
        self.frame = before_the_camera(self.portrait)
        self.display = (0.0, 0.0, 0.0)

    def leave(self) -> None:
        self.frame = np.full_like(self.frame, 40)

    def picture(self, number: int) -> np.ndarray:
        return shone_at_person(swaying(self.frame, number), self.display)


@dataclass
class Site:
    """The program under test, its camera and a lane's connection."""

    world: World
    camera: MjpegServer
    config: Config
    lane: Connection[vision_messages.FromVision]

    async def next(self, kind: type[Wanted], *, also: Callable[[Any], bool] = lambda _: True) -> Wanted:
        """The next message of that kind; others are skipped."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = await self.lane.receive()
                if isinstance(message, kind) and also(message):
                    return message

    async def status(self, *, state: str) -> Status:
        """Ask until the program is in that state."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                await self.lane.send(StatusRequest())
                answer = await self.next(Status)
                if answer.state == state:
                    return answer
                await asyncio.sleep(0.02)

    async def start(self, crossing: str) -> None:
        await self.lane.send(vision_messages.StartCrossing(crossing))
        await self.next(
            vision_messages.CameraStatus, also=lambda camera: camera == vision_messages.CameraStatus(crossing)
        )

    async def give_portrait(self, crossing: str, image: bytes | None = None) -> vision_messages.FaceCompared:
        content = as_file(self.world.portrait) if image is None else image
        await send_portrait(self.config, crossing, content)
        return await self.next(vision_messages.FaceCompared)

    async def end_sealed(self, crossing: str, certificate: bytes) -> bytes:
        """End a crossing that was referred for an alarm; what is sealed to an officer."""
        await self.lane.send(vision_messages.EndCrossing(crossing, vision_messages.SealFor([certificate], alarm=True)))
        sealed = bytearray()
        while True:
            piece = await self.next(vision_messages.SealedPiece)
            sealed += piece.content
            if piece.last:
                await self.next(vision_messages.Erased)
                return bytes(sealed)

    async def end(self, crossing: str) -> None:
        await self.lane.send(vision_messages.EndCrossing(crossing))
        await self.next(vision_messages.Erased)


def config_for(folder: Path, *, models: Path, address: str) -> Config:
    return Config(
        purpose=Purpose.DEMO,
        gate_id="test",
        operator="test",
        paths=Paths(run=str(folder), models=str(models)),
        barrier=Modbus(port="none"),
        swipe=Elyctis(port="nothing"),
        camera=Network(address=address),
        audit=Audit(recipients=()),
        screens=Screens(challenge=True),
        officers=Officers(authority=b64encode(PUBLIC).decode()),
    )


@contextlib.asynccontextmanager
async def site(
    folder: Path, *, models: Path | None = None, swap_check_minutes: int = 0, sensor: SensorSettings | None = None
) -> AsyncIterator[Site]:
    world = World()
    with MjpegServer(frames_per_second=20, picture=world.picture) as camera:
        config = config_for(folder, models=models or real_models(), address=camera.address)
        config = msgspec.structs.replace(
            config,
            rules=Rules(swap_check_minutes=swap_check_minutes),
            camera=msgspec.structs.replace(config.camera, pad=sensor),
        )
        stop = asyncio.Event()
        running = asyncio.ensure_future(vision.run(config, stop=stop))
        gate = Site(world, camera, config, await connected(config, CHANNELS.vision))
        try:
            yield gate
        finally:
            gate.lane.close()
            stop.set()
            await running
            assert children() == []


async def connected(config: Config, channel: Channel[Any, Any]) -> Connection[Any]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                return await connect(channel, config.socket(channel.name))
            except ChannelError:
                await asyncio.sleep(0.01)


def children() -> list[int]:
    """The vision children of this test's process."""
    mine = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
            if parent == os.getpid() and b"face_child" in (entry / "cmdline").read_bytes():
                mine.append(int(entry.name))
    return mine


async def test_a_traveller_is_seen_compared_and_forgotten(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        status = await gate.status(state="ready")
        assert status.detail["models"] == [model.name for model in load().profile("standard")]
        assert status.detail["spare"] == "warm"
        assert status.detail["camera"] == "closed"
        assert gate.camera.connections == 0  # no camera without a document
        (child,) = children()
        before_ms = time.monotonic_ns() // 1_000_000
        await gate.start("one")
        seen = await gate.next(vision_messages.FaceSeen)
        assert (seen.crossing, seen.faces, seen.guidance) == ("one", 0, Guidance.LOOK_AT_CAMERA)  # not yet proved
        while (
            seen := await gate.next(vision_messages.FaceSeen)
        ).faces == 0:  # a frame that counts is news before the face is held for proved
            assert seen.guidance is Guidance.LOOK_AT_CAMERA
        assert (seen.crossing, seen.faces, seen.guidance) == ("one", 1, Guidance.NONE)
        compared = await gate.give_portrait("one")
        assert compared.match is not None
        assert compared.match > 0.9
        assert compared.liveness is not None
        assert compared.portrait_usable
        assert compared.model == "fr_feature"
        assert compared.frames >= 3
        assert before_ms <= compared.good_frame_ms <= time.monotonic_ns() // 1_000_000
        gate.world.leave()
        changed = await gate.next(vision_messages.TrackChanged)
        assert (changed.crossing, changed.change.value) == ("one", "lost")
        assert changed.seen_ago_ms is not None
        assert 600 <= changed.seen_ago_ms <= time.monotonic_ns() // 1_000_000 - before_ms
        await gate.end("one")
        assert child not in children()
        assert gate.camera.connections == 1
        await gate.status(state="ready")


async def test_a_sensors_verdict_reaches_the_lane_by_way_of_the_confined_child_and_its_loss_is_told(
    short_path: Path,
) -> None:
    shipped = resources.files("drivers.profiles") / "pad" / "portcullis-sim.toml"
    patient = shipped.read_text(encoding="utf-8").replace("age_ms_max = 1000", "age_ms_max = 3000")  # a busy machine
    (short_path / "patient.toml").write_text(patient)
    server = PadServer(short_path / "pad", PadSensor(Stands.PICTURE))
    sensor = SensorSettings(socket=str(short_path / "pad"), profile=str(short_path / "patient.toml"))
    async with site(short_path, sensor=sensor) as gate:
        assert (await gate.status(state="ready")).detail["sensor"] == "up"
        await gate.start("one")
        compared = await gate.give_portrait("one")
        assert compared.match is not None
        assert compared.pad is not None
        assert (compared.pad.name, compared.pad.result) == ("Simulated PAD", PadResult.ATTACK)
        await gate.end("one")
        await asyncio.to_thread(server.stop)
        async with asyncio.timeout(DEADLINE_S):
            while not str((await gate.status(state="ready")).detail["sensor"]).startswith("lost: "):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await gate.start("two")
        assert (await gate.give_portrait("two")).pad is None
        await gate.end("two")


async def test_who_was_referred_is_known_again_with_another_document_and_nobody_else_is_remembered(
    short_path: Path,
) -> None:
    async with site(short_path, swap_check_minutes=5) as gate:
        another = as_file(np.ascontiguousarray(gate.world.portrait[:, ::-1]))
        found = []
        for number, (image, remember) in enumerate(
            [(None, 0), (another, 0), (None, 5), (None, 0), (another, 5), (another, 0)]
        ):
            await gate.start(f"c{number}")
            compared = await gate.give_portrait(f"c{number}", image)
            found.append(compared.swap)
            await gate.lane.send(vision_messages.EndCrossing(f"c{number}", remember=remember))
            await gate.next(vision_messages.Erased)
        other = Swap.OTHER_DOCUMENT
        assert found == [Swap.NONE, Swap.NONE, Swap.NONE, Swap.NONE, other, other]
    async with site(short_path / "without") as gate:
        await gate.start("c")
        assert (await gate.give_portrait("c")).swap is None


async def test_crossings_follow_one_another_in_processes_of_their_own(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        used = set()
        for crossing in ("one", "two"):
            await gate.start(crossing)
            compared = await gate.give_portrait(crossing)
            assert compared.crossing == crossing
            used.update(children())
            await gate.end(crossing)
        assert len(used) >= 2


async def test_a_new_crossing_ends_the_one_before(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        await gate.start("one")
        await gate.lane.send(vision_messages.StartCrossing("two"))
        assert (await gate.next(vision_messages.Erased)).crossing == "one"
        assert (await gate.next(vision_messages.CameraStatus, also=is_up)).crossing == "two"
        await gate.lane.send(vision_messages.EndCrossing("one"))  # too late to mean anything
        await send_portrait(gate.config, "one", b"of someone else")
        assert (await gate.give_portrait("two")).match is not None


@pytest.mark.parametrize("image", [b"", b"garbage", b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x03"])
async def test_a_hostile_portrait_is_unusable_and_nothing_else(tmp_path: Path, image: bytes) -> None:
    async with site(tmp_path) as gate:
        await gate.start("one")
        compared = await gate.give_portrait("one", image)
        assert (compared.match, compared.portrait_usable) == (None, False)
        assert compared.reasons == ["portrait_unreadable"]
        assert compared.liveness is not None


async def test_a_portrait_without_a_face_is_unusable(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        await gate.start("one")
        compared = await gate.give_portrait("one", as_file(np.full((400, 300, 3), 128, np.uint8), ".jp2"))
        assert compared.reasons == ["portrait_without_face"]


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_child_that_dies_or_hangs_is_a_lost_camera_and_the_next_crossing_works(
    tmp_path: Path, fault: signal.Signals
) -> None:
    async with site(tmp_path) as gate:
        await gate.start("one")
        (child,) = children()
        os.kill(child, fault)
        lost = await gate.next(vision_messages.CameraStatus, also=is_lost)
        assert lost.crossing == "one"
        assert child not in children()
        await gate.end("one")
        assert (
            await gate.next(vision_messages.CameraStatus, also=is_up)
        ).crossing == "one"  # the camera was probed and works
        await gate.start("two")
        assert (await gate.give_portrait("two")).match is not None


async def test_a_spare_that_dies_is_replaced(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        await gate.status(state="ready")
        (child,) = children()
        os.kill(child, signal.SIGKILL)
        await gate.status(state="starting")
        await gate.status(state="ready")
        assert child not in children()


async def test_a_lost_camera_is_told_and_its_return_too(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        await gate.start("one")
        gate.camera.mode = "drop"
        lost = await gate.next(vision_messages.CameraStatus, also=is_lost)
        assert "ended" in str(lost.lost)
        await gate.end("one")
        status = await gate.status(state="degraded")
        assert str(status.detail["camera"]).startswith("lost")
        gate.camera.mode = "play"
        assert (await gate.next(vision_messages.CameraStatus, also=is_up)).crossing == "one"
        await gate.status(state="ready")


async def test_models_that_are_damaged_make_a_degraded_program_that_says_so_at_once(tmp_path: Path) -> None:
    damaged = tmp_path / "models"
    damaged.mkdir()
    for model in load().models:
        content = model.read(real_models())
        (damaged / model.file_name).write_bytes(content[:-1] + b"?")
    async with site(tmp_path, models=damaged) as gate:
        status = await gate.status(state="degraded")
        assert "not the pinned file" in str(status.detail["spare"])
        await gate.lane.send(vision_messages.StartCrossing("one"))
        lost = await gate.next(vision_messages.CameraStatus, also=is_lost)
        assert "not the pinned file" in str(lost.lost)
        await gate.end("one")


async def test_a_crossing_ends_with_its_lane(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        await gate.start("one")
        (child,) = children()
        gate.lane.close()
        async with asyncio.timeout(DEADLINE_S):
            while child in children():  # noqa: ASYNC110 - the kernel sends no event
                await asyncio.sleep(0.02)
        gate.lane = await connected(gate.config, CHANNELS.vision)
        await gate.start("two")


async def test_a_peer_that_breaks_the_protocol_is_hung_up_on_and_the_crossing_goes_on(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        await gate.start("one")
        reader, writer = await asyncio.open_unix_connection(str(gate.config.socket("vision")))
        writer.write(b"\x00\x00\x00\x04junk")
        assert await reader.read() == b""
        writer.close()
        assert (await gate.give_portrait("one")).match is not None


# ── the preview ──────────────────────────────────────────────────────────────────────────────────────────────────────


def is_up(camera: vision_messages.CameraStatus) -> bool:
    return camera.lost is None


def is_lost(camera: vision_messages.CameraStatus) -> bool:
    return camera.lost is not None


async def next_preview(
    screen: Connection[preview_messages.FromPreview], *, within_s: float
) -> preview_messages.Preview | None:
    try:
        async with asyncio.timeout(within_s):
            while not isinstance(message := await screen.receive(), preview_messages.Preview):
                pass
            return message
    except TimeoutError:
        return None


async def test_the_preview_runs_during_a_crossing_and_only_while_it_is_wanted(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        screen = await connected(gate.config, CHANNELS.preview)
        idle = await connected(gate.config, CHANNELS.preview)
        await screen.send(preview_messages.WantPreview(on=True))
        assert await next_preview(screen, within_s=0.3) is None  # no crossing, no picture
        await gate.start("one")
        picture = await next_preview(screen, within_s=DEADLINE_S)
        assert picture is not None
        assert picture.jpeg.startswith(b"\xff\xd8")
        assert len(picture.jpeg) <= 60_000
        assert await next_preview(idle, within_s=0.2) is None  # it did not ask
        await screen.send(preview_messages.WantPreview(on=False))
        async with asyncio.timeout(DEADLINE_S):
            while await next_preview(screen, within_s=0.3) is not None:
                pass
        await screen.send(preview_messages.WantPreview(on=True))
        assert await next_preview(screen, within_s=DEADLINE_S) is not None
        await gate.end("one")
        async with asyncio.timeout(DEADLINE_S):
            while await next_preview(screen, within_s=0.3) is not None:
                pass
        screen.close()
        idle.close()


async def shine(
    gate: Site, screen: Connection[preview_messages.FromPreview], *, seen: bool
) -> list[preview_messages.ShowTint]:
    """Be a display until the camera has looked for long enough, however slow it is; `seen`: the colours reach the face."""
    shown: list[preview_messages.ShowTint] = []
    looks = 0
    async with asyncio.timeout(4 * DEADLINE_S):
        while len(shown) < 8 or looks < 30:
            message = await screen.receive()
            if isinstance(message, preview_messages.Preview):
                looks += 1
            else:
                shown.append(message)
                gate.world.display = light_of(message.colour) if seen else gate.world.display
                await screen.send(preview_messages.TintShown(message.number, int(time.monotonic() * 1000)))
    return shown


@pytest.mark.parametrize("seen", [True, False], ids=["a face before the display", "fed-in video"])
async def test_the_display_challenges_and_the_face_is_seen_to_answer(tmp_path: Path, *, seen: bool) -> None:
    async with site(tmp_path) as gate:
        screen = await connected(gate.config, CHANNELS.preview)
        await screen.send(preview_messages.WantPreview(on=True))
        await gate.start("one")
        shown = await shine(gate, screen, seen=seen)
        assert [tint.number for tint in shown] == list(range(1, len(shown) + 1))
        compared = await gate.give_portrait("one")
        light = compared.cues["light"]
        assert light is not None
        assert light > 0.07 if seen else light < 0.04
        screen.close()


async def test_a_display_that_goes_is_held_against_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        screen = await connected(gate.config, CHANNELS.preview)
        await screen.send(preview_messages.WantPreview(on=True))
        await gate.start("one")
        await shine(gate, screen, seen=False)
        screen.close()
        await asyncio.sleep(0.3)
        compared = await gate.give_portrait("one")
        assert (compared.cues["light"], compared.cues["shading"]) == (None, None)
        assert compared.match is not None


async def test_a_screen_that_does_not_read_delays_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        stuck = await connected(gate.config, CHANNELS.preview)
        await stuck.send(preview_messages.WantPreview(on=True))
        await gate.start("one")
        assert (await gate.give_portrait("one")).match is not None
        stuck.close()


# ── what must never leave ────────────────────────────────────────────────────────────────────────────────────────────


async def test_neither_template_nor_portrait_leaves_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every byte that comes out of the child is kept and searched for a canary in the portrait, for its template, and for what officers see."""
    canary = b"CANARY-IN-THE-CHIP"
    heard = bytearray()
    quiet = msgspec.msgpack.Decoder

    class Listening:
        def __init__(self, kind: Any) -> None:
            self._decoder: Any = quiet(kind)

        def decode(self, body: bytes) -> Any:
            heard.extend(body)
            return self._decoder.decode(body)

    monkeypatch.setattr(msgspec.msgpack, "Decoder", Listening)
    async with site(tmp_path) as gate:
        await gate.start("one")
        jpeg = as_file(gate.world.portrait)
        marked = jpeg[:2] + b"\xff\xfe" + (len(canary) + 2).to_bytes(2) + canary + jpeg[2:]
        compared = await gate.give_portrait("one", marked)
        assert compared.match is not None
        chain = open_models(real_models())
        template = template_of(chain, gate.world.portrait).vector
        officer = X25519PrivateKey.generate()
        sealed = await gate.end_sealed("one", of_an_officer(officer.public_key().public_bytes_raw(), **today()))
    opened = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM).decrypt(sealed, officer, info_of("test", "one", FACE))
    shown = json.loads(opened)
    pictures = [decode(b64decode(one)) for one in (shown["live"], shown["chip"], *shown["alarms"])]
    assert len(pictures) > 2, "the moments of the look are among them"
    for picture in pictures:
        assert picture.shape == (600, 480, 3)
        assert float(template @ template_of(chain, picture).vector) > 0.5, "the same person in each"
    out, error = capfd.readouterr()
    everything = bytes(heard) + out.encode() + error.encode()
    from_child = everything
    assert b"FaceCompared" in from_child
    assert canary not in from_child
    assert sealed[:64] in from_child
    for jpeg in (b64decode(one) for one in (shown["live"], shown["chip"], *shown["alarms"])):
        assert jpeg[len(jpeg) // 2 :][:32] not in from_child
    for number in template[np.abs(template) > 0.02][:50]:
        assert number.tobytes() not in from_child
        assert np.float64(number).tobytes() not in from_child
        assert np.float64(number).tobytes()[::-1] not in from_child
        assert f"{number:.5f}".encode() not in from_child


def test_the_parent_loads_no_image_or_inference_library() -> None:
    program = (
        "import sys\nimport gate.programs.vision.program\n"
        "print(sorted({'numpy', 'cv2', 'onnxruntime', 'gate.face', 'models.runtime'} & set(sys.modules)))"
    )
    outcome = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"


def test_a_child_is_unreadable_bounded_and_leaves_no_core() -> None:
    program = (
        "import ctypes, os, resource\nfrom gate.programs.children.confine import harden, ADDRESS_SPACE_BYTES_MAX\n"
        "try: harden(1)\n"
        "except OSError as error: print(error)\n"
        "done = harden(os.getppid())\n"
        "assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0\n"  # PR_GET_DUMPABLE
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)\n"
        "assert resource.getrlimit(resource.RLIMIT_AS)[0] == ADDRESS_SPACE_BYTES_MAX\n"
        "assert set(done) == {'memory_locked'}\n"
    )
    outcome = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "the parent has ended" in outcome.stdout


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    config = config_for(tmp_path, models=real_models(), address="http://127.0.0.1:9/stream")
    program = (
        "import asyncio, sys\nfrom drivers.camera.settings import Network\nfrom gate.channel import child_messages\nfrom gate.programs.children.child_handle import Process\n"
        "from gate.programs.vision.face_children import FACES\n"
        "async def main():\n"
        "    prepare = child_messages.Prepare(models=sys.argv[1], camera=Network(address=sys.argv[2]).spelt())\n"
        "    child = await Process.start(FACES, prepare, incoming=child_messages.FromChild)\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, config.paths.models, config.camera.address],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    ends = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and time.monotonic() < ends:
        if "Z" in Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2][:1]:
            break  # dead, and nobody here is its reaper
        time.sleep(0.01)
    else:
        assert not Path(f"/proc/{child}").exists()


# ── able to serve ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_crossing_and_garbage_in_one_write_end_their_connection_and_nothing_else(tmp_path: Path) -> None:
    """It stopped vision for good: the crossing was cancelled before anybody served it, and the next one waited for its erasure."""
    async with site(tmp_path) as gate:
        await gate.status(state="ready")
        body = msgspec.msgpack.encode(vision_messages.StartCrossing("poison"))
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        end.connect(str(gate.config.socket("vision")))
        end.sendall(len(body).to_bytes(4, "big") + body + b"\x00\x00\x00\x05GARBAGE")
        end.settimeout(DEADLINE_S)
        with contextlib.suppress(ConnectionError):
            while await asyncio.to_thread(end.recv, 4096):
                pass
        end.close()
        await gate.start("two")
        assert (await gate.give_portrait("two")).match is not None
        await gate.end("two")
        assert (await gate.status(state="ready")).alive


async def test_a_camera_that_is_unplugged_between_crossings_is_told_before_anybody_comes(tmp_path: Path) -> None:
    async with site(tmp_path) as gate:
        await gate.status(state="ready")
        await asyncio.sleep(0.5)
        assert gate.camera.connections == 0, "it is there, and was asked for no picture"
        gate.camera.unplug()
        assert (await gate.next(vision_messages.CameraStatus, also=is_lost)).crossing is None
        assert (await gate.status(state="degraded")).detail["camera"] != "closed"
