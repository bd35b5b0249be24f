"""The reader on the gate's desk: lay a passport on it, take it away.

Over PC/SC when the machine can give a pcscd of its own (see `vpcd`), else behind a plain socket (see `direct`), and
then `why` says what was missing. Thread-safe. After `stop`, or when this process dies, nothing of it is left running.
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

_SOCKET_PATH_BYTES_MAX: Final = 107  # sun_path with its zero
_ORDER_DEADLINE_S: Final = 5.0
_STOP_DEADLINE_S: Final = 5.0
_PROGRAMS: Final = ("unshare", "mount", "setpriv", "pcscd")


class ChipReader:
    """One reader whose files live in `folder`. Raises ReaderGoneError from any method once its process is lost."""

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
        """Bring the reader up: PC/SC, or direct with the reason in `why`."""
        with self._lock:
            if self._slot is not None:
                raise ReaderGoneError("the reader is already up")
            if self._folder.exists():  # a process that was killed leaves its files
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
        """Put a passport on the reader, in place of the one there; return once it is offered."""
        with self._lock:
            match self._slot:
                case _PcscSlot() as slot:
                    slot.order({"do": "insert", **pack(passport, switches)})
                case DirectSlot() as slot:
                    slot.insert(Card(passport, **switches))
                case None:
                    self._refuse()

    def remove(self) -> None:
        """Take the passport away; nothing happens when there is none."""
        with self._lock:
            match self._slot:
                case _PcscSlot() as slot:
                    slot.order({"do": "remove"})
                case DirectSlot() as slot:
                    slot.remove()
                case None:
                    self._refuse()

    def unplug(self) -> None:
        """Pull the reader's cable: it is gone, and a passport put on it is not read."""
        self._plugged = False
        self.stop()

    def replug(self) -> None:
        """Put the cable in again: an empty reader."""
        self.start()
        self._plugged = True

    def _refuse(self) -> None:
        if self._plugged:
            raise ReaderGoneError("the reader is not up")

    def stop(self) -> None:
        """End everything that `start` began. Calling it again does nothing."""
        with self._lock:
            slot, self._slot = self._slot, None
            if slot is not None:
                slot.stop()
                shutil.rmtree(self._folder)


class _PcscSlot:
    """The card's process, seen from outside: orders in, one answer each."""

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
        with contextlib.suppress(BrokenPipeError):  # it died before us
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
    """What the machine lacks for PC/SC, in words; empty when it seems to have all."""
    lacking = [name for name in _PROGRAMS if shutil.which(name, path=_environment()["PATH"]) is None]
    if not driver.exists():
        lacking.append("the virtual reader's driver (vsmartcard-vpcd)")
    return f"not installed: {', '.join(lacking)}" if lacking else ""


def _environment() -> dict[str, str]:
    """Ours, with the system's own programs within reach of an ordinary user, and with this package."""
    path = (os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin")
    modules = (str(Path(hardware_sim.__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
    return {**os.environ, "PATH": os.pathsep.join(path), "PYTHONPATH": os.pathsep.join(filter(None, modules))}


def _checked(path: Path) -> Path:
    if len(os.fsencode(path)) > _SOCKET_PATH_BYTES_MAX:
        raise ValueError(f"the folder's path is too long for a socket: {path}")
    return path
