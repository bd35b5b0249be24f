"""The steps of enrolment: get an identity from the central server into a folder of its own, then name it in the table [sync] of gate.toml.

One renaming replaces the configuration, so a kill at any point leaves the old identity complete or the new one. The next run uses an identity
that is complete and not named yet, since its token is used up.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx2
import tomli_w

from gate.device_certificate.authorities import AuthorityError, Certificates, followed, read_bag, read_pem, to_pem
from gate.device_certificate.credentials import CredentialError, device_passphrase
from gate.device_certificate.device import (
    ASIDE,
    AUTHORITIES,
    CACERTS,
    DEVICE,
    RECEIPT,
    Identity,
    IdentityError,
    Wanted,
    write_authorities,
)
from gate.programs.shared.approval import approved
from gate.programs.shared.config import Config, load
from gate.provision.log_key import log_vkey
from gate.provision.site import amend, config_of, hand_over
from gate.provision.steps import ConfigurationStepError, Step, StepError, step_errors
from gate_core import durable
from gate_core.command_line.output import Exit
from gate_core.ordinary import read_ordinary
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError

RECEIPT_BYTES_MAX: Final = 16 * 1024
TABLE: Final = "sync.toml"  # written last: the folder is whole
DEADLINE_S = 20.0  # for an answer, however slowly it comes
ANSWER_BYTES_MAX = 32 * 1024
VKEY_TEXT_MAX = 1024
ENROL = "/.well-known/est/simpleenroll"
MIRROR_KEY_HEADER = "portcullis-mirror-key"


# ── what the central server is asked, and answers ─────────────────────────────────────────────────────────────────────
# EST-shaped (RFC 7030), over TLS that only the given authorities vouch for, and those that they hand over to.


@dataclass(frozen=True, slots=True)
class Answer:
    """The central server's answer."""

    status: int
    body: bytes
    mirror_vkey: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The result: the device's file, which has no useful repr, the trusted authorities, and the mirror's key."""

    device: bytes
    authorities: Certificates
    mirror_vkey: str

    def __repr__(self) -> str:
        return f"Enrolled({self.mirror_vkey!r})"


def headers(*, gate_id: str, token: str, log_vkey: str) -> dict[str, str]:
    """Return the request's headers, including the token."""
    credentials = base64.b64encode(f"{gate_id}:{token}".encode()).decode()
    return {
        "authorization": f"Basic {credentials}",
        "content-type": "application/pkcs10",
        "content-transfer-encoding": "base64",
        "accept-encoding": "identity",
        "portcullis-log-key": log_vkey,
    }


def read_authorities(answer: Answer, trusted: Certificates, now: datetime) -> Certificates:
    """Return the authorities valid from now on. Raises StepError."""
    _expect(answer, "")
    with step_errors(AuthorityError, code=Exit.BAD_DATA):
        return followed(trusted, read_bag(answer.body), now)


def read_answer(answer: Answer, wanted: Wanted, authorities: Certificates, now: datetime) -> Enrolled:
    """Parse the answer and check that the certificate is for our key and name. Raises StepError."""
    _expect(answer, f"; make a token with gate central token {wanted.gate_id}")
    vkey = answer.mirror_vkey
    if not vkey or len(vkey) > VKEY_TEXT_MAX or not vkey.isprintable():
        raise StepError("the central server did not say which key it signs receipts with", Exit.BAD_DATA)
    with step_errors(IdentityError, code=Exit.BAD_DATA):
        return Enrolled(wanted.accept(answer.body, authorities, now), authorities, vkey)


def enrol(
    address: str,
    authorities: Certificates,
    wanted: Wanted,
    *,
    token: Callable[[], str],
    log_vkey: str,
    now: Callable[[], datetime],
) -> Enrolled:
    """Enrol at `host:port`, whose certificate one of the authorities must have issued. The token is requested only
    after a valid answer. Raises StepError, and what `token` raises.
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


# ── the steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Central:
    """The central server, HOST:PORT, the file of the operator's authority, and the source of the one-time token, which raises StepError."""

    address: str
    ca: Path
    token: Callable[[], str]


def approval_due(path: Path) -> str:
    """Return what two people must sign before the lane starts with the present configuration; empty: nothing."""
    try:
        approved(load(path))
    except ConfigError as error:
        return f"before the gate is started again, two approvers sign anew (gate config show --canonical): {error}"
    return ""


def enrolment_steps(
    path: Path,
    config: Config,
    central: Central,
    *,
    again: bool = False,
    due: Callable[[], str] = lambda: "",
    check: Callable[[Path], object] = config_of,
    passphrase: Callable[[Path], bytes | None] = device_passphrase,
    now: Callable[[], datetime] = clock.now,
    ask: Callable[..., Enrolled] = enrol,
) -> Iterator[Step]:
    """Yield the steps in order, for the gate whose configuration is in `path`. Each identity has its own folder.

    `due` returns what the changed configuration requires before the gate starts with it; `check` of its file raises ConfigurationStepError;
    `passphrase` returns the passphrase of the device's key from a folder of keys, if it has one. Tests replace the network by `ask`.
    """
    home = Path(config.paths.identity)
    folders = _Folders(path, home, now)

    def get_certificate() -> str:
        vkey, authorities = log_vkey(config), _authorities(central.ca)
        with step_errors(CredentialError):
            wanted = Wanted.new(config.gate_id, passphrase(Path(config.paths.keys)))
        try:
            folder = folders.new(authorities)  # a disk that takes nothing shows before the token is used
            enrolled = ask(central.address, authorities, wanted, token=central.token, log_vkey=vkey, now=now)
            folders.fill(folder, central.address, enrolled)
        except OSError as error:
            raise StepError(f"cannot write the identity: {error.strerror}: {error.filename}") from error
        return f"{config.gate_id} is enrolled at {central.address}"

    def write_table() -> str:
        folder = folders.unnamed(central.address) or folders.named()
        if folder is None:
            raise StepError(f"{home} holds no identity")
        try:
            with step_errors(OSError, doing=f"cannot write {path}"):
                given = tomllib.loads((folder / TABLE).read_text())
                folders.bring_receipt(folder, given)
            table = {**given, "address": central.address, "identity": str(folder)}
            amend(path, {"sync": table}, check=check)
        except ConfigurationStepError as error:
            raise StepError(str(error)) from error
        return f"[sync] in {path}{folders.forget_others(folder)}; {due() or 'restart gate-log and gate-sync where they run'}"

    def has_table() -> bool:
        sync = folders.configuration().get("sync", {})
        return folders.unnamed(central.address) is None and sync.get("address") == central.address

    def is_whole() -> bool:
        return folders.unnamed(central.address) is not None or (not again and folders.named() is not None)

    yield Step("certificate", get_certificate, is_whole)
    yield Step("configuration", write_table, has_table, due)


def _authorities(path: Path) -> Certificates:
    with (
        step_errors(OSError, doing=f"cannot read the authority {path}"),
        step_errors(AuthorityError, doing=f"{path} is no authority's certificate", code=Exit.BAD_DATA),
    ):
        return read_pem(path.read_bytes())


class _Folders:
    """The identities in `home`, and which of them the configuration names."""

    def __init__(self, path: Path, home: Path, now: Callable[[], datetime]) -> None:
        self._path = path
        self._home = home
        self._now = now

    def configuration(self) -> dict[str, Any]:
        with step_errors(OSError, doing=f"cannot read {self._path}"):
            return tomllib.loads(self._path.read_text())

    def named(self) -> Path | None:
        """Return the identity in force, if complete."""
        folder = self._in_force()
        return folder if folder is not None and self._is_whole(folder) else None

    def unnamed(self, address: str) -> Path | None:
        """Return an identity for this server that is complete but not named, because the run was interrupted."""
        before = _number(self._in_force())
        found = (one for one in self._all() if _number(one) > before and self._is_whole(one))
        return next((one for one in found if self._address(one) == address), None)

    def new(self, authorities: Certificates) -> Path:
        """Make a new folder, accessible only to root until it is complete. Raises OSError."""
        for one in self._all():
            if one != self._in_force():
                _remove(one)
        durable.make_folder(self._home, mode=0o755)
        folder = self._home / str(max(map(_number, self._all()), default=0) + 1)
        durable.make_folder(folder, mode=0o700)
        write_authorities(folder / AUTHORITIES, authorities)
        return folder

    def fill(self, folder: Path, address: str, enrolled: Enrolled) -> None:
        """Complete it, and make it readable for the program that carries the log. Raises OSError."""
        write_authorities(folder / AUTHORITIES, enrolled.authorities)
        durable.write(folder / DEVICE, enrolled.device, mode=0o600)
        table = {"address": address, "mirror_vkey": enrolled.mirror_vkey}
        for one in (folder / AUTHORITIES, folder / DEVICE):
            hand_over(one, "sync")
        durable.write(folder / TABLE, tomli_w.dumps(table).encode())
        hand_over(folder, "sync")

    def bring_receipt(self, folder: Path, given: dict[str, object]) -> None:
        """Copy the newest receipt of the identity in force if its server is `given`: without it a server restored from
        a backup would not be detected. Raises OSError.
        """
        before, sync = self._in_force(), self.configuration().get("sync", {})
        if before is None or before == folder:
            return
        try:
            note = read_ordinary(before / RECEIPT, RECEIPT_BYTES_MAX)
        except OSError:
            return  # there is none
        if any(sync.get(one) == given[one] for one in ("address", "mirror_vkey")):
            durable.write(folder / RECEIPT, note)
            hand_over(folder / RECEIPT, "sync")

    def forget_others(self, folder: Path) -> str:
        """Remove identities that are no longer in force; return a message if that failed."""
        try:
            for one in self._all():
                if one != folder:
                    _remove(one)
        except OSError as error:
            return f" (an older identity could not be removed: {error.strerror}: {error.filename})"
        return ""

    def _in_force(self) -> Path | None:
        folder = self.configuration().get("sync", {}).get("identity")
        return Path(folder) if isinstance(folder, str) else None

    def _all(self) -> list[Path]:
        if not self._home.is_dir():
            return []
        return sorted((one for one in self._home.iterdir() if one.name.isdecimal()), key=_number)

    def _is_whole(self, folder: Path) -> bool:
        try:
            return (folder / TABLE).is_file() and Identity.load(folder).expires > self._now()
        except (OSError, IdentityError):
            return False

    def _address(self, folder: Path) -> str | None:
        try:
            return str(tomllib.loads((folder / TABLE).read_text()).get("address"))
        except (OSError, ValueError):
            return None


def _number(folder: Path | None) -> int:
    return int(folder.name) if folder is not None and folder.name.isdecimal() else 0


def _remove(folder: Path) -> None:
    for name in (DEVICE, ASIDE):
        durable.wipe(folder / name)
    shutil.rmtree(folder)
