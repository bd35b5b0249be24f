"""Downloads updates from the central server to a folder and verifies them (`gate.updates`); gate-update repeats it."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2

from gate.device_certificate.device import AUTHORITIES, DEVICE
from gate.programs.shared.config import Config, Sync
from gate.programs.shared.config import Updates as Settings
from gate.programs.shared.fault_latch import FaultLatch
from gate.updates.download import Store, read_first_root
from gate.updates.errors import RefusedError, SourceAwayError, UpdateError
from gate.updates.layout import Here
from gate.updates.sources import parts_of
from gate.updates.trust import Verified
from gate_core.http_server.cookies import NoCookies
from gate_core.mirror_client.https import CONNECT_DEADLINE_S, SILENCE_MAX_S, Line, tls, user_agent
from gate_core.programs import clock
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import Problem

ROUND_DEADLINE_MS = 3_600_000  # of one round; the next one continues the download

log = logging.getLogger("gate.sync")


class HttpsSource:
    """The central server's update repository. `transport`: replaces the network in tests."""

    def __init__(
        self,
        address: str,
        context: ssl.SSLContext | None,
        *,
        ending: threading.Event,
        line: Line | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._line = line or Line()
        self._client = httpx2.Client(
            base_url=f"https://{address}/updates/",
            verify=context if context is not None else True,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            cookies=NoCookies(),
            timeout=httpx2.Timeout(SILENCE_MAX_S, connect=CONNECT_DEADLINE_S),
            headers={"accept-encoding": "identity", "user-agent": user_agent()},
        )
        self._ending = ending
        self._deadline_ms = clock.monotonic_ms() + ROUND_DEADLINE_MS

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def read(self, path: str, start: int = 0) -> Iterator[bytes] | None:
        """As in `gate.updates.sources.Source`."""
        parts_of(path)
        headers = {"range": f"bytes={start}-"} if start else {}
        try:
            response = self._client.send(self._client.build_request("GET", path, headers=headers), stream=True)
        except (httpx2.HTTPError, OSError) as error:
            raise SourceAwayError(f"{type(error).__name__}: {error}"[:300]) from error
        if response.status_code == (206 if start else 200):
            return self._chunks(response)
        response.close()
        if response.status_code == 404:
            return None
        if response.status_code in {200, 416}:
            raise RefusedError(f"{path}: the server does not go on at byte {start}")
        raise SourceAwayError(f"{path}: the server answers {response.status_code}")

    def _is_over(self) -> bool:
        return self._ending.is_set() or clock.monotonic_ms() > self._deadline_ms

    def _chunks(self, response: httpx2.Response) -> Iterator[bytes]:
        try:
            for chunk in response.iter_raw():
                self._line.bulk_took(len(chunk), clock.monotonic_ms() / 1000)
                while (wait_s := self._line.bulk_wait_s(clock.monotonic_ms() / 1000)) > 0 and not self._is_over():
                    self._ending.wait(wait_s)
                if self._is_over():
                    raise SourceAwayError("the download was broken off; it goes on where it was")
                yield chunk
        except (httpx2.HTTPError, OSError) as error:
            raise SourceAwayError(f"{type(error).__name__}: {error}"[:300]) from error
        finally:
            response.close()


class Updates:
    """Downloads regularly. `run` never returns; `detail` returns status fields. Raises ConfigError for a bad root."""

    def __init__(
        self, config: Config, sync: Sync, settings: Settings, *, line: Line, passphrase: bytes | None = None
    ) -> None:
        self._sync = sync
        self._line = line
        self._passphrase = passphrase
        self._settings = settings
        self._here = Here.this_machine(config.gate_id)
        try:
            self._root = read_first_root(Path(settings.root))
        except OSError as error:
            words = f"{settings.root} cannot be read: {error.strerror}"
            raise ConfigError(Problem("updates.root", words, unreadable=True)) from error
        self._ending = threading.Event()
        self._fetched: Verified | None = None
        self._checked_at: str | None = None
        self._trouble = FaultLatch(log, begins="updates_not_fetched", ends="updates_well_again")

    def detail(self) -> dict[str, object]:
        """Return status fields."""
        offers = {} if self._fetched is None else self._fetched.offers
        return {
            "problem": self._trouble.words or None,
            "checked_at": self._checked_at,
            "expires": None if self._fetched is None else self._fetched.expires.isoformat(),
            "fetched": {kind.value: {"number": one.number, "name": one.name} for kind, one in offers.items()},
        }

    async def run(self) -> None:
        """Download regularly until cancelled."""
        try:
            while True:
                await self._round()
                await asyncio.sleep(self._settings.check_every_ms / 1000)
        finally:
            self._ending.set()

    async def _round(self) -> None:
        before = self._fetched
        try:
            self._fetched = await asyncio.to_thread(self._fetch)
        except (UpdateError, OSError) as error:
            self._trouble.is_now(error)
            return
        self._checked_at = clock.now().isoformat(timespec="seconds")
        self._trouble.is_now("")
        if before is None or before.offers != self._fetched.offers:
            log.info("updates_fetched", extra={"offers": self.detail()["fetched"]})

    def _fetch(self) -> Verified:
        try:
            identity = Path(self._sync.identity)  # read again each time, since sync renews it
            context = tls(
                ca=str(identity / AUTHORITIES), certificate=str(identity / DEVICE), passphrase=self._passphrase
            )
        except (OSError, ssl.SSLError) as error:
            raise SourceAwayError(f"the device certificate cannot be used: {error}") from error
        store = Store(Path(self._settings.folder))
        source = HttpsSource(self._sync.address, context, ending=self._ending, line=self._line)
        try:
            with store.locked():
                return store.fetch(source, first_root=self._root, here=self._here)
        finally:
            source.close()
