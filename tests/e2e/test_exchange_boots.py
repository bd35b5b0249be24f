"""The exchange of a site as the package ships it, under a real systemd: set up as docs/protocols/exchange.md says, and asked by two gates.

Both gates are certificates and curl on the booted machine's loopback: the unit lets nobody else in before a drop-in says so. Whatever they say and
hear passes through pipes; so what a mark or a key is found in was written by the exchange, or by systemd for it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from fakes.boot.machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.e2e]

UNIT, USER, FOLDER = "portcullis-exchange.service", "portcullis-exchange", "/var/lib/portcullis-exchange"
FILE, CERTIFICATES = "/etc/portcullis/exchange.toml", "/etc/portcullis/exchange"
HOST = "127.0.0.1:8460"
GATES = ("north-7", "north-8")
DEADLINE_S = 30.0
CHIP, OTHER = (hashlib.sha256(of).digest() for of in (b"a canary's security object", b"another's"))
SETTINGS = f"""\
address = "{HOST}"
identity = "{FOLDER}/exchange.pem"
time_zone = "Europe/Amsterdam"

[gates]
north-7 = "{CERTIFICATES}/north-7.crt"
north-8 = "{CERTIFICATES}/north-8.crt"
"""


def until(question: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not question():
        assert time.monotonic() < ends, what
        time.sleep(0.2)


def asked(machine: Machine, gate: str, question: str, body: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """What the exchange says to whoever shows this certificate, with the status on a line of its own."""
    shows = ("--cert", f"/root/{gate}/{gate}.pem") if gate else ()
    words = ("curl", "-s", "--max-time", "10", "--cacert", f"{FOLDER}/exchange.crt", *shows)
    more = ("--write-out", "\n%{http_code}", "--data", "@-", f"https://{HOST}{question}")
    return machine.run(*words, *more, stdin=json.dumps(body), check=False)


def said(machine: Machine, gate: str, question: str, body: dict[str, Any]) -> dict[str, Any]:
    done = asked(machine, gate, question, body)
    text, _, status = done.stdout.rpartition("\n")
    assert (done.returncode, status) == (0, "200"), done
    told: dict[str, Any] = json.loads(text)
    return told


def key_of(machine: Machine) -> bytes:
    """Today's key, when the exchange answers."""
    until(lambda: asked(machine, GATES[0], "/reuse/key", {}).returncode == 0, "it answers")
    return bytes.fromhex(said(machine, GATES[0], "/reuse/key", {})["key"])


def mark_of(key: bytes, security_object: bytes = CHIP) -> str:
    return (hashlib.sha256(key).digest()[:8] + hmac.digest(key, security_object, "sha256")).hex()


def test_installing_starts_nothing_and_makes_a_user_and_a_folder(server: Machine) -> None:
    shown = server.show(UNIT)
    assert (shown["UnitFileState"], shown["ActiveState"], shown["User"]) == ("disabled", "inactive", USER)
    assert server.run("stat", "-c", "%U %G %a", FOLDER).stdout == f"{USER} {USER} 700\n"


def test_a_chip_at_one_gate_and_then_at_the_other_is_a_hit_there(server: Machine) -> None:
    init = ("gate", "exchange", "init", "--out")
    server.run("runuser", "-u", USER, "--", *init, FOLDER, "--name", "exchange", "--host", HOST.partition(":")[0])
    for gate in (*GATES, "stranger"):  # each on a machine of its own, elsewhere
        server.run(*init, f"/root/{gate}", "--name", gate)
    server.run("mkdir", CERTIFICATES)
    for gate in GATES:
        server.run("cp", f"/root/{gate}/{gate}.crt", CERTIFICATES)
    server.write(FILE, SETTINGS)
    server.systemctl("enable", "--now", UNIT)

    first, chip = (mark_of(key_of(server), one) for one in (OTHER, CHIP))
    assert said(server, GATES[0], "/reuse/mark", {"mark": first, "minutes": 1})["answer"] == "unsure", (
        "it has just started"
    )
    time.sleep(60)
    question = {"mark": chip, "minutes": 1}
    assert said(server, GATES[0], "/reuse/mark", question) == {"mark": chip, "answer": "none"}
    hit = said(server, GATES[1], "/reuse/mark", question)
    assert (hit["answer"], hit["gate"], len(hit["at"])) == ("hit", GATES[0], 5)
    assert said(server, GATES[1], "/reuse/mark", {"mark": first, "minutes": 60})["answer"] == "unsure", (
        "a minute is over"
    )


@pytest.mark.parametrize("name", ["stranger", "exchange", ""])
def test_who_shows_no_gate_s_certificate_gets_nothing(name: str, server: Machine) -> None:
    if name == "exchange":
        server.run("install", "-D", "-m", "0600", f"{FOLDER}/{name}.pem", f"/root/{name}/{name}.pem")
    done = asked(server, name, "/reuse/key", {})
    assert (done.returncode != 0, done.stdout.strip()) == (True, "000"), done


def test_it_runs_confined_as_its_user_and_can_write_no_file(server: Machine) -> None:
    shown = server.show(UNIT)
    assert (shown["SubState"], shown["User"], shown["NoNewPrivileges"]) == ("running", USER, "yes")
    assert set(shown["IPAddressDeny"].split()) == {"0.0.0.0/0", "::/0"}
    assert set(shown["IPAddressAllow"].split()) == {"127.0.0.0/8", "::1/128"}
    assert (shown["ProtectSystem"], shown.get("CapabilityBoundingSet", ""), shown["MemorySwapMax"]) == (
        "strict",
        "",
        "0",
    )
    process = shown["MainPID"]
    assert server.run("stat", "-c", "%U", f"/proc/{process}/mem").stdout == "root\n", "nobody else reads its memory"
    for limit in ("Max file size", "Max core file size"):
        (line,) = (one for one in server.run("cat", f"/proc/{process}/limits").stdout.splitlines() if limit in one)
        assert line.split()[-3:-1] == ["0", "0"], line
    inside = ("nsenter", "-t", process, "-m", "-w/", "--")
    assert server.run(*inside, "runuser", "-u", USER, "--", "test", "-w", FOLDER, check=False).returncode == 1
    for other in ("authority", "central", "console"):
        path = f"/var/lib/portcullis-{other}"
        assert server.run("stat", "-c", "%a", path).stdout == "700\n"
        assert server.run(*inside, "stat", "-c", "%a", path).stdout == "0\n", "it does not see what is there"


def test_a_process_that_is_killed_is_back_with_another_key_and_no_mark(server: Machine) -> None:
    before = key_of(server)
    server.systemctl("kill", "--signal=SIGKILL", UNIT)
    until(lambda: asked(server, GATES[0], "/reuse/key", {}).returncode != 0, "it is gone")
    after = key_of(server)
    assert after != before
    old = asked(server, GATES[1], "/reuse/mark", {"mark": mark_of(before), "minutes": 30})
    assert old.stdout.endswith("\n409"), old
    assert said(server, GATES[1], "/reuse/mark", {"mark": mark_of(after), "minutes": 30})["answer"] == "unsure"


@pytest.mark.parametrize(
    ("change", "why", "code", "ends"),
    [
        (("address", "colour"), "colour: unknown setting", "78", "failed"),
        (("Europe/Amsterdam", "Atlantis/Capital"), "time_zone", "78", "failed"),
        (("north-8.crt", "north-7.crt"), "gates.north-8: is the certificate of north-7, too", "78", "failed"),
        (("north-8.crt", "north-9.crt"), "north-9.crt: No such file or directory", "74", "activating"),
        (("exchange.pem", "nothing.pem"), "nothing.pem: No such file or directory", "74", "activating"),
    ],
    ids=range(5),
)
def test_a_mistake_in_its_settings_is_one_line_and_only_what_may_come_yet_is_tried_again(
    change: tuple[str, str], why: str, code: str, ends: str, server: Machine
) -> None:
    server.write(FILE, SETTINGS.replace(*change, 1))
    try:
        server.systemctl("restart", UNIT, check=False)
        until(lambda: server.show(UNIT)["ActiveState"] == ends, "it is down")
        shown = server.show(UNIT)
        assert shown["ExecMainStatus"] == code
        lines = server.journal(f"_SYSTEMD_INVOCATION_ID={shown['InvocationID']}").splitlines()
        assert [why in one for one in lines] == [True], lines
    finally:
        server.systemctl("stop", UNIT)
        server.write(FILE, SETTINGS)
        server.systemctl("start", UNIT)
    key_of(server)


def found_in(server: Machine, since: str, secrets: list[bytes]) -> set[str]:
    """The files of the machine, and the journal, that hold one of these."""
    changed = ("-newer", since, "-type", "f", "-size", "-100000k", "-print0")
    places = ("/", "/run", "/tmp", "/dev/shm")  # a file system each
    listed = server.run("find", *places, "-xdev", *changed).stdout
    held = {one for one in listed.split("\0") if one and any(it in _content(server, one) for it in secrets)}
    journal = server.journal("--output=export").encode()
    return held | ({"the journal"} if any(it in journal for it in secrets) else set())


def _content(server: Machine, path: str) -> bytes:
    try:
        return (server.root / path.lstrip("/")).read_bytes()
    except FileNotFoundError:  # it was for a moment
        return b""


def test_no_mark_and_no_key_is_on_the_disk_or_in_the_journal(server: Machine) -> None:
    server.write("/root/since", "")
    key = key_of(server)
    for body in ({"mark": mark_of(key), "minutes": 30}, {"mark": mark_of(key)[:-1]}, {"mark": mark_of(key), "more": 1}):
        assert asked(server, GATES[0], "/reuse/mark", body).returncode == 0
    server.systemctl("kill", "--signal=SIGABRT", UNIT)  # which would leave a core
    until(lambda: asked(server, GATES[0], "/reuse/key", {}).returncode != 0, "it is gone")
    key_of(server)
    said_of = bytes.fromhex(mark_of(key))[8:]
    secrets = [key, key.hex().encode(), said_of, said_of.hex().encode(), CHIP, CHIP.hex().encode()]
    assert found_in(server, "/root/since", secrets) == set()

    server.write("/var/tmp/planted", f"a mark: {mark_of(key)}")
    server.run("systemd-cat", "echo", mark_of(key))
    until(
        lambda: found_in(server, "/root/since", secrets) >= {"/var/tmp/planted", "the journal"},
        "it is looked for",
    )


def test_purging_leaves_nothing(server: Machine) -> None:
    server.run("dpkg", "--purge", "portcullis-central")
    assert server.show(UNIT)["LoadState"] == "not-found"
    assert not (server.root / FOLDER.lstrip("/")).exists()
