"""The connection to a register: one POST per question over HTTPS, with the gate's own certificate.

Each question has its own connection: extra data from a register never answers a later question. TLS 1.3, only the site's
authorities, no redirects, no proxy from the environment. An answer is limited to `ANSWER_BYTES_MAX`. Requests are never logged.
"""

from __future__ import annotations

import ssl
from typing import Final, Self

import httpx2

from gate_core.http_server.cookies import NoCookies
from gate_core.ports.registers import NoAnswerError, WrongAnswerError

ANSWER_BYTES_MAX: Final = 64 * 1024
SILENCE_MAX_S: Final = 10.0
CONNECTIONS_MAX: Final = 4


class Courier:
    """Connections to one register at `https://host[:port]`. `context`: the gate's own certificate and the register's authorities.

    `http://` is for simulators on this machine; no gate in service accepts it. Tests replace the network by `transport`.
    """

    def __init__(
        self, address: str, context: ssl.SSLContext | None = None, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._client = httpx2.AsyncClient(
            base_url=address,
            verify=context if context is not None else True,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            cookies=NoCookies(),
            timeout=SILENCE_MAX_S,
            limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=0),
            headers={"accept-encoding": "identity", "content-type": "application/json"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def __call__(self, path: str, body: bytes) -> bytes:
        """Send a question. Raises NoAnswerError and WrongAnswerError."""
        try:
            async with self._client.stream("POST", path, content=body) as response:
                if response.status_code != 200:
                    raise NoAnswerError(f"it refuses ({response.status_code})")
                received = bytearray()
                async for chunk in response.aiter_raw():
                    received += chunk
                    if len(received) > ANSWER_BYTES_MAX:
                        raise WrongAnswerError(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
                return bytes(received)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise NoAnswerError(type(error).__name__) from error
