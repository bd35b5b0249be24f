"""`gate` commands as a user who may do nothing here. Needs root to become them.

The interpreter may lie where nobody else can read it, so one process imports everything first, and each command is a fork of it that
becomes the other user before it begins.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fakes.strangers import NOBODY

DEADLINE_S = 300
_RUN = """
import importlib, json, os, pkgutil, signal, sys, tempfile, traceback
uid, cases = int(sys.argv[1]), json.load(sys.stdin)
for package in ("gate.cli", "gate", "gate_core", "gate_central", "gate_officers", "gate_lab", "gate_demo", "gate_documents", "gate_verify", "drivers", "models", "rich", "typer", "asyncio", "email", "encodings", "importlib", "json", "logging", "multiprocessing"):
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(module.__path__, package + "."):
        if not found.name.startswith(("gate_lab.train", "gate_lab.evaluate", "models.convert")) and not found.name.endswith("__main__"):
            try:
                importlib.import_module(found.name)
            except Exception:
                pass  # of what somebody else wrote
import gate_core.command_line.main, _strptime, zoneinfo, csv, tomllib, sqlite3, html, webbrowser, importlib.metadata
version = importlib.metadata.version("portcullis-core")
gate_core.command_line.main.installed()

def run(words):
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    pid = os.fork()
    if not pid:
        signal.alarm(60)
        os.dup2(out.fileno(), 1); os.dup2(err.fileno(), 2); os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        sys.stdin = open(0, closefd=False)
        os.chdir("/")
        os.setgroups([]); os.setgid(uid); os.setuid(uid)
        sys.argv[:] = ["gate", *words]
        code = 0
        try:
            gate_core.command_line.main.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        except BaseException:
            traceback.print_exc()
            code = 99
        sys.stdout.flush() if sys.stdout else None; sys.stderr.flush()
        os._exit(code)
    _, status = os.waitpid(pid, 0)
    out.seek(0); err.seek(0)
    return [os.waitstatus_to_exitcode(status), out.read().decode(), err.read().decode()]

json.dump([run(words) for words in cases], sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def gate(commands: list[list[str]], *, uid: int = NOBODY) -> list[Ended]:
    """Run these commands, one after another."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(uid)],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        cwd=Path("/"),
    )
    assert done.returncode == 0, done.stderr
    return [Ended(*one) for one in json.loads(done.stdout)]
