"""A gate installed on a booted machine and provisioned by its own commands, with simulated hardware outside every sandbox.

The gate is the Debian package, installed by dpkg. Simulated hardware, the central server and attempts run from the checkout, in an environment of
their own below /opt. Barrier and swipe reader are pseudo-terminals that get the group of a device
of the lane, as udev would do; the camera streams on loopback; chips lie on the virtual reader of the machine's own pcscd.
"""

from __future__ import annotations

import contextlib
import enum
import json
import queue
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyrage
from central_fakes.process import KEPT
from fakes.boot.attempts import FAR, FAR_PORT
from fakes.boot.machine import Machine, booted
from fakes.roots import SOURCES

from gate.channel.row import PROGRAMS

ROOT = Path(__file__).resolve().parents[3]
OPT = "/opt/portcullis"
PYTHON = f"{OPT}/bin/python"
CONFIG = "/etc/portcullis/gate.toml"
# No law of Utopia wants it written down that its travellers enter: the gate admits them.
NO_RECORD = '\n[rules]\nwithout_entry_record = "all"\n'
WORLD = "/run/world"
SEED = 1
PAGE = "http://127.0.0.1:8088"
CENTRAL = "/root/central"
# What runs on other machines than a gate: central, and the officers' authority.
ELSEWHERE = (PYTHON, "-c", "from gate_core.command_line.main import main; main()")
CENTRAL_COMMAND = (*ELSEWHERE, "central")
OFFICER = "officer7"
CONSOLE = "/root/console"
CONSOLE_ADDRESS = f"{FAR}:8443"
APPROVERS = ("anna.example", "ben.example", "carla.example")
SHIFT = f"/home/{OFFICER}/shift.key"
READY_DEADLINE_S = 60.0
WORLD_DEADLINE_S = 60.0
TRAVELLER_DEADLINE_S = 120.0
PACKAGE = "/opt/portcullis.deb"
SECOND_DOOR = {"first_barrier": "--first-barrier", "sensors": "--sensors"}


def lay_out(tree: Path) -> dict[Path, str]:
    """Fill a tree with an environment for what is no part of a gate: simulated hardware and attempts; returns what has to be bound beside it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = tree / f"{OPT.lstrip('/')}/lib/{version}/site-packages"
    packages.mkdir(parents=True)
    (packages / "gate.pth").write_text("".join(f"{OPT}/checkout/{place}\n" for place in SOURCES) + f"{OPT}/packages\n")
    interpreter = tree / f"{OPT.lstrip('/')}/bin"
    interpreter.mkdir()
    (interpreter / "python").symlink_to(f"/opt/python/bin/{version}")
    (interpreter.parent / "pyvenv.cfg").write_text("home = /opt/python/bin\ninclude-system-site-packages = false\n")
    libraries = tree / "etc/ld.so.conf.d/python.conf"
    libraries.parent.mkdir(parents=True)
    libraries.write_text("/opt/python/lib\n")
    site = next(Path(entry) for entry in sys.path if entry.endswith("site-packages"))
    return {Path(sys.base_prefix): "/opt/python", ROOT: f"{OPT}/checkout", site: f"{OPT}/packages"}


class Freedom(enum.Enum):
    """How much of a unit's sandbox is left."""

    NONE = "as shipped"
    EXECUTES = "as shipped, but nothing says which files are no code"
    SANDBOX_OFF = "the user and its groups, without the sandbox's lines"
    ROOT = "neither user nor sandbox"


def copy_of_unit(text: str, command: str, freedom: Freedom) -> str:
    """A unit that runs another command in the same sandbox, once (reference: systemctl cat's output)."""
    never = {
        "Type",
        "NotifyAccess",
        "ExecStart",
        "Restart",
        "RestartSec",
        "RestartPreventExitStatus",
        "WatchdogSec",
        *("PAMName", "TTYPath", "TTYReset", "TTYVHangup", "StandardInput", "StandardOutput", "EnvironmentFile"),
        *("KillMode", "SuccessExitStatus", "LimitFSIZE", "RuntimeDirectoryPreserve"),
    }
    identity = {"User", "Group", "SupplementaryGroups", "RuntimeDirectory", "RuntimeDirectoryMode"}
    section, settings = "", []
    for line in text.splitlines():
        section = line if line.startswith("[") else section
        if section == "[Service]" and "=" in line and not line.startswith("#"):
            settings.append((line.split("=", 1)[0], line))
    every = {key for key, _ in settings}
    left = {
        Freedom.NONE: every,
        Freedom.EXECUTES: every - {"NoExecPaths", "SystemCallFilter"},
        Freedom.SANDBOX_OFF: identity,
        Freedom.ROOT: set(),
    }[freedom]
    kept = [line for key, line in settings if key in left - never]
    ours = (
        "[Unit]",
        "StartLimitIntervalSec=0",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={command}",
        f"Environment=PYTHONPATH={OPT}/checkout/tests PYTHONDONTWRITEBYTECODE=1",
        "RuntimeDirectoryPreserve=yes",  # it is the running program's, too
        "StandardOutput=truncate:/run/attempts/out",
    )
    return "\n".join((*ours, *kept)) + "\n"


def in_sandbox(machine: Machine, unit: str, command: str, freedom: Freedom = Freedom.NONE) -> str:
    """Run a command in a unit's sandbox; returns what it prints. Raises AssertionError when it fails."""
    machine.run("mkdir", "-p", "/run/attempts")
    copied = copy_of_unit(machine.systemctl("cat", unit), command, freedom)
    machine.write("/run/systemd/system/attempts.service", copied)
    machine.systemctl("daemon-reload")
    machine.systemctl("start", "attempts.service")
    return (machine.root / "run/attempts/out").read_text()


class Traveller:
    """What came of one traveller: the screens that the page showed, and how often the leaf was passed."""

    def __init__(self, screens: list[str], passed: int) -> None:
        self.screens = screens
        self.passed = passed


class Gate:
    """The provisioned gate. Made by `installed`."""

    def __init__(self, machine: Machine, world: World, central: Central) -> None:
        self.machine = machine
        self.world = world
        self.central = central

    def auditor(self, number: int) -> str:
        """Make an auditor's identity, which stays outside the gate's folders; returns the recipient."""
        identity = pyrage.x25519.Identity.generate()
        self.machine.write(f"/root/auditor-{number}.identity", f"{identity}\n")
        return str(identity.to_public())

    def command(
        self, *arguments: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A `gate` command as root."""
        return self.machine.run("/usr/bin/gate", *arguments, check=check, stdin=stdin)

    def status(self) -> dict[str, Any]:
        """What `gate status --json` says."""
        said: dict[str, Any] = json.loads(self.command("status", "--json", check=False).stdout)
        return said

    def officer(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """An officer's order from a terminal at the lane: a person's account, in the group of officers."""
        become = ("setpriv", f"--reuid={OFFICER}", f"--regid={OFFICER}", "--init-groups")
        key = () if words[0] == "list" else ("--key", SHIFT)
        return self.machine.run(*become, "/usr/bin/gate", "officer", *words, *key, check=check)

    def settle(self) -> None:
        """Take over whoever is referred, as soon as the lane can be asked; nothing when nobody is."""
        self.until(lambda: self.officer("list", check=False).returncode == 0, "the lane answers its officers")
        if json.loads(self.officer("list", "--json").stdout)["referred"]:
            self.officer("hand-over", "taken_over")

    def attempt(self, program: str, freedom: Freedom, names: Iterable[str]) -> dict[str, int]:
        """Try these in the program's own sandbox, or in as much of it as `freedom` leaves; an error's number each, 0 for success."""
        words = ("-m", "fakes.boot.attempts", program, *names)
        found: dict[str, int] = json.loads(self.inside(program, *words, freedom=freedom))
        return found

    def inside(self, program: str, *words: str, freedom: Freedom = Freedom.NONE) -> str:
        """Run the interpreter with these words in a program's sandbox; returns what it prints. Raises AssertionError when it fails."""
        command = " ".join((PYTHON, *(shlex.quote(word.replace("%", "%%")) for word in words)))
        return in_sandbox(self.machine, f"gate-{program}.service", command, freedom)

    @contextlib.contextmanager
    def changed(self, program: str, drop_in: str) -> Iterator[str]:
        """A program's unit with a drop-in while the block runs; then as shipped, and started."""
        unit, path = f"gate-{program}.service", f"/run/systemd/system/gate-{program}.service.d/99-test.conf"
        self.machine.write(path, drop_in)
        self.machine.systemctl("daemon-reload")
        try:
            yield unit
        finally:
            (self.machine.root / path.lstrip("/")).unlink()
            self.machine.systemctl("daemon-reload")
            self.machine.systemctl("reset-failed", unit, check=False)
            self.machine.systemctl("restart", "--no-block", unit)

    def until(self, condition: Callable[[], bool], what: str, *, within_s: float = READY_DEADLINE_S) -> float:
        """Wait; returns how long it took, in seconds. Raises AssertionError with what the units say at the deadline."""
        started_s = time.monotonic()
        while not condition():
            if time.monotonic() - started_s > within_s:
                raise AssertionError(f"not within {within_s:.0f} s: {what}\n{self.report()}")
            time.sleep(0.1)
        return time.monotonic() - started_s

    def is_in_service(self) -> bool:
        """Every unit active, every program ready, the lane inviting travellers."""
        states = [self.machine.show(f"gate-{name}.service")["ActiveState"] for name in PROGRAMS]
        return set(states) == {"active"} and bool(self.status()["ok"]) and self.world.screens[-1:] == ["welcome"]

    def pid(self, program: str) -> int:
        """A program's process id, as the machine counts them."""
        return int(self.machine.show(f"gate-{program}.service")["MainPID"])

    def is_safe(self) -> bool:
        """The leaf at rest and closed, and no grant left: by the barrier's own controller, not by the lane's word."""
        happened = [line for line in self.world.truth() if line["event"] in {"leaf_moved", "leaf_at_rest"}]
        events = [line["event"] for line in self.world.truth()]
        closed = not happened or (happened[-1]["event"], happened[-1].get("at")) == ("leaf_at_rest", "closed")
        return closed and events.count("grant_received") == events.count("grant_ended")

    def report(self) -> str:
        """Everything that explains a failure."""
        units = self.machine.systemctl("list-units", "--all", "gate-*", "pcscd*", "polkit*", check=False)
        return f"{units}\n{json.dumps(self.status(), indent=1)}\n{self.machine.journal('-n', '80')}"


class Central:
    """A central server on the same machine, outside every sandbox."""

    def __init__(self, machine: Machine) -> None:
        machine.run(*CENTRAL_COMMAND, "init", "--dir", CENTRAL, "--name", "localhost", *KEPT)
        self._process = subprocess.Popen(
            [*machine.enter(), *CENTRAL_COMMAND, "serve", "--dir", CENTRAL, "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(json.loads(self._process.stdout.readline())["port"])

    def close(self) -> None:
        with self._process:
            self._process.kill()


class World:
    """The simulated world inside the machine, and the eyes of its travellers: the page that `screens` serves."""

    def __init__(self, machine: Machine, *, two_doors: bool = False) -> None:
        self.screens: list[str] = []
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._machine = machine
        self._browser: subprocess.Popen[str] | None = None
        self._process = subprocess.Popen(
            [
                *machine.enter(),
                *(
                    "/usr/bin/env",
                    "HOME=/root",
                    PYTHON,
                    "-m",
                    "hardware_sim",
                    "world",
                    "--dir",
                    WORLD,
                    "--seed",
                    str(SEED),
                ),
                "--installed-pcscd",
                *(("--lane", "two-door") if two_doors else ()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._threads = [threading.Thread(target=self._hear)]
        self._threads[0].start()
        self.ready = self._event(WORLD_DEADLINE_S)
        assert self.ready.get("event") == "ready", self.ready

    def open_eyes(self) -> None:
        """From now on a browser paints the page, whenever it is there, and travellers see it."""
        painter = (PYTHON, f"{OPT}/checkout/tests/fakes/painter.py", PAGE, "/run/portcullis-screens/kiosk/secret")
        browser = subprocess.Popen(
            [*self._machine.enter(), *painter], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._browser = browser
        self._threads.append(threading.Thread(target=self._watch, args=(browser,)))
        self._threads[-1].start()

    def close_eyes(self) -> None:
        """That browser dies."""
        if self._browser is not None and self._browser.stdin is not None:
            self._browser.stdin.close()

    def travel(self, scenario: str, name: str, *, officer: Callable[[], object] = lambda: None) -> Traveller:
        """Send one traveller and wait until they have left. `officer` acts when the page says that one will help."""
        seen = len(self.screens)
        self._tell({"do": "traveller", "id": name, "scenario": scenario})
        deadline_s, helped = time.monotonic() + TRAVELLER_DEADLINE_S, False
        while (event := self._event(0.1)).get("event") != "done":
            if event.get("event") == "host":
                assert event["do"] == "kill_lane", event
                self._machine.systemctl("kill", "--kill-whom=main", "--signal=KILL", "gate-lane.service")
                self._tell({"do": "host_done", "what": "kill_lane"})
            assert time.monotonic() < deadline_s, f"{name} never left; screens {self.screens[seen:]}"
            if not helped and "officer" in self.screens[seen:]:
                helped = True
                officer()
        return Traveller(self.screens[seen:], int(event["passed"]))

    def truth(self) -> list[dict[str, Any]]:
        """What really happened, as the simulator wrote it down."""
        lines = (self._machine.root / WORLD.lstrip("/") / "ground-truth.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def tell(self, **order: Any) -> None:
        """Have the world do something to itself, such as a fire."""
        self._tell(order)

    def close(self) -> None:
        self.close_eyes()
        with contextlib.suppress(BrokenPipeError):
            self._tell({"do": "stop"})
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        for thread in self._threads:
            thread.join(10)
        with self._process:
            pass  # closes its pipes

    def _tell(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _event(self, within_s: float) -> dict[str, Any]:
        """What the world says next; nothing when it says nothing in time."""
        try:
            return self._events.get(timeout=within_s)
        except queue.Empty:
            return {}

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put({"event": "ended"})

    def _watch(self, browser: subprocess.Popen[str]) -> None:
        """See what a browser shows until it dies."""
        with browser:
            assert browser.stdout is not None
            for line in browser.stdout:
                self.screens.append(json.loads(line)["screen"])
                with contextlib.suppress(BrokenPipeError):
                    self._tell({"see": {"screen": self.screens[-1], "guidance": "none"}})


@contextlib.contextmanager
def installed(
    folder: Path,
    package: Path,
    *,
    lay: Callable[[Path], object] = lambda _: None,
    two_doors: bool = False,
    rules: str = NO_RECORD,
) -> Iterator[Gate]:
    """Boot a machine, install the package, provision it as docs/guides/technician.md says, and start its target. `lay` puts more files over the
    machine's; `rules` goes to the end of its configuration.
    """
    tree = folder / "tree"
    tree.mkdir()
    lay(tree)
    binds = lay_out(tree) | {package: PACKAGE}
    with booted(folder, tree, binds) as machine, contextlib.ExitStack() as ending:
        machine.run("dpkg", "--install", PACKAGE)
        machine.systemctl("start", "pcscd.socket")
        machine.run("mkdir", WORLD)
        world = World(machine, two_doors=two_doors)
        ending.callback(world.close)
        _name_devices(machine, world)
        _lay_bait(machine, ending)
        central = Central(machine)
        ending.callback(central.close)
        gate = Gate(machine, world, central)
        _provision(gate, rules)
        world.open_eyes()
        machine.systemctl("enable", "portcullis.target")
        machine.systemctl("start", "--no-block", "portcullis.target")
        yield gate


def _name_devices(machine: Machine, world: World) -> None:
    """What udev does for a serial line of the lane's: a stable name, and the lane's group."""
    for name in ("barrier", "swipe", "first_barrier", "sensors"):
        if name not in world.ready:
            continue
        line = machine.run("readlink", "-f", str(world.ready[name])).stdout.strip()
        machine.run("chgrp", "portcullis-lane", line)
        machine.run("chmod", "0660", line)
        machine.run("ln", "-sf", line, f"/dev/portcullis-{name}")


def _lay_bait(machine: Machine, ending: contextlib.ExitStack) -> None:
    """What attempts are made at: device nodes that everybody may open, a keyboard of others, and an address beyond the cameras."""
    machine.run("mkdir", "-p", "/dev/input")
    nodes = {
        "ttyUSB0": (188, 0),
        "ttyS0": (4, 64),
        "video0": (81, 0),
        "input/event0": (13, 64),
        "input/event1": (13, 65),
    }
    for name, numbers in nodes.items():
        machine.run("mknod", f"/dev/{name}", "c", *map(str, numbers))
        machine.run("chmod", "0666" if name != "input/event1" else "0660", f"/dev/{name}")
    machine.run("ip", "address", "add", f"{FAR}/32", "dev", "lo")
    listener = subprocess.Popen(
        [
            *machine.enter(),
            PYTHON,
            "-c",
            f"import socket, time; s = socket.create_server(('{FAR}', {FAR_PORT})); time.sleep(1e6)",
        ],
    )
    ending.callback(listener.wait)
    ending.callback(listener.kill)


def _provision(gate: Gate, rules: str) -> None:
    ready, machine = gate.world.ready, gate.machine
    authority = (*ELSEWHERE, "officer", "authority")
    made = machine.run(*authority, "init", "--out", "/root/officers-authority.key", "--json")
    machine.run("useradd", "--create-home", "--groups", "portcullis-officer", OFFICER)
    machine.run(
        *(*authority, "certify", "--authority", "/root/officers-authority.key", "--out", SHIFT),
        *("--officer", OFFICER, "--role", "officer", "--gate", "north-7"),
    )
    machine.run("chown", f"{OFFICER}:", SHIFT)
    auditors = [gate.auditor(number) for number in (1, 2)]
    gate.command(
        *("provision", "init", "--operator", "border.example", "--gate-id", "north-7", "--purpose", "trial"),
        *("--barrier", "/dev/portcullis-barrier", "--swipe", "/dev/portcullis-swipe", "--camera", ready["camera"]),
        *("--officers", json.loads(made.stdout)["authority"]),
        *(word for auditor in auditors for word in ("--auditor", auditor)),
        *(
            word
            for name, option in SECOND_DOOR.items()
            if name in ready
            for word in (option, f"/dev/portcullis-{name}")
        ),
    )
    store = "/var/lib/portcullis/trust/trust.sqlite"
    gate.command("trust", "import", *ready["csca"], "--store", store, "--test")
    token = json.loads(machine.run(*CENTRAL_COMMAND, "token", "north-7", "--dir", CENTRAL, "--json").stdout)
    gate.command(
        *("provision", "enrol", "--central", f"localhost:{gate.central.port}", "--ca", f"{CENTRAL}/ca.pem"),
        stdin=token["token"],
    )
    _name_console(gate)
    _name_registers(gate)
    machine.write(CONFIG, (machine.root / CONFIG.lstrip("/")).read_text() + rules)
    _name_approvers(gate)
    approve(gate, serial=1)


def _name_console(gate: Gate) -> None:
    """A console whose certificate the gate has; the unit as shipped lets in none from another machine."""
    consoles, machine = "/etc/portcullis/consoles.pem", gate.machine
    gate.machine.run(*ELSEWHERE, "console", "init", "--out", CONSOLE)
    machine.run("install", "--mode=0644", f"{CONSOLE}/console.crt", consoles)
    table = f'\n[console]\naddress = "{CONSOLE_ADDRESS}"\ncertificates = "{consoles}"\n'
    machine.write(CONFIG, (machine.root / CONFIG.lstrip("/")).read_text() + table)


def _name_registers(gate: Gate) -> None:
    """The registers' program runs, with a list that is suspended: nobody is referred for it."""
    suspended = '{ title = "Not in force", basis = "Test", first = 2026-01-01, last = 2099-12-31 }'
    made = gate.command("config", "key", "--name", "police.example", "--out", "/root/police.key", "--json")
    key = json.loads(made.stdout)["vkey"]
    table = (
        "\n[registers.lists.stolen-documents]\n"
        f'agency = "police.example"\nkeys = ["{key}"]\nsuspended = [{suspended}]\n'
    )
    machine = gate.machine
    machine.write(CONFIG, (machine.root / CONFIG.lstrip("/")).read_text() + table)


def _name_approvers(gate: Gate) -> None:
    """Three persons who may approve, with their keys on one machine here."""
    made = (gate.command("config", "key", "--name", one, "--out", f"/root/{one}.key", "--json") for one in APPROVERS)
    listed = [json.loads(done.stdout)["vkey"] for done in made]
    gate.machine.write("/etc/portcullis/approvers.toml", f"schema = 1\napprovers = {json.dumps(listed)}\n")


def approval(gate: Gate, text: str, *, serial: int) -> Path:
    """A note of two of them over a canonical text: with the commands of the technician's guide."""
    note = f"/root/north-7-{serial}.note"
    gate.machine.write("/root/north-7.txt", text)
    for one in APPROVERS[:2]:
        gate.command(
            *("config", "approve", "/root/north-7.txt", "--serial", str(serial), "--note", note),
            *("--key", f"/root/{one}.key", "--name", one),
        )
    return gate.machine.root / note.lstrip("/")


def approve(gate: Gate, *, serial: int) -> None:
    """Two of them sign what the gate is set up with now."""
    note = approval(gate, gate.command("config", "show", "--canonical").stdout, serial=serial)
    gate.command("config", "install", f"/root/{note.name}")
