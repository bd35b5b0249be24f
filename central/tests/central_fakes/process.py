"""`gate central serve` as a process, and its folder as `gate central init` makes it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gate_central import folder, settings
from gate_central.database import open_database
from gate_central.roster import Roster
from gate_core.audit_format.note import Verifier

KEPT = ("--crossings-kept-days", "3650", "--others-kept-days", "3650")  # for gate central init


@contextlib.contextmanager
def serving(central: Path, port: int = 0) -> Iterator[int]:
    """Run the server and yield its port; it ends without warning. A folder that does not say how long keys are kept says so then."""
    if not (central / settings.NAME).exists():
        (central / settings.NAME).write_text("[kept]\ncrossings_days = 3650\nothers_days = 3650\n")
    command = [sys.executable, "-m", "gate_core", "central", "serve", "--dir", str(central), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            yield int(json.loads(started.stdout.readline())["port"])
        finally:
            started.kill()


def registered(central: Path, gate_id: str, log: Verifier, fingerprint: str) -> None:
    """Enter a gate in the roster."""
    engine = open_database(folder.database_url(central, None))
    roster, now_s = Roster(engine), 1_800_000_000
    token = roster.new_token(gate_id, now_s + 1)
    roster.enrol(token, gate_id, log, certificate=fingerprint, now_s=now_s, at="2026-11-25T10:00:00.000Z")
    engine.dispose()
