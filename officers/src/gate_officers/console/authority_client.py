"""HTTP client of the officers' authority. Forwards requests and answers without decoding them.

It checks the authority's pinned key, or uses its Unix socket. `sign_in` limits which requests are sent, and how often.
"""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx2

from gate_core.http_server.cookies import NoCookies
from gate_core.http_server.request_body import read_body
from gate_officers.console.gates import pinned_to
from gate_officers.console.sign_in import AwayError, Told

if TYPE_CHECKING:
    from gate_officers.console.config import AuthorityEntry

CONNECT_S: Final = 3.0
ANSWER_S: Final = 8.0
ANSWER_BYTES_MAX: Final = 16 * 1024


class Authority:
    """`entry` has an address or socket; `identity` is the console's key file. Raises OSError and ssl.SSLError."""

    def __init__(self, entry: AuthorityEntry, identity: Path) -> None:
        if entry.socket is not None:
            transport = httpx2.AsyncHTTPTransport(uds=entry.socket)
        else:
            assert entry.key is not None, "an address has its key"
            transport = httpx2.AsyncHTTPTransport(verify=pinned_to(entry.key, identity))
        scheme = "http" if entry.socket is not None else "https"
        self._client = httpx2.AsyncClient(
            transport=transport,
            base_url=f"{scheme}://{entry.address or 'authority'}",
            trust_env=False,
            cookies=NoCookies(),
            timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S),
            headers={"accept-encoding": "identity", "user-agent": "portcullis-console"},
        )

    async def ask(self, question: str, body: bytes) -> Told:
        """Send a request and return the answer. Raises AwayError."""
        try:
            async with asyncio.timeout(ANSWER_S), self._client.stream("POST", question, content=body) as response:
                raw = await read_body(response.aiter_raw(), ANSWER_BYTES_MAX)
                if raw is None:
                    raise AwayError("the officers' authority answers without end")
                return Told(response.status_code, raw, _date(response.headers.get("date", "")))
        except TimeoutError as error:
            raise AwayError("the officers' authority does not answer") from error
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise AwayError(f"the officers' authority is not reached: {error}"[:300]) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
