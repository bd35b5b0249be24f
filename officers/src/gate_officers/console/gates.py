"""Connection to a gate: its lane's events, challenges, and orders (docs/protocols/console.md).

The console pins the gate's key. Everything that the gate sends is untrusted: `Gate` raises nothing and puts each fault
into `trouble`. A gate that is silent for two seconds counts as lost. Each gate has its own connections and limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import httpx2

from gate_core import console_link
from gate_core.http_server.cookies import NoCookies
from gate_core.http_server.request_body import read_body
from gate_core.pinned_certificates import PinnedError, fingerprint
from gate_core.programs.reconnect import Backoff, keep
from gate_core.programs.task_groups import run_until_first_exits
from gate_core.rate_limit import Bucket, Rate
from gate_officers.console.lanes import Unanswered

if TYPE_CHECKING:
    from gate_officers.console.config import GateEntry

CONNECT_S: Final = 2.0
BEGIN_S: Final = 4.0  # from the request of the stream to its first event
LOOK_S: Final = 3.0
ORDER_S: Final = 12.0  # a lane may take 7 s to confirm that an order's effect is visible
AGAIN_MIN_S: Final = 0.25
AGAIN_MAX_S: Final = 4.0
CONNECTIONS_MAX: Final = 7  # a gate allows a console eight
KEPT_S: Final = 30.0
EVENT_RATE: Final = Rate(20, 60)  # of one gate; above it, reading from the gate pauses
HEAR_EVERY_S: Final = 0.25  # if events come faster, only the newest is decoded
WORDS_MAX: Final = 300

# asyncio sends no TLS alert: a console that the gate rejects sees only a closed connection.
_HUNG_UP: Final = (
    "hangs up before it answers: it may not know this console's certificate, or not take its dates "
    "(strangers_refused in the gate's journal)"
)

Said = TypeVar("Said", console_link.Challenge, console_link.Answer)


class _LostError(Exception):
    """The event stream ended; the message gives the reason."""


class Gate:
    """One gate. `run` keeps its event stream open; `on_change` is called when `snapshot`, `up` or `trouble` changes.

    `identity` is the file of the console's key and certificate. Raises OSError and ssl.SSLError if it is unusable.
    """

    def __init__(self, gate_id: str, entry: GateEntry, identity: Path, *, on_change: Callable[[], None]) -> None:
        self.id = gate_id
        self._on_change = on_change
        self.snapshot: console_link.LaneEvent | None = (
            None  # the lane's last event, received `snapshot_age_s` ago; None while the gate is lost
        )
        self.trouble = "is not reached yet"  # the connection's fault, for people; empty if none
        self._heard_s: float | None = None
        self._came_s = 0.0
        self._unheard: bytes | None = None
        self._backoff = Backoff(AGAIN_MIN_S, AGAIN_MAX_S)
        self._client = httpx2.AsyncClient(
            base_url=f"https://{entry.address}",
            verify=pinned_to(entry.key, identity),
            trust_env=False,
            follow_redirects=False,
            cookies=NoCookies(),
            timeout=httpx2.Timeout(ORDER_S, connect=CONNECT_S, pool=LOOK_S),
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=2, keepalive_expiry=KEPT_S),
            headers={"accept-encoding": "identity", "user-agent": "portcullis-console"},
        )

    @property
    def snapshot_age_s(self) -> float:
        """Seconds since the snapshot was received; 0 without one."""
        return _now_s() - self._came_s if self.snapshot is not None else 0.0

    @property
    def age_s(self) -> float | None:
        """Seconds since the last event of the gate; None before the first."""
        return None if self._heard_s is None else _now_s() - self._heard_s

    @property
    def up(self) -> bool:
        """True while the gate is connected and has sent its lane's state."""
        return self.snapshot is not None and not self.trouble

    async def run(self) -> NoReturn:
        """Read the event stream and reconnect until cancelled; then close the connections."""
        try:
            await keep(self._watch, ending=_LostError, lost=self._lose, backoff=self._backoff)
        finally:
            await self._client.aclose()

    async def look(self) -> console_link.Challenge | Unanswered:
        """Request a challenge for an order to this gate."""
        answer = await self._ask(console_link.Challenge, "GET", console_link.LOOK, None, LOOK_S)
        if isinstance(answer, console_link.Challenge) and answer.gate != self.id:
            return Unanswered(_another(answer.gate))
        return answer

    async def order(self, order: bytes) -> console_link.Answer | Unanswered:
        """Send a signed order and return the lane's answer."""
        return await self._ask(console_link.Answer, "POST", console_link.ORDERS, order, ORDER_S)

    # ── the stream ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self) -> None:
        """Read one stream to its end. Always raises _LostError."""
        try:
            async with asyncio.timeout(BEGIN_S) as silence, self._client.stream("GET", console_link.EVENTS) as response:
                _expect(response, console_link.EVENT_STREAM)
                said = asyncio.Event()
                await run_until_first_exits(self._listen(response, silence, said), self._hear_each(said))
                self._hear()
        except TimeoutError as error:
            raise _LostError("says nothing") from error
        except console_link.BadLinkMessageError as error:
            raise _LostError(f"speaks otherwise than a gate: {error}") from error
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise _LostError("ends its stream" if self.snapshot is not None else _in_words(error)) from error
        raise _LostError("ends its stream")

    async def _listen(self, response: httpx2.Response, silence: asyncio.Timeout, said: asyncio.Event) -> None:
        """Keep the newest lane event in `_unheard` until the stream ends."""
        self._unheard = None
        async with contextlib.aclosing(_events(response.aiter_raw())) as events:
            async for name, data in events:
                self._heard_s = _now_s()
                silence.reschedule(self._heard_s + console_link.SILENCE_S)
                if name == b"lane":
                    self._unheard = data
                    said.set()

    async def _hear_each(self, said: asyncio.Event) -> None:
        while True:
            await said.wait()
            said.clear()
            self._hear()
            await asyncio.sleep(HEAR_EVERY_S)

    def _hear(self) -> None:
        """Decode the newest lane event, if there is one, into `snapshot`."""
        data, self._unheard = self._unheard, None
        if data is None:
            return
        event = console_link.decode(data, console_link.LaneEvent)
        if event.gate != self.id:
            raise _LostError(_another(event.gate))
        self.snapshot, self._came_s = event, _now_s()
        self.trouble = ""
        self._backoff.reset()
        self._on_change()

    async def _lose(self, error: _LostError) -> None:
        told = str(error)[:WORDS_MAX]
        if self.snapshot is not None or told != self.trouble:
            self.snapshot, self.trouble = None, told
            self._on_change()

    # ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask(
        self, kind: type[Said], method: str, path: str, body: bytes | None, deadline_s: float
    ) -> Said | Unanswered:
        maybe_done = body is not None
        try:
            async with asyncio.timeout(deadline_s), self._client.stream(method, path, content=body) as response:
                raw = await read_body(response.aiter_raw(), console_link.ANSWER_BYTES_MAX)
                if raw is None:
                    return Unanswered("answers without end", maybe_done)
                if response.status_code == httpx2.codes.OK:
                    _expect(response, "application/json")
                    return console_link.decode(raw, kind)
                refusal = console_link.decode(raw, console_link.Refusal)
        except TimeoutError:
            return Unanswered("does not answer", maybe_done)
        except console_link.BadLinkMessageError as error:
            return Unanswered(f"answers otherwise than a gate: {error}"[:WORDS_MAX], maybe_done)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return Unanswered(_in_words(error))
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            return Unanswered(_in_words(error), maybe_done)
        return Unanswered(refusal.problem, maybe_done and refusal.maybe_done)


def _expect(response: httpx2.Response, media_type: str) -> None:
    """Raises BadLinkMessageError unless the response is 200, uncompressed, and of this media type."""
    found = response.headers.get("content-type", "").partition(";")[0]
    if response.status_code != httpx2.codes.OK or found != media_type or "content-encoding" in response.headers:
        raise console_link.BadLinkMessageError(f"status {response.status_code}, {found[:40]!r}")


async def _events(pieces: AsyncIterator[bytes]) -> AsyncGenerator[tuple[bytes, bytes], None]:
    """Yield the name and the data of each server-sent event. Raises BadLinkMessageError if one is too long."""
    bucket = Bucket(EVENT_RATE)
    buffer = bytearray()
    async for piece in pieces:
        searched = max(0, len(buffer) - 1)
        buffer += piece
        while (end := buffer.find(b"\n\n", searched)) >= 0:
            lines = dict(line.partition(b": ")[::2] for line in bytes(buffer[:end]).split(b"\n"))
            del buffer[: end + 2]
            searched = 0
            bucket.take(_now_s())
            await asyncio.sleep(bucket.wait_s(_now_s()))
            if b"event" in lines:
                yield lines[b"event"], lines.get(b"data", b"")
        if len(buffer) > console_link.EVENT_BYTES_MAX:
            raise console_link.BadLinkMessageError("an event without end")


def pinned_to(key: str, identity: Path) -> ssl.SSLContext:
    """Return a TLS context that accepts only a peer with the fingerprint `key`. Raises OSError and ssl.SSLError."""

    class Pinned(ssl.SSLObject):
        """Checks the peer's key instead of a CA's signature and the certificate's dates."""

        def do_handshake(self) -> None:
            super().do_handshake()
            try:
                shown = fingerprint(self.getpeercert(binary_form=True) or b"")
            except PinnedError as error:
                raise ssl.SSLError(f"shows {error}") from error
            if shown != key:
                raise ssl.SSLError(f"shows another key, {shown}, than the one of console.toml")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(identity)
    context.sslobject_class = Pinned
    return context


def _in_words(error: Exception) -> str:
    if isinstance(error, httpx2.ReadError | httpx2.WriteError) or "without sending a response" in str(error):
        return _HUNG_UP
    return (str(error) or type(error).__name__)[:WORDS_MAX]


def _another(name: str) -> str:
    return f"calls itself {name!r}"


def _now_s() -> float:
    return asyncio.get_running_loop().time()
