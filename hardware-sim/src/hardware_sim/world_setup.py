"""Opens the world: connects its parts in one folder and runs it on standard input and output."""

from __future__ import annotations

import errno
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from hardware_sim.camera import MjpegCamera
from hardware_sim.camera.lens import Lens
from hardware_sim.camera.server import FPS, LATE_S_MAX
from hardware_sim.chip import ReaderGoneError
from hardware_sim.chip.reader import ChipReader
from hardware_sim.clock import WorldClock
from hardware_sim.company import Company, CompanyError
from hardware_sim.faces import identities
from hardware_sim.page.scanner import PageScanner
from hardware_sim.passport.issuer import Issuer
from hardware_sim.readers.kinds import PAGE_READER
from hardware_sim.scenario import Lane, read_scenarios
from hardware_sim.scenario import scenario_folder as built_in_scenarios
from hardware_sim.technician import Cable
from hardware_sim.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from hardware_sim.chip.system_reader import SystemReader

CAMERA_PORT = "camera.port"
PAGE_PORT = "page.port"


class NotReadyError(Exception):
    """The machine lacks something that a world needs."""


def open_world(
    folder: Path,
    *,
    seed: int,
    pace: float,
    chip: ChipReader | SystemReader,
    scenario_folder: Path | None,
    reader_kind: str,
    lane: Lane,
) -> None:
    """Run a world until `stop` or the end of its input. Raises NotReadyError, ScenarioError, OSError."""
    folder = folder.resolve(strict=True)
    scenarios = read_scenarios(scenario_folder or built_in_scenarios(), lane)
    issuer = Issuer(seed)
    with ExitStack() as cleanup:
        clock = WorldClock()
        part = clock.part("camera", every_s=1 / FPS, late_s_max=LATE_S_MAX)
        camera = MjpegCamera(part=part, port=port_before(folder / CAMERA_PORT))
        page_port = folder / PAGE_PORT
        scanner = PageScanner(clock, port=port_before(page_port)) if reader_kind == PAGE_READER else None
        try:
            company = Company(identities(), issuer, seed, lays_pages=scanner is not None)
            start_camera(camera, folder / CAMERA_PORT)
            cleanup.callback(camera.stop)
            if scanner is not None:
                start_camera(scanner, page_port)
                cleanup.callback(scanner.stop)
            chip.start()
            cleanup.callback(chip.stop)
        except (CompanyError, ReaderGoneError) as error:
            raise NotReadyError(str(error)) from error
        world = World(
            folder,
            seed=seed,
            chip=chip,
            camera=Lens(camera),
            casting=company,
            scenarios=scenarios,
            out=sys.stdout,
            pace=pace,
            reader_kind=reader_kind,
            page_scanner=scanner,
            lit_camera=camera,
            clock=clock,
            lane=lane,
            cables={"camera": Cable(camera.stop, camera.start), **_of_chip(chip)},
        )
        cleanup.callback(world.close)
        ready = {
            "camera": camera.address,
            "chip": {"kind": chip.kind, "socket": str(chip.socket), "why": chip.why},
            **({} if scanner is None else {"page": scanner.address}),
            "csca": _write(folder / "csca", {**issuer.csca_files(), **revocation_lists(issuer)}),
        }
        world.run(sys.stdin, ready)


def _of_chip(chip: ChipReader | SystemReader) -> dict[str, Cable]:
    """Return the cable of a chip reader that belongs to the world."""
    return {"chip": Cable(chip.unplug, chip.replug)} if isinstance(chip, ChipReader) else {}


def port_before(kept: Path) -> int:
    """Return the port of the camera in this folder's last world, or 0."""
    try:
        text = kept.read_text()
    except FileNotFoundError:
        return 0
    if not text.isascii() or not text.isdigit():
        raise NotReadyError(f"{kept} holds no port; remove it")
    return int(text)


def start_camera(camera: MjpegCamera | PageScanner, kept: Path) -> None:
    """Start on the previous port and store the port: a gate set up for this folder needs it. Raises NotReadyError, OSError."""
    try:
        camera.start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise NotReadyError(
            f"another program has the port in {kept}: end it, or remove the file for another port"
        ) from error
    kept.write_text(str(camera.port))


def revocation_lists(issuer: Issuer) -> dict[str, bytes]:
    """Return the country's revocation lists by file name; the first line's names the signer whose key was lost."""
    first, *others = issuer.crl_files().items()
    return {first[0]: issuer.crl(1, number=2, revoked=[issuer.signer_serial("withdrawn")]), **dict(others)}


def _write(folder: Path, files: dict[str, bytes]) -> list[str]:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [str(folder / name) for name in sorted(files)]
