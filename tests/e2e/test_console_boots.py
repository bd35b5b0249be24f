"""The officers' console and their authority as the package ships them: under a real systemd, on a machine of their own, beside a booted gate.

Both machines are namespaces, with a cable between them. An officer signs in with the key file of a terminal, as curl, and sees the gate's lane.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from fakes.boot.attempts import FAR
from fakes.boot.gate import CONSOLE, CONSOLE_ADDRESS, SHIFT, Gate
from fakes.boot.machine import Machine

from gate_core.orders import keys

pytestmark = [pytest.mark.long, pytest.mark.e2e]

GATES_END, ROOMS_END = "198.51.100.1", "198.51.100.2"
PAGES = "http://localhost:8090"
CONSOLES, AUTHORITYS = "/var/lib/portcullis-console", "/var/lib/portcullis-authority"
SOCKET = "/run/portcullis-authority/authority.sock"
UNITS = ("portcullis-authority.service", "portcullis-console.service")
JAR = "/root/cookies"
KIOSK, KEPT = "portcullis-console-kiosk.service", "/run/portcullis-console-kiosk"
# A machine without a display, a terminal or a seat: the compositor draws into memory. All else is as shipped.
HEADLESS = """\
[Service]
PAMName=
TTYPath=
TTYReset=no
TTYVHangup=no
StandardInput=null
Environment=WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1
"""


@pytest.fixture(scope="module")
def room(server: Machine, booted_gate: Gate) -> Machine:
    """The control room's machine, with a cable to the gate's."""
    _lay_cable(booted_gate.machine, server)
    return server


def _lay_cable(gate: Machine, room: Machine) -> None:
    inside = ("nsenter", f"--net=/proc/{gate.pid}/ns/net")
    cable = ("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(room.pid))
    subprocess.run([*inside, *cable], check=True)
    for machine, address in ((gate, GATES_END), (room, ROOMS_END)):
        machine.run("ip", "address", "add", f"{address}/24", "dev", "cable")
        machine.run("ip", "link", "set", "cable", "up")
    room.run("ip", "route", "add", f"{FAR}/32", "via", GATES_END)


def until_served(gate: Gate, room: Machine) -> None:
    """Wait for the console's pages. Raises AssertionError with what the units say."""
    try:
        gate.until(
            lambda: '"ok":true' in curl(room, "/healthz", check=False), "the console serves its pages", within_s=30
        )
    except AssertionError:
        said = room.journal("-n", "30", *(word for unit in UNITS for word in ("-u", unit)))
        raise AssertionError(f"the console serves no pages\n{said}") from None


def curl(room: Machine, path: str, *words: str, check: bool = True) -> str:
    """Ask the console as a page of its own does."""
    own = ("--cookie", JAR, "--cookie-jar", JAR, "--header", f"Origin: {PAGES}")
    return room.run("curl", "-sN", *own, *words, f"{PAGES}{path}", check=check).stdout


def sign_in(gate: Gate, room: Machine) -> dict[str, Any]:
    """With the key file of the officer's terminal; what the console says."""
    text = gate.machine.run("cat", SHIFT).stdout
    certificate = text.partition("CERTIFICATE-----\n")[2].partition("-----END")[0].replace("\n", "")
    challenge = json.loads(curl(room, "/session/challenge"))["challenge"]
    signature = keys.read_key(text.encode()).sign(f"portcullis-proof/1\n{PAGES}\n{challenge}".encode())
    room.write("/root/signature", "")
    (room.root / "root/signature").write_bytes(signature)
    encoded = room.run("base64", "--wrap=0", "/root/signature").stdout
    proof = {"certificate": certificate, "challenge": challenge, "signature": encoded}
    said: dict[str, Any] = json.loads(curl(room, "/session", "--data", json.dumps(proof)))
    return said


def lane_as_shown(room: Machine) -> dict[str, Any]:
    """The gate's tile, as a page would hear of it now."""
    said = curl(room, "/events", "--max-time", "2", check=False)
    halls = [json.loads(line.removeprefix("data: ")) for line in said.splitlines() if line.startswith('data: {"boot"')]
    (tile,) = halls[-1]["tiles"] if halls else [{"gate": "", "lost": True, "trouble": ""}]
    shown: dict[str, Any] = tile
    return shown


def set_up(gate: Gate, room: Machine) -> None:
    """As docs/guides/officer.md says, but with the keys that the gate knows already."""
    made = (
        ("portcullis-console", ("console", "init", "--out", CONSOLES)),
        ("portcullis-authority", ("officer", "authority", "init", "--out", f"{AUTHORITYS}/officers-authority.key")),
    )
    for user, words in made:
        room.run("runuser", "-u", user, "--", "gate", *words)
    key = gate.machine.run("cat", "/root/officers-authority.key").stdout
    room.write(f"{CONSOLES}/console.pem", gate.machine.run("cat", f"{CONSOLE}/console.pem").stdout)
    room.write(f"{AUTHORITYS}/officers-authority.key", key)
    gate_key = gate.status()["detail"]["screens"]["console"]["key"]
    room.write(
        "/etc/portcullis/authority.toml",
        f'key = "{AUTHORITYS}/officers-authority.key"\nfolder = "{AUTHORITYS}"\nrp_id = "localhost"\n'
        f'origins = ["{PAGES}"]\nsocket = "{SOCKET}"\n',
    )
    room.write(
        "/etc/portcullis/console.toml",
        f'identity = "{CONSOLES}/console.pem"\n'
        f'[authority]\npublic = "{keys.public_text(keys.read_key(key.encode()))}"\nsocket = "{SOCKET}"\n'
        f'[gates.north-7]\naddress = "{CONSOLE_ADDRESS}"\nkey = "{gate_key}"\n',
    )


def test_installing_starts_nothing_and_makes_a_user_and_a_folder_each(room: Machine) -> None:
    for unit in UNITS:
        shown = room.show(unit)
        assert (shown["UnitFileState"], shown["ActiveState"]) == ("disabled", "inactive")
    for folder in (CONSOLES, AUTHORITYS):
        user = folder.rpartition("/")[2]
        assert room.run("stat", "-c", "%U %G %a", folder).stdout == f"{user} {user} 700\n"


def test_an_officer_signs_in_at_the_installed_console_and_sees_the_lane(gate: Gate, room: Machine) -> None:
    set_up(gate, room)
    room.systemctl("enable", "--now", *UNITS)
    until_served(gate, room)
    for unit in UNITS:
        shown = room.show(unit)
        assert (shown["SubState"], shown["User"]) == ("running", unit.removesuffix(".service"))

    assert "nonce" in json.loads(curl(room, "/sign-in/request", "--data", "{}"))  # of the authority, through its socket
    stranger = ("runuser", "-u", "nobody", "--", "curl", "-s", "--unix-socket", SOCKET, "http://authority/request")
    assert room.run(*stranger, check=False).returncode != 0

    assert sign_in(gate, room)["officer"] == "officer7"
    shown = lane_as_shown(room)
    assert (shown["gate"], shown["lost"]) == ("north-7", True)  # loopback alone, as shipped

    room.write(f"/etc/systemd/system/{UNITS[1]}.d/gates.conf", f"[Service]\nIPAddressAllow={FAR}\n")
    room.systemctl("daemon-reload")
    with gate.changed("screens", f"[Service]\nIPAddressAllow={ROOMS_END}\n") as screens:
        gate.machine.systemctl("restart", screens)
        room.systemctl("restart", UNITS[1])
        until_served(gate, room)
        assert sign_in(gate, room)["officer"] == "officer7"
        gate.until(lambda: not lane_as_shown(room)["lost"], "the console shows the lane")
    gate.until(gate.is_in_service, "the gate is in service again")


def test_the_kiosk_shows_the_installed_console_under_its_policy_and_keeps_nothing(gate: Gate, room: Machine) -> None:
    assert room.show(KIOSK)["UnitFileState"] == "disabled"
    room.write(f"/run/systemd/system/{KIOSK}.d/headless.conf", HEADLESS)
    room.systemctl("daemon-reload")
    room.systemctl("start", KIOSK)
    asks = ("ss", "-Htn", "state", "established", "dport", "=", ":8090")
    gate.until(lambda: room.run(*asks).stdout != "", "the kiosk's browser asks the console")
    lines = room.run("ps", "-eo", "user:32,args").stdout.splitlines()
    browsers = [line for line in lines if "chromium" in line and "--type=renderer" in line]
    assert browsers
    assert all(line.startswith("portcullis-console-kiosk") for line in browsers)
    assert not [line for line in lines if "--no-sandbox" in line]
    inside = ("nsenter", "-t", room.show(KIOSK)["MainPID"], "-m")
    policy = json.loads(room.run(*inside, "cat", "/etc/chromium/policies/managed/portcullis.json").stdout)
    assert policy["URLAllowlist"] == ["http://.localhost:8090"]
    assert not (room.root / "etc/chromium/policies").exists()  # another browser of this machine has none of it
    assert room.run("ls", f"{KEPT}/browser").stdout != ""
    room.systemctl("stop", KIOSK)
    assert room.run("ls", KEPT, check=False).returncode != 0
    room.write(f"/run/systemd/system/{KIOSK}.d/nowhere.conf", "[Service]\nEnvironment=CONSOLE=\n")
    room.systemctl("daemon-reload")
    room.systemctl("start", KIOSK, check=False)
    assert room.show(KIOSK)["ActiveState"] != "active"  # no console, no browser
    room.systemctl("stop", KIOSK)


def test_a_console_without_its_file_stays_down_and_says_why(room: Machine) -> None:
    path = room.root / "etc/portcullis/console.toml"
    text = path.read_text()
    path.write_text("colour = 1\n" + text)
    try:
        room.systemctl("restart", UNITS[1], check=False)
        for _ in range(50):
            shown = room.show(UNITS[1])
            if shown["ActiveState"] == "failed":
                break
            room.run("sleep", "0.2")
        assert (shown["ActiveState"], shown["ExecMainStatus"]) == ("failed", "78")
        assert "colour" in room.journal("-u", UNITS[1], "-n", "20")
    finally:
        path.write_text(text)


def test_purging_leaves_the_authoritys_key_and_book_and_nothing_else(room: Machine) -> None:
    room.write(f"{AUTHORITYS}/authority.pem", "its TLS key")
    room.run("touch", f"{AUTHORITYS}/book.jsonl")
    room.run("dpkg", "--purge", "portcullis-central")
    assert not (room.root / CONSOLES.lstrip("/")).exists()
    left = sorted(path.name for path in (room.root / AUTHORITYS.lstrip("/")).iterdir())
    assert left == ["book.jsonl", "officers-authority.key"]
    for unit in UNITS:
        assert room.show(unit)["LoadState"] == "not-found"
