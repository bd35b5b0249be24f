"""The gate's document reader: insert and remove a passport.

Over PC/SC when the machine permits a private pcscd (see `vpcd`), otherwise behind a plain socket (see `direct`); `why`
then states what was missing. Thread-safe. After `stop`, or when this process dies, none of its processes remain.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO, Final, Literal, Unpack, cast

import hardware_sim
from hardware_sim.chip import ReaderGoneError, vpcd
from hardware_sim.chip.card import Card, Switches
from hardware_sim.chip.direct import DirectSlot
from hardware_sim.chip.travel import pack, read_message, write_message
from hardware_sim.passport.issuer import Passport

_SOCKET_PATH_BYTES_MAX: Final = 107  # sun_path with its terminating zero
_ORDER_DEADLINE_S: Final = 5.0
_STOP_DEADLINE_S: Final = 5.0
_PROGRAMS: Final = ("unshare", "mount", "setpriv", "pcscd")


class ChipReader:
    """One reader whose files are in `folder`. All methods raise ReaderGoneError once its process is lost."""

    def __init__(self, folder: Path, *, allow_pcsc: bool = True, driver: Path = vpcd.DRIVER) -> None:
        self._folder = folder / "chip-reader"
        self._driver = driver
        self._allow_pcsc = allow_pcsc
        self._lock = threading.Lock()
        self._slot: _PcscSlot | DirectSlot | None = None
        self._plugged = True
        self.kind: Literal["pcsc", "direct"] = "direct"
        self.socket = Path()
        self.why = ""

    def start(self) -> None:
        """Start the reader: PC/SC, or direct with the reason in `why`."""
        with self._lock:
            if self._slot is not None:
                raise ReaderGoneError("the reader is already up")
            if self._folder.exists():  # a killed process leaves its files
                shutil.rmtree(self._folder)
            self._folder.mkdir(parents=True)
            self.why = _missing(self._driver) if self._allow_pcsc else "PC/SC was not asked for"
            if not self.why:
                try:
                    self._slot = _PcscSlot(self._folder)
                    self.kind, self.socket = "pcsc", self._slot.comm
                except ReaderGoneError as gone:
                    self.why = str(gone)
            if self._slot is None:
                self.kind, self.socket = "direct", _checked(self._folder / "apdu.sock")
                self._slot = DirectSlot(self.socket)

    def insert(self, passport: Passport, **switches: Unpack[Switches]) -> None:
        """Insert a passport, in place of any other; return once it is offered."""
        with self._lock:
            match self._slot:
                case _PcscSlot() as slot:
                    slot.order({"do": "insert", **pack(passport, switches)})
                case DirectSlot() as slot:
                    slot.insert(Card(passport, **switches))
                case None:
                    self._refuse()

    def remove(self) -> None:
        """Remove the passport; no effect without one."""
        with self._lock:
            match self._slot:
                case _PcscSlot() as slot:
                    slot.order({"do": "remove"})
                case DirectSlot() as slot:
                    slot.remove()
                case None:
                    self._refuse()

    def unplug(self) -> None:
        """Unplug the reader: it disappears, and passports are not read."""
        self._plugged = False
        self.stop()

    def replug(self) -> None:
        """Plug the reader in again, without a passport."""
        self.start()
        self._plugged = True

    def _refuse(self) -> None:
        if self._plugged:
            raise ReaderGoneError("the reader is not up")

    def stop(self) -> None:
        """Stop everything that `start` started. No effect the second time."""
        with self._lock:
            slot, self._slot = self._slot, None
            if slot is not None:
                slot.stop()
                shutil.rmtree(self._folder)


class _PcscSlot:
    """The card's process as seen by its parent: orders in, one answer each."""

    def __init__(self, folder: Path) -> None:
        self.comm = _checked(folder / "run/pcscd/pcscd.comm")
        (folder / "run").mkdir()
        self._errors = folder / "errors.txt"
        as_root = [] if os.geteuid() == 0 else ["-U", "-r"]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                ["unshare", *as_root, "-m", "-n", sys.executable, "-m", "hardware_sim.chip.vpcd", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(),
            )
        self._orders = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)
        self._await_answer(vpcd.START_DEADLINE_S + _ORDER_DEADLINE_S)

    def order(self, message: dict[str, object]) -> None:
        write_message(self._orders, message)
        self._await_answer(_ORDER_DEADLINE_S)

    def stop(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it died already
            self._orders.close()
        try:
            self._process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()

    def _await_answer(self, deadline_s: float) -> None:
        readable, _, _ = select.select([self._answers], [], [], deadline_s)
        if readable and read_message(self._answers) is not None:
            return
        self.stop()
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        raise ReaderGoneError(lines[-1] if lines else "the card's process gave no answer")


def _missing(driver: Path) -> str:
    """Return what the machine lacks for PC/SC, in words; empty when nothing seems missing."""
    lacking = [name for name in _PROGRAMS if shutil.which(name, path=_environment()["PATH"]) is None]
    if not driver.exists():
        lacking.append("the virtual reader's driver (vsmartcard-vpcd)")
    return f"not installed: {', '.join(lacking)}" if lacking else ""


def _environment() -> dict[str, str]:
    """Return this process's environment, with the system's programs on the path and this package importable."""
    path = (os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin")
    modules = (str(Path(hardware_sim.__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    return {**os.environ, "PATH": os.pathsep.join(path), "PYTHONPATH": os.pathsep.join(filter(None, modules))}


def _checked(path: Path) -> Path:
    if len(os.fsencode(path)) > _SOCKET_PATH_BYTES_MAX:
        raise ValueError(f"the folder's path is too long for a socket: {path}")
    return path
