"""The screens program: serves the traveller's page over HTTP on loopback, from the lane's views and vision's preview.

The page shows the lane's last view, or the officer's screen after LANE_SILENCE_S of silence. Pictures are sent only
while a page watches and the screen is `look`, and are not stored. No page gets a crossing's id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from starlette.applications import Starlette

from gate.channel import order_messages, preview_messages, screen_messages
from gate.channel.errors import ChannelClosedError, ChannelError
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import Connection, Repeated, connect
from gate.channel.table import CHANNELS
from gate.passage.names import Wish
from gate.programs.screens.console_api import LIMITS, ConsoleServer
from gate.programs.screens.fallback_sounds import OwnPage, Sounding, player
from gate.programs.screens.kiosk_start import host_of, page_address, prepare
from gate.programs.screens.monitoring import Watched, management_app
from gate.programs.screens.page_texts import labels_of, problems
from gate.programs.shared.aligned_timer import loop_s
from gate.programs.shared.config import Config
from gate.programs.shared.fault_latch import FaultLatch
from gate.programs.shared.status import hear_all, serve_status
from gate.screens.kiosk.app import VIEWERS_MAX, create_app
from gate.screens.kiosk.board import Board, Painting, Tint, Tints
from gate.screens.kiosk.key import Key
from gate.screens.kiosk.texts import Languages
from gate.screens.kiosk.view import PageState, ViewState, lane_unknown, render
from gate_core.evidence.screen import Purpose, Screen
from gate_core.http_server.connections import ConnectionLimits
from gate_core.http_server.https import listen
from gate_core.programs.http import Visitors
from gate_core.programs.http import server as http_server
from gate_core.programs.reconnect import Backoff, keep
from gate_core.programs.task_groups import run_until_first_exits, wait_at_most
from gate_core.settings.config_file import ConfigError
from gate_core.web_pages.fanout import Fanout

EVERY_S: Final = 0.5
KEPT_S: Final = 30.0


class Asks:
    """Queue of travellers' requests, each at most once. `clock_s`: monotonic. For one event loop."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._waiting: dict[Wish, float] = {}
        self._changed = asyncio.Event()

    def put(self, wish: Wish, *, lane_up: bool) -> None:
        """Add a request; MORE_TIME only while the lane answers."""
        if lane_up or wish is not Wish.MORE_TIME:
            self._waiting.setdefault(wish, self._clock_s())
            self._changed.set()

    async def take(self) -> Wish:
        """Wait for the next request, and remove it. Requests older than KEPT_S are dropped."""
        while True:
            for wish, asked_s in tuple(self._waiting.items()):
                del self._waiting[wish]
                if self._clock_s() - asked_s <= KEPT_S:
                    return wish
            self._changed.clear()
            await self._changed.wait()


RECONNECT_MIN_S = 0.1
RECONNECT_MAX_S = 0.5
LANE_PULSE_S = 1.0  # the lane sends only changes, so a status is requested, too
LANE_SILENCE_S = 2.5
FRAME_BYTES_MAX = 512 * 1024  # a larger picture is dropped: the page shows the pictogram
_JPEG = b"\xff\xd8\xff"

log = logging.getLogger("gate.screens")


async def run(config: Config, *, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises ConfigError for texts that must not be shown, OSError if a port is in use."""
    await Screens(config, boot=secrets.token_hex(8)).run(stop)


class Screens:
    """The program: the page, its two sources, and the status socket. `boot`: new at each start."""

    def __init__(
        self,
        config: Config,
        *,
        boot: str,
        lane_pulse_s: float = LANE_PULSE_S,
        lane_silence_s: float = LANE_SILENCE_S,
        console_limits: ConnectionLimits = LIMITS,
    ) -> None:
        self._config = config
        self._texts = Languages()
        if found := list(problems(config, self._texts)):
            raise ConfigError(*found)
        self._labels = labels_of(config, self._texts)
        self._lane_pulse_s = lane_pulse_s
        self._lane_silence_s = lane_silence_s
        self._preview_changed = asyncio.Event()
        self._board = Board(boot=boot, state=lane_unknown(config.purpose))
        self._mirror: Fanout[bytes] = Fanout(clients_max=VIEWERS_MAX, on_change=self._preview_changed.set)
        self._tints = Tints(pages_max=VIEWERS_MAX, on_painted=self._tint_painted) if config.screens.challenge else None
        self._visitors = Visitors()
        self._painting = Painting()
        self._painted_again = asyncio.Event()
        self._page: OwnPage | None = None
        self._shown: preview_messages.TintShown | None = None  # not yet sent to vision
        self._asks = Asks(loop_s)
        self._lane = Link("lane")
        self._preview = Link("preview")
        self._watched = Watched(config, hear_all)
        self._console: ConsoleServer | None = None
        if config.console is not None:
            self._console = ConsoleServer(config, boot=boot, told=self._watched.told, limits=console_limits)
        self._refused = Repeated(log, "sign_ins_refused")

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set."""
        host, port = self._config.screens.host, self._config.screens.port
        key = Key(prepare(self._config.runtime("screens"), page_address(self._config)), port=port)
        app = self._app(key)
        self._page = OwnPage(host, port, cookie=key.cookie.partition(";")[0], boot=self._board.boot)
        with contextlib.ExitStack() as held:
            listeners = [held.enter_context(contextlib.closing(listen(host, port)))]
            servers = [http_server(app, self._visitors)]
            if self._config.screens.management:
                listeners.append(held.enter_context(contextlib.closing(listen(*self._config.screens.managed_at()))))
                servers.append(http_server(management_app(self._watched), Visitors()))
            async with serve_status(self._config, "screens", self.status), asyncio.TaskGroup() as tasks:
                for server, listener in zip(servers, listeners, strict=True):
                    tasks.create_task(server.serve(sockets=[listener]))
                sources = [
                    tasks.create_task(self._lane.keep(self._watch_lane)),
                    tasks.create_task(self._preview.keep(self._watch_preview)),
                    tasks.create_task(self._page.run()),
                ]
                if self._console is not None:
                    tasks.create_task(self._console.run())
                if self._config.screens.sound_device:
                    sources.append(tasks.create_task(self._sounding().run()))
                await stop.wait()
                if self._console is not None:
                    self._console.close()
                for source in sources:
                    source.cancel()
                self._board.close()
                self._mirror.close()
                if self._tints is not None:
                    self._tints.close()
                for server in servers:
                    server.should_exit = True

    def _app(self, key: Key) -> Starlette:
        screens = self._config.screens
        hosts = frozenset(f"{name}:{screens.port}" for name in (host_of(self._config), "localhost"))
        return create_app(
            board=self._board,
            mirror=self._mirror,
            tints=self._tints,
            labels=self._labels,
            texts=self._texts,
            hosts=hosts,
            key=key,
            on_known=self._visitors.is_known,
            watched=self._watched.routes(),
            on_refused=self._refused.note,
            on_seen=self._seen,
            on_asked=lambda wish: self._asks.put(wish, lane_up=self._lane.up),
        )

    def _sounding(self) -> Sounding:
        screens = self._config.screens
        return Sounding(
            has_page=lambda: self._board.pages > 0 and self._painting.is_painted(loop_s()) is not False,
            screen=lambda: self._board.state.screen,
            play=player(screens.sound_device),
            volume=screens.volume,
        )

    # ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch_lane(self) -> None:
        """Serve one connection to the lane, until ChannelError."""
        connection = await connect(CHANNELS.lane, self._config.socket("lane"))
        try:
            asks = self._pass_on_asks(connection)
            await run_until_first_exits(self._pulse(connection), self._follow_lane(connection), asks)
        finally:
            connection.close()
            if self._board.state.screen is not Screen.EMERGENCY:  # only the lane can end an emergency
                self._show(lane_unknown(self._config.purpose))

    async def _pulse(self, connection: Connection[order_messages.FromLane]) -> NoReturn:
        """Request the lane's status, and report whether a page shows the view; at once when one returns."""
        while True:
            self._painted_again.clear()
            await connection.send(StatusRequest())
            painted = self._painting.is_painted(loop_s())
            if painted is not None or self._config.purpose == Purpose.DEMO:
                await connection.send(screen_messages.PagePainted(painted))
            await wait_at_most(self._painted_again, self._lane_pulse_s)

    def _seen(self, event: str) -> None:
        """Handle a page's report of what it has shown; empty: it was hidden, which is a fault except in a demo."""
        in_demo = self._config.purpose == Purpose.DEMO
        if not event and in_demo:
            self._painting.close()
        before = self._painting.is_painted(loop_s())
        self._painting.seen(event, newest=self._board.event_id, at_s=loop_s())
        # In a demo, a page that returns is reported with the next pulse, since pages are often closed.
        if self._painting.is_painted(loop_s()) and (before is False or (before is None and not in_demo)):
            self._painted_again.set()

    async def _pass_on_asks(self, connection: Connection[order_messages.FromLane]) -> NoReturn:
        while True:
            await connection.send(screen_messages.TravellerAsks(await self._asks.take()))
            await asyncio.sleep(EVERY_S)

    async def _follow_lane(self, connection: Connection[order_messages.FromLane]) -> NoReturn:
        await connection.send(screen_messages.WatchView(self._labels.notice.version))
        while True:
            try:
                async with asyncio.timeout(self._lane_silence_s):
                    message = await connection.receive()
            except TimeoutError as error:
                raise ChannelClosedError("the lane is silent") from error
            match message:
                case screen_messages.View():
                    self._lane.is_up()
                    self._show(render(self._without_officers_part(message)))
                    if self._console is not None:
                        self._console.changed()
                case Status():
                    pass  # the lane answers

    def _without_officers_part(self, view: screen_messages.View) -> ViewState:
        """Return the part of a view that travellers may see."""
        language = self._texts.language_of(view.issuer, self._labels.languages)
        return ViewState(
            view.screen, view.guidance, view.purpose, view.direction, view.travellers, language, view.progress
        )

    def _show(self, state: PageState) -> None:
        if self._tints is not None and state.preview and not self._board.state.preview:
            self._tints.begin()
        self._board.show(state)
        self._preview_changed.set()

    # ── the preview ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _wants_preview(self) -> bool:
        return self._board.state.preview and self._mirror.clients > 0

    async def _watch_preview(self) -> None:
        """Serve one connection to vision's preview, until ChannelError."""
        connection = await connect(CHANNELS.preview, self._config.socket("preview"))
        self._preview.is_up()
        try:
            await run_until_first_exits(self._speak_to_vision(connection), self._pass_on(connection))
        finally:
            connection.close()

    async def _speak_to_vision(self, connection: Connection[preview_messages.FromPreview]) -> NoReturn:
        """Report whether the preview is wanted, and the last shown tint."""
        self._shown = None
        asked: bool | None = None  # send the first message at once: vision closes silent connections
        while True:
            if (wanted := self._wants_preview) is not asked:
                asked = wanted
                await connection.send(preview_messages.WantPreview(wanted))
            if self._shown is not None:
                shown, self._shown = self._shown, None
                await connection.send(shown)
            await self._preview_changed.wait()
            self._preview_changed.clear()

    async def _pass_on(self, connection: Connection[preview_messages.FromPreview]) -> NoReturn:
        while True:
            self._hear_vision(await connection.receive())  # keep no reference to a picture until the next message

    def _hear_vision(self, message: preview_messages.FromPreview) -> None:
        match message:
            case preview_messages.Preview(jpeg):
                is_picture = jpeg.startswith(_JPEG) and len(jpeg) <= FRAME_BYTES_MAX
                if is_picture and self._wants_preview:
                    self._mirror.send(jpeg)
            case preview_messages.ShowTint(number, colour):
                if self._tints is not None and self._wants_preview:
                    self._tints.show(Tint(number, colour), at_ms=_now_ms())

    def _tint_painted(self, number: int) -> None:
        self._shown = preview_messages.TintShown(number, int(_now_ms()))
        self._preview_changed.set()

    # ── status ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> Status:
        """Return the program's status."""
        page = self._page
        shown = page is not None and page.is_shown
        painted = self._painting.is_painted(loop_s())
        detail: dict[str, object] = {
            "pages": self._board.pages,
            "page": "shown" if shown else "not shown",
            "painted": painted,
            "lane": self._lane.word,
            "preview": self._preview.word,
        }
        if self._console is not None:
            detail["console"] = self._console.detail()
        state = "ready" if shown and self._lane.up and painted is not False else "degraded"
        return Status("screens", state, detail, alive=page is None or page.is_alive)


class Link:
    """A connection that is restored when lost; logs a loss once. `up`: True after the peer's first message."""

    def __init__(self, name: str) -> None:
        self.up = False
        self._backoff = Backoff(RECONNECT_MIN_S, RECONNECT_MAX_S)
        about = {"link": name}
        self._trouble = FaultLatch(log, begins="link_down", ends="link_up", each=False, first=True, about=about)

    @property
    def word(self) -> str:
        """`up` or `down`, for `gate status`."""
        return "up" if self.up else "down"

    def is_up(self) -> None:
        """Note that the peer has answered."""
        self.up = True
        self._backoff.reset()
        self._trouble.is_now("")

    async def keep(self, session: Callable[[], Awaitable[None]]) -> NoReturn:
        """Run sessions until cancelled. A session ends with a ChannelError."""
        await keep(session, ending=ChannelError, lost=self._is_down, backoff=self._backoff)

    async def _is_down(self, error: ChannelError) -> None:
        self.up = False
        self._trouble.is_now(error)


def _now_ms() -> float:
    """Return CLOCK_MONOTONIC in milliseconds, as in vision's frames."""
    return loop_s() * 1000
