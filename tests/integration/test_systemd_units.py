"""The units, users, folders and device rules, judged by systemd's own tools. Any output of `verify` is a failure."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gate.channel.row import PROGRAMS, user_of
from gate.channel.table import CHANNELS
from gate.provision.installation import vision_drop_in

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
BESIDE = {  # on machines of their own: each unit's user
    "console": "portcullis-console",
    "authority": "portcullis-authority",
    "central": "portcullis-central",
    "central-pages": "portcullis-central",
    "exchange": "portcullis-exchange",
}
WRITE_NOTHING = {"exchange"}
# In tenths, as --threshold takes them; `gate-vision` with the drop-in of a camera on a network.
EXPOSURE_MAX = {
    "gate-lane": 6,
    "gate-log": 4,
    "gate-registers": 13,
    "gate-screens": 11,
    "gate-sync": 13,
    "gate-update-check": 26,
    "gate-update-recover": 14,
    "gate-update@": 14,
    "gate-vision": 12,
    "portcullis-authority": 11,
    "portcullis-central": 11,
    "portcullis-central-pages": 11,
    "portcullis-console": 11,
    "portcullis-exchange": 11,
    "portcullis-console-kiosk": 20,
    "portcullis-kiosk": 20,
    "portcullis-modbus-tcp@": 9,
    "portcullis-selftest": 15,
}

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
needs_udev = pytest.mark.skipif(shutil.which("udevadm") is None, reason="udev is not installed")


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with the `gate` of this environment, since no package has put one into /usr/bin here."""
    for path in SYSTEMD.iterdir():
        if path.suffix in {".service", ".socket", ".target", ".timer"}:
            text = path.read_text().replace("ExecStart=/usr/bin/gate", f"ExecStart={sys.executable} -m gate.cli")
            text = text.replace("ExecStart=/usr/lib/portcullis/versions/0/bin/python3", f"ExecStart={sys.executable}")
            (tmp_path / path.name).write_text(text)
    return tmp_path


def test_every_program_has_a_unit_of_its_own() -> None:
    others = {"gate-update@", "gate-update-recover", "gate-update-check"}
    assert {path.stem for path in SYSTEMD.glob("gate-*.service")} == {f"gate-{name}" for name in PROGRAMS} | others


@needs_systemd
def test_verify_says_nothing(units: Path) -> None:
    done = ran("systemd-analyze", "verify", "--man=no", *(str(path) for path in sorted(units.iterdir())))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_an_unknown_directive_would_be_noticed(units: Path) -> None:
    unit = units / "gate-lane.service"
    unit.write_text(unit.read_text().replace("ProtectClock=", "ProtectClok="))
    assert "ProtectClok" in ran("systemd-analyze", "verify", "--man=no", str(unit)).stderr


def exposure_stays(unit: Path, tenths: int) -> bool:
    command = ("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={tenths}", str(unit))
    return ran(*command).returncode == 0


@needs_systemd
@pytest.mark.parametrize("unit", sorted(path.stem for path in SYSTEMD.glob("*.service")))
def test_a_units_exposure_stays_low(unit: str, tmp_path: Path) -> None:
    text, copied = (SYSTEMD / f"{unit}.service").read_text(), tmp_path / f"{unit}.service"
    drop_in = vision_drop_in(hosts=["192.0.2.7"], folders=["/srv/pictures"]) if unit == "gate-vision" else ""
    copied.write_text(f"{text}\n{drop_in}")
    assert exposure_stays(copied, EXPOSURE_MAX[unit])
    copied.write_text("[Service]\nExecStart=/bin/true\n")
    assert not exposure_stays(copied, EXPOSURE_MAX[unit])


def settings_of(unit: Path) -> dict[str, list[str]]:
    """A unit's settings, each with all the words that its lines give it."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).extend(value.split())
    return found


@pytest.mark.parametrize("unit", sorted(path.stem for path in SYSTEMD.glob("*.service")))
def test_every_place_that_a_unit_can_write_holds_no_code_for_it_and_its_memory_has_an_end(unit: str) -> None:
    found = settings_of(SYSTEMD / f"{unit}.service")
    assert (found["ProtectSystem"], found["PrivateTmp"], found["ProtectHome"]) == (["strict"], ["yes"], ["yes"])
    writable = {"/tmp", "/var/tmp"} | ({"/dev/shm"} if found.get("BindReadOnlyPaths") != ["/dev"] else set())
    for kind, above in (("Runtime", "/run"), ("State", "/var/lib"), ("Cache", "/var/cache"), ("Logs", "/var/log")):
        writable |= {f"{above}/{name}" for name in found.get(f"{kind}Directory", [])}
    writable |= {path.removeprefix("-") for path in found.get("ReadWritePaths", [])}
    listed = {path.removeprefix("-") for path in found["NoExecPaths"]}
    # Nothing above such a place: systemd mounts what it is to close by itself, and then it is no longer read-only.
    assert listed == writable
    assert len(found["MemoryMax"]) == 1
    if found.get("MemoryDenyWriteExecute") == ["yes"]:
        assert "memfd_create" in found["SystemCallFilter"], "a file of no folder is code, too"
    if (
        "User" not in found and "DynamicUser" not in found
    ):  # root could write what `strict` leaves out beside /proc and /sys
        assert "/run" in found["ReadOnlyPaths"]
        assert found.get("ProtectKernelTunables") == ["yes"]
        assert found.get("PrivateDevices") == ["yes"] or found.get("BindReadOnlyPaths") == ["/dev"]


def test_the_memory_that_operations_tells_of_is_what_the_units_have() -> None:
    text = (SYSTEMD.parent / "docs/operations.md").read_text().partition("## Memory")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `([\w-]+)` \| \d+ M\w+ \| (\d+ [GM])iB \|", text, re.MULTILINE))
    units = {unit: settings_of(SYSTEMD / f"{unit}.service")["MemoryMax"] for unit in told}
    assert units == {unit: [limit.replace(" ", "")] for unit, limit in told.items()}
    assert {"portcullis-central", "portcullis-central-pages", "portcullis-console", "gate-sync"} <= set(told)


def test_a_log_that_is_carried_away_takes_no_memory_of_centrals_pages() -> None:
    """It is put together in temporary files, some days of a gate are as large as the unit's memory, and /tmp is a tmpfs on Debian 13."""
    assert settings_of(SYSTEMD / "portcullis-central-pages.service")["Environment"] == ["TMPDIR=/var/tmp"]


def test_a_scanners_folder_that_vision_empties_holds_no_code_either() -> None:
    lines = vision_drop_in(hosts=[], folders=["/srv/pictures"]).splitlines()
    assert {"ReadWritePaths=/srv/pictures", "NoExecPaths=/srv/pictures"} <= set(lines)


def test_the_relay_to_a_board_on_a_network_reaches_nothing_by_itself() -> None:
    unit = SYSTEMD / "portcullis-modbus-tcp@.service"
    assert "IPAddressDeny=any" in unit.read_text().splitlines()
    assert "IPAddressAllow" not in [line.split("=")[0] for line in unit.read_text().splitlines()]


def test_what_installs_updates_reaches_no_network_and_is_never_what_it_installed() -> None:
    for unit in ("gate-update@", "gate-update-recover"):
        lines = set((SYSTEMD / f"{unit}.service").read_text().splitlines())
        assert {"PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX", "PrivateDevices=yes"} <= lines
        (start,) = (line for line in lines if line.startswith("ExecStart="))
        assert start.startswith("ExecStart=/usr/lib/portcullis/versions/0/bin/python3 -sP -m gate.programs.update ")


@needs_systemd
@pytest.mark.parametrize(
    ("package", "programs", "private"),
    [
        ("portcullis", PROGRAMS, ("portcullis/audit",)),
        ("portcullis-central", ("console", "authority", "central", "exchange"), tuple(sorted(set(BESIDE.values())))),
    ],
)
def test_users_and_folders_can_be_made(
    tmp_path: Path, package: str, programs: tuple[str, ...], private: tuple[str, ...]
) -> None:
    (tmp_path / "etc").mkdir()
    done = ran("systemd-sysusers", f"--root={tmp_path}", str(SYSTEMD / f"{package}.sysusers"))
    assert done.returncode == 0, done.stderr
    users = (tmp_path / "etc/passwd").read_text()
    assert all(f"portcullis-{program}:" in users for program in programs)
    folders = tmp_path / "tmpfiles.conf"
    shutil.copy(SYSTEMD / f"{package}.tmpfiles", folders)
    done = ran("systemd-tmpfiles", f"--root={tmp_path}", "--create", str(folders))
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / "var/lib" / one).stat().st_mode & 0o777 == 0o700 for one in private)


def test_each_program_has_a_runtime_folder_that_it_alone_writes_and_sees_its_peers_users() -> None:
    for name in PROGRAMS:
        lines = (SYSTEMD / f"gate-{name}.service").read_text().splitlines()
        assert f"RuntimeDirectory={user_of(name)}" in lines
        assert "RuntimeDirectoryMode=0711" in lines
        # `yes` makes every peer 65534, and the second lock with it; `identity` leaves each its own.
        users = [line for line in lines if line.startswith("PrivateUsers=")]
        assert users == (["PrivateUsers=identity"] if name == "vision" else [])
        assert not [line for line in lines if line.startswith("ReadWritePaths=") and "/run" in line]


@pytest.mark.parametrize("program", BESIDE)
def test_what_runs_beside_gates_is_as_confined_as_they_are_and_reaches_loopback_alone(program: str) -> None:
    unit = SYSTEMD / f"portcullis-{program}.service"
    ours, screens = (path.read_text().splitlines() for path in (unit, SYSTEMD / "gate-screens.service"))
    hardening = screens[screens.index("CapabilityBoundingSet=") : screens.index("SystemCallErrorNumber=EPERM") + 1]
    assert [line for line in ours if line in set(hardening)] == hardening
    assert [line for line in ours if line.startswith("IPAddress")] == ["IPAddressDeny=any", "IPAddressAllow=localhost"]
    user = BESIDE[program]
    assert f"User={user}" in ours
    folders = [line for line in ours if line.startswith(("StateDirectory", "ReadWritePaths=", "RuntimeDirectory"))]
    if program in WRITE_NOTHING:
        assert folders == []
        assert "LimitFSIZE=0" in ours, "not a byte into any file"
    else:
        assert {f"StateDirectory={user}", "StateDirectoryMode=0700"} <= set(folders)


def test_screens_lets_in_loopback_alone_and_has_one_folder_of_its_own() -> None:
    """The site adds from where consoles come, in a drop-in."""
    lines = (SYSTEMD / "gate-screens.service").read_text().splitlines()
    assert [line for line in lines if line.startswith("IPAddress")] == ["IPAddressDeny=any", "IPAddressAllow=localhost"]
    assert {"StateDirectory=portcullis/screens", "StateDirectoryMode=0700"} <= set(lines)
    assert not [line for line in lines if line.startswith("ReadWritePaths=")]


def test_each_sockets_group_holds_its_callers_and_nobody_else() -> None:
    rows = [line.split() for line in (SYSTEMD / "portcullis.sysusers").read_text().splitlines()]
    groups = [row[1] for row in rows if row[:1] == ["g"] or row[:2] == ["u", "portcullis-kiosk"]]
    members: dict[str, set[str]] = {name: set() for name in groups if "spool" not in name}
    for row in rows:
        if row[:1] == ["m"]:
            members[row[2]].add(row[1])
    wanted: dict[str, set[str]] = {"portcullis": set(), "portcullis-kiosk": {"portcullis-screens"}}
    for channel in CHANNELS.every():
        programs = set(channel.callers) - {channel.listener}  # the owner needs no group
        wanted.setdefault(channel.group, set()).update(map(user_of, programs))
    assert members == wanted


def test_a_mistake_in_the_configuration_stays_down_and_a_crash_loop_ends(units: Path) -> None:
    for program in PROGRAMS:
        lines = (units / f"gate-{program}.service").read_text().splitlines()
        assert {"RestartPreventExitStatus=78", "StartLimitIntervalSec=600", "StartLimitBurst=20"} <= set(lines)


def test_memory_stays_off_the_disk(units: Path) -> None:
    """What a booted machine cannot show: it has no swap, no controllers and no right to raise limits."""
    for program in PROGRAMS:
        lines = set((units / f"gate-{program}.service").read_text().splitlines())
        assert {"LimitCORE=0", "MemorySwapMax=0"} <= lines
    assert "LimitMEMLOCK=infinity" in (units / "gate-vision.service").read_text().splitlines()


def test_a_child_that_runs_out_of_memory_does_not_take_its_program_with_it(units: Path) -> None:
    for program in PROGRAMS:
        lines = set((units / f"gate-{program}.service").read_text().splitlines())
        assert ("OOMPolicy=continue" in lines) is (program in {"lane", "vision"})
    assert "MemoryMax=1G" in (units / "gate-lane.service").read_text().splitlines()


@needs_udev
def test_the_device_rules_are_well_formed() -> None:
    done = ran("udevadm", "verify", "--resolve-names=never", "--no-summary", str(SYSTEMD / "70-portcullis.rules"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_devices_whose_driver_may_come_later_are_allowed_by_number() -> None:
    of_the_kernel_itself = {"char-gpiochip", "char-tty"}
    of_no_fixed_number = {"char-nvidia*", "char-hidraw"}  # whose drivers load with the machine, and with its keyboard
    allowed = {
        line.removeprefix("DeviceAllow=").split()[0]
        for unit in SYSTEMD.glob("*.service")
        for line in unit.read_text().splitlines()
        if line.startswith("DeviceAllow=")
    }
    named = {device for device in allowed if not device.removeprefix("char-").isdecimal()}
    assert named == of_the_kernel_itself | of_no_fixed_number


def test_only_the_program_that_needs_it_gets_it() -> None:
    text = {name: (SYSTEMD / f"gate-{name}.service").read_text() for name in PROGRAMS}
    assert {name for name in PROGRAMS if "PrivateNetwork=yes" in text[name]} == {"lane", "log"}
    for device in ("char-188", "char-166", "char-gpiochip", "char-13"):  # USB serial lines, contacts, a keyboard wedge
        assert {name for name in PROGRAMS if f"DeviceAllow={device} r" in text[name]} == {"lane"}
    assert {name for name in PROGRAMS if "DeviceAllow=char-81 rw" in text[name]} == {"vision"}  # cameras
    writers = {name for name in PROGRAMS if " /var/lib/portcullis/trust" in text[name]}
    assert writers == {"sync"}
    for name in ("lane", "vision", "sync", "screens", "registers"):
        assert "InaccessiblePaths=-/var/lib/portcullis/audit" in text[name]
