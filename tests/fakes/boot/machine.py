"""A machine of its own: a real systemd in namespaces, on an overlay of the running Debian, booted in seconds.

Commands run inside as root and outside any unit, as a technician's shell does; `root` is its file system as seen from here. Not to
be had here: CAP_SYS_RESOURCE (a unit's LimitMEMLOCK cannot be raised) and cgroup controllers (MemoryMax and MemorySwapMax are
accepted and do nothing).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SCRIPT = Path(__file__).with_name("boot.sh")
BOOT_DEADLINE_S = 60.0
COMMAND_DEADLINE_S = 120.0
NEEDED = ("/usr/lib/systemd/systemd", "/usr/lib/polkit-1/polkitd", "/usr/sbin/pcscd", "/usr/bin/dbus-daemon")
NEEDED_PROGRAMS = ("unshare", "nsenter", "pivot_root", "mount", "ip", "ldconfig")
TARGET = """\
[Unit]
DefaultDependencies=no
AllowIsolate=yes
Requires=basic.target
Wants=dbus.service
After=basic.target
"""


class NoBootError(Exception):
    """This machine cannot boot another one; the message says what is missing."""


def missing() -> str:
    """What is missing for a boot, in words; empty when it seems possible."""
    if os.geteuid() != 0:
        return "it needs root"
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    absent = [name for name in NEEDED if not Path(name).exists()]
    absent += [name for name in NEEDED_PROGRAMS if shutil.which(name, path=path) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


class Machine:
    """One booted machine; made by `booted`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.root = Path(f"/proc/{pid}/root")

    def enter(self) -> list[str]:
        """The beginning of a command line that runs inside."""
        return ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "-C", "-w/"]

    def run(self, *command: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root. Raises AssertionError with what it said when it fails and `check` is set."""
        done = subprocess.run(
            [*self.enter(), *command],
            capture_output=True,
            text=True,
            timeout=COMMAND_DEADLINE_S,
            check=False,
            input=stdin,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"},
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def systemctl(self, *arguments: str, check: bool = True) -> str:
        return self.run("systemctl", "--no-pager", *arguments, check=check).stdout

    def show(self, unit: str) -> dict[str, str]:
        """A unit's properties."""
        lines = self.systemctl("show", unit).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def journal(self, *arguments: str) -> str:
        return self.run("journalctl", "--no-pager", "--output=cat", *arguments).stdout

    def write(self, path: str, text: str) -> None:
        """Write a file inside."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


@contextlib.contextmanager
def booted(folder: Path, tree: Path, binds: dict[Path, str]) -> Iterator[Machine]:
    """Boot with the files of `tree` laid over this machine's and `binds` read-only at their places. Raises NoBootError."""
    if why := missing():
        raise NoBootError(why)
    home = folder / "overlay"
    home.mkdir()
    target = tree / "etc/systemd/system/boot.target"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(TARGET)
    messages = folder / "boot.log"
    pairs = [f"{source}:{place}" for source, place in binds.items()]
    with messages.open("wb") as out:
        outer = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net", "--cgroup"),
                *("--propagation", "private", "sh", str(SCRIPT), str(home), str(tree), *pairs),
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield _until_up(outer, messages)
    finally:
        with contextlib.suppress(ProcessLookupError):
            for child in _children(outer.pid):
                os.kill(child, signal.SIGKILL)  # the first process of its namespace: everything inside ends with it
        outer.kill()
        outer.wait()


def _until_up(outer: subprocess.Popen[bytes], messages: Path) -> Machine:
    deadline_s = time.monotonic() + BOOT_DEADLINE_S
    while time.monotonic() < deadline_s and outer.poll() is None:
        for child in _children(outer.pid):
            machine = Machine(child)
            state = machine.run("systemctl", "is-active", "boot.target", check=False)
            if state.stdout.strip() == "active" and (machine.root / "run/dbus/system_bus_socket").exists():
                return machine
        time.sleep(0.1)
    raise NoBootError(messages.read_text(errors="replace")[-2000:] or "systemd did not come up")


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
