"""Runs a site's exchange for its gates, over TLS 1.3 with the gates' pinned certificates.

Any other client fails the TLS handshake. The program writes no file and opens no connection; its data is in memory
only. Left to `gate_central.exchange.app`: the requests.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gate_central.exchange.app import Clocks, make_app
from gate_central.exchange.config import GATES_MAX, ExchangeConfig
from gate_central.exchange.marks import Marks
from gate_core import pinned_certificates
from gate_core.http_server.connections import ConnectionLimits
from gate_core.http_server.https import Server, known_only, listen
from gate_core.ordinary import read_ordinary
from gate_core.programs.clock import monotonic_ms, now
from gate_core.settings.config_file import ConfigError, address_of, zone_of
from gate_core.settings.toml_file import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

HEAD_BYTES_MAX: Final = 8 * 1024
CERTIFICATE_BYTES_MAX: Final = 64 * 1024
GRACE_S: Final = 1
FORGET_S: Final = 5.0  # an expired mark gives no hit, and is deleted at most this much later
LIMITS: Final = ConnectionLimits(
    handshake_s=5.0,
    strangers_max=8,
    a_holder_max=8,
    everybody_max=8 * GATES_MAX,
    requests_max=8 * GATES_MAX,
    first_s=5.0,
    read_s=5.0,
    goodbye_s=1.0,
)

log = logging.getLogger("gate.exchange")


async def run(
    config: ExchangeConfig, *, stop: asyncio.Event, on_listening: Callable[[], None], clocks: Clocks | None = None
) -> None:
    """Serve until `stop` is set. `clocks` None: this machine's. Raises OSError, and ConfigError for a bad key file."""
    context, gates = _tls(config)
    clocks = clocks or _clocks(config)
    marks = Marks(random=secrets.token_bytes, local=clocks.local(), clock_s=clocks.clock_s())

    def gate_of(request: Request) -> str:
        return gates[request.scope["extensions"]["tls"]["client_cert_sha256"]]

    with listen(*address_of(config.address, such_as="")) as listener:
        server = Server(
            make_app(marks, clocks, gate_of),
            listener,
            context,
            limits=LIMITS,
            head_bytes_max=HEAD_BYTES_MAX,
            grace_s=GRACE_S,
            log=log,
            admits=gates.__contains__,
        )
        on_listening()
        await server.serve_until(stop, forget(marks, clocks))


def _clocks(config: ExchangeConfig) -> Clocks:
    zone = zone_of(config.time_zone)
    return Clocks(local=lambda: now().astimezone(zone), clock_s=lambda: monotonic_ms() / 1000)


async def forget(marks: Marks, clocks: Clocks) -> None:
    """Delete expired marks every FORGET_S, until cancelled."""
    while True:
        await asyncio.sleep(FORGET_S)
        marks.forget(clocks.local(), clocks.clock_s())


def _tls(config: ExchangeConfig) -> tuple[ssl.SSLContext, dict[str, str]]:
    """Return the TLS context, and the gates' names by the SHA-256 of their certificates. Raises ConfigError."""
    pems: list[str] = []
    gates: dict[str, str] = {}
    for name, place in config.gates.items():
        try:
            raw = read_ordinary(Path(place), CERTIFICATE_BYTES_MAX)
            (found,) = pinned_certificates.certificates(raw)
        except OSError as error:
            raise ConfigError(Problem(f"gates.{name}", f"{place}: {error.strerror}", unreadable=True)) from error
        except (pinned_certificates.PinnedError, ValueError) as error:
            raise ConfigError(Problem(f"gates.{name}", f"{place} holds not one certificate (PEM)")) from error
        if found in gates:
            raise ConfigError(Problem(f"gates.{name}", f"is the certificate of {gates[found]}, too"))
        gates[found] = name
        pems.append(raw.decode("ascii", "ignore"))  # ssl takes ASCII only; other text is outside the PEM block
    identity = Path(config.identity)
    try:
        pinned_certificates.fingerprint_in(identity)
        return known_only("\n".join(pems), identity), gates
    except pinned_certificates.PinnedError as error:
        raise ConfigError(Problem("identity", str(error))) from error
    except ssl.SSLError as error:
        raise ConfigError(Problem("identity", f"{identity} holds not a key and its certificate (PEM)")) from error
    except OSError as error:
        raise ConfigError(Problem("identity", f"{identity}: {error.strerror}", unreadable=True)) from error
