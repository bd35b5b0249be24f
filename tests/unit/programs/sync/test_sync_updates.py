"""Updates over HTTPS: a repository at a server that answers as it should, and at one that does not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from fakes.updates import HERE, Operator

from gate.programs.sync.updates import HttpsSource
from gate.updates.errors import RefusedError, SourceAwayError
from gate.updates.fetching import Store
from gate.updates.layout import Kind


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
