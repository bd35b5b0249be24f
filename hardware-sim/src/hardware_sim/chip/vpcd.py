"""The card's process: a private pcscd, and the card in its virtual reader.

`reader` starts it in new mount and network namespaces, because vpcd listens on every address and a second pcscd refuses
to start: here folder and loopback are private. Orders arrive on standard input; each is answered on standard output. At
the end of input the process ends and stops pcscd, so neither outlives the parent.

vpcd's protocol: 2-byte big-endian length and body in both directions. A body of one byte is a control (0 off, 1 on, 2 reset, 4 ATR;
only the last has an answer), any other is a command APDU. A closed connection means that the card was removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from hardware_sim.chip import CardGoneError, ReaderGoneError
from hardware_sim.chip.card import ATR, Card
from hardware_sim.chip.travel import read_message, unpack, write_message

PORT: Final = 0x8C7B  # vpcd's first slot
DRIVER: Final = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
READER_NAME: Final = "Virtual PCD"
START_DEADLINE_S: Final = 5.0
_STOP_DEADLINE_S: Final = 2.0
_SEND_DEADLINE_S: Final = 5.0  # vpcd hangs; the card is removed
_POLL_S: Final = 0.005
_LENGTH: Final = struct.Struct(">H")
_SET_INTERFACE_FLAGS: Final = 0x8914  # SIOCSIFFLAGS
_INTERFACE_UP: Final = 0x1
_GET_ATR: Final = 0x04
_RESETTING: Final = frozenset({0x00, 0x01, 0x02})


class VpcdSlot:
    """The virtual reader's slot on the card's side: empty, or a connection with a card at this end."""

    def __init__(self, port: int = PORT) -> None:
        self._port = port
        self._card: Card | None = None
        self.socket: socket.socket | None = None

    def insert(self, card: Card) -> None:
        """Offer a card, in place of any other. Do not wait until vpcd takes it at its next poll."""
        self.remove()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        # vpcd's queue holds one card: later ones wait, and a refusal appears when the socket is served.
        self.socket.connect_ex(("127.0.0.1", self._port))
        self.socket.settimeout(_SEND_DEADLINE_S)
        self._card = card

    def remove(self) -> None:
        """Remove the card; no effect without one."""
        if self.socket is not None:
            self.socket.close()
        self.socket = self._card = None

    def serve_one(self) -> None:
        """Answer the waiting message. The card is removed when the other end closes or the card removes itself."""
        if self.socket is None or self._card is None:
            return
        try:
            body = self._receive(self.socket)
            answer = None if body is None else _answer(self._card, body)
            if answer is not None:
                self.socket.sendall(_LENGTH.pack(len(answer)) + answer)
        except (OSError, CardGoneError):
            self.remove()

    @staticmethod
    def _receive(connection: socket.socket) -> bytes | None:
        """Return one body, None for an empty one. Raises ConnectionError at the end of the stream."""
        (size,) = _LENGTH.unpack(_receive_exactly(connection, _LENGTH.size))
        return _receive_exactly(connection, size) if size else None


def _answer(card: Card, body: bytes) -> bytes | None:
    if len(body) > 1:
        return card.transmit(body)
    if body[0] in _RESETTING:
        card.reset()
        return None
    return ATR if body[0] == _GET_ATR else b""


def _receive_exactly(connection: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        # vpcd sends length and body separately. A delayed acknowledgement costs 40 ms each; the option does not last.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = connection.recv(count - len(received))
        if not part:
            raise ConnectionError("the reader hung up")
        received += part
    return bytes(received)


def enter_private_run_folder(run_folder: Path) -> None:
    """Mount `run_folder` over /run, in this mount namespace only. Raises ReaderGoneError."""
    (run_folder / "pcscd").mkdir(exist_ok=True)
    done = subprocess.run(["mount", "--bind", str(run_folder), "/run"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReaderGoneError(f"no private /run: {done.stderr.strip()}")


def raise_loopback() -> None:
    """Bring up the loopback interface of this network namespace. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, _SET_INTERFACE_FLAGS, struct.pack("16sH14x", b"lo", _INTERFACE_UP))


def start_pcscd(folder: Path) -> subprocess.Popen[bytes]:
    """Start pcscd with only the virtual reader. It dies with this process, even when this process is killed."""
    config = folder / "reader.conf"
    config.write_text(
        f'FRIENDLYNAME "{READER_NAME}"\nDEVICENAME /dev/null:{PORT:#X}\nLIBPATH {DRIVER}\nCHANNELID {PORT:#X}\n'
    )
    no_usb_drivers = folder / "drivers"
    no_usb_drivers.mkdir(exist_ok=True)
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "pcscd", "-f", "--disable-polkit", "-c", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        env={**os.environ, "PCSCLITE_HP_DROPDIR": str(no_usb_drivers)},
    )


def wait_until_up(pcscd: subprocess.Popen[bytes], comm: Path) -> None:
    """Wait for pcscd's socket and for vpcd to listen. Raises ReaderGoneError at the deadline."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and pcscd.poll() is None:
        if comm.exists() and listens(PORT):
            return
        time.sleep(_POLL_S)
    raise ReaderGoneError("pcscd did not come up")


def listens(port: int) -> bool:
    """Return True when a server listens on a TCP port of this network namespace; do not connect."""
    listening = "0A"
    rows = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == listening for row in rows)


def serve(pcscd_pid: int, slot: VpcdSlot) -> None:
    """Carry out orders and answer the reader until the orders end. Raises ReaderGoneError when pcscd ends."""
    orders, answers = sys.stdin.buffer, sys.stdout.buffer
    pcscd_end = os.pidfd_open(pcscd_pid)
    while True:
        with selectors.DefaultSelector() as waiting:
            waiting.register(orders, selectors.EVENT_READ)
            waiting.register(pcscd_end, selectors.EVENT_READ)
            if slot.socket is not None:
                waiting.register(slot.socket, selectors.EVENT_READ)
            ready = {key.fileobj for key, _events in waiting.select()}
        if pcscd_end in ready:
            raise ReaderGoneError("pcscd ended by itself")
        if slot.socket in ready:
            slot.serve_one()
        if orders in ready:
            order = read_message(orders)
            if order is None:
                return
            _carry_out(order, slot)
            write_message(answers, {"done": order["do"]})


def _carry_out(order: dict[str, object], slot: VpcdSlot) -> None:
    if order["do"] == "insert":
        passport, switches = unpack(order)
        slot.insert(Card(passport, **switches))
    else:
        slot.remove()


def main() -> int:
    """Run as `python -m hardware_sim.chip.vpcd FOLDER` inside the namespaces; return 1 when the reader failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the parent process; it closes the pipe
    folder = Path(sys.argv[1])
    slot = VpcdSlot()
    try:
        enter_private_run_folder(folder / "run")
        raise_loopback()
        with start_pcscd(folder) as pcscd:
            try:
                wait_until_up(pcscd, folder / "run/pcscd/pcscd.comm")
                write_message(sys.stdout.buffer, {"done": "start"})
                serve(pcscd.pid, slot)
            finally:
                slot.remove()
                _end(pcscd)
    except (ReaderGoneError, OSError) as gone:
        print(gone, file=sys.stderr)
        return 1
    return 0


def _end(pcscd: subprocess.Popen[bytes]) -> None:
    pcscd.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        pcscd.wait(_STOP_DEADLINE_S)
        return
    pcscd.kill()


if __name__ == "__main__":
    sys.exit(main())
