"""A private PostgreSQL server for tests and measurements: a user that is not root, a socket in a folder of its own, no network."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

_TICKS_S = os.sysconf("SC_CLK_TCK")


def _tool(name: str) -> str | None:
    """A server's own tool; Debian keeps them off the path."""
    found = [str(one) for one in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    return found[-1] if found else shutil.which(name)


INITDB, PG_CTL, PG_BASEBACKUP = _tool("initdb"), _tool("pg_ctl"), _tool("pg_basebackup")
IS_HERE = INITDB is not None and PG_CTL is not None and find_spec("psycopg") is not None
NOT_HERE = "PostgreSQL is not installed"


@dataclass
class Postgresql:
    """A server that runs."""

    folder: Path

    def url(self, database: str = "postgres") -> str:
        """The URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new_database(self, name: str) -> str:
        """Make a database and return its URL."""
        engine = sa.create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
        engine.dispose()
        return self.url(name)

    def crash_and_start(self) -> None:
        """End it as a power cut of the program would, and start it again."""
        self._ctl("-m", "immediate", "-w", "stop")
        self._start()

    def stand_by(self) -> None:
        """Bring a stand-by up to what is here now; it hears of nothing after."""
        assert PG_BASEBACKUP is not None
        _as_server(
            PG_BASEBACKUP, "-h", str(self.folder), "-U", "postgres", "-D", f"{self.folder}/standby", "-c", "fast"
        )

    def fail_over(self) -> None:
        """End the server as a power cut would, and let the stand-by take its place under the same address, on a timeline of its own."""
        self._ctl("-m", "immediate", "-w", "stop")
        (self.folder / "data").rename(self.folder / "dead")
        (self.folder / "standby").rename(self.folder / "data")
        _as_server("touch", f"{self.folder}/data/standby.signal")
        self._start()
        self._ctl("-w", "promote")

    def cpu_s(self) -> float:
        """Processor time of the server and all of its processes, those that have ended too."""
        first = (self.folder / "data" / "postmaster.pid").read_text().split()[0]
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                if stat.parent.name == first:
                    ticks += sum(map(int, fields[11:15]))  # its own, and that of children it has waited for
                elif fields[1] == first:
                    ticks += sum(map(int, fields[11:13]))
        return ticks / _TICKS_S

    def _start(self) -> None:
        options = f"-c listen_addresses= -k {self.folder} -c max_connections=100"
        self._ctl("-o", options, "-l", f"{self.folder}/server.log", "-w", "start")

    def _ctl(self, *arguments: str) -> None:
        assert PG_CTL is not None
        _as_server(PG_CTL, "-D", f"{self.folder}/data", *arguments)


@contextlib.contextmanager
def running() -> Iterator[Postgresql]:
    """Make a server and end it. What it was told to keep is on the disk, as in service."""
    assert INITDB is not None
    with tempfile.TemporaryDirectory(prefix="portcullis-pg-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        _as_server(INITDB, "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        server = Postgresql(Path(folder))
        server._start()
        try:
            yield server
        finally:
            server._ctl("-m", "immediate", "-w", "stop")


def _as_server(*command: str) -> None:
    """Run a tool; PostgreSQL refuses to be root."""
    user = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    subprocess.run([*user, *command], check=True, capture_output=True, timeout=120)
