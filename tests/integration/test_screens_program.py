"""The screens program over real sockets, with a small lane and a small vision beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx2
import msgspec
import pytest
from fakes.ports import free_port
from fakes.screens_peers import FakeLane, FakePreview, view
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.typing import Origin

from gate.channel.message import Status, StatusRequest
from gate.channel.row import status_row
from gate.channel.screen_messages import View
from gate.channel.sockets import connect
from gate.passage.names import Wish
from gate.programs.screens.fallback_sounds import ABLE_MAX_S, ALIVE_MAX_S
from gate.programs.screens.kiosk_start import page_with_secret, start_page
from gate.programs.screens.page_texts import notice_of
from gate.programs.screens.program import FRAME_BYTES_MAX, Screens, run
from gate.programs.shared.config import Config, parse
from gate.screens.kiosk.texts import Languages
from gate_contract.virtual_time import in_virtual_time
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.http_server.https import listen
from gate_core.programs.http import CONNECTIONS_MAX, Visitors
from gate_core.programs.http import server as http_server
from gate_core.settings.config_file import ConfigError
from hardware_sim.display import PAINT_S, Display

DEADLINE_S = 8.0
STARTS_S = 30.0
SECRETS: dict[str, str] = {}  # of each address
JPEG = b"\xff\xd8\xff\xe0 a picture"


def config(folder: Path, **screens: Any) -> Config:
    return parse(
        {
            "purpose": "demo",
            "gate_id": "north-7",
            "operator": "border.example",
            "paths": {"run": str(folder)},
            "barrier": {"port": "none"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": ["none"]},
            "screens": {"port": free_port()} | screens,
        }
    )


class Page:
    """The stream of one browser."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.heard: list[str] = []

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """The next state with these fields."""
        async with asyncio.timeout(DEADLINE_S):
            async for line in self._lines:
                self.heard.append(line)
                if line.startswith("data: {"):
                    state: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    if wanted.items() <= state.items():
                        return state
        raise AssertionError("the stream ended")


@contextlib.asynccontextmanager
async def program(settings: Config, **times: Any) -> AsyncIterator[str]:
    """The program, running; gives the page's address."""
    stop = asyncio.Event()
    running = asyncio.ensure_future(Screens(settings, boot="boot1", **times).run(stop))
    address = f"http://127.0.0.1:{settings.screens.port}"
    try:
        async with httpx2.AsyncClient() as client, asyncio.timeout(STARTS_S):
            while True:
                assert not running.done(), running
                with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                    await client.get(f"{address}/healthz")
                    break
                await asyncio.sleep(0.02)
        SECRETS[address] = start_page(settings.runtime("screens")).with_name("secret").read_text()
        yield address
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await running


@contextlib.asynccontextmanager
async def watching(address: str) -> AsyncIterator[Page]:
    async with (
        httpx2.AsyncClient(timeout=DEADLINE_S) as client,
        client.stream("GET", f"{address}/events", headers=cookie(address)) as answer,
    ):
        yield Page(answer.aiter_lines())


def cookie(address: str) -> dict[str, str]:
    """What the kiosk's browser says once it has shown the secret."""
    return {"Cookie": f"kiosk-{address.rpartition(':')[2]}={SECRETS[address]}"}


def looking(address: str) -> Any:
    """The mirror of one browser."""
    return connect_websocket(
        f"{address.replace('http', 'ws')}/preview", origin=Origin(address), additional_headers=cookie(address)
    )


async def status(settings: Config) -> Status:
    connection = await connect(status_row("screens"), settings.socket("status-screens"))
    await connection.send(StatusRequest())
    answer = await connection.receive()
    connection.close()
    assert isinstance(answer, Status)
    return answer


async def test_the_page_follows_the_lane(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        program(settings) as address,
        watching(address) as page,
    ):
        await page.until(screen="welcome", mark="mark-demo")
        await lane.show(view(Screen.LOOK, Guidance.STEP_BACK))
        await page.until(screen="look", title="guide-step-back")
        await lane.show(view(Screen.GO))
        await page.until(screen="go", tone="go")


async def test_without_a_lane_an_officer_is_called_and_the_lane_is_found_when_it_comes(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with program(settings) as address, watching(address) as page:
        await page.until(screen="officer")
        async with FakeLane(settings.socket("lane"), first=view(Screen.GO)).run():
            await page.until(screen="go")
        await page.until(screen="officer")
        async with FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run():
            await page.until(screen="welcome")


async def test_the_way_out_is_shown_while_the_lane_is_away_until_it_says_otherwise(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with program(settings) as address, watching(address) as page:
        async with FakeLane(settings.socket("lane"), first=view(Screen.EMERGENCY)).run():
            await page.until(screen="emergency")
        before = len(page.heard)
        async with FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run():
            await page.until(screen="welcome")
    assert not any('"officer"' in line for line in page.heard[before:])


async def test_a_lane_that_hangs_calls_an_officer(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.GO)).run() as lane,
        program(settings, lane_pulse_s=0.05, lane_silence_s=0.4) as address,
        watching(address) as page,
    ):
        await page.until(screen="go")
        lane.mute = True
        await page.until(screen="officer")


async def test_a_lane_that_has_nothing_new_to_show_but_answers_keeps_its_screen(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        program(settings, lane_pulse_s=0.02, lane_silence_s=0.3) as address,
        watching(address) as page,
    ):
        await page.until(screen="welcome")
        await asyncio.sleep(0.7)
        await lane.show(view(Screen.GO))
        await page.until(screen="go")
    assert not any('"officer"' in line for line in page.heard[1:] if line.startswith("data: {") and '"go"' not in line)


@pytest.mark.parametrize(
    "nonsense",
    [b"\x00\x00\x00\x02hi", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"],
    ids=["no message", "too long", "empty"],
)
async def test_a_lane_that_speaks_nonsense_calls_an_officer(tmp_path: Path, nonsense: bytes) -> None:
    settings = config(tmp_path)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(nonsense)
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            await reader.read()  # until it hangs up
        writer.close()

    settings.socket("lane").parent.mkdir()
    server = await asyncio.start_unix_server(talk, path=settings.socket("lane"))
    async with server, program(settings) as address, watching(address) as page:
        await page.until(screen="officer")
        assert (await status(settings)).state == "degraded"


async def test_a_view_with_a_purpose_that_there_is_not_calls_an_officer(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        program(settings) as address,
        watching(address) as page,
    ):
        await page.until(screen="welcome")
        await lane.show(view(Screen.GO, purpose="holiday"))
        await page.until(screen="officer", mark="mark-demo")


async def test_two_referrals_are_the_same_bytes_and_one_event_whatever_their_cause(tmp_path: Path) -> None:
    settings = config(tmp_path)
    causes = [
        View(Screen.OFFICER, guidance, f"crossing-{number}", f"referred-{number}", Purpose.DEMO)
        for number, guidance in enumerate(Guidance)
    ]
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        program(settings) as address,
        watching(address) as page,
        httpx2.AsyncClient() as client,
    ):
        await page.until(screen="welcome")
        start = len(page.heard)
        await lane.show(causes[0])
        await page.until(screen="officer")
        for cause in causes[1:]:
            await lane.show(cause)
        await lane.show(view(Screen.WELCOME))
        await page.until(screen="welcome")
        answers = [(await client.get(f"{address}{path}")).text for path in ("/", "/healthz", "/static/page.js")]
        answers += [*page.heard, repr(await status(settings))]
    shown = [json.loads(line.removeprefix("data: ")) for line in page.heard[start:] if line.startswith("data: {")]
    assert [state["screen"] for state in shown] == ["officer", "welcome"]
    numbers = [int(line.rpartition("-")[2]) for line in page.heard[start - 3 :] if line.startswith("id: ")]
    assert numbers == list(range(numbers[0], numbers[0] + 3))  # no state in between, not even one that was overtaken
    assert not any(secret in answer for answer in answers for secret in ("crossing-", "referred-"))


async def asks(address: str, wish: Wish, times: int = 1) -> None:
    """The page says so often that somebody asks for this."""
    async with httpx2.AsyncClient(headers=cookie(address) | {"Origin": address}) as client:
        for _ in range(times):
            assert (await client.post(f"{address}/ask", content=wish.value)).status_code == 204


async def heard(lane: FakeLane, count: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while len(lane.asked) < count:  # noqa: ASYNC110 - the lane is a fake
            await asyncio.sleep(0.02)


async def test_what_is_asked_for_on_the_page_reaches_the_lane_however_often_it_is_said_a_few_times(
    tmp_path: Path,
) -> None:
    settings = config(tmp_path)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.LOOK)).run() as lane,
        program(settings) as address,
        watching(address) as page,
    ):
        await page.until(screen="look")
        await asks(address, Wish.MORE_TIME)
        await heard(lane, 1)
        await asks(address, Wish.HELP, times=300)
        await asks(address, Wish.PROTECTION)
        async with asyncio.timeout(DEADLINE_S):
            while Wish.PROTECTION not in lane.asked:  # noqa: ASYNC110 - the lane is a fake
                await asyncio.sleep(0.02)
        assert lane.asked[:2] == [Wish.MORE_TIME, Wish.HELP]
        assert len(lane.asked) < 30  # half a second apart at least


async def test_a_lane_that_comes_back_is_told_of_a_call_that_came_while_it_was_away(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with program(settings) as address, watching(address) as page:
        await page.until(screen="officer")
        await asks(address, Wish.PROTECTION, times=10)
        await asks(address, Wish.MORE_TIME)
        async with FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane:
            await heard(lane, 1)
            assert lane.asked == [Wish.PROTECTION]


async def test_pictures_flow_only_while_a_page_looks_at_the_look_screen(tmp_path: Path) -> None:
    settings = config(tmp_path)
    vision = FakePreview(settings.socket("preview"), jpeg=JPEG)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        vision.run(),
        program(settings) as address,
        watching(address) as page,
    ):
        await page.until(screen="welcome")
        async with looking(address) as mirror:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(mirror.recv(), 0.3)
            assert vision.asked == []
            await lane.show(view(Screen.LOOK))
            assert await asyncio.wait_for(mirror.recv(), DEADLINE_S) == JPEG
            await lane.show(view(Screen.GO))
            await _soon(lambda: vision.asked == [True, False])
            await lane.show(view(Screen.LOOK))
            await _soon(lambda: vision.asked == [True, False, True])
        await _soon(lambda: vision.asked == [True, False, True, False])


async def _soon(condition: Any) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens behind sockets
            await asyncio.sleep(0.01)


async def test_outside_a_demo_the_lane_hears_at_once_that_a_page_paints(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(config(tmp_path), purpose=Purpose.TRIAL)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        program(settings, lane_pulse_s=60, lane_silence_s=60) as address,
        watching(address) as page,
        httpx2.AsyncClient() as client,
    ):
        await page.until(screen="welcome")
        assert lane.painted == []
        (newest,) = (line for line in page.heard if line.startswith("id: ") and line.endswith("-1"))
        said = {**cookie(address), "Origin": address}
        for _ in range(5):
            await client.post(f"{address}/seen", content=newest.removeprefix("id: "), headers=said)
        await _soon(lambda: lane.painted == [True])


@pytest.mark.parametrize(
    "jpeg", [b"", b"GIF89a", JPEG.ljust(FRAME_BYTES_MAX + 1)], ids=["empty", "no JPEG", "too large"]
)
async def test_what_is_no_picture_reaches_no_page(tmp_path: Path, jpeg: bytes) -> None:
    settings = config(tmp_path)
    vision = FakePreview(settings.socket("preview"), jpeg=jpeg)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.LOOK)).run(),
        vision.run(),
        program(settings) as address,
        looking(address) as mirror,
    ):
        await _soon(lambda: vision.asked == [True])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mirror.recv(), 0.2)
        vision.jpeg = JPEG
        assert await asyncio.wait_for(mirror.recv(), DEADLINE_S) == JPEG


class LitCamera:
    """The camera beside the display."""

    def __init__(self) -> None:
        self.light: list[tuple[float, float, float]] = []

    def shine(self, rgb: tuple[float, float, float]) -> None:
        self.light.append(rgb)


async def test_the_display_shows_the_colours_that_vision_asks_for_and_says_when(tmp_path: Path) -> None:
    settings = config(tmp_path, challenge=True)
    vision = FakePreview(settings.socket("preview"), jpeg=JPEG)
    camera = LitCamera()
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.LOOK)).run() as lane,
        vision.run(),
        program(settings) as address,
    ):
        screens: list[str] = []
        secret = page_with_secret(settings.runtime("screens"), f"{address}/")
        display = Display(secret, camera, seen=screens.append)
        display.start()
        await _soon(lambda: vision.asked == [True])
        before_ms = time.monotonic() * 1000
        await vision.tint(1, "#ffe0e7")
        await _soon(lambda: vision.painted)
        assert vision.painted[0].number == 1
        assert before_ms + 1000 * PAINT_S <= vision.painted[0].at_ms + 1 <= time.monotonic() * 1000 + 1
        assert camera.light[-1] == pytest.approx((1.0, 0.745, 0.799), abs=0.002)
        await vision.tint(2, "#aa0000")  # not pale: never shown, never answered
        await asyncio.sleep(0.4)
        await vision.tint(3, "#c4f0ff")
        await _soon(lambda: len(vision.painted) == 2)
        assert vision.painted[1].number == 3
        assert len(camera.light) == 2
        await lane.show(view(Screen.GO))
        await _soon(lambda: camera.light[-1] == (0.0, 0.0, 0.0))
        assert screens[-1] == "go"
        for wish in (Wish.HELP, Wish.PROTECTION):
            await asyncio.to_thread(display.touch, wish.value)
            await _soon(lambda wish=wish: wish in lane.asked)
        await asyncio.to_thread(display.stop)


async def test_a_page_that_is_not_to_be_challenged_shows_and_says_nothing(tmp_path: Path) -> None:
    settings = config(tmp_path)
    vision = FakePreview(settings.socket("preview"), jpeg=b"")
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.LOOK)).run(),
        vision.run(),
        program(settings) as address,
        looking(address) as mirror,
    ):
        await _soon(lambda: vision.asked == [True])
        await vision.tint(1, "#ffe0e7")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mirror.recv(), 0.3)
        await mirror.send("1")  # it has nothing to say
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(mirror.recv(), DEADLINE_S)
        assert vision.painted == []


@pytest.mark.parametrize("answer", ["", "-1", "1.0", "12345678", "٣", b"1"])
async def test_a_page_that_answers_nonsense_is_hung_up_on(tmp_path: Path, answer: str | bytes) -> None:
    settings = config(tmp_path, challenge=True)
    vision = FakePreview(settings.socket("preview"), jpeg=JPEG)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.LOOK)).run(),
        vision.run(),
        program(settings) as address,
        looking(address) as mirror,
    ):
        await mirror.send(answer)
        await asyncio.wait_for(mirror.wait_closed(), DEADLINE_S)
        assert mirror.close_code == CloseCode.POLICY_VIOLATION
        assert vision.painted == []


async def test_vision_may_come_late_and_go(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.LOOK)).run(),
        program(settings) as address,
        looking(address) as mirror,
    ):
        for _ in range(2):
            async with FakePreview(settings.socket("preview"), jpeg=JPEG).run():
                assert await asyncio.wait_for(mirror.recv(), DEADLINE_S) == JPEG
            await _until_status(settings, preview="down")


async def _until_status(settings: Config, **wanted: Any) -> Status:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            answer = await status(settings)
            if wanted.items() <= answer.detail.items():
                return answer
            await asyncio.sleep(0.02)


async def test_status_tells_pages_and_links(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with program(settings) as address:
        away = {"pages": 0, "page": "shown", "painted": None, "lane": "down", "preview": "down"}
        assert await _until_status(settings, page="shown") == Status("screens", "degraded", away)
        async with FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run(), watching(address) as page:
            await page.until(screen="welcome")
            expected = Status("screens", "ready", away | {"pages": 1, "lane": "up"})
            assert await status(settings) == expected


@in_virtual_time
async def test_a_server_that_answers_nothing_is_neither_ready_nor_alive_though_its_socket_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(tmp_path)
    async with FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run(), program(settings):
        await _until_status(settings, page="shown", lane="up")
        assert (await status(settings)).state == "ready"
        with monkeypatch.context() as patch:
            patch.setattr(H11Protocol, "data_received", lambda *_: None)  # it takes requests and answers none
            await asyncio.sleep(ABLE_MAX_S + 1)
            found = await status(settings)
            assert (found.state, found.detail["page"], found.alive) == ("degraded", "not shown", True)
            await asyncio.sleep(ALIVE_MAX_S - ABLE_MAX_S)
            assert not (await status(settings)).alive
        assert (await _until_status(settings, page="shown")).alive


async def test_a_lost_link_is_logged_once_and_so_is_its_return(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = config(tmp_path)
    with caplog.at_level(logging.INFO, logger="gate.screens"):
        async with program(settings) as address, watching(address) as page:
            await asyncio.sleep(0.5)  # several attempts
            async with FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run():
                await page.until(screen="welcome")
            await page.until(screen="officer")
    events = [record.message for record in caplog.records if getattr(record, "link", "") == "lane"]
    assert events == ["link_down", "link_up", "link_down"]


async def test_strangers_of_the_machine_cannot_shut_the_kiosk_out(tmp_path: Path) -> None:
    """Sixty-four connections that said nothing were enough: every later request was answered 503."""
    settings = config(tmp_path)

    stack = contextlib.ExitStack()

    async def crowd() -> list[socket.socket]:
        """Connections that say nothing, each taken in before the next one comes."""
        strangers = []
        for _ in range(150):
            strangers.append(stack.enter_context(socket.create_connection(("127.0.0.1", settings.screens.port))))
            await asyncio.sleep(0)
        return strangers

    with stack:
        lane = FakeLane(settings.socket("lane"), first=view(Screen.WELCOME))
        async with lane.run(), program(settings) as address, watching(address) as page:
            await page.until(screen="welcome")
            strangers = await crowd()
            await lane.show(view(Screen.GO))
            await page.until(screen="go")
            async with watching(address) as another:
                await another.until(screen="go")
            assert sum(map(_was_hung_up_on, strangers)) >= 150 - CONNECTIONS_MAX


def _was_hung_up_on(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


async def test_a_connection_that_asks_for_nothing_is_hung_up_on() -> None:
    async def silent(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    with listen("127.0.0.1", 0) as listener:
        server = http_server(cast("Any", silent), Visitors(), request_s=0.2)
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        asking, saying_nothing = [await asyncio.open_connection(*listener.getsockname()) for _ in range(2)]
        asking[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        saying_nothing[1].write(b"GET / HTTP/1.1\r\nHost: ")
        async with asyncio.timeout(DEADLINE_S):
            assert (await asking[0].readline()).startswith(b"HTTP/1.1 200")
            with contextlib.suppress(ConnectionError):
                assert await saying_nothing[0].read() == b""
        assert not asking[0].at_eof(), "who said what it wants stays"
        for _, writer in (asking, saying_nothing):
            writer.close()
        server.should_exit = True
        await serving


async def test_stopping_ends_open_streams_at_once(tmp_path: Path) -> None:
    settings = config(tmp_path)
    async with contextlib.AsyncExitStack() as stack:
        async with program(settings) as address:
            page = await stack.enter_async_context(watching(address))
            await page.until(screen="officer")
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 2


async def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot serve on 127.0.0.1 port {port}: "):
            await run(config(tmp_path, port=port), stop=asyncio.Event())


async def test_a_language_without_texts_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"screens\.languages: no texts in 'tlh'; there are ar, de, en"):
        await run(config(tmp_path, languages=["en", "tlh"]), stop=asyncio.Event())


@pytest.mark.parametrize(("purpose", "language"), [("trial", "de"), ("service", "de"), ("service", "en")])
async def test_what_nobody_has_read_or_nobody_answers_for_is_not_shown_to_travellers(
    tmp_path: Path, purpose: str, language: str
) -> None:
    settings = msgspec.structs.replace(config(tmp_path, languages=[language]), purpose=Purpose(purpose))
    with pytest.raises(ConfigError, match=r"screens\.languages: .* de: no native" if language == "de" else "notice: "):
        await run(settings, stop=asyncio.Event())


async def test_the_page_speaks_the_language_of_the_passport_whatever_becomes_of_it(tmp_path: Path) -> None:
    settings = config(tmp_path, languages=["en", "de"])
    async with (
        FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane,
        program(settings) as address,
        watching(address) as page,
    ):
        await page.until(screen="welcome", language=None)
        for issuer, language in (("D", "de"), ("GBR", "en"), ("F", None), ("FRA", None), (None, None)):
            for screen in (Screen.LOOK, Screen.GO, Screen.OFFICER):
                await lane.show(view(screen, issuer=issuer))
                await page.until(screen=screen.value, language=language)


async def test_the_lane_is_told_which_notice_travellers_are_shown(tmp_path: Path) -> None:
    settings = config(tmp_path, languages=["en", "fr"])
    expected = notice_of(settings, Languages()).version
    async with FakeLane(settings.socket("lane"), first=view(Screen.WELCOME)).run() as lane:
        async with program(settings) as address, watching(address) as page:
            await page.until(screen="welcome")
        assert lane.notices == [expected]


async def test_whoever_watches_the_gate_is_told_on_both_addresses_and_a_browser_is_not_led_there(
    tmp_path: Path,
) -> None:
    port = free_port()
    settings = config(tmp_path, management=f"127.0.0.1:{port}")
    async with program(settings) as address, httpx2.AsyncClient() as client:
        for base in (address, f"http://127.0.0.1:{port}"):
            metrics = await client.get(f"{base}/metrics")
            assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert 'portcullis_program_up{program="screens"} 1\n' in metrics.text
            assert 'portcullis_program_up{program="lane"} 0\n' in metrics.text
            ready = await client.get(f"{base}/readyz")
            assert (ready.status_code, ready.json()["ready"]) == (503, False)
            assert "lane_away" in ready.json()["reasons"]
            assert (await client.get(f"{base}/healthz")).json() == {"ok": True}
            led = await client.get(f"{base}/metrics", headers={"Host": "attacker.example"})
            assert led.status_code == 421
        assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 404
