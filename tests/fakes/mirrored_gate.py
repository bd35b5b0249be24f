"""A gate with a log, and a central server as a real process on loopback: what the end-to-end sync tests are made of."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w
from central_fakes.process import KEPT
from fakes.audit_logs import SmallLog

from gate.device_certificate.device import DEVICE
from gate.programs.shared.config import Config, load
from gate_core.audit_format.note import Signer

DEADLINE_S = 30.0
GATE_ID = "gate-0001"


def gate_command(*arguments: str, check: bool = True, told: str = "") -> dict[str, Any]:
    """Run `gate … --json`, `told` on its standard input, and return its document; fails with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "gate.cli", *arguments, "--json"],
        capture_output=True,
        text=True,
        input=told,
        timeout=DEADLINE_S,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"gate {' '.join(arguments[:2])}: {done.returncode}: {done.stderr}{done.stdout}")
    document: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    return document


@dataclass
class Central:
    """`gate central serve` as a child, which can be killed and started again on the same port."""

    folder: Path
    database: str | None = None
    port: int = 0
    ca: str = ""
    mirror_vkey: str = ""
    updates: Path | None = None
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def init(self) -> None:
        made = gate_command("central", "init", "--dir", str(self.folder), "--name", "127.0.0.1", *KEPT)
        self.ca, self.mirror_vkey = made["ca"], made["mirror_vkey"]

    def command(self, verb: str, *arguments: str) -> dict[str, Any]:
        return gate_command("central", verb, *arguments, "--dir", str(self.folder), *self._database())

    def start(self) -> None:
        arguments = (
            "central",
            "serve",
            "--dir",
            str(self.folder),
            "--port",
            str(self.port),
            *self._database(),
            *self._updates(),
        )
        with (self.folder / "central.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gate.cli", *arguments], stdout=subprocess.PIPE, stderr=output, text=True
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (self.folder / "central.log").read_text()
        self.port = json.loads(line)["port"]

    def stop(self, number: int = signal.SIGKILL) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(DEADLINE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            self.stop(signal.SIGTERM)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _updates(self) -> tuple[str, ...]:
        return () if self.updates is None else ("--updates", str(self.updates))

    def _database(self) -> tuple[str, ...]:
        return () if self.database is None else ("--database", self.database)


@dataclass
class MirroredGate:
    """A gate's folders, keys and configuration around a small log."""

    root: Path
    log: SmallLog
    gate_id: str = GATE_ID

    @classmethod
    def make(cls, root: Path, gate_id: str = GATE_ID) -> MirroredGate:
        for name in ("run", "state", "keys", "inbox", "log"):
            (root / name).mkdir(parents=True)
        origin = f"border.example/{gate_id}/demo"
        gate = cls(root, SmallLog(root / "log", Signer.generate(origin)), gate_id)
        log_key = root / "keys" / "log.key"
        log_key.touch(0o600)
        log_key.write_text(gate.log.signer.secret_text() + "\n")
        gate.file.write_bytes(tomli_w.dumps(gate._table()).encode())
        return gate

    @property
    def file(self) -> Path:
        return self.root / "gate.toml"

    @property
    def device(self) -> Path:
        """The file of its key and certificate."""
        assert self.config.sync is not None
        return Path(self.config.sync.identity) / DEVICE

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def config(self) -> Config:
        return load(self.file)

    def enrol(self, central: Central, *, check: bool = True, token: str | None = None) -> dict[str, Any]:
        token = token or central.command("token", self.gate_id)["token"]
        return gate_command(
            *("provision", "enrol", "--config", str(self.file), "--central", central.address),
            *("--ca", central.ca),
            check=check,
            told=token,
        )

    @contextlib.contextmanager
    def syncing(self) -> Iterator[None]:
        """The sync program as a child."""
        with (self.root / "sync.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gate.cli", "run", "sync", "--config", str(self.file)],
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(DEADLINE_S)

    def _table(self) -> dict[str, Any]:
        names = ("run", "state", "inbox", "keys", "identity")
        return {
            "purpose": "demo",
            "gate_id": self.gate_id,
            "operator": "border.example",
            "paths": {**{name: str(self.root / name) for name in names}, "spool": str(self.log.spool)},
            "barrier": {"port": "none"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": [str(one.to_public()) for one in self.log.auditors]},
        }
