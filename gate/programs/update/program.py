"""The update program, `python -m gate.programs.update VERB`: verifies downloads, finds new ones, installs them.

Runs as root, without network, one at a time; always the package's own version, never one that it installed.
"""

from __future__ import annotations

import enum
import errno
import hashlib
import logging
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from gate.programs.update import machine as sites
from gate.programs.update import steps
from gate.programs.update.ledger import FOLDER, Changes, Install, Installed, Journal, Ledger, Outcome, Refusal
from gate.programs.update.machine import Machine, Programs, Site, SiteError, programs_of
from gate.programs.update.places import Configuration, Models, Software, emptied, put_lists
from gate.updates.download import FREE_BYTES_MIN, REPOSITORY, locked, read_first_root
from gate.updates.errors import RefusedError, SourceAwayError
from gate.updates.layout import Here, Kind, Offer
from gate.updates.sources import FolderSource, Source
from gate.updates.trust import Verified, verify
from gate_core import durable
from gate_core.programs import clock
from gate_core.programs.journal import log_as_json
from gate_core.settings.environment import path_from_environment

LIBRARY: Final = Path("/usr/lib/portcullis")
# Exit codes. STUCK is for systemd: undoing failed, and is tried again.
DONE, NO, BAD_DATA, STUCK, IO_ERROR, TRY_LATER, CONFIG = 0, 1, 65, 70, 74, 75, 78

log = logging.getLogger("gate.update")


class Verb(enum.Enum):
    """What to do, after an earlier run was undone or finished; `recover` does only that, at boot.

    `again` retries what was not kept; `clock-checked` is `apply` with a clock that a person has compared.
    """

    APPLY = "apply"
    AGAIN = "again"
    CLOCK_CHECKED = "clock-checked"
    BACK = "back"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class Ports:
    """What the program uses; tests pass their own."""

    file: Path
    library: Path
    machine: Machine
    ledger: Path = FOLDER
    here: Callable[[str], Here] = Here.this_machine
    programs: Callable[[Site], Callable[[], Programs]] = programs_of
    now: Callable[[], datetime] = clock.now
    is_clock_sure: Callable[[Site], bool] = lambda site: clock.is_sure(
        not_before=None, must_be_synchronised=site.purpose == "service"
    )
    wait: Callable[[float], None] = time.sleep
    hook: Callable[[str], None] = field(default=lambda _: None)


class Update:
    """One run of the program."""

    def __init__(self, verb: Verb, ports: Ports) -> None:
        self._verb = verb
        self._ports = ports
        self._expires: str | None = None

    def run(self) -> Outcome:
        """Run and return the outcome."""
        try:
            ledger = Ledger(self._ports.ledger)
            with locked(ledger.folder, mode=0o755):
                try:
                    outcome = self._run(ledger)
                except OSError:
                    raise
                except Exception as error:
                    log.exception("update_broke_off")
                    code = NO if ledger.journal is None else STUCK
                    outcome = self._ended(code, f"a fault of this program: {error!r}")
                if outcome.code != DONE or outcome.words:
                    ledger.keep(outcome)
        except BlockingIOError:
            return self._ended(TRY_LATER, "another update goes on")
        except OSError as error:
            return self._ended(IO_ERROR, f"{error.filename or 'the disk'}: {error.strerror}")
        return outcome

    def _run(self, ledger: Ledger) -> Outcome:
        try:
            settled = self._settle_earlier(ledger)
        except OSError as error:
            return self._ended(STUCK, f"an earlier update cannot be undone yet: {error.filename}: {error.strerror}")
        if self._verb is Verb.RECOVER or settled is not None:
            return settled or self._ended(DONE, "")
        try:
            site = sites.read_site(self._ports.file)
            words = self._back(site, ledger) if self._verb is Verb.BACK else self._apply(site, ledger)
        except SiteError as error:
            return self._ended(CONFIG, str(error))
        except (steps.NotNowError, steps.InterruptedUpdateError, SourceAwayError) as error:
            return self._ended(TRY_LATER, str(error))
        except RefusedError as error:
            return self._ended(BAD_DATA, str(error))
        except steps.NotKeptError as error:
            return self._ended(NO, f"not kept, the version before runs again: {error}")
        except OSError as error:
            code = STUCK if ledger.journal is not None else IO_ERROR
            return self._ended(code, f"{error.filename or 'the disk'}: {error.strerror}")
        return self._ended(DONE, words)

    def _settle_earlier(self, ledger: Ledger) -> Outcome | None:
        """Undo an interrupted update, or finish a committed one; None if there is none. Raises OSError."""
        journal = ledger.journal
        if journal is None:
            return None
        work = self._work(ledger, journal)
        if steps.is_committed(work):
            steps.finish(work)
            return self._ended(DONE, f"{journal.verb} was interrupted after it was done: {_named(journal.installs)}")
        steps.go_back(work, f"interrupted while it was at step {journal.step}", start=self._verb is not Verb.RECOVER)
        return self._ended(NO, f"{journal.verb} was interrupted at step {journal.step}: the version before runs again")

    def _apply(self, site: Site, ledger: Ledger) -> str:
        if site.updates is None:
            raise SiteError(
                f"{self._ports.file}: there is no table [updates]: this gate is updated by its packages only"
            )
        if self._verb is not Verb.CLOCK_CHECKED and not self._ports.is_clock_sure(site):
            raise steps.NotNowError(
                "the clock is not synchronised, so nobody knows what has expired: compare it with another one, then "
                "gate update apply --clock-checked"
            )
        self._expect(site, Programs.occupied)
        source = FolderSource(Path(site.updates.folder) / REPOSITORY)
        verified = self._verified(site, site.updates, source, ledger)
        fresh = self._fresh(verified, ledger.installed)
        if not fresh:
            return f"nothing new: {_named(ledger.installed.current) or 'only what the package brought'}"
        with emptied(ledger.staging) as staging:
            archives = {kind: _copied(source, offer, staging) for kind, offer in fresh.items()}
            if Kind.LISTS in archives:
                self._put_lists(site, ledger, fresh.pop(Kind.LISTS), archives.pop(Kind.LISTS))
            if fresh:
                installs = {kind.value: self._install(one) for kind, one in fresh.items()}
                self._expect(site, Programs.open, f"{_named(installs)} waits: ")
                self._carry_out(site, ledger, installs, archives=archives)
        return f"installed: {_named(ledger.installed.current)}"

    def _expect(self, site: Site, ask: Callable[[Programs], str], what: str = "") -> None:
        """Raise NotNowError if the lane runs and `ask` returns an objection."""
        if "lane" in self._ports.machine.running() and (why := ask(self._ports.programs(site)())):
            raise steps.NotNowError(f"{what}{why}")

    def _verified(self, site: Site, updates: sites.Updates, source: Source, ledger: Ledger) -> Verified:
        """Verify the downloaded metadata, and store what is trusted first. Raises UpdateError, SiteError, OSError."""
        try:
            first_root = read_first_root(Path(updates.root))
        except OSError as error:
            raise SiteError(f"updates.root: {updates.root} cannot be read: {error.strerror}") from error
        durable.make_folder(ledger.memory, mode=0o755)
        seen = ledger.seen
        verified = verify(
            source, first_root=first_root, memory=ledger.memory, here=self._ports.here(site.gate_id), seen=seen
        )
        ledger.keep(seen.with_(verified))
        self._expires = verified.expires.isoformat()
        return verified

    def _fresh(self, verified: Verified, installed: Installed) -> dict[Kind, Offer]:
        """Return offers that were never tried; with `again`, also tried ones that are not installed."""
        fresh = {}
        for kind, offer in verified.offers.items():
            tried = installed.tried.get(kind.value, 0)
            current = installed.current.get(kind.value)
            again = self._verb is Verb.AGAIN and offer.number == tried and (current is None or current.number != tried)
            if offer.number > tried or again:
                fresh[kind] = offer
        return fresh

    def _install(self, offer: Offer) -> Install:
        return Install(number=offer.number, name=offer.name, at=self._at())

    def _put_lists(self, site: Site, ledger: Ledger, offer: Offer, archive: Path) -> None:
        """Put lists into their folder, in any state of the lane: sync imports them. Raises UpdateError, OSError."""
        if site.lists is None:
            raise SiteError(f"{self._ports.file}: lists came, and there is no table [lists] to say where they go")
        installed, install = ledger.installed, self._install(offer)
        tried = {**installed.tried, Kind.LISTS.value: offer.number}
        try:
            names = put_lists(archive, archive.with_suffix(""), Path(site.lists.folder), installed.lists)
        except RefusedError as error:
            refused = {**installed.refused, Kind.LISTS.value: Refusal(install=install, why=str(error))}
            ledger.keep(msgspec.structs.replace(installed, tried=tried, refused=refused))
            raise
        current = {**installed.current, Kind.LISTS.value: install}
        refused = {kind: one for kind, one in installed.refused.items() if kind != Kind.LISTS.value}
        ledger.keep(msgspec.structs.replace(installed, tried=tried, lists=names, current=current, refused=refused))

    def _carry_out(
        self,
        site: Site,
        ledger: Ledger,
        installs: Mapping[str, Install],
        *,
        archives: Mapping[Kind, Path] | None = None,
        changes: Changes | None = None,
    ) -> None:
        journal = Journal(
            id=secrets.token_hex(8),
            verb=self._verb.value,
            step="begin",
            file=str(self._ports.file),
            models=site.paths.models,
            installs=dict(installs),
            changes=changes or Changes(),
        )
        work = self._work(ledger, journal)
        work.archives = archives or {}
        work.programs = self._ports.programs(site)
        steps.carry_out(work)

    def _back(self, site: Site, ledger: Ledger) -> str:
        """Return to the version before the last update, by the same steps."""
        installed = ledger.installed
        before = installed.before
        if before == Changes():
            raise RefusedError("there is no version before to go back to")
        self._expect(site, Programs.open)
        work = self._work(
            ledger, Journal(id="", verb="", step="", file=str(self._ports.file), models=site.paths.models)
        )
        kept = ledger.folder / f"configuration-{installed.id}"
        changes = Changes(
            software=before.software and work.software.between(work.software.current(), before.software.after),
            models=before.models and work.models.between(Models.PREVIOUS),
            configuration=before.configuration
            and work.configuration.between(
                {path.name: path.read_bytes() for path in kept.iterdir()}, before.configuration.fresh
            ),
        )
        former = {kind: one for kind, one in installed.before_installs.items() if one is not None}
        self._carry_out(site, ledger, former, changes=changes)
        return f"gone back; installed: {_named(ledger.installed.current) or 'only what the package brought'}"

    def _work(self, ledger: Ledger, journal: Journal) -> steps.Work:
        ports = self._ports
        return steps.Work(
            ledger=ledger,
            software=Software(ports.library, f"{sys.version_info.major}.{sys.version_info.minor}"),
            models=Models(Path(journal.models)),
            configuration=Configuration(Path(journal.file)),
            machine=ports.machine,
            programs=Programs,
            wait=ports.wait,
            journal=journal,
            hook=ports.hook,
        )

    def _ended(self, code: int, words: str) -> Outcome:
        return Outcome(verb=self._verb.value, code=code, words=words, at=self._at(), expires=self._expires)

    def _at(self) -> str:
        return self._ports.now().isoformat(timespec="seconds")


def _copied(source: Source, offer: Offer, staging: Path) -> Path:
    """Copy a target for root only, and check its signed hash. Raises RefusedError, SourceAwayError, OSError."""
    place = staging / f"{offer.kind.value}.zip"
    if shutil.disk_usage(staging).free < offer.size_bytes + FREE_BYTES_MIN:
        raise OSError(errno.ENOSPC, f"{offer.path} would leave less than {FREE_BYTES_MIN >> 20} MiB", str(staging))
    chunks = source.read(offer.file)
    if chunks is None:
        raise SourceAwayError(f"{offer.path} is not fetched yet")
    size, digest = 0, hashlib.sha256()
    with durable.writing(place, mode=0o600) as file:
        for chunk in chunks:
            size += len(chunk)
            if size > offer.size_bytes:
                raise RefusedError(f"{offer.path} is longer than what was signed")
            digest.update(chunk)
            file.write(chunk)
    if (size, digest.hexdigest()) != (offer.size_bytes, offer.sha256):
        raise RefusedError(f"{offer.path} is not what was signed")
    return place


def _named(installs: Mapping[str, Install]) -> str:
    return ", ".join(f"{kind} {one.number} ({one.name})" for kind, one in sorted(installs.items()))


def main() -> NoReturn:
    """Entry point of gate-update@VERB.service."""
    log_as_json("update")
    verb = Verb(sys.argv[1])
    os.umask(0o022)

    def interrupted(number: int, _frame: object) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # only the first one counts
        raise steps.InterruptedUpdateError("told to end")

    signal.signal(signal.SIGTERM, interrupted)
    outcome = Update(verb, Ports(file=path_from_environment(), library=LIBRARY, machine=Machine())).run()
    log.log(
        logging.INFO if outcome.code in {DONE, TRY_LATER} else logging.WARNING,
        "update_ended",
        extra={"verb": outcome.verb, "code": outcome.code, "words": outcome.words},
    )
    sys.exit(outcome.code)
