"""Measures the delay from the traveller's page to the camera: the page shows colours, and the camera looks for them on a face.

The page is the real one at its usual address, so the kiosk shows it by itself. A person stands before the camera. Raises StepError.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from gate.face.liveness.cues import SHADING_GAIN_MIN, TINTS, Light, far_from, linear
from gate.face.liveness.frame_features import extract_features
from gate.picture import preview
from gate.programs.screens.kiosk_start import host_of, page_address, prepare, start_page
from gate.programs.screens.page_texts import labels_of
from gate.programs.vision.liveness_checks import HOLD_MS
from gate.provision.camera import PICTURE_BYTES_MAX, PICTURE_WIDTH_MAX, WAIT_S, camera_opened
from gate.provision.simulation import of_camera
from gate.provision.steps import Figure, Finding, StepError
from gate.screens.kiosk.app import VIEWERS_MAX, create_app
from gate.screens.kiosk.board import Board, Tint, Tints
from gate.screens.kiosk.key import Key
from gate.screens.kiosk.texts import Languages
from gate.screens.kiosk.view import ViewState, render
from gate_core.evidence.screen import Guidance, Screen
from gate_core.http_server.https import listen
from gate_core.programs import clock
from gate_core.programs.http import Visitors
from gate_core.programs.http import server as http_server
from gate_core.web_pages.fanout import Fanout
from gate_core.web_pages.texts import UnknownLanguageError

if TYPE_CHECKING:
    from drivers.camera.newest import NewestFrame
    from gate.face.chain import FaceModels
    from gate.programs.shared.config import Config

COLOURS: Final = 24
CORRELATION_MIN: Final = 0.6  # a face moves and is lit by a hall, too
PAINTED_WITHIN_MS: Final = 2000


async def measure(
    config: Config, models: FaceModels, *, wait_s: float, tell: Callable[[str], None], dice: random.Random
) -> tuple[Finding, int]:
    """Show colours, detect them, and return the lag in milliseconds."""
    lamp = Lamp(config)
    with camera_opened(config.camera) as camera:
        async with lamp.served():
            tell(
                f"Have the lane's display show the traveller's page ({start_page(config.runtime('screens')).as_uri()}; the kiosk does so by "
                "itself), stand on the mark and look into the camera until the colours end"
            )
            await lamp.watched(wait_s)
            light = await _look(lamp, camera, models, wait_s=wait_s, dice=dice)
    found, gain = light.lag, light.gain
    if found is None or gain is None:
        raise StepError("too little was seen: nobody stood before the camera, or too few pictures came")
    if found.best.correlation < CORRELATION_MIN or found.best.gain < SHADING_GAIN_MIN:
        raise StepError(
            f"the display's colours are hardly seen on a face (gain {found.best.gain:.2f}, correlation {found.best.correlation:.2f}): "
            "the display nearer or brighter, or the hall's lamps off it"
        )
    figures: dict[str, Figure] = {
        "lag_ms": found.lag_ms,
        "spread_ms": found.spread_ms,
        "correlation": round(found.best.correlation, 3),
        "gain": round(found.best.gain, 3),
    }
    detail = f"a colour of the display is on the face after {found.lag_ms} ms (gain {found.best.gain:.2f})"
    return Finding(detail, figures, of_camera(config.camera)), found.lag_ms


class Lamp:
    """The page: with the camera's picture, as travellers see it; requested colours, and the times at which every page reported to have painted them."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._board = Board(
            boot=secrets.token_hex(8), state=render(ViewState(Screen.LOOK, Guidance.LOOK_AT_CAMERA, config.purpose))
        )
        self._came = asyncio.Event()
        self.mirror: Fanout[bytes] = Fanout(clients_max=VIEWERS_MAX, on_change=self._came.set)
        self.tints = Tints(pages_max=VIEWERS_MAX, on_painted=self._is_painted)
        self.painted_at_ms: dict[int, int] = {}

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Serve the page for the block."""
        config, screens, texts = self._config, self._config.screens, Languages()
        hosts = frozenset(f"{name}:{screens.port}" for name in (host_of(config), "localhost"))
        try:
            key = Key(prepare(config.runtime("screens"), page_address(config)), port=screens.port)
            app = create_app(
                board=self._board,
                mirror=self.mirror,
                tints=self.tints,
                labels=labels_of(config, texts),
                texts=texts,
                hosts=hosts,
                key=key,
            )
            listener = listen(screens.host, screens.port)
        except OSError as error:
            raise StepError(f"{error.strerror or error}; stop the gate's programs first") from error
        except UnknownLanguageError as error:
            raise StepError(f"screens.languages: {error}") from error
        server = http_server(app, Visitors())
        with contextlib.closing(listener):
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            try:
                yield
            finally:
                self._board.close()
                self.mirror.close()
                self.tints.close()
                server.should_exit = True
                await serving

    async def watched(self, wait_s: float) -> None:
        """Wait for a display that shows the camera's picture."""
        try:
            async with asyncio.timeout(wait_s):
                while not self.mirror.clients:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError as error:
            raise StepError(f"no display has shown the traveller's page within {wait_s:.0f} s") from error

    def _is_painted(self, number: int) -> None:
        self.painted_at_ms[number] = clock.monotonic_ms()


async def _look(lamp: Lamp, camera: NewestFrame, models: FaceModels, *, wait_s: float, dice: random.Random) -> Light:
    """Paint one colour after another while a face is looked at."""
    light, seq, number, colour, asked_ms, told = Light(), 0, 0, dice.choice(TINTS), 0, True
    until_ms = clock.monotonic_ms() + int(wait_s * 1000) + COLOURS * 2 * HOLD_MS
    while number < COLOURS or not told or clock.monotonic_ms() - asked_ms < 2 * HOLD_MS:
        if clock.monotonic_ms() > until_ms or (not told and clock.monotonic_ms() - asked_ms > PAINTED_WITHIN_MS):
            raise StepError("the display does not show the colours it is asked for")
        frame = await asyncio.to_thread(camera.newest, after=seq, wait_s=WAIT_S)
        if frame is None:
            raise StepError(f"camera: no picture within {WAIT_S:.0f} s")
        seq, at_ms = frame.seq, int(frame.at_s * 1000)
        if (jpeg := preview(frame.pixels, width_max=PICTURE_WIDTH_MAX, bytes_max=PICTURE_BYTES_MAX)) is not None:
            lamp.mirror.send(jpeg)
        if not told and (painted_ms := lamp.painted_at_ms.get(number)) is not None:
            light.show(linear(colour), at_ms=painted_ms)
            told, asked_ms = True, painted_ms
        faces = await asyncio.to_thread(models.finder.find, frame.pixels)
        if len(faces) == 1 and (piece := extract_features(frame.pixels, faces[0].box, at_ms=at_ms)) is not None:
            light.see(piece)
            piece.wipe()
            if told and number < COLOURS and clock.monotonic_ms() - asked_ms >= HOLD_MS:
                number, told, asked_ms = number + 1, False, clock.monotonic_ms()
                colour = dice.choice(far_from(colour))
                lamp.tints.show(Tint(number, colour), at_ms=clock.monotonic_ms())
    return light
