"""Registers that a gate asks online: documents that were reported lost, entries and exits of people who may stay for a while, and the exchange of a
site with one other gate.

An HTTP server on this machine, JSON in and out. It answers as it is told, and may be told to be slow, wrong or hostile: `Fault`.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

REQUEST_BYTES_MAX = 16 * 1024


class Fault(enum.Enum):
    """What may be wrong with a register."""

    NONE = "none"
    SILENT = "silent"  # takes the question, and says nothing
    SLOW = "slow"  # a byte a second
    HANGS_UP = "hangs_up"
    REFUSES = "refuses"  # 503
    REDIRECTS = "redirects"  # elsewhere
    NOT_JSON = "not_json"
    OTHER_JSON = "other_json"
    DEEP = "deep"  # ten thousand brackets
    ENDLESS = "endless"
    NOT_HTTP = "not_http"


@dataclass(slots=True)
class Registers:
    """What the registers hold. Documents by issuer and number."""

    lost: dict[tuple[str, str], str] = field(default_factory=dict)  # and the reference of the report
    people: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # registered, stays, refused, reference
    day_key: tuple[str, str] = ("", "")  # the exchange's: its day and key
    marks: dict[str, tuple[str, str]] = field(default_factory=dict)  # the other gate's name, and the minute
    fault: Fault = Fault.NONE
    says_each: int = 1  # how often it says an answer
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    port: int = 0
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Where they are asked."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """What is said of a document."""
        if path == "/reuse/key":
            return {"day": self.day_key[0], "key": self.day_key[1]}
        if path == "/reuse/mark":
            mark = str(question.get("mark"))
            if mark not in self.marks:
                return {"mark": mark, "answer": "none"}
            gate, at = self.marks[mark]
            return {"mark": mark, "answer": "hit", "gate": gate, "at": at}
        document = (str(question.get("issuer")), str(question.get("number")))
        if path == "/lost-documents":
            if document not in self.lost:
                return {"answer": "not_reported"}
            return {"answer": "reported", "reference": self.lost[document], "instructions": "Keep the document."}
        return self.people.get(document, {"registered": True, "stays": [], "refused": False})

    @contextlib.asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """Serve while the block runs, over TLS where there is a context."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=REQUEST_BYTES_MAX, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._converse(reader, writer)
        finally:
            self._serving.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length:")
                )
                question = json.loads(await reader.readexactly(length))
                path = head.split()[1]
                self.asked.append((path, question))
                if not await self._respond(reader, writer, self.answer(path, question)):
                    break

    async def _respond(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: dict[str, Any]
    ) -> bool:
        """Answer one question; False to hang up."""
        body = json.dumps(answer).encode()
        match self.fault:
            case Fault.SILENT:
                await reader.read()  # until whoever asks has had enough
            case Fault.SLOW:
                for byte in _response(200, body):
                    writer.write(bytes((byte,)))
                    await writer.drain()
                    await asyncio.sleep(1)
            case Fault.ENDLESS:
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    writer.write(b"1000\r\n" + b"a" * 4096 + b"\r\n")
                    await writer.drain()
            case Fault.NONE:
                writer.write(_response(200, body) * self.says_each)
            case fault:
                writer.write(_AT_ONCE[fault])
        await writer.drain()
        return self.fault not in {Fault.HANGS_UP, Fault.NOT_HTTP}


def _response(status: int, body: bytes) -> bytes:
    return (
        f"HTTP/1.1 {status} It is\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )


_AT_ONCE = {
    Fault.HANGS_UP: b"",
    Fault.REFUSES: _response(503, b"{}"),
    Fault.REDIRECTS: b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    Fault.NOT_JSON: _response(200, b"\xff<html>"),
    Fault.OTHER_JSON: _response(200, b'{"answer":"certainly not","registered":"no"}'),
    Fault.DEEP: _response(200, b"[" * 10_000),
    Fault.NOT_HTTP: b"SSH-2.0-elsewhere\r\n",
}
