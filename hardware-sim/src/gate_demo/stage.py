"""The demo's folders, keys, lists and configuration, made as a technician makes them: with the `gate` commands."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pyrage
import tomli_w

from gate.lists.entries import digest_of, written
from gate.lists.header import ANYWHERE, About, Header, signed
from gate.programs.shared import config as configuration
from gate.programs.shared.config import Config
from gate_core.audit_format import keys
from gate_core.audit_format.note import Signer
from gate_core.programs import clock
from gate_demo.world import Ready

NAME: Final = "stolen-documents"
AGENCY: Final = "police.invalid"
LISTED: Final = (("UTO", "ST0LEN017"), ("UTO", "ST0LEN018"), ("D", "C01X0006H"))
CREDENTIAL: Final = "police-numbers"
OPERATOR = "demo.invalid"
GATE_ID = "gate-0001"
OFFICER = "demo-officer"
SUPERVISOR = "demo-supervisor"
LANGUAGES = ("en", "fr", "ar", "zh-Hans", "de", "hi", "ru", "es")
COMMAND_DEADLINE_S = 120.0


def publish_list(folder: Path, keys: Path) -> dict[str, object]:
    """Publish the list into a new folder of downloads, its number key into `keys`; return the table [registers] for it.

    Made at the start of each demo, as an agency does (docs/protocols/signed-lists.md): the keys are for that demo only.
    """
    signer, secret = Signer.generate(AGENCY), secrets.token_bytes(32)
    (keys / CREDENTIAL).write_text(f"{secret.hex()}\n")
    entries = written([digest_of(secret, *one) for one in LISTED])
    now = clock.now().replace(microsecond=0)
    header = Header(
        agency=AGENCY,
        name=NAME,
        serial=1,
        about=About.LOST_DOCUMENTS,
        purpose="Documents that were reported stolen in the demo's state",
        basis="Order 2 of the demo's border police, Article 1",
        instructions="Keep the passport, and ask how they came by it.",
        issued=now - timedelta(minutes=1),
        first=now - timedelta(days=1),
        last=now + timedelta(days=30),
        age_max_hours=24,
        priority=1,
        copies_at=(ANYWHERE,),
        copies_kept_hours=24,
        numbers=len(LISTED),
        names=0,
        names_allowed=False,
        entries=hashlib.sha256(entries).hexdigest(),
    )
    incoming = folder / "registers-incoming"
    incoming.mkdir()
    (incoming / f"{NAME}.entries").write_bytes(entries)
    (incoming / f"{NAME}.note").write_bytes(signed(header, signer))
    listed = {"agency": AGENCY, "keys": [signer.verifier.vkey], "secret": CREDENTIAL}
    return {"folder": str(folder / "registers"), "incoming": str(incoming), "lists": {NAME: listed}}


class StageError(Exception):
    """The demo's stage could not be prepared, or one of its commands failed."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The paths of one demo."""

    folder: Path
    config_path: Path
    config: Config
    vkey: Path
    identities: tuple[Path, ...]
    shift: Path
    authority: Path  # the key of the officers' authority
    supervisor: Path | None  # the key of a person who may turn a lane with both directions
    console: Path  # the key and certificate of the officers' console beside the gate

    @property
    def spool(self) -> Path:
        """Return the folder of the published log."""
        return Path(self.config.paths.spool)

    def log_of(self, program: str) -> Path:
        """Return the file of a program's messages."""
        return self.folder / f"{program}.log"


def command(*arguments: str, may_say_no: bool = False, told: str = "") -> dict[str, Any]:
    """Run a `gate` command with --json and `told` as standard input; return its document. Raises StageError."""
    name = f"gate {' '.join(arguments[:2])}"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", *arguments, "--json"],
            capture_output=True,
            text=True,
            input=told,
            timeout=COMMAND_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StageError(f"{name}: took longer than {COMMAND_DEADLINE_S:.0f} s") from error
    if done.returncode and not (may_say_no and done.returncode == 1):
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise StageError(f"{name}: {last[0]}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def auditors(folder: Path, count: int = 2) -> tuple[tuple[Path, str], ...]:
    """Create auditors' identities: files in the format of Debian's `age`, and their recipients."""
    made = []
    for number in range(1, count + 1):
        identity = pyrage.x25519.Identity.generate()
        path = folder / f"auditor-{number}.identity"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{identity}\n")
        made.append((path, str(identity.to_public())))
    return tuple(made)


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def reader_tables(ready: Ready) -> dict[str, object]:
    """Return the configuration of the world's document reader: the table [page] or [swipe]."""
    if ready.page is not None:
        return {"page": {"driver": "camera", "address": ready.page}}
    settings = {key: value for key, value in ready.reader.items() if key != "kind"}
    return {"swipe": {"port": ready.swipe, **settings}}


def barrier_tables(ready: Ready) -> dict[str, object]:
    """Return the tables of the lane's doors: [barrier], and for two doors [first_barrier] and [sensors]."""
    ports = {"barrier": ready.barrier, "first_barrier": ready.first_barrier, "sensors": ready.sensors}
    tables: dict[str, object] = {name: {"port": port} for name, port in ports.items() if port is not None}
    if ready.sensors is not None:
        tables["sensors"] = {"port": ready.sensors, "profile": "portcullis-sim"}
    return tables


def prepare(
    folder: Path,
    ready: Ready,
    *,
    state: Path,
    models: Path,
    face_profile: str,
    enrol: Callable[[Path], None],
    role: str = "officer",
    presence_max_s: int = 5,
    registers: bool = False,
    both_ways: bool = False,
) -> Stage:
    """Create keys, trust store and `gate.toml` for the world's devices. `state` must exist; `enrol` receives gate.toml's path at
    the end. An officer's report is valid for `presence_max_s`. `registers`: a signed list must answer for each
    document. `both_ways`: the lane serves both directions, and a supervisor may turn it.
    """
    (folder / "rules.toml").write_text(Path(__file__).with_name("site_rules.toml").read_text())
    for name in ("keys", "run", "spool", "inbox"):
        (folder / name).mkdir()
    people = auditors(folder)
    authority, shift = folder / "officers-authority.key", folder / "shift.key"
    made = command("officer", "authority", "init", "--out", str(authority))
    command(
        *("officer", "authority", "certify", "--authority", str(authority), "--out", str(shift)),
        *("--officer", OFFICER, "--role", role, "--gate", GATE_ID),
    )
    supervisor = folder / "supervisor.key" if both_ways else None
    if supervisor is not None:
        command(
            *("officer", "authority", "certify", "--authority", str(authority), "--out", str(supervisor)),
            *("--officer", SUPERVISOR, "--role", "supervisor", "--gate", GATE_ID),
        )
    console = command("console", "init", "--out", str(folder / "console"), "--name", "demo-console")
    store = folder / "trust.sqlite"
    command("trust", "import", *ready.csca, "--store", str(store), "--test")
    table = {
        "purpose": "demo",
        "gate_id": GATE_ID,
        "operator": OPERATOR,
        "paths": {
            "run": str(folder / "run"),
            "state": str(state),
            "spool": str(folder / "spool"),
            "inbox": str(folder / "inbox"),
            "keys": str(folder / "keys"),
            "identity": str(folder / "identity"),
            "models": str(models),
            "trust": str(store),
        },
        **barrier_tables(ready),
        **reader_tables(ready),
        "chip": {"driver": ready.chip.kind, "socket": ready.chip.socket},
        "camera": {"driver": "network", "address": ready.camera, "challenge": True},
        "face": {"profile": face_profile},
        "rules": {
            "officer_presence_max_s": presence_max_s,
            "written": str(folder / "rules.toml"),
            "directions": ["entry", "exit"] if both_ways else ["entry"],
        },
        "fairness": {
            "groups": ["age_band", "sex", "issuer"],
            "basis": "Order 1 of the demo's border police, Article 5",
        },
        "officers": {"authority": made["authority"]},
        "console": {"address": f"127.0.0.1:{free_port()}", "certificates": console["certificate"]},
        "audit": {"recipients": [recipient for _, recipient in people]},
        # The profile `clean` uses the display's light; its weights are only for people in sequences.
        "screens": {"port": free_port(), "challenge": face_profile == "standard", "languages": LANGUAGES},
        "notice": {"contact": f"privacy@{OPERATOR}", "address": f"https://{OPERATOR}/{GATE_ID}"},
    }
    if registers:
        table["registers"] = publish_list(folder, folder / "keys")
    path = folder / "gate.toml"
    path.write_bytes(tomli_w.dumps(table).encode())
    config = configuration.load(path)
    verifier = keys.generate(folder / "keys" / "log.key", config.origin)
    vkey = folder / "gate.vkey"
    vkey.write_text(f"{verifier.vkey}\n")
    enrol(path)
    return Stage(
        folder,
        path,
        configuration.load(path),
        vkey,
        tuple(identity for identity, _ in people),
        shift,
        authority,
        supervisor,
        Path(console["identity"]),
    )
