"""The web application of the traveller's page: page, events, preview, and a page's messages. It keeps no state of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from gate.passage.names import Wish
from gate.screens.kiosk.board import Board, Tint, Tints
from gate.screens.kiosk.cues import CUES
from gate.screens.kiosk.key import SECRET_LENGTH, Admission, Key
from gate.screens.kiosk.texts import Languages, Notice
from gate.screens.kiosk.view import Pictogram, lane_unknown
from gate_core.evidence.screen import Purpose
from gate_core.http_server.request_body import read_body
from gate_core.web_pages.fanout import EndedError, Fanout, FanoutError, Latest, events
from gate_core.web_pages.guard import Guard
from gate_core.web_pages.templates import environment

HEARTBEAT_S = 1.0  # the page calls an officer after three missing ones
VIEWERS_MAX = 4
SEEN_LENGTH_MAX = 64  # the id of the event that a page has painted
WISH_LENGTH_MAX = max(len(wish.value) for wish in Wish)
ANSWER_LENGTH_MAX = 7  # a page's message: the number of the painted tint
_HERE = Path(__file__).parent
_OF_THE_NOTICE = ("notice-", "board-")  # they want the gate's facts, and never change while a page is open


@dataclass(frozen=True, slots=True)
class Labels:
    """The page's fixed content: gate, operator, purpose, languages in order, which of them are `drafts`, the privacy
    notice, and the sounds' volume, 0 to 100.

    `camera_at`: the side of the display with the camera. Sizes are for eyes at `distance_cm`; `width_mm`: the display's
    own width, 0 if unknown: then a millimetre is the browser's.
    """

    gate: str
    operator: str
    purpose: Purpose
    languages: tuple[str, ...]
    drafts: tuple[str, ...]
    notice: Notice
    camera_at: str = "above"
    distance_cm: int = 70
    width_mm: int = 0
    volume: int = 60


def create_app(
    *,
    board: Board,
    mirror: Fanout[bytes],
    labels: Labels,
    texts: Languages,
    hosts: frozenset[str],
    key: Key,
    tints: Tints | None = None,
    heartbeat_s: float = HEARTBEAT_S,
    on_known: Callable[[Scope], None] = lambda _: None,
    watched: Sequence[Route] = (),
    on_refused: Callable[[], None] = lambda: None,
    on_seen: Callable[[str], None] = lambda _: None,
    on_asked: Callable[[Wish], None] = lambda _: None,
) -> Starlette:
    """Return the application. `hosts`: the accepted Host headers; without `tints` the page keeps its colours.

    `on_known` receives the scope of each request with the secret; `watched`: routes for a monitoring system on the same
    port; `on_refused` is called for another secret, `on_seen` with the ID of a painted event, `on_asked` with a
    request. Raises TextError for a missing language.
    """
    page = _page(boot=board.boot, labels=labels, texts=texts)

    async def show_page(_request: Request) -> Response:
        return HTMLResponse(page)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def enter(request: Request) -> Response:
        if not key.fits(await read_body(request.stream(), SECRET_LENGTH) or b""):
            on_refused()
            return PlainTextResponse("not the secret of this boot\n", status_code=403)
        return Response(status_code=204, headers={"Set-Cookie": key.cookie})

    async def seen(request: Request) -> Response:
        said = await read_body(request.stream(), SEEN_LENGTH_MAX)
        if said is None or not said.isascii():
            return PlainTextResponse("not an event\n", status_code=400)
        on_seen(said.decode("ascii"))
        return Response(status_code=204)

    async def ask(request: Request) -> Response:
        """The answer is the same for every request."""
        try:
            wish = Wish((await read_body(request.stream(), WISH_LENGTH_MAX) or b"").decode("ascii", "replace"))
        except ValueError:
            return PlainTextResponse("nothing that can be asked for\n", status_code=400)
        on_asked(wish)
        return Response(status_code=204)

    states = events(
        lambda _: board.watch(),
        form=lambda _: lambda event: event,
        is_full=lambda _: board.is_full,
        heartbeat_s=heartbeat_s,
    )
    routes = [
        Route("/", show_page),
        Route("/events", states),
        Route("/enter", enter, methods=["POST"]),
        Route("/seen", seen, methods=["POST"]),
        Route("/ask", ask, methods=["POST"]),
        Route("/healthz", healthz),
        *watched,
        WebSocketRoute("/preview", _preview(mirror, tints)),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, hosts=hosts, admits=Admission(key, on_known))])


def _page(*, boot: str, labels: Labels, texts: Languages) -> str:
    """Return the page as HTML, with all texts in every language, so that it works without its server."""
    catalogue = {
        language: {
            text: texts.t(language, text) for text in texts.text_ids(language) if not text.startswith(_OF_THE_NOTICE)
        }
        for language in labels.languages
    }
    notice = labels.notice
    template = environment(_HERE / "templates").get_template("page.html")
    return template.render(
        boot=boot,
        catalogue=catalogue,
        labels=labels,
        cues=CUES,
        languages=[
            {
                "tag": language,
                "direction": texts.direction(language),
                "is_draft": language in labels.drafts,
                "notice": notice.lines(language),
                "more": texts.t(language, "notice-more"),
            }
            for language in labels.languages
        ],
        code=notice.code(),
        offline=lane_unknown(labels.purpose).as_json(),
        pictograms=[pictogram.value for pictogram in Pictogram],
    )


def _preview(mirror: Fanout[bytes], tints: Tints | None) -> Callable[[WebSocket], Awaitable[None]]:
    async def preview(websocket: WebSocket) -> None:
        try:
            with mirror.join() as frames, contextlib.ExitStack() as stack:
                page = None if tints is None else stack.enter_context(tints.page())
                await websocket.accept()
                async with asyncio.TaskGroup() as tasks:
                    sending = [tasks.create_task(_send_frames(websocket, frames))]
                    if tints is None or page is None:
                        await _until_gone(websocket)
                    else:
                        sending.append(tasks.create_task(_send_tints(websocket, page)))
                        await _hear_answers(websocket, lambda number: tints.painted(page, number))
                    for task in sending:
                        task.cancel()
        except FanoutError:
            await websocket.close(code=1013)

    return preview


async def _until_gone(websocket: WebSocket) -> None:
    """Wait until the page closes; a page without tints sends nothing."""
    if (await websocket.receive())["type"] == "websocket.receive":
        await websocket.close(code=1008)


async def _hear_answers(websocket: WebSocket, painted: Callable[[int], None]) -> None:
    """Pass on the numbers of tints that the page reports as painted, until it closes or sends something else."""
    while (message := await websocket.receive())["type"] == "websocket.receive":
        said = message.get("text") or ""
        if not (said.isascii() and said.isdigit() and len(said) <= ANSWER_LENGTH_MAX):
            await websocket.close(code=1008)
            return
        painted(int(said))


async def _send_frames(websocket: WebSocket, mailbox: Latest[bytes]) -> None:
    try:
        while True:
            await websocket.send_bytes(await mailbox.take())
    except EndedError:
        await websocket.close(code=1001)
    except WebSocketDisconnect:
        return


async def _send_tints(websocket: WebSocket, mailbox: Latest[Tint]) -> None:
    try:
        while True:
            await websocket.send_text((await mailbox.take()).as_json())
    except (EndedError, WebSocketDisconnect):
        return  # the frames' task closes it
