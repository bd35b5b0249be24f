"""The page's web application in process: routes, headers, streams, limits, and whom it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from core_fakes.asgi import Visit, visit
from starlette.testclient import TestClient

from gate.passage.names import Wish
from gate.screens.kiosk.app import VIEWERS_MAX, Labels, create_app
from gate.screens.kiosk.board import PAGES_MAX, Board
from gate.screens.kiosk.cues import CUES
from gate.screens.kiosk.key import SECRET_LENGTH, Key
from gate.screens.kiosk.texts import Facts, Languages, Notice
from gate.screens.kiosk.view import ViewState, lane_unknown, render
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.web_pages.fanout import Fanout
from gate_core.web_pages.texts import UnknownLanguageError

HOST = "127.0.0.1:8088"
SECRET = "s" * SECRET_LENGTH
KEY = Key(SECRET, port=8088)
COOKIE = {"Cookie": f"kiosk-8088={SECRET}"}
OURS = {"Host": HOST} | COOKIE
OUR_PAGE = OURS | {"Origin": f"http://{HOST}"}
OWN = ("page.css", "words.css", "ask.css", "page.js", "ask.js", "cues.js")
LANGUAGES = ("en", "fr", "ar", "zh-Hans", "de", "hi", "ru", "es")
FACTS = Facts(
    "border.example", "north-7", "privacy@border.example", "https://border.example/notice", 30, 2, central=True
)


def labelled(purpose: Purpose, *languages: str, facts: Facts = FACTS) -> Labels:
    drafts = tuple(language for language in languages if language != "en")
    notice = Notice(Languages(), facts, languages)
    return Labels(facts.gate, facts.operator, purpose, languages, drafts, notice, volume=40)


class Kiosk:
    """An application with its two sources."""

    def __init__(self, *, purpose: Purpose = Purpose.DEMO, heartbeat_s: float = 30.0, boot: str = "boot1") -> None:
        self.asked: list[Wish] = []
        self.board = Board(boot=boot, state=lane_unknown(purpose))
        self.mirror: Fanout[bytes] = Fanout(clients_max=VIEWERS_MAX)
        self.seen: list[str] = []
        self.app = create_app(
            board=self.board,
            mirror=self.mirror,
            labels=labelled(purpose, *LANGUAGES),
            texts=Languages(),
            hosts=frozenset({HOST}),
            key=KEY,
            heartbeat_s=heartbeat_s,
            on_seen=self.seen.append,
            on_asked=self.asked.append,
        )

    def show(self, screen: Screen, guidance: Guidance = Guidance.NONE, purpose: Purpose = Purpose.DEMO) -> None:
        self.board.show(render(ViewState(screen, guidance, purpose)))


@pytest.fixture
def kiosk() -> Kiosk:
    return Kiosk()


@pytest.fixture
def client(kiosk: Kiosk) -> Iterator[TestClient]:
    with TestClient(kiosk.app, base_url=f"http://{HOST}", headers=COOKIE) as client:
        yield client


@pytest.fixture
def stranger(kiosk: Kiosk) -> Iterator[TestClient]:
    """A browser that has not shown the boot's secret."""
    with TestClient(kiosk.app, base_url=f"http://{HOST}") as client:
        yield client


def state_of(event: bytes) -> dict[str, Any]:
    found = re.fullmatch(rb"id: ([\w-]+)\nevent: state\ndata: (.+)\n\n", event)
    assert found, event
    state: dict[str, Any] = json.loads(found[2])
    return state | {"id": found[1].decode()}


async def begin(client: Visit) -> dict[str, Any]:
    """The start of a stream: its headers, the retry, the snapshot."""
    start = await client.next()
    assert start["status"] == 200
    assert await client.body() == b"retry: 500\n\n"
    return state_of(await client.body())


# ── what is asked for ────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_that_can_be_asked_for_is_answered_alike(kiosk: Kiosk, client: TestClient) -> None:
    ours = {"Origin": f"http://{HOST}"}
    answers = [client.post("/ask", content=wish.value, headers=ours) for wish in Wish]
    assert kiosk.asked == list(Wish)
    assert len({(one.status_code, one.content, tuple(one.headers.items())) for one in answers}) == 1
    assert answers[0].status_code == 204


@pytest.mark.parametrize("said", [b"", b"HELP", b"help ", b"\xff\xfe", b"protection" * 1_000])
def test_anything_else_is_refused_and_tells_nobody(kiosk: Kiosk, client: TestClient, said: bytes) -> None:
    assert client.post("/ask", content=said, headers={"Origin": f"http://{HOST}"}).status_code == 400
    assert kiosk.asked == []


def test_only_the_page_of_a_browser_that_has_shown_the_secret_may_ask(
    kiosk: Kiosk, client: TestClient, stranger: TestClient
) -> None:
    assert stranger.post("/ask", content="help", headers={"Origin": f"http://{HOST}"}).status_code == 403
    assert client.post("/ask", content="help", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/ask", content="help").status_code == 403
    assert client.get("/ask").status_code == 405
    assert kiosk.asked == []


def test_the_page_has_a_target_for_each_wish_and_its_sounds_as_loud_as_it_is_set(client: TestClient) -> None:
    page = client.get("/").text
    assert set(re.findall(r'data-ask="(\w+)"', page)) == {wish.value for wish in Wish}
    cues = re.findall(
        r'<audio preload="auto" src="(/static/cues/\w+\.wav)" data-screens="([\w ]+)" data-volume="40"', page
    )
    assert len(cues) == len(CUES)
    for address, _ in cues:
        assert client.get(address).content[:4] == b"RIFF"
    assert "media-src 'self'" in client.get("/").headers["content-security-policy"]


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_carries_every_text_of_every_language_so_that_it_can_speak_without_its_server(
    client: TestClient,
) -> None:
    page = client.get("/").text
    catalogue = json.loads(re.findall(r'id="texts">(.+?)</script>', page)[0])
    assert set(catalogue) == set(LANGUAGES)
    assert catalogue["ar"]["officer-title"] == "سيساعدك أحد الموظفين"
    assert not [text for texts in catalogue.values() for text in texts if text.startswith(("notice-", "board-"))]
    offline = json.loads(re.findall(r'id="offline">(.+?)</script>', page)[0])
    assert offline == lane_unknown(Purpose.DEMO).as_json()


def test_the_page_has_one_heading_and_is_no_markup_of_the_operator() -> None:
    script = "</script><script>alert(1)</script>"
    nasty = labelled(Purpose.SERVICE, "en", facts=Facts(script, "north-7", script, script, None, 2, central=False))
    kiosk = Kiosk()
    app = create_app(
        board=kiosk.board, mirror=kiosk.mirror, labels=nasty, texts=Languages(), hosts=frozenset({HOST}), key=KEY
    )
    page = TestClient(app, base_url=f"http://{HOST}").get("/").text
    assert page.count("<h1") == 1
    assert "<script>alert" not in page


@pytest.mark.parametrize(("purpose", "hidden"), [("demo", False), ("trial", False), ("service", True)])
def test_the_mark_stands_in_the_page_before_any_script_runs(purpose: Purpose, hidden: bool) -> None:  # noqa: FBT001
    page = TestClient(Kiosk(purpose=purpose).app, base_url=f"http://{HOST}").get("/").text
    (mark,) = re.findall(r'<p class="mark"[^>]*>', page)
    assert (" hidden" in mark) == hidden


def test_an_unknown_language_stops_the_start() -> None:
    kiosk = Kiosk()
    labels = replace(labelled(Purpose.DEMO, "en"), languages=("en", "tlh"))
    with pytest.raises(UnknownLanguageError, match="tlh"):
        create_app(
            board=kiosk.board, mirror=kiosk.mirror, labels=labels, texts=Languages(), hosts=frozenset({HOST}), key=KEY
        )


def test_the_notice_stands_on_the_page_in_every_language_and_its_code_beside_it(client: TestClient) -> None:
    page = client.get("/").text
    told = re.findall(r'<div class="told" lang="([\w-]+)"', page)
    assert told == list(LANGUAGES)
    assert page.count("privacy@border.example") == len(LANGUAGES)
    assert page.count("<figure>") == 1
    assert not re.search(r"""<svg[^>]*(style|href|onload)=""", page)
    bare = labelled(Purpose.DEMO, "en", facts=replace(FACTS, address=""))
    kiosk = Kiosk()
    app = create_app(
        board=kiosk.board, mirror=kiosk.mirror, labels=bare, texts=Languages(), hosts=frozenset({HOST}), key=KEY
    )
    assert "<figure>" not in TestClient(app, base_url=f"http://{HOST}").get("/").text


def test_each_draft_is_marked_at_its_button_and_a_page_without_drafts_says_nothing_of_them(client: TestClient) -> None:
    names = dict(re.findall(r'data-choose="([\w-]+)"[^>]*>([^<]+)<', client.get("/").text))
    assert list(names) == list(LANGUAGES)
    assert [language for language, name in names.items() if not name.endswith("*")] == ["en"]
    kiosk = Kiosk()
    reviewed = replace(labelled(Purpose.DEMO, *LANGUAGES), drafts=())
    app = create_app(
        board=kiosk.board, mirror=kiosk.mirror, labels=reviewed, texts=Languages(), hosts=frozenset({HOST}), key=KEY
    )
    page = TestClient(app, base_url=f"http://{HOST}").get("/").text
    assert 'class="draft"' not in page
    assert "Deutsch<" in page


@pytest.mark.parametrize("path", ["/", "/healthz", "/static/page.js", "/static/page.css", "/static/icon.svg", "/none"])
def test_nothing_is_stored_framed_or_loaded_from_elsewhere_and_there_are_no_cookies(
    client: TestClient, path: str
) -> None:
    answer = client.get(path)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers


def test_the_page_loads_from_its_own_server_only(client: TestClient) -> None:
    everything = "".join(client.get(path).text for path in ("/", *(f"/static/{one}" for one in OWN)))
    assert re.findall(r"https?://[^\s\"']+", everything) == []
    assert re.findall(r'(?:src|href)="([^"]+)"', everything) == [
        f"/static/{one}" for one in ("icon.svg", *OWN, *(f"cues/{cue.name}.wav" for cue in CUES))
    ]
    assert re.search(r'\s(style|on\w+)="', everything) is None


def test_health_says_that_the_program_lives(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"ok": True}


def test_a_static_path_cannot_climb_out(client: TestClient) -> None:
    assert client.get("/static/%2e%2e/app.py").status_code == 404


@pytest.mark.parametrize("path", ["/", "/events", "/preview", "/healthz"])
def test_no_route_takes_anything_from_the_browser(client: TestClient, path: str) -> None:
    assert client.post(path, content=b"x" * 1000, headers=OUR_PAGE).status_code in {404, 405}
    assert client.post(path, content=b"x" * 1000).status_code == 403


def test_only_the_page_itself_says_what_it_has_painted(kiosk: Kiosk, client: TestClient, stranger: TestClient) -> None:
    assert client.post("/seen", content="boot1-0", headers=OUR_PAGE).status_code == 204
    assert client.post("/seen", content="boot1-1").status_code == 403
    assert stranger.post("/seen", content="boot1-2", headers={"Origin": f"http://{HOST}"}).status_code == 403
    for nonsense in ("x" * 65, "x" * 1_000_000, "\u00e9"):
        assert client.post("/seen", content=nonsense, headers=OUR_PAGE).status_code == 400
    assert kiosk.seen == ["boot1-0"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:8088", ""])
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["cache-control"] == "no-store"


# ── the secret of the boot ───────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_shows_the_secret_is_known_by_a_cookie_that_no_script_and_no_other_page_can_use(
    stranger: TestClient,
) -> None:
    ours = {"Origin": f"http://{HOST}"}
    answer = stranger.post("/enter", content=SECRET, headers=ours)
    assert answer.status_code == 204
    assert answer.headers["set-cookie"] == f"kiosk-8088={SECRET}; Path=/; HttpOnly; SameSite=Strict"
    assert stranger.get("/none").status_code == 404  # known, where a stranger is not even told what there is


@pytest.mark.parametrize("secret", ["", "wrong", "s" * (SECRET_LENGTH - 1), "s" * (SECRET_LENGTH + 1), "s" * 1_000_000])
def test_another_secret_gives_no_cookie(stranger: TestClient, secret: str) -> None:
    answer = stranger.post("/enter", content=secret, headers={"Origin": f"http://{HOST}"})
    assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)
    assert stranger.get("/none").status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Origin": "http://evil.example"}])
def test_only_the_page_itself_shows_the_secret(stranger: TestClient, headers: dict[str, str]) -> None:
    answer = stranger.post("/enter", content=SECRET, headers=headers)
    assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)


def test_a_stranger_gets_the_empty_page_and_nothing_else(stranger: TestClient) -> None:
    for path in ("/", "/healthz", "/static/page.js", "/static/page.css"):
        assert stranger.get(path).status_code == 200
        assert SECRET not in stranger.get(path).text
    for path in ("/events", "/preview", "/none", "/staticx"):
        assert stranger.get(path).status_code == 403


async def test_without_the_guards_question_a_stranger_sees_the_face(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Key, "is_shown_by", lambda *_: True)
    stranger = {"Host": HOST, "Origin": f"http://{HOST}"}
    async with visit(kiosk.app, "/preview", kind="websocket", headers=stranger) as client:
        assert (await client.next())["type"] == "websocket.accept"
        kiosk.mirror.send(b"\xff\xd8\xff face")
        assert (await client.next())["bytes"] == b"\xff\xd8\xff face"


# ── the events ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_stream_begins_with_the_whole_state_and_goes_on_with_every_change(kiosk: Kiosk) -> None:
    async with visit(kiosk.app, "/events", headers=OURS) as client:
        assert await begin(client) == {"id": "boot1-0", "boot": "boot1", **lane_unknown(Purpose.DEMO).as_json()}
        kiosk.show(Screen.LOOK, Guidance.COME_CLOSER)
        change = state_of(await client.body())
        assert (change["id"], change["title"]) == ("boot1-1", "guide-come-closer")
    async with visit(kiosk.app, "/events", headers=OURS) as client:
        assert await begin(client) == change


async def test_a_reconnecting_page_gets_the_state_of_now_whatever_it_saw_last(kiosk: Kiosk) -> None:
    kiosk.show(Screen.GO)
    kiosk.show(Screen.WELCOME)
    async with visit(kiosk.app, "/events", headers=OURS | {"Last-Event-ID": "boot1-1"}) as client:
        assert (await begin(client))["screen"] == "welcome"


async def test_silence_is_filled_with_heartbeats() -> None:
    kiosk = Kiosk(heartbeat_s=0.01)
    async with visit(kiosk.app, "/events", headers=OURS) as client:
        await begin(client)
        assert [await client.body() for _ in range(3)] == [b"event: beat\ndata: 1\n\n"] * 3


async def test_a_page_that_is_as_before_is_not_sent_again(kiosk: Kiosk) -> None:
    async with visit(kiosk.app, "/events", headers=OURS) as client:
        await begin(client)
        for guidance in Guidance:
            kiosk.show(Screen.OFFICER, guidance)  # as before: nothing to see
        kiosk.show(Screen.WELCOME)
        assert state_of(await client.body())["id"] == "boot1-1"


async def test_one_page_too_many_is_refused_and_those_there_keep_theirs(kiosk: Kiosk) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(PAGES_MAX):
            stack.enter_context(kiosk.board.watch())
        async with visit(kiosk.app, "/events", headers=OURS) as client:
            assert (await client.next())["status"] == 503
    assert kiosk.board.pages == 0


async def test_a_page_that_leaves_frees_its_place(kiosk: Kiosk) -> None:
    async with visit(kiosk.app, "/events", headers=OURS) as client:
        await begin(client)
        assert kiosk.board.pages == 1
    assert kiosk.board.pages == 0


async def test_closing_the_board_ends_every_stream(kiosk: Kiosk) -> None:
    async with visit(kiosk.app, "/events", headers=OURS) as client:
        await begin(client)
        kiosk.board.close()
        end = await client.next()
        assert (end["body"], end["more_body"]) == (b"", False)


async def test_no_reason_for_a_referral_is_in_any_answer(kiosk: Kiosk, client: TestClient) -> None:
    answers = [client.get(path).text for path in ("/", "/healthz", "/static/page.js")]
    for screen in Screen:
        kiosk.show(screen)
        async with visit(kiosk.app, "/events", headers=OURS) as stream:
            answers.append(json.dumps(await begin(stream)))
    reasons = {reason.value for reason in Reason} - {"emergency"}  # which is also a screen, the same for everyone
    assert [reason for reason in reasons for answer in answers if reason in answer] == []


# ── the preview ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_watcher_of_the_mirror_gets_frames_as_they_are(kiosk: Kiosk) -> None:
    async with visit(kiosk.app, "/preview", kind="websocket", headers=OUR_PAGE) as client:
        assert (await client.next())["type"] == "websocket.accept"
        kiosk.mirror.send(b"\xff\xd8\xff frame")
        assert (await client.next())["bytes"] == b"\xff\xd8\xff frame"
    assert kiosk.mirror.clients == 0


@pytest.mark.parametrize(
    "headers",
    [
        OURS,
        {"Host": HOST, "Origin": f"http://{HOST}"},
        OUR_PAGE | {"Cookie": "kiosk-8088="},
        OUR_PAGE | {"Cookie": f"kiosk-8089={SECRET}; kiosk-8088={SECRET[:-1]}"},
        OURS | {"Origin": "http://evil.example"},
        OURS | {"Origin": f"https://{HOST}"},
        COOKIE | {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
    ids=[
        "no origin",
        "no secret",
        "an empty secret",
        "another secret",
        "another origin",
        "another scheme",
        "another host",
    ],
)
async def test_another_page_cannot_look_into_the_mirror(kiosk: Kiosk, headers: dict[str, str]) -> None:
    async with visit(kiosk.app, "/preview", kind="websocket", headers=headers) as client:
        refusal = await client.next()
        assert (refusal["type"], refusal["code"]) == ("websocket.close", 1008)
    assert kiosk.mirror.clients == 0


async def test_one_viewer_too_many_is_refused(kiosk: Kiosk) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(VIEWERS_MAX):
            stack.enter_context(kiosk.mirror.join())
        async with visit(kiosk.app, "/preview", kind="websocket", headers=OUR_PAGE) as client:
            refusal = await client.next()
            assert (refusal["type"], refusal["code"]) == ("websocket.close", 1013)


async def test_a_page_that_speaks_where_it_should_look_is_hung_up_on(kiosk: Kiosk) -> None:
    async with visit(kiosk.app, "/preview", kind="websocket", headers=OUR_PAGE) as client:
        assert (await client.next())["type"] == "websocket.accept"
        await client.send({"type": "websocket.receive", "text": "hello"})
        assert (await client.next())["type"] == "websocket.close"
    assert kiosk.mirror.clients == 0


async def test_closing_the_mirror_ends_every_viewer(kiosk: Kiosk) -> None:
    async with visit(kiosk.app, "/preview", kind="websocket", headers=OUR_PAGE) as client:
        assert (await client.next())["type"] == "websocket.accept"
        kiosk.mirror.close()
        assert (await client.next())["type"] == "websocket.close"


async def test_a_viewer_that_vanishes_in_the_middle_of_a_frame_frees_its_place(kiosk: Kiosk) -> None:
    accepted, failed = asyncio.Event(), asyncio.Event()

    async def broken_send(message: Any) -> None:
        accepted.set()
        if message["type"] == "websocket.send":
            failed.set()
            raise OSError("gone")

    async def visitor(scope: Any, receive: Any, _send: Any) -> None:
        await kiosk.app(scope, receive, broken_send)

    async with visit(visitor, "/preview", kind="websocket", headers=OUR_PAGE):
        await accepted.wait()
        kiosk.mirror.send(b"\xff\xd8\xff")
        await failed.wait()
    assert kiosk.mirror.clients == 0
