"""The client of enrolment: sends a token and a signing request to the central server, and reads the device certificate (RFC 7030, EST-shaped).

Carried over TLS that only the given authorities vouch for, and those that they hand over to. Where the certificate is written, and the
configuration, are left to `gate.provision.enrolment`. A server that is away, refuses, or answers what it should not is a StepError of that kind.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx2

from gate.identity.authorities import AuthorityError, Certificates, followed, read_bag, to_pem
from gate.identity.device import CACERTS, IdentityError, Wanted
from gate.provision.steps import StepError
from gate_core.command_line.output import Exit

DEADLINE_S = 20.0  # for an answer, however slowly it comes
ANSWER_BYTES_MAX = 32 * 1024
VKEY_TEXT_MAX = 1024
ENROL = "/.well-known/est/simpleenroll"
MIRROR_KEY_HEADER = "portcullis-mirror-key"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the central server said."""

    status: int
    body: bytes
    mirror_vkey: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of it: the device's file, which shows nothing of itself, whom to trust, and the mirror's key."""

    device: bytes
    authorities: Certificates
    mirror_vkey: str

    def __repr__(self) -> str:
        return f"Enrolled({self.mirror_vkey!r})"


def headers(*, gate_id: str, token: str, log_vkey: str) -> dict[str, str]:
    """The headers of the request, the token among them."""
    credentials = base64.b64encode(f"{gate_id}:{token}".encode()).decode()
    return {
        "authorization": f"Basic {credentials}",
        "content-type": "application/pkcs10",
        "content-transfer-encoding": "base64",
        "accept-encoding": "identity",
        "portcullis-log-key": log_vkey,
    }


def read_authorities(answer: Answer, trusted: Certificates, now: datetime) -> Certificates:
    """The authorities that count from now on. Raises StepError."""
    _expect(answer, "")
    try:
        return followed(trusted, read_bag(answer.body), now)
    except AuthorityError as error:
        raise StepError(str(error), Exit.BAD_DATA) from error


def read_answer(answer: Answer, wanted: Wanted, authorities: Certificates, now: datetime) -> Enrolled:
    """Read the answer and check that the certificate is for our key and name. Raises StepError."""
    _expect(answer, f"; make a token with gate central token {wanted.gate_id}")
    vkey = answer.mirror_vkey
    if not vkey or len(vkey) > VKEY_TEXT_MAX or not vkey.isprintable():
        raise StepError("the central server did not say which key it signs receipts with", Exit.BAD_DATA)
    try:
        return Enrolled(wanted.accept(answer.body, authorities, now), authorities, vkey)
    except IdentityError as error:
        raise StepError(str(error), Exit.BAD_DATA) from error


def enrol(
    address: str,
    authorities: Certificates,
    wanted: Wanted,
    *,
    token: Callable[[], str],
    log_vkey: str,
    now: Callable[[], datetime],
) -> Enrolled:
    """Enrol at `host:port`, whose certificate one of the authorities must have issued. The token is asked for only when it answers as it
    should. Raises StepError, and what `token` raises.
    """
    whom = read_authorities(asyncio.run(_ask(address, authorities, CACERTS)), authorities, now())
    told = headers(gate_id=wanted.gate_id, token=token(), log_vkey=log_vkey)
    answer = asyncio.run(_ask(address, authorities, ENROL, told, wanted.signing_request))
    return read_answer(answer, wanted, whom, now())


def _expect(answer: Answer, todo: str) -> None:
    if answer.status == 200:
        return
    text = answer.body[:200].decode("ascii", "replace")
    said = f"{answer.status}: {''.join(char if char.isprintable() else ' ' for char in text).strip()}"
    if answer.status >= 500:
        raise StepError(f"the central server cannot now ({said}); try again", Exit.UNREACHABLE)
    if answer.status == 403:
        raise StepError(f"the central server refuses ({said}){todo}", Exit.NOT_PERMITTED)
    raise StepError(f"the central server refuses ({said}); is it one?", Exit.BAD_DATA)


async def _ask(
    address: str, authorities: Certificates, path: str, told: dict[str, str] | None = None, body: bytes | None = None
) -> Answer:
    context = ssl.create_default_context(cadata=to_pem(authorities).decode())
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    method = "GET" if body is None else "POST"
    try:
        async with (
            asyncio.timeout(DEADLINE_S),
            httpx2.AsyncClient(verify=context, trust_env=False, timeout=DEADLINE_S) as client,
            client.stream(method, f"https://{address}{path}", headers=told, content=body) as response,
        ):
            received = bytearray()
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > ANSWER_BYTES_MAX:
                    raise StepError(f"{address} answers with more than {ANSWER_BYTES_MAX} bytes", Exit.BAD_DATA)
            return Answer(response.status_code, bytes(received), response.headers.get(MIRROR_KEY_HEADER, ""))
    except TimeoutError as error:
        raise StepError(f"{address} gave no whole answer within {DEADLINE_S:.0f} s", Exit.UNREACHABLE) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise StepError(f"{address} does not answer as it should: {error}"[:300], Exit.UNREACHABLE) from error
