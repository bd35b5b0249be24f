"""Sends one request to the mirror over HTTPS with the device's certificate.

TLS 1.3, only the operator's authority, no redirects, no proxy from the environment. Answers are limited to
`ANSWER_BYTES_MAX` and by a deadline. Left to the caller: retries.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
from importlib.metadata import version
from typing import Final, Self

import httpx2

from gate_core.http_server.cookies import NoCookies
from gate_core.http_server.request_body import read_body
from gate_core.mirror_client.errors import BadAnswerError, MirrorAwayError
from gate_core.mirror_client.wire import ANSWER_BYTES_MAX, Request, Response

OVERHEAD_BYTES: Final = 600  # of a request and its answer: headers, TLS records
BULK_LOOKS_AGAIN_S: Final = 0.1
STANDS_BACK_MAX_S: Final = 30.0  # for one request of the log, so that a silent server does not block updates


class Line:
    """A process's bandwidth limit, thread-safe; the log goes before bulk data. `kbit_s`: both directions together."""

    def __init__(self, kbit_s: int | None = None) -> None:
        self._bytes_s = None if kbit_s is None else kbit_s * 1000 / 8
        self._log_free_s = 0.0
        self._bulk_free_s = 0.0
        self._log_since_s: float | None = None
        self._lock = threading.Lock()

    def log_wait_s(self, now_s: float) -> float:
        """Return the seconds that the log's next request must wait."""
        return max(0.0, self._log_free_s - now_s)

    def log_begins(self, now_s: float) -> None:
        """Note that a request of the log starts."""
        self._log_since_s = now_s

    def log_took(self, length: int, now_s: float) -> None:
        """Note that it ended, with its bytes in both directions."""
        with self._lock:
            self._log_since_s = None
            if self._bytes_s is not None:
                took_s = (length + OVERHEAD_BYTES) / self._bytes_s
                self._log_free_s = max(self._log_free_s, now_s) + took_s
                self._bulk_free_s = max(self._bulk_free_s, now_s) + took_s

    def bulk_wait_s(self, now_s: float) -> float:
        """Return the seconds that a bulk download must wait before it asks again."""
        since_s = self._log_since_s
        stands_back = since_s is not None and now_s - since_s < STANDS_BACK_MAX_S
        return max(BULK_LOOKS_AGAIN_S if stands_back else 0.0, self._bulk_free_s - now_s)

    def bulk_took(self, length: int, now_s: float) -> None:
        """Count received bytes of a bulk download."""
        with self._lock:
            if self._bytes_s is not None:
                self._bulk_free_s = max(self._bulk_free_s, now_s) + length / self._bytes_s


REQUEST_DEADLINE_S = 120.0  # a megabyte at 64 kbit/s
SILENCE_MAX_S = 20.0
CONNECT_DEADLINE_S = 5.0
GZIP_LEVEL = 6


def user_agent() -> str:
    """Return the software's name and version, for central's fleet list."""
    return f"portcullis/{version('portcullis-core')}"


def tls(*, ca: str, certificate: str, key: str | None = None, passphrase: bytes | None = None) -> ssl.SSLContext:
    """Return the TLS context of a client with a certificate. `key` None: the key is in the certificate's file;
    `passphrase` decrypts it. Raises OSError and ssl.SSLError.
    """
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key, password=passphrase or b"")  # None: OpenSSL would prompt
    return context


class Courier:
    """A kept-alive connection to the mirror. `line` limits its bandwidth; `transport` replaces the network."""

    def __init__(
        self,
        address: str,
        context: ssl.SSLContext | None,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        line: Line | None = None,
    ) -> None:
        self._line = line or Line()
        self._client = httpx2.AsyncClient(
            base_url=f"https://{address}",
            verify=context if context is not None else True,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            cookies=NoCookies(),
            timeout=httpx2.Timeout(SILENCE_MAX_S, connect=CONNECT_DEADLINE_S),
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60.0),
            headers={"accept-encoding": "identity", "user-agent": user_agent()},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(self, request: Request) -> Response:
        """Send a request and wait for its whole answer. Raises MirrorAwayError and BadAnswerError."""
        headers = {} if request.content_type is None else {"content-type": request.content_type}
        body = request.body
        if request.compress:
            body = await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)
            headers["content-encoding"] = "gzip"
        clock_s = asyncio.get_running_loop().time
        await asyncio.sleep(self._line.log_wait_s(clock_s()))
        self._line.log_begins(clock_s())
        heard = 0
        try:
            async with asyncio.timeout(REQUEST_DEADLINE_S):
                response = await self._exchange(request, headers, body)
                heard = len(response.body)
                return response
        except TimeoutError as error:
            raise MirrorAwayError(f"no answer within {REQUEST_DEADLINE_S:.0f} s") from error
        except (httpx2.HTTPError, OSError) as error:
            raise MirrorAwayError(f"{type(error).__name__}: {error}"[:300]) from error
        finally:
            self._line.log_took(len(body) + heard, clock_s())

    async def _exchange(self, request: Request, headers: dict[str, str], body: bytes) -> Response:
        content = body if request.method != "GET" else None
        async with self._client.stream(request.method, request.path, headers=headers, content=content) as response:
            received = await read_body(response.aiter_raw(), ANSWER_BYTES_MAX)
            if received is None:
                raise BadAnswerError(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
            return Response(response.status_code, response.headers.get("content-type", ""), received)
