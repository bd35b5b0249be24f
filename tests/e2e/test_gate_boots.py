"""The shipped units under a real systemd, users and sandboxes real, hardware simulated outside: they start a gate that works.

One boot serves all tests; each leaves the gate in service. What has no effect on such a machine (MemoryMax, LimitMEMLOCK, swap) is
checked as content, by test_systemd_units.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from typing import Any

import pytest
from fakes.boot.gate import CONSOLE, CONSOLE_ADDRESS, OPT, PACKAGE, PYTHON, SEED, Gate

from gate.channel.row import PROGRAMS
from hardware_sim.company import Company
from hardware_sim.faces import identities
from hardware_sim.passport.issuer import Issuer
from hardware_sim.scenario import read_scenarios, scenario_folder

pytestmark = [pytest.mark.long, pytest.mark.e2e]

WATCHDOG_S = 10


def test_every_program_is_active_ready_and_linked_to_the_others(gate: Gate) -> None:
    status = gate.status()
    assert set(status["programs"]) == set(PROGRAMS)
    assert status["devices"] == dict.fromkeys(("barrier", "reader", "camera", "vision", "log", "screen"), True)
    details = status["detail"]
    assert (details["screens"]["lane"], details["screens"]["preview"]) == ("up", "up")
    assert details["vision"]["spare"] == "warm"
    gate.until(lambda: gate.status()["detail"]["log"]["mirrored"] > 0, "the mirror has signed for the log")
    for program in PROGRAMS:
        unit = gate.machine.show(f"gate-{program}.service")
        assert (unit["SubState"], unit["NRestarts"], unit["User"]) == ("running", "0", f"portcullis-{program}")


def test_without_an_officer_everybody_is_referred(gate: Gate) -> None:
    alone = gate.world.travel("genuine", "t0", officer=gate.settle)
    assert (alone.passed, alone.screens.count("officer"), "go" in alone.screens) == (0, 1, False)


def test_a_genuine_traveller_passes_and_an_impostor_is_referred(gate: Gate) -> None:
    gate.officer("present")
    genuine = gate.world.travel("genuine", "t1")
    assert (genuine.passed, "go" in genuine.screens) == (1, True), (genuine.screens, gate.report())
    gate.officer("present")
    impostor = gate.world.travel("someone_elses_passport", "t2", officer=gate.settle)
    assert (impostor.passed, impostor.screens.count("officer"), "go" in impostor.screens) == (0, 1, False)
    gate.until(gate.is_in_service, "the impostor was settled")
    assert gate.is_safe()


def test_a_lane_that_dies_with_a_traveller_in_it_admits_nobody_and_leaves_no_grant(gate: Gate) -> None:
    gate.officer("present")
    caught = gate.world.travel("lane_killed", "t3", officer=gate.settle)
    assert (caught.passed, "go" in caught.screens) == (0, False)
    gate.until(gate.is_in_service, "the gate is in service again")
    assert gate.is_safe()


def test_the_nightly_selftest_finds_nothing_wrong_beside_a_gate_that_runs(gate: Gate) -> None:
    gate.machine.systemctl("start", "portcullis-selftest.service", check=False)
    told = gate.machine.run("journalctl", "-u", "portcullis-selftest", "-o", "cat", check=False).stdout
    result = gate.machine.systemctl("show", "-p", "Result", "-p", "ExecMainStatus", "portcullis-selftest.service")
    assert "WRONG" not in told, told
    assert "ExecMainStatus=75" in result, (result, told)  # the devices are the programs'
    assert "Result=success" in result


def test_an_operator_may_ask_how_the_programs_are_and_others_may_not(gate: Gate) -> None:
    gate.machine.run("useradd", "--groups", "portcullis-operators", "operator7")

    def asked_by(user: str) -> tuple[int, set[str]]:
        become = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups")
        done = gate.machine.run(*become, "/usr/bin/gate", "status", "--json", check=False)
        return done.returncode, set(json.loads(done.stdout)["programs"].values())

    assert "away" not in asked_by("operator7")[1]
    assert asked_by("officer7") == (77, {"no_right"})


def test_without_the_card_service_no_chip_is_read_until_it_is_back(gate: Gate) -> None:
    def chip_is_gone() -> bool:
        return "chip_reader_gone" in {one["mode"] for one in gate.status()["degraded"]}

    gate.machine.systemctl("stop", "pcscd.socket", "pcscd.service")
    gate.until(chip_is_gone, "the loss of the card service is shown")
    gate.machine.systemctl("start", "pcscd.socket")
    gate.until(lambda: not chip_is_gone(), "the card service is back")
    gate.until(gate.is_in_service, "the gate is in service again")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_is_killed_comes_back_and_the_lane_is_safe(gate: Gate, program: str) -> None:
    before = gate.pid(program)
    gate.machine.systemctl("kill", "--kill-whom=main", "--signal=KILL", f"gate-{program}.service")
    gate.until(lambda: gate.pid(program) not in {0, before}, f"{program} is started anew")
    gate.until(gate.is_in_service, "the gate is in service again")
    assert gate.is_safe()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_hangs_is_ended_by_its_watchdog_and_comes_back(gate: Gate, program: str) -> None:
    before = gate.pid(program)
    gate.machine.run("kill", "-STOP", str(before))
    took_s = gate.until(lambda: gate.pid(program) not in {0, before}, f"{program} is started anew")
    assert took_s < 2 * WATCHDOG_S
    gate.until(gate.is_in_service, "the gate is in service again")
    assert gate.is_safe()
    assert "watchdog" in gate.machine.journal("-u", f"gate-{program}.service", "-n", "40").lower()


def test_a_mistake_in_the_configuration_stays_down_and_says_why(gate: Gate) -> None:
    broken = (
        (gate.machine.root / "etc/portcullis/gate.toml").read_text().replace("[barrier]", "[barrier]\ncolour = 1", 1)
    )
    gate.machine.write("/etc/portcullis/broken.toml", broken)
    with gate.changed("lane", "[Service]\nEnvironment=PORTCULLIS_CONFIG=/etc/portcullis/broken.toml\n") as unit:
        gate.machine.systemctl("restart", "--no-block", unit)
        gate.until(lambda: gate.machine.show(unit)["ActiveState"] == "failed", "the lane ends")
        time.sleep(3)  # three times as long as a restart takes
        shown = gate.machine.show(unit)
        assert (shown["ActiveState"], shown["ExecMainStatus"], shown["NRestarts"]) == ("failed", "78", "0")
        said = gate.machine.journal("-u", unit, "-n", "20")
        assert "/etc/portcullis/broken.toml" in said
        assert "colour" in said
        assert "Traceback" not in said
        assert {gate.machine.show(f"gate-{name}.service")["ActiveState"] for name in PROGRAMS if name != "lane"} == {
            "active"
        }
        assert gate.world.screens[-1] == "officer"
        assert gate.is_safe()
    gate.until(gate.is_in_service, "the gate is in service again")


def test_a_program_that_fails_again_and_again_ends_failed_and_starts_when_a_person_says_so(gate: Gate) -> None:
    with gate.changed("screens", "[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=20ms\n") as unit:
        gate.machine.systemctl("restart", "--no-block", unit)
        gate.until(lambda: gate.machine.show(unit)["ActiveState"] == "failed", "the limit is reached")
        shown = gate.machine.show(unit)
        assert 15 <= int(shown["NRestarts"]) <= 20
        assert "Start request repeated too quickly" in gate.machine.journal("-u", unit, "-n", "20")
    gate.until(gate.is_in_service, "the gate is in service again")


def test_the_clock_is_sure_only_by_the_word_of_the_time_service(gate: Gate) -> None:
    ask = ("-c", "from gate_core.programs import clock; print(clock.is_synchronised())")
    flag = "/run/systemd/timesync/synchronized"
    gate.machine.run("mkdir", "-p", "/run/systemd/timesync")
    for program in ("lane", "sync"):
        assert gate.inside(program, *ask) == "False\n"
        gate.machine.run("touch", flag)
        assert gate.inside(program, *ask) == "True\n"
        gate.machine.run("touch", "--date=9 hours ago", flag)
        assert gate.inside(program, *ask) == "False\n"
        gate.machine.run("rm", flag)


def test_the_log_knows_the_boot_though_it_cannot_see_the_kernels_name_for_it(gate: Gate) -> None:
    ask = ("-c", "from gate_core.programs import clock; print(clock.boot_id())")
    assert gate.inside("log", *ask) == gate.machine.run("cat", "/proc/sys/kernel/random/boot_id").stdout
    hidden = ("-c", "import os; print(os.path.exists('/proc/sys/kernel/random/boot_id'))")
    assert gate.inside("log", *hidden) == "False\n"


def test_pcscd_lets_the_lane_in_by_our_rule_and_nobody_else(gate: Gate) -> None:
    ask = ("-c", "from smartcard.scard import *; print(SCardEstablishContext(SCARD_SCOPE_USER)[0] == SCARD_S_SUCCESS)")
    assert gate.inside("lane", *ask) == "True\n"
    assert gate.inside("vision", *ask) == "False\n"
    rule = next((gate.machine.root / "usr/share/polkit-1/rules.d").glob("*portcullis*"))
    text = rule.read_text()
    rule.unlink()
    try:
        gate.machine.systemctl("restart", "polkit.service")
        assert gate.inside("lane", *ask) == "False\n"
    finally:
        rule.write_text(text)
        gate.machine.systemctl("restart", "polkit.service")
    assert gate.inside("lane", *ask) == "True\n"


def test_an_upgrade_restarts_what_runs(gate: Gate) -> None:
    before = {program: gate.pid(program) for program in PROGRAMS}
    gate.machine.run("dpkg", "--install", PACKAGE)
    gate.until(lambda: not {gate.pid(program) for program in PROGRAMS} & {0, *before.values()}, "all are started anew")
    gate.until(gate.is_in_service, "the gate is in service again")
    assert gate.is_safe()


RELAY = "portcullis-modbus-tcp@hall"
BOARD = """\
import socketserver as servers
class Board(servers.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(5))
servers.TCPServer(("127.0.0.1", 5020), Board).serve_forever()
"""
ASK = """\
import socket
asked = socket.socket(socket.AF_UNIX)
try:
    asked.connect("/run/portcullis-hall.sock")
    asked.sendall(b"there")
    print(asked.recv(5))
except OSError as error:
    print(type(error).__name__)
"""


def test_the_lane_alone_reaches_a_board_on_a_network_through_its_relay(gate: Gate) -> None:
    def asked_by(program: str) -> str:
        return gate.inside(program, f"{OPT}/ask.py").strip()

    gate.machine.write(f"{OPT}/ask.py", ASK)
    gate.machine.run("systemd-run", "--unit=board", PYTHON, "-c", BOARD)
    gate.machine.systemctl("start", f"{RELAY}.socket")
    try:
        assert asked_by("lane") in {"b''", "ConnectionResetError"}  # nobody has said which board
        gate.machine.write(
            f"/run/systemd/system/{RELAY}.service.d/board.conf",
            "[Service]\nEnvironment=BOARD=127.0.0.1:5020\nIPAddressAllow=127.0.0.1\n",
        )
        gate.machine.systemctl("daemon-reload")
        gate.machine.systemctl("reset-failed", f"{RELAY}.service", f"{RELAY}.socket", check=False)
        gate.machine.systemctl("restart", f"{RELAY}.socket")
        gate.until(lambda: asked_by("lane") == "b'there'", "the board is reached")
        assert asked_by("screens") == "PermissionError"
    finally:
        gate.machine.systemctl("stop", f"{RELAY}.socket", f"{RELAY}.service", "board.service", check=False)


def test_a_console_is_served_from_where_the_site_says_and_from_nowhere_else(gate: Gate) -> None:
    """With the drop-in of docs/guides/technician.md, A console. Both consoles show the certificate that the gate knows."""
    allowed, another = "192.0.2.9", "192.0.2.17"
    for address in (allowed, another):
        gate.machine.run("ip", "address", "add", f"{address}/32", "dev", "lo")

    def key() -> str:
        return str(gate.status()["detail"]["screens"]["console"]["key"])

    def hears_from(address: str) -> bool:
        pinned = ("--insecure", "--pinnedpubkey", f"sha256//{b64encode(bytes.fromhex(key())).decode()}")
        asked = (
            "--cert",
            f"{CONSOLE}/console.pem",
            "--interface",
            address,
            "--max-time",
            "3",
            f"https://{CONSOLE_ADDRESS}/events",
        )
        return "event: lane" in gate.machine.run("curl", "-sN", *pinned, *asked, check=False).stdout

    made = key()
    assert gate.machine.run("stat", "-c", "%U %a", "/var/lib/portcullis/screens/console.pem").stdout == (
        "portcullis-screens 600\n"
    )
    assert not hears_from(allowed)  # loopback alone, as shipped
    with gate.changed("screens", "[Service]\nIPAddressAllow=192.0.2.0/28\n") as unit:
        gate.machine.systemctl("restart", unit)
        gate.until(gate.is_in_service, "the gate is in service again")
        gate.until(lambda: hears_from(allowed), "the console hears the lane")
        assert not hears_from(another)
        assert key() == made
    gate.until(gate.is_in_service, "the gate is in service again")


def test_nothing_personal_is_in_the_journal_of_the_whole_boot(gate: Gate) -> None:
    gate.officer("present")
    assert gate.world.travel("genuine", "t9").passed == 1
    company = Company(identities(), Issuer(SEED), SEED, lays_pages=False)
    lines: list[str] = []
    for name in ("t0", "t1", "t2", "t9"):
        passport: Any = company.cast(name, read_scenarios(scenario_folder())["genuine"]).passport
        lines += passport.mrz_lines
    names = {part for line in lines[::2] for part in line[5:].split("<") if len(part) > 3}
    personal = {*lines, *names, *(line[:9] for line in lines[1::2])}
    planted = "P<UTOPLANTED<<CANARY"
    gate.machine.run("systemd-cat", "-t", "gate", "echo", planted)
    journal = gate.machine.run("journalctl", "--no-pager", "--all", "--output=export").stdout
    assert [value for value in (planted,) if value in journal] == [planted]
    assert len(journal) > 10_000
    assert [value for value in sorted(personal) if value.casefold() in journal.casefold()] == []
