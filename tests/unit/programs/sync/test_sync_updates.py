"""Updates over HTTPS: a repository at a server that answers as it should, and at one that does not."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lab_fakes.updates import GATE_ID, HERE, Operator

from drivers.barrier.settings import Modbus
from drivers.camera.settings import Network
from drivers.reader.settings import Elyctis
from gate.device_certificate.device import AUTHORITIES, DEVICE
from gate.programs.shared.config import Audit, Config, Sync
from gate.programs.shared.config import Updates as Settings
from gate.programs.sync.updates import HttpsSource, Updates
from gate.updates.download import Store
from gate.updates.errors import RefusedError, SourceAwayError
from gate.updates.layout import Kind
from gate_central.authority import Authority, found, issue_device, issue_server, new_key
from gate_central.folder import server_pem
from gate_core.evidence.screen import Purpose
from gate_core.mirror_client.https import Line
from gate_core.settings.config_file import ConfigError

Told = dict[str, object]


def serving(repo: Path, asked: list[tuple[str, str]]) -> Callable[[httpx2.Request], httpx2.Response]:
    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/updates/")
        asked.append((path, request.headers.get("range", "")))
        if not (repo / path).is_file():
            return httpx2.Response(404)
        content = (repo / path).read_bytes()
        if wanted := request.headers.get("range"):
            return httpx2.Response(206, content=iter([content[int(wanted.removeprefix("bytes=").removesuffix("-")) :]]))
        return httpx2.Response(200, content=iter([content]))

    return answer


def source(answer: Callable[[httpx2.Request], httpx2.Response], ending: threading.Event | None = None) -> HttpsSource:
    transport = httpx2.MockTransport(answer)
    return HttpsSource("central.example", None, ending=ending or threading.Event(), transport=transport)


def test_a_repository_is_fetched_and_an_interrupted_download_goes_on(tmp_path: Path) -> None:
    operator, asked, store = Operator(tmp_path / "operator"), list[tuple[str, str]](), Store(tmp_path / "store")
    operator.publish(Kind.LISTS, {"a": b"one"})
    (target,) = (operator.repo / "targets" / "lists").iterdir()
    part = tmp_path / "store" / "repository" / "targets" / "lists" / f".part-{target.name.split('.')[0]}"
    part.parent.mkdir(parents=True)
    part.write_bytes(target.read_bytes()[:20])
    with store.locked():
        found = store.fetch(source(serving(operator.repo, asked)), first_root=operator.first_root, here=HERE)
    assert found.offers[Kind.LISTS].number == 1
    assert (f"targets/lists/{target.name}", "bytes=20-") in asked


@pytest.mark.parametrize(
    ("answer", "start", "error"),
    [
        (lambda _: httpx2.Response(500), 0, SourceAwayError),
        (lambda _: httpx2.Response(302, headers={"location": "https://elsewhere.example/"}), 0, SourceAwayError),
        (lambda _: httpx2.Response(200, content=b"all of it"), 5, RefusedError),
        (lambda _: httpx2.Response(416), 5, RefusedError),
        (lambda _: httpx2.Response(206, content=b"some"), 0, SourceAwayError),
    ],
    ids=["500", "elsewhere", "from the beginning", "beyond the end", "a part that nobody asked for"],
)
def test_a_server_that_answers_otherwise(
    answer: Callable[[httpx2.Request], httpx2.Response], start: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        source(answer).read("metadata/timestamp.json", start)


def test_a_server_that_is_away() -> None:
    def away(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(SourceAwayError):
        source(away).read("metadata/timestamp.json")


def test_what_is_not_there_is_nothing() -> None:
    assert source(lambda _: httpx2.Response(404)).read("metadata/2.root.json") is None


def test_no_path_leads_elsewhere_on_the_server() -> None:
    with pytest.raises(RefusedError):
        source(lambda _: httpx2.Response(200)).read("../add-entries")


def test_a_program_that_ends_breaks_the_download_off() -> None:
    ending = threading.Event()
    chunks = source(lambda _: httpx2.Response(200, content=iter([b"x" * 10])), ending).read("targets/lists/x.zip")
    ending.set()
    assert chunks is not None
    with pytest.raises(SourceAwayError, match="broken off"):
        next(chunks)


def configured(folder: Path, port: int = 9) -> tuple[Config, Sync, Settings]:
    """A gate, its central server at this port of this machine, and where its updates lie."""
    config = Config(
        purpose=Purpose.TRIAL,
        gate_id=GATE_ID,
        operator="border.example",
        barrier=Modbus(port="/dev/b"),
        swipe=Elyctis(port="/dev/s"),
        camera=Network(address="http://192.0.2.7/stream"),
        audit=Audit(recipients=("age1a", "age1b")),
    )
    sync = Sync(address=f"127.0.0.1:{port}", identity=str(folder / "identity"), mirror_vkey="central+1+key")
    return config, sync, Settings(root=str(folder / "root.json"), folder=str(folder / "fetched"), check_every_ms=1000)


def enrol(folder: Path, root: Authority) -> None:
    """Lay the identity of a gate of this authority."""
    key = new_key()
    (folder / "identity").mkdir()
    (folder / "identity" / AUTHORITIES).write_bytes(root.certificate.public_bytes(Encoding.PEM))
    device = issue_device(root, GATE_ID, key.public_key(), datetime.now(UTC))
    (folder / "identity" / DEVICE).write_bytes(server_pem(key, device))


@contextlib.contextmanager
def central(folder: Path, repo: Path, root: Authority) -> Iterator[int]:
    """A server that shows a repository to whoever has a certificate of this authority; its port."""
    key = new_key()
    pem = folder / "server.pem"
    pem.write_bytes(server_pem(key, issue_server(root, "localhost", key.public_key(), datetime.now(UTC))))
    (folder / "served").mkdir()
    (folder / "served" / "updates").symlink_to(repo)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cadata=root.certificate.public_bytes(Encoding.PEM).decode()
    )
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(pem)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder / "served"))
    ) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextlib.asynccontextmanager
async def running(updates: Updates) -> AsyncIterator[Callable[[Callable[[Told], object]], Awaitable[Told]]]:
    """Fetch as long as the block lasts; what is yielded waits until the status shows something, and returns it."""

    async def told(condition: Callable[[Told], object]) -> Told:
        while not condition(updates.detail()):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)
        return updates.detail()

    rounds = asyncio.create_task(updates.run())
    try:
        async with asyncio.timeout(30):
            yield told
    finally:
        rounds.cancel()
        await asyncio.wait({rounds})


async def test_why_nothing_is_fetched_is_told_and_what_was_fetched_once_it_can_be(tmp_path: Path) -> None:
    operator, root = Operator(tmp_path / "operator"), found("border.example", datetime.now(UTC))
    operator.publish(Kind.LISTS, {"a": b"one"})
    (tmp_path / "root.json").write_bytes(operator.first_root)
    nothing: Told = {"checked_at": None, "expires": None, "fetched": {}}
    with central(tmp_path, operator.repo, root) as port:
        updates = Updates(*configured(tmp_path, port), line=Line())
        assert updates.detail() == {"problem": None, **nothing}
        async with running(updates) as told:
            without = await told(lambda detail: detail["problem"])
            assert "the device certificate cannot be used" in str(without.pop("problem"))
            assert without == nothing
            enrol(tmp_path, root)
            fetched = await told(lambda detail: detail["checked_at"] and not detail["problem"])
    assert fetched["fetched"] == {"lists": {"number": 1, "name": "one"}}
    assert datetime.fromisoformat(str(fetched["expires"])) > datetime.now(UTC)
    (target,) = (tmp_path / "fetched" / "repository" / "targets" / "lists").iterdir()
    assert target.read_bytes() == (operator.repo / "targets" / "lists" / target.name).read_bytes()


async def test_of_a_central_server_that_is_away_it_is_told_that_it_is(tmp_path: Path) -> None:
    enrol(tmp_path, found("border.example", datetime.now(UTC)))
    (tmp_path / "root.json").write_bytes(Operator(tmp_path / "operator").first_root)
    async with running(Updates(*configured(tmp_path), line=Line())) as told:
        assert str((await told(lambda detail: detail["problem"]))["problem"]).startswith("ConnectError")


def test_a_first_root_that_cannot_be_read_is_the_configurations_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"root\.json cannot be read") as refused:
        Updates(*configured(tmp_path), line=Line())
    assert refused.value.is_unreadable
