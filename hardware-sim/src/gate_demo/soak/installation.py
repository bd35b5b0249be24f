"""One installation on disk: a gate's folders with the real log program, sync's rounds, trust store and updates, and a central server.

Time is the soak's. What needs threads and sockets runs on a loop of its own in a second thread; the caller waits for it,
so simulated time stands still meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sqlite3
import threading
import time
import uuid
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import pyrage
import tomli_w

from gate.audit.key_days import KeyDays
from gate.channel import log_messages
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.device_certificate.device import Identity
from gate.programs.log import program as log_program
from gate.programs.log.context import Timing
from gate.programs.shared import config as configuration
from gate.programs.sync.program import Outbox
from gate.programs.sync.upkeep import MirrorKeys, Upkeep
from gate.programs.update import steps
from gate.programs.update.ledger import Install, Journal, Ledger
from gate.programs.update.machine import ALWAYS, Check, Programs
from gate.programs.update.places import Configuration, Models, Software, emptied
from gate.provision.enrolment import Central, enrolment_steps
from gate.trust.freshness import Alarm, alarms
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate.updates.download import locked
from gate.updates.layout import Kind
from gate_core.audit_format import keys
from gate_core.audit_format.note import Verifier
from gate_demo.soak.centre import ADDRESS, Centre
from hardware_sim.passport.publications import Publications

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

Answer = TypeVar("Answer")
GATE_ID: Final = "soak-1"
OTHERS_KEPT_DAYS: Final = 183
LISTS_AGE_MAX_DAYS: Final = 90
CRL_DAYS: Final = 90
PYTHON: Final = "3.11"  # of the versions that updates bring
WAIT_S: Final = 30.0  # of real time, for what the log program does by itself
LOOK_S: Final = 0.02
BEGINS_S: Final = 1_000.0  # of the virtual loop
LONGEST_SOCKET: Final = "gate/run/portcullis-log/status.sock"
SOCKET_BYTES_MAX: Final = 107  # of a Unix socket's path
FOLDERS: Final = ("state", "spool", "inbox", "keys", "identity", "trust")  # what the gate keeps on its disk
WRITTEN: Final = ("state", "spool", "inbox")  # by the log and by sync, in service
# Real seconds between the log program's looks: it lives a day of the soak in some seconds.
TIMING: Final = Timing(
    receipts_every_s=0.05, erasures_every_s=0.5, keys_every_s=0.5, clock_every_s=0.05, publish_again_s=0.1
)


class EventCounts(logging.Handler):
    """Counts the journal's lines by their event."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count one line."""
        self.counts[str(record.msg)] += 1


@dataclass(slots=True)
class Clock:
    """The soak's clocks. `loop_s`: the virtual loop's; `quiet_s`: hours in which nothing happened; `jump_s`: the wall clock's error."""

    begins: datetime
    loop_s: Callable[[], float]
    quiet_s: float = 0.0
    jump_s: float = 0.0

    @property
    def lived_s(self) -> float:
        """Return the installation's age."""
        return self.loop_s() - BEGINS_S + self.quiet_s

    def true(self) -> datetime:
        """Return the right time."""
        return self.begins + timedelta(seconds=self.lived_s)

    def wall(self) -> datetime:
        """Return the wall clock of the gate."""
        return self.true() + timedelta(seconds=self.jump_s)

    def monotonic_ms(self) -> int:
        """Return the gate's CLOCK_MONOTONIC."""
        return int((self.lived_s + BEGINS_S) * 1_000)


class Beside:
    """A loop of its own in a second thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="beside")
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run it there, and wait for its end."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        """End the thread."""
        self.call(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@dataclass(slots=True)
class LogProgram:
    """The running log program, and our connection to it."""

    task: asyncio.Task[None]
    stop: asyncio.Event
    connection: Any


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days the gate keeps keys of crossings, and entries that the central server holds."""

    crossings: int
    mirrored: int
    others: int = OTHERS_KEPT_DAYS

    @classmethod
    def in_a_soak_of(cls, days: int) -> Kept:
        """Return the least that a site may set; in a short soak less, so that something is deleted."""
        return cls(5, 7) if days >= 20 else cls(1, 1, 1)


class Installation:
    """The installation in `folder`. `start` before anything else, `close` at the end."""

    def __init__(self, folder: Path, clock: Clock, *, seed: int, kept: Kept) -> None:
        self.folder, self.clock, self.kept = folder, clock, kept
        self.journal = EventCounts()
        self.centre = Centre(folder / "centre", clock.true, crossings_days=kept.crossings)
        self._beside = Beside()
        self._boot = str(uuid.uuid4())
        self._file = folder / "gate" / "gate.toml"
        self._install()
        self._log: LogProgram | None = None
        self._lists = Publications(seed, today=(clock.begins - timedelta(days=LISTS_AGE_MAX_DAYS)).date())
        self._editions = 0
        self._trust: TrustStore
        self._outbox: Outbox | None = None
        self._upkeep: Upkeep | None = None
        self._version = 1
        self.newest_index = -1  # of the records whose receipt the lane has

    def _install(self) -> None:
        home = self._file.parent
        for name in ("run", *FOLDERS, "models", "library/versions/1/bin"):
            (home / name).mkdir(parents=True)
        (home / "library/current").symlink_to("versions/1")
        (home / "library/versions/1/bin/python3").symlink_to("/usr/bin/python3")
        recipients = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]
        paths = {name: str(home / name) for name in ("run", *FOLDERS, "models")}
        table = {
            "purpose": "demo",
            "gate_id": GATE_ID,
            "operator": "soak.example",
            "paths": {**paths, "trust": str(home / "trust" / "trust.sqlite")},
            "barrier": {"port": "none"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1/stream"},
            "audit": {"recipients": recipients},
        }
        self._file.write_text(tomli_w.dumps(table))
        keys.generate(home / "keys" / "log.key", self.config.origin)

    @property
    def config(self) -> configuration.Config:
        """Read gate.toml. Retention is the soak's own: a short one deletes sooner than a site's file may say."""
        found, kept = configuration.load(self._file), self.kept
        audit = msgspec.structs.replace(found.audit, others_kept_days=kept.others, mirrored_kept_days=kept.mirrored)
        notice = configuration.Notice(contact="x", address="https://x.example", results_kept_days=kept.crossings)
        return msgspec.structs.replace(found, audit=audit, notice=notice)

    # ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the log program."""
        self._log = self._beside.call(self._start())

    async def _start(self) -> LogProgram:
        stop, clock, config = asyncio.Event(), self.clock, self.config
        running = log_program.run(
            config,
            stop=stop,
            wall=clock.wall,
            monotonic_ms=clock.monotonic_ms,
            boot=self._boot,
            synchronised=lambda: not clock.jump_s,
            timing=TIMING,
        )
        task = asyncio.ensure_future(running)
        socket, until_s = config.socket("log"), time.monotonic() + WAIT_S
        while not socket.exists() and not task.done() and time.monotonic() < until_s:  # noqa: ASYNC110 - another task
            await asyncio.sleep(LOOK_S)
        if task.done():
            task.result()
        return LogProgram(task, stop, await connect(CHANNELS.log, socket))

    def stop(self) -> None:
        """Stop the log program as systemd does."""
        self._beside.call(self._end(self._running, kindly=True))
        self._log = None

    async def _end(self, log: LogProgram, *, kindly: bool) -> None:
        log.connection.close()
        if kindly:
            log.stop.set()
        else:
            log.task.cancel()
        await asyncio.gather(log.task, return_exceptions=not kindly)

    def cut_power(self) -> None:
        """End the log program, and leave on the disk what was there before it ended. The next boot is another one."""
        self._beside.call(self._cut())
        self._log, self._outbox, self._upkeep = None, None, None
        self._boot = str(uuid.uuid4())

    async def _cut(self) -> None:
        home = self._file.parent
        for name in WRITTEN:  # on the log program's own loop, which does nothing else meanwhile
            shutil.copytree(home / name, home / f"{name}.cut")
        await self._end(self._running, kindly=False)
        for name in WRITTEN:
            shutil.rmtree(home / name)
            (home / f"{name}.cut").rename(home / name)

    @property
    def _running(self) -> LogProgram:
        assert self._log is not None
        return self._log

    def append(self, new: log_messages.NewRecord) -> Any:  # noqa: ANN401 - the outcomes of the channel
        """Write one record; return its outcome."""
        answer = self._ask(log_messages.Append([new]))
        (outcome,) = answer.outcomes
        if isinstance(outcome, log_messages.Recorded):
            self.newest_index = max(self.newest_index, outcome.index)
        return outcome

    def left(self) -> log_messages.OpenCrossings:
        """Return what the log has for the lane's next start."""
        answer = self._ask(log_messages.OpenCrossingsRequest())
        assert isinstance(answer, log_messages.OpenCrossings)
        return answer

    def status(self) -> Mapping[str, Any]:
        """Return the log's status fields."""
        answer = self._ask(StatusRequest())
        assert isinstance(answer, Status)
        return answer.detail

    def _ask(self, message: Any) -> Any:  # noqa: ANN401 - any of the channel
        async def ask() -> Any:  # noqa: ANN401
            await self._running.connection.send(message)
            return await self._running.connection.receive()

        return self._beside.call(ask())

    def wait_for(self, what: Callable[[], bool]) -> bool:
        """Wait in real time until the log program has done something; False after WAIT_S."""
        until_s = time.monotonic() + WAIT_S
        while not what():
            if time.monotonic() > until_s:
                return False
            time.sleep(LOOK_S)
        return True

    def key_days(self) -> list[tuple[str, str]]:
        """Return class and day of each file of keys."""
        folder = Path(self.config.paths.state) / "audit" / "keys"
        return [(one.about, one.day.isoformat()) for one in KeyDays(folder).days()]

    def is_published(self) -> bool:
        """Return True when the spool has every record."""
        status = self.status()
        return bool(status["published"] == status["entries"])

    # ── the central server ───────────────────────────────────────────────────────────────────────────────────────────

    def enrol(self, *, again: bool = False) -> None:
        """Enrol the gate as a technician does, with a new token."""
        asked = Central(ADDRESS, self.centre.authority, lambda: self.centre.token(GATE_ID))
        found = enrolment_steps(
            self._file,
            self.config,
            asked,
            again=again,
            passphrase=lambda _: None,
            now=self.clock.wall,
            ask=self.centre.enrol,
        )

        def work() -> None:
            for step in found:
                step.do()

        self._beside.call(_in_a_thread(work))
        self._outbox = self._upkeep = None

    @property
    def certificate(self) -> Identity:
        """Return the gate's certificate in force."""
        sync = self.config.sync
        assert sync is not None
        return Identity.load(Path(sync.identity))

    def sync(self) -> bool:
        """Have one round with the central server, and its upkeep; False if it failed. `problem` says why."""
        return self._beside.call(self._sync())

    async def _sync(self) -> bool:
        config, clock = self.config, self.clock
        assert config.sync is not None
        folder = Path(config.sync.identity)
        if self._outbox is None or self._upkeep is None:
            mirror = MirrorKeys(Verifier.parse(config.sync.mirror_vkey), Path(config.paths.inbox))
            self._outbox = Outbox(config, mirror, now=clock.wall, monotonic_ms=clock.monotonic_ms)
            connecting = partial(_connected, self.centre, folder)
            self._upkeep = Upkeep(
                folder, config.gate_id, connect=connecting, now=clock.wall, mirror_keys=mirror, every_s=0
            )
        fine = False
        for _ in range(3):  # again with a certificate that has just come
            async with self._upkeep.courier() as courier:
                fine = await self._outbox.attempt(courier, self._upkeep.expired)
                if not fine or not await self._upkeep.look(courier):
                    break
        return fine

    @property
    def problem(self) -> str:
        """Return why the last round failed."""
        return "" if self._outbox is None else self._outbox.problem or ""

    @property
    def mirrored(self) -> int:
        """Return how many entries the central server has confirmed in sync's last round."""
        return 0 if self._outbox is None else int(str(self._outbox.detail()["mirrored"] or 0))

    def tidy_centre(self) -> None:
        """Let the central server delete expired keys."""
        self._beside.call(_in_a_thread(lambda: self.centre.server.retention.look(lambda: False)))

    # ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def import_lists(self, at: datetime) -> None:
        """Import the next edition of certificates, master list and revocation lists, which are signed on that day."""
        self._editions += 1
        began = (self.clock.begins - timedelta(days=LISTS_AGE_MAX_DAYS)).date()
        days = (at.date() - began).days
        lists, midnight = self._lists, datetime(at.year, at.month, at.day, tzinfo=UTC)
        files = {
            **lists.csca_files(),
            "list.ml": lists.master_list(signed_at=midnight),
            **{
                f"{line}.crl": lists.crl(
                    line, number=self._editions, issued_days=days - 1, next_update_days=days + CRL_DAYS - 1
                )
                for line in (1, 2, 3)
            },
        }
        sources = [read_source(name, content) for name, content in files.items()]
        path = Path(self.config.paths.trust)
        import_sources(path, sources, signer=None, test=True, now=at)
        self._trust = TrustStore.open(path)

    def list_alarms(self) -> tuple[Alarm, ...]:
        """Return what is too old in the trust store."""
        return alarms(self._trust, self.clock.true(), age_max_days=LISTS_AGE_MAX_DAYS)

    def lists_age_s(self) -> float:
        """Return the age of the newest import by the gate's wall clock."""
        newest = self._trust.newest_import
        assert newest is not None
        return (self.clock.wall() - newest).total_seconds()

    # ── updates ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def update(self, *, fails: bool) -> bool:
        """Install the next version by the steps of the update program: software and configuration. With `fails` its
        checks fail. Return True if the new version runs afterwards.
        """
        home, number = self._file.parent, self._version + 1
        self._version = number
        ledger = Ledger(home / "update")
        ledger.folder.mkdir(exist_ok=True)
        installs = {
            kind.value: Install(number=number, name=f"{number}", at=self.clock.wall().isoformat())
            for kind in (Kind.SOFTWARE, Kind.CONFIGURATION)
        }
        work = steps.Work(
            ledger=ledger,
            software=Software(home / "library", PYTHON),
            models=Models(home / "models"),
            configuration=Configuration(self._file),
            machine=Units(self, fails=fails),  # type: ignore[arg-type] # the soak's stand-in for systemd
            programs=lambda: Programs({"log": "ready"} if self._log is not None else {}, None),
            wait=time.sleep,
            journal=Journal(
                id=uuid.uuid4().hex[:16],
                verb="apply",
                step="begin",
                file=str(self._file),
                models=str(home / "models"),
                installs=installs,
            ),
        )
        marker = f"lib/python{PYTHON}/site-packages/portcullis_soak.py"
        text = f"{self._file.read_text()}\n# version {number}\n"
        with locked(ledger.folder, mode=0o755), emptied(ledger.staging) as staging:
            work.archives = {
                Kind.SOFTWARE: _zipped(staging / "software.zip", {marker: f"VERSION = {number}\n"}),
                Kind.CONFIGURATION: _zipped(staging / "configuration.zip", {"gate.toml": text}),
            }
            with contextlib.suppress(steps.NotKeptError):
                steps.carry_out(work)
        stays = work.software.current() == str(number)
        if stays is not (f"# version {number}" in self._file.read_text()):
            raise RuntimeError("software and configuration are of two versions after an update")
        return stays

    def put_back_schema(self) -> None:
        """Give the log's database the form that it had before keys had days; the next start migrates it."""
        with contextlib.closing(sqlite3.connect(Path(self.config.paths.state) / "audit" / "log.sqlite")) as database:
            database.execute("DROP TABLE key_days")
            database.commit()

    def has_key_days(self) -> bool:
        """Return True when the database, of a stopped log, has the newest form."""
        path = Path(self.config.paths.state) / "audit" / "log.sqlite"
        with contextlib.closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'key_days'").fetchone() is not None

    # ── what it takes ────────────────────────────────────────────────────────────────────────────────────────────────

    def disk_bytes(self) -> int:
        """Return the blocks of all files that the gate keeps."""
        return sum(map(_blocks, (self._file.parent / name for name in FOLDERS)))

    def centre_bytes(self) -> int:
        """Return the blocks of the central server's files."""
        return _blocks(self.centre.folder)

    def close(self) -> None:
        """End everything."""
        if self._log is not None:
            self.stop()
        self._beside.close()
        self.centre.close()


@dataclass(slots=True)
class Units:
    """Stands for systemd: the log's unit alone. `fails`: the new version's checks fail."""

    installation: Installation
    fails: bool
    _checks: int = field(default=0)

    def running(self) -> tuple[str, ...]:
        """Return the programs that run: the lane is closed for an update."""
        return ("log",)

    def stop(self, programs: Iterable[str]) -> None:
        """Stop the log, unless it is stopped."""
        if "log" in programs and self.installation._log is not None:  # noqa: SLF001 - its own part
            self.installation.stop()
            self.installation.put_back_schema()

    def start(self, programs: Iterable[str]) -> None:
        """Start the log."""
        if "log" in programs:
            self.installation.start()

    def check(self) -> Mapping[str, Check]:
        """Return the checks: of the version before first, then of the new one."""
        self._checks += 1
        state = "failed" if self.fails and self._checks > 1 else "well"
        return {name: Check(state, "the soak lets this check fail" if state == "failed" else "") for name in ALWAYS}


async def _in_a_thread(work: Callable[[], object]) -> None:
    await asyncio.to_thread(work)


def _connected(centre: Centre, identity: Path, _authorities: Path) -> Any:  # noqa: ANN401
    return centre.courier(identity)


def _zipped(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _blocks(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            total += path.lstat().st_blocks * 512
    return total
