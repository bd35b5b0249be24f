"""The pages of an officers' console in a browser: `pages` serves its application, `seed` gives a browser the keys that a passkey would have had certified."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvicorn
from core_fakes import shifts
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fakes.browser_profile import ASK_KEEPER
from officers_fakes.console_doubles import SEALING, FakeGate, RunningConsole, console
from PIL import Image
from playwright.async_api import Page

from gate_core.orders.certificate import certify


def portrait(shade: int) -> bytes:
    """A JPEG of the size that is sealed, one shade all over."""
    file = io.BytesIO()
    Image.fromarray(np.full((600, 480, 3), shade, np.uint8)).save(file, "JPEG")
    return file.getvalue()


@contextlib.asynccontextmanager
async def pages(gates: list[FakeGate], folder: Path) -> AsyncIterator[RunningConsole]:
    """Serve the console on loopback. A gate that has no pictures shows shades of grey."""
    for gate in gates:
        gate.portraits = gate.portraits or (portrait(200), portrait(90), portrait(30))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    loop = asyncio.get_running_loop()
    app, lanes, sessions = console(gates, folder, port=port, clock_s=loop.time)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    )
    with contextlib.closing(listener):
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(lanes.run())
            serving = tasks.create_task(server._serve([listener]))
            try:
                yield RunningConsole(gates, lanes, sessions, f"http://127.0.0.1:{port}")
            finally:  # a cancelled server leaves its sockets to the browser, which then waits for the next console's answers
                looking.cancel()
                lanes.close()
                server.should_exit = True
                await serving


_SEED: Final = """async ([signing, sealing, sealingPublic, certificate]) => {
  const bytes = (text) => Uint8Array.fromBase64(text);
  const shift = {
    certificate: bytes(certificate),
    signing: await crypto.subtle.importKey("pkcs8", bytes(signing), "Ed25519", false, ["sign"]),
    sealing: {
      privateKey: await crypto.subtle.importKey("pkcs8", bytes(sealing), "X25519", false, ["deriveBits"]),
      publicKey: await crypto.subtle.importKey("raw", bytes(sealingPublic), "X25519", true, []),
    },
  };
  ASK_KEEPER
  await askKeeper({ keep: shift });
}""".replace("ASK_KEEPER", ASK_KEEPER)


async def seed(
    page: Page,
    address: str,
    *,
    number: int = 7,
    authority: Ed25519PrivateKey = shifts.AUTHORITY,
    sealing: X25519PrivateKey = SEALING,
    **changes: Any,
) -> None:
    """Sign an officer in: keys in the browser's memory as a passkey's sign-in leaves them, then the way over the sign-in page."""

    def der(key: Any) -> str:
        raw = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return base64.b64encode(raw).decode()

    public = base64.b64encode(sealing.public_key().public_bytes_raw()).decode()
    says = shifts.certificate(number, **{"sealing": public, **changes})
    certificate = base64.b64encode(certify(says, authority)).decode()
    await page.goto(f"{address}/sign-in")
    await page.evaluate(_SEED, [der(shifts.key_of(number)), der(sealing), public, certificate])
    await page.reload()
    await page.wait_for_selector("#signed-in:visible")
    await page.goto(f"{address}/")
    await page.wait_for_selector(".tile")
