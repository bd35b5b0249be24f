"""The vision program's parent over a real socket, with children that only say what they are told: crossings, losses, proofs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from gate.channel import child_messages, vision_messages
from gate.channel.message import Message, Status, StatusRequest
from gate.channel.sockets import Connection, connect, serve
from gate.channel.table import CHANNELS
from gate.programs.children.child_handle import ChildLostError
from gate.programs.children.final_report import SAID_MAX, SEAL_S
from gate.programs.vision.face_children import PROVE_DEADLINE_S, ChildMuteError
from gate.programs.vision.program import PROVE_EVERY_S, WATCH_EVERY_S, Vision
from gate.programs.vision.readiness import CHILD_MAX_S, ERASED_MAX_S, PROVEN_MAX_S
from gate_contract.virtual_time import run_virtual
from gate_core.evidence.screen import Guidance
from gate_core.programs.task_groups import run_until_first_exits

DEADLINE_S = 5.0


class FakeChild:
    """A child whose camera is up at once."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.detail: dict[str, Any] = {}
        self.told: asyncio.Queue[Message] = asyncio.Queue()
        self.seals: tuple[Message, ...] = ()
        self.asked: list[vision_messages.EndCrossing] = []
        self.ended = False
        self.earlier: list[list[bytes] | None] = []

    async def send(self, message: Message) -> None:
        if isinstance(message, vision_messages.StartCrossing):
            self.earlier.append(message.earlier)
        if isinstance(message, vision_messages.EndCrossing):
            self.asked.append(message)
            for said in self.seals:
                self.told.put_nowait(said)
        if (isinstance(message, vision_messages.StartCrossing) and message.look) or isinstance(
            message, vision_messages.OpenCamera
        ):
            self.told.put_nowait(vision_messages.CameraStatus(message.crossing))

    async def receive(self) -> Message:
        return await self.told.get()

    async def end(self) -> None:
        self.ended = True


class FakeSpare:
    """Children without end. While `is_mute` none answers a proof, and the camera gives frames while `frames`."""

    def __init__(self) -> None:
        self.problem = ""
        self.child: FakeChild | None = FakeChild()
        self.proven_s: float | None = 0.0
        self.unproven: str | None = None
        self.proofs = 0
        self.is_mute = False
        self.frames = True
        self.given: list[FakeChild] = []

    def want(self) -> None:
        self.child = self.child or FakeChild()

    async def take(self) -> FakeChild:
        if self.child is None:
            raise ChildLostError("no child is ready")
        child, self.child = self.child, None
        self.given.append(child)
        return child

    async def prove(self) -> str | None:
        self.proofs += 1
        if self.is_mute:
            raise ChildMuteError("the waiting child gave no Proved in time")
        return self.unproven

    async def probe_camera(self) -> str | None:
        return None if self.frames else "the camera sends no picture"


class Site:
    """A parent, its spare, whether its camera is there, and one lane."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spare = FakeSpare()
        self.absent: str | None = None
        self.vision = Vision(spare=cast("Any", self.spare), missing=self._missing, remembers=True)

    async def _missing(self) -> str | None:
        return self.absent

    async def lane(self) -> Connection[Any]:
        return await connect(CHANNELS.vision, self.path)


@contextlib.asynccontextmanager
async def running(site: Site) -> AsyncIterator[None]:
    parent = site.vision
    loops = asyncio.ensure_future(run_until_first_exits(parent.serve_crossings(), parent.watch(), parent.mend_camera()))
    async with serve(CHANNELS.vision, site.path, parent.serve_lane):
        await asyncio.sleep(0.01)  # all was well when it began
        yield
    loops.cancel()
    await asyncio.gather(loops, return_exceptions=True)


def at_a_site(test: Callable[[Site], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """A test of a parent that runs, in virtual time."""

    async def story(path: Path) -> None:
        site = Site(path)
        async with running(site):
            await test(site)

    def run(tmp_path: Path) -> None:
        run_virtual(story(tmp_path / "vision.sock"))

    return run


async def hear(lane: Connection[Any], kind: type[Any], crossing: str | None) -> Any:
    """The next message of that kind about that crossing."""
    async with asyncio.timeout(DEADLINE_S):
        while not isinstance(message := await lane.receive(), kind) or message.crossing != crossing:
            pass
    return message


async def hear_camera(lane: Connection[Any], crossing: str | None, *, lost: bool = False) -> str | None:
    """Why the camera is lost, as the next such message about that crossing says it."""
    while ((told := await hear(lane, vision_messages.CameraStatus, crossing)).lost is not None) is not lost:
        pass
    return cast("str | None", told.lost)


async def cross(lane: Connection[Any], crossing: str) -> None:
    await lane.send(vision_messages.StartCrossing(crossing))
    await hear_camera(lane, crossing)
    await lane.send(vision_messages.EndCrossing(crossing))
    await hear(lane, vision_messages.Erased, crossing)


@at_a_site
async def test_the_word_to_open_the_camera_is_passed_on_to_the_crossing_that_it_names(site: Site) -> None:
    lane = await site.lane()
    await lane.send(vision_messages.StartCrossing("c1", look=False))
    await lane.send(vision_messages.OpenCamera("another"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await hear_camera(lane, "c1")
    await lane.send(vision_messages.OpenCamera("c1"))
    await hear_camera(lane, "c1")
    lane.close()


def poison(path: Path, *messages: Message) -> None:
    """Say these and garbage in one write, and hang up."""
    bodies = [msgspec.msgpack.encode(one) for one in messages]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.connect(str(path))
        end.sendall(b"".join(len(one).to_bytes(4, "big") + one for one in (*bodies, b"GARBAGE")))


@at_a_site
async def test_a_crossing_and_garbage_in_one_write_stop_nobody(site: Site) -> None:
    """It stopped vision for good: the crossing was cancelled before it was served, and every later one waited for its erasure."""
    for _ in range(5):
        poison(site.path, vision_messages.StartCrossing("poison"))
        await asyncio.sleep(0.05)  # a process has few connections at a time
    lane = await site.lane()
    await cross(lane, "two")
    assert all(child.ended for child in site.spare.given)
    status = site.vision.status()
    assert (status.state, status.alive) == ("ready", True)
    lane.close()


@at_a_site
async def test_crossings_of_several_connections_that_come_at_once_are_all_served_or_ended(site: Site) -> None:
    lanes = [await site.lane() for _ in range(3)]
    await asyncio.gather(*(lane.send(vision_messages.StartCrossing(f"c{number}")) for number, lane in enumerate(lanes)))
    for lane in lanes:
        lane.close()
    lane = await site.lane()
    await cross(lane, "last")
    assert site.vision.status().alive
    lane.close()


def test_a_crossing_that_nobody_serves_is_seen_as_standing_still() -> None:
    """What stopped vision, done to it again: the loop that serves crossings is away, while the lane is answered."""

    async def lane() -> AsyncIterator[Message]:
        yield vision_messages.StartCrossing("c1")
        await asyncio.Event().wait()

    async def served() -> list[tuple[str, bool]]:
        vision = Vision(spare=cast("Any", FakeSpare()), missing=cast("Any", None))
        serving = asyncio.ensure_future(vision.serve_lane(cast("Any", lane())))
        heard = []
        for pause_s in (CHILD_MAX_S - 1, 2):
            await asyncio.sleep(pause_s)
            heard.append((vision.status().state, vision.status().alive))
        serving.cancel()
        return heard

    assert run_virtual(served()) == [("ready", True), ("degraded", False)]


@at_a_site
async def test_a_child_that_lives_and_answers_nothing_is_a_lost_camera(site: Site) -> None:
    lane = await site.lane()
    site.spare.is_mute, site.spare.frames, site.spare.proven_s = True, False, PROVE_EVERY_S + 1
    assert await hear_camera(lane, None, lost=True) == "the waiting child gave no Proved in time"
    assert (site.vision.status().state, site.vision.status().alive) == ("degraded", True), "another child may answer"
    lane.close()


@at_a_site
async def test_a_child_that_no_longer_gives_its_golden_values_closes_the_lane(site: Site) -> None:
    lane = await site.lane()
    site.spare.frames = False
    site.spare.unproven, site.spare.proven_s = "the embedder is 0.3 off its golden values", PROVE_EVERY_S + 1
    lost = await hear_camera(lane, None, lost=True)
    assert lost == site.spare.unproven
    assert (site.vision.status().state, site.vision.status().alive) == ("degraded", True)
    site.spare.unproven, site.spare.proven_s, site.spare.frames = None, 0.0, True
    await hear_camera(lane, None)
    assert site.vision.status().state == "ready"
    lane.close()


def test_a_proof_that_is_asked_for_comes_before_the_one_before_is_old() -> None:
    assert PROVE_EVERY_S + WATCH_EVERY_S + PROVE_DEADLINE_S < PROVEN_MAX_S


@at_a_site
async def test_a_proof_is_asked_for_again_before_it_is_old(site: Site) -> None:
    site.spare.proven_s = PROVE_EVERY_S - 1
    await asyncio.sleep(WATCH_EVERY_S + 1)
    assert site.spare.proofs == 0
    site.spare.proven_s = PROVE_EVERY_S + 1
    await asyncio.sleep(WATCH_EVERY_S + 1)
    assert site.spare.proofs > 0


@at_a_site
async def test_an_old_proof_is_none_though_the_socket_answers(site: Site) -> None:
    site.spare.proven_s = 60.0
    assert (site.vision.status().state, site.vision.status().alive) == ("degraded", True)


@at_a_site
async def test_a_camera_that_is_unplugged_between_crossings_is_told_at_once_and_so_is_its_return(site: Site) -> None:
    lanes = [await site.lane() for _ in range(2)]
    await asyncio.sleep(0.05)
    site.spare.frames, site.absent = False, "the camera is unplugged"
    for lane in lanes:
        assert await hear_camera(lane, None, lost=True) == "the camera is unplugged"
    assert site.vision.status().state == "degraded"
    late = await site.lane()
    await late.send(StatusRequest())
    await hear_camera(late, None, lost=True)
    site.spare.frames, site.absent = True, None
    for lane in (*lanes, late):
        await hear_camera(lane, None)
        lane.close()
    assert site.vision.status().state == "ready"


@at_a_site
async def test_a_lane_that_comes_hears_once_how_the_camera_is(site: Site) -> None:
    lane = await site.lane()
    for _ in range(3):
        await lane.send(StatusRequest())
    async with asyncio.timeout(DEADLINE_S):
        heard = [await lane.receive() for _ in range(4)]
    assert heard.pop(1) == vision_messages.CameraStatus(None)
    assert [type(one) for one in heard] == [Status] * 3
    lane.close()


@at_a_site
async def test_no_lane_hears_of_a_camera_before_a_child_is_ready_to_look(site: Site) -> None:
    site.spare.child, site.spare.proven_s = None, None
    lane = await site.lane()
    for _ in range(3):
        await lane.send(StatusRequest())
    async with asyncio.timeout(DEADLINE_S):
        heard = [await lane.receive() for _ in range(3)]
    assert [one.state for one in heard] == ["starting"] * 3
    site.spare.want()
    await lane.send(StatusRequest())
    await hear_camera(lane, None)
    lane.close()


@at_a_site
async def test_models_that_cannot_be_used_are_a_camera_that_cannot_either(site: Site) -> None:
    site.spare.child, site.spare.proven_s, site.spare.frames = None, None, False
    site.spare.problem = "fr_feature.onnx has another digest"
    lane = await site.lane()
    await lane.send(StatusRequest())
    assert await hear_camera(lane, None, lost=True) == site.spare.problem
    lane.close()


@at_a_site
async def test_a_lane_that_goes_takes_its_crossing_with_it(site: Site) -> None:
    lane = await site.lane()
    await lane.send(vision_messages.StartCrossing("c1"))
    await hear_camera(lane, "c1")
    lane.close()
    async with asyncio.timeout(DEADLINE_S):
        while site.vision.status().detail["spare"] != "warm":  # noqa: ASYNC110 - behind a socket
            await asyncio.sleep(0.01)
    assert site.spare.given[0].ended


@at_a_site
async def test_closing_ends_the_crossing_under_way(site: Site) -> None:
    lane = await site.lane()
    await lane.send(vision_messages.StartCrossing("c1"))
    await hear_camera(lane, "c1")
    async with asyncio.timeout(DEADLINE_S):
        await site.vision.close()
    assert site.spare.given[0].ended
    with contextlib.suppress(Exception):
        lane.close()


# ── what officers are shown ──────────────────────────────────────────────────────────────────────────────────────────

SEAL = vision_messages.SealFor([b"anna's", b"bert's"], alarm=True)


def piece(number: int, *, last: bool = True, crossing: str = "c1") -> vision_messages.SealedPiece:
    return vision_messages.SealedPiece(crossing, number, b"sealed", last)


async def ended(
    site: Site, seal: vision_messages.SealFor | None, *seals: Message
) -> tuple[list[vision_messages.SealedPiece], FakeChild, float]:
    """A crossing that ends like this, whose child says so; what the lane hears, and how long the end took in seconds."""
    lane = await site.lane()
    await lane.send(vision_messages.StartCrossing("c1"))
    await hear_camera(lane, "c1")
    (child,) = site.spare.given
    child.seals = seals
    began_s = asyncio.get_running_loop().time()
    await lane.send(vision_messages.EndCrossing("c1", seal))
    heard: list[vision_messages.SealedPiece] = []
    async with asyncio.timeout(DEADLINE_S):
        while not isinstance(message := await lane.receive(), vision_messages.Erased):
            if isinstance(message, vision_messages.SealedPiece):
                heard.append(message)
    assert child.ended
    lane.close()
    return heard, child, asyncio.get_running_loop().time() - began_s


@at_a_site
async def test_what_a_child_seals_goes_to_the_lane_before_it_is_erased(site: Site) -> None:
    pieces = (piece(0, last=False), piece(1), piece(0))
    heard, child, _ = await ended(site, SEAL, child_messages.Alive(), *pieces)
    assert heard == list(pieces)
    assert child.asked == [vision_messages.EndCrossing("c1", SEAL)]


async def given_to_the_next(
    site: Site, *, remember: int, after_s: float = 0.0, said: bytes = b"face and portrait"
) -> list[bytes] | None:
    """What the child after a crossing that ended so is told of it."""
    lane = await site.lane()
    await lane.send(vision_messages.StartCrossing("c1"))
    await hear_camera(lane, "c1")
    site.spare.given[-1].seals = (
        vision_messages.FaceRemembered("another", b"a stranger's words"),
        vision_messages.FaceRemembered("c1", said),
    )
    await lane.send(vision_messages.EndCrossing("c1", remember=remember))
    await hear(lane, vision_messages.Erased, "c1")
    site.spare.want()
    await asyncio.sleep(after_s)
    await cross(lane, "c2")
    lane.close()
    return site.spare.given[-1].earlier[0]


@at_a_site
async def test_a_referral_is_remembered_for_its_minutes_and_given_to_the_next_child_alone(site: Site) -> None:
    assert await given_to_the_next(site, remember=2) == [b"face and portrait"]
    assert site.spare.given[0].earlier == [[]]
    assert await given_to_the_next(site, remember=2, after_s=121) == []


@at_a_site
async def test_whoever_was_admitted_is_not_remembered_and_nothing_is_where_there_was_no_face(site: Site) -> None:
    assert await given_to_the_next(site, remember=0) == []
    assert await given_to_the_next(site, remember=2, said=b"") == []


@at_a_site
async def test_a_site_without_the_check_has_nothing_held_against_anybody(site: Site) -> None:
    site.vision._remembers = False
    assert await given_to_the_next(site, remember=2) is None


@at_a_site
async def test_a_crossing_that_was_not_referred_is_erased_without_a_word(site: Site) -> None:
    heard, child, _ = await ended(site, None, piece(0), piece(1))
    assert (heard, child.asked) == ([], [])


@at_a_site
async def test_a_child_that_seals_nothing_delays_the_erasure_by_no_more_than_it_may(site: Site) -> None:
    heard, _, took_s = await ended(site, SEAL, piece(0), piece(1, crossing="another"))
    assert heard == [piece(0)]
    assert took_s == pytest.approx(SEAL_S, abs=0.1)
    assert SEAL_S < ERASED_MAX_S, "else vision would call itself hung"


@at_a_site
async def test_a_child_that_speaks_without_end_is_ended(site: Site) -> None:
    heard, _, took_s = await ended(site, SEAL, *[piece(0, last=False)] * (2 * SAID_MAX))
    assert len(heard) == SAID_MAX
    assert took_s < SEAL_S


@at_a_site
async def test_what_is_sealed_unasked_goes_nowhere(site: Site) -> None:
    lane = await site.lane()
    await lane.send(vision_messages.StartCrossing("c1"))
    await hear_camera(lane, "c1")
    (child,) = site.spare.given
    child.told.put_nowait(piece(0))
    child.told.put_nowait(vision_messages.FaceSeen("c1", 1, Guidance.NONE))
    assert isinstance(await lane.receive(), vision_messages.FaceSeen)
    lane.close()
