"""The devices of this machine, as defaults for the technician: serial lines and cameras by permanent names, chip readers, and which device answers.

Nothing is written to a line before a board has identified itself: only profiles with an identity are tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import load_profile
from drivers.barrier.settings import Modbus
from drivers.camera.presence import missing, silent
from drivers.camera.settings import V4l2, address_problem
from drivers.reader.pcsc import reader_names
from gate.programs.shared.devices import mrz_readers
from gate.programs.shared.devices.barriers import barrier
from gate.provision.answer_checks import Given, shipped_for
from gate_core.errors import DriverError

SERIAL_FOLDERS: Final = ("/dev/serial/by-id", "/dev/serial/by-path")
CAMERA_FOLDERS: Final = ("/dev/v4l/by-id", "/dev/v4l/by-path")
ZONES: Final = Path("/usr/share/zoneinfo")
ASK_S: Final = 3.0
LISTEN_S: Final = 0.3  # for a reader that answers; one that only talks is chosen by hand


class ThisMachine:
    """This machine; `root`: the folder of its devices, for tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def serial_lines(self) -> Sequence[str]:
        """Lines named by the gate's udev rules come first."""
        ours = sorted((self._root / "dev").glob("portcullis-*"))
        return [self._name(path) for path in ours] + self._names(SERIAL_FOLDERS)

    def cameras(self) -> Sequence[str]:
        """The first picture device of each camera."""
        return [name for name in self._names(CAMERA_FOLDERS) if name.endswith("index0")]

    def chip_readers(self) -> Sequence[str]:
        """None without the service."""
        try:
            return reader_names(None)
        except DriverError:
            return ()

    def time_zone(self) -> str:
        """UTC if the machine has none set."""
        try:
            return str((self._root / "etc/localtime").resolve(strict=True).relative_to(ZONES))
        except (OSError, ValueError):
            return "UTC"

    def board_at(self, port: str) -> str:
        """Only boards with an identity can be recognised."""
        for name in shipped_for("modbus"):
            profile = load_profile(name)
            if isinstance(profile, ModbusProfile) and profile.identity is not None:
                try:
                    asyncio.run(_connected(Modbus(port=port, profile=name)))
                except (DriverError, TimeoutError):
                    continue
                return name
        return ""

    def reader_at(self, port: str) -> tuple[str, str]:
        """Return a reader that answers; most only send."""
        try:
            found = asyncio.run(mrz_readers.find_reader(port, listen_s=LISTEN_S))
        except DriverError:
            found = None
        if found is None:
            return "", ""
        return found.settings.driver, mrz_readers.profile_of(found.settings) or ""

    def objection(self, key: str, given: Given) -> str:
        """Cameras must accept a connection; the other devices have their own steps."""
        value = given.get(key, "")
        if key == "camera.address" and isinstance(value, str):
            if value.startswith("/dev/"):
                return asyncio.run(missing(V4l2(address=value))) or ""
            return address_problem(value) or asyncio.run(silent(value)) or ""
        if (key.endswith(".port") or key in {"chip.socket", "pad.socket"}) and isinstance(value, str) and value:
            return "" if Path(value).exists() else f"{value} is not there now"
        return ""

    def _names(self, folders: Sequence[str]) -> list[str]:
        """Return one name per device: by-path only without one by-id."""
        named: dict[Path, str] = {}
        for folder in folders:
            for path in sorted((self._root / folder.lstrip("/")).glob("*")):
                named.setdefault(path.resolve(), self._name(path))
        return list(named.values())

    def _name(self, path: Path) -> str:
        return f"/{path.relative_to(self._root)}"


async def _connected(settings: Modbus) -> None:
    """Connect and close. Raises DriverError, TimeoutError."""
    board = barrier(settings)
    try:
        async with asyncio.timeout(ASK_S):
            await board.connect()
    finally:
        board.close()
