"""What a task of the log program works with: in part, or with a small log whose store and spool have threads of their own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from fakes.audit_logs import SmallLog, happening

from gate.audit.writer import Outcome, Refused, Wanted, Writer
from gate.programs.log.context import LogContext, Publisher, Worker
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.note import Note
from gate_core.audit_format.record import canonical_json
from gate_core.audit_format.spool import Spool


def log_context(**parts: Any) -> LogContext:
    """What a test leaves out is None, and its task must not touch it."""
    missing: dict[str, Any] = dict.fromkeys(one.name for one in fields(LogContext))
    return LogContext(**(missing | parts))


class LogParts:
    """The log, who writes and publishes it, and what the task said. `refuses`: no record can be written now."""

    refuses = False

    def __init__(self, log: SmallLog, writer: Writer, publisher: Publisher, in_store: Worker) -> None:
        self.log = log
        self.writer = writer
        self.publisher = publisher
        self.in_store = in_store
        self.said: list[Mapping[str, object]] = []

    def parts(self) -> dict[str, Any]:
        """What else the task works with."""
        return {}

    async def say(self, kind: str, fields: Mapping[str, object]) -> Outcome:
        """Write a record."""
        if self.refuses:
            return Refused("the disk is full")
        wanted = Wanted.of(happening(kind), canonical_json(fields))
        (outcome,) = await self.in_store(self.writer.append, [wanted], 0)
        self.said.append(fields)
        return outcome


Parts = TypeVar("Parts", bound=LogParts)


@contextlib.asynccontextmanager
async def log_parts(kind: type[Parts], log: SmallLog) -> AsyncIterator[tuple[Parts, LogContext]]:
    """Open the log, with what its task works with."""
    spool = Spool(log.spool)
    with Worker("store") as in_store, Worker("spool") as in_spool, Worker("inbox") as in_inbox:
        opening = log.writer()
        writer = await in_store(opening.__enter__)
        try:
            published = spool.checkpoint()
            size = 0 if published is None else Checkpoint.parse(Note.parse(published).text).size
            made = kind(log, writer, Publisher(writer, spool, in_store, in_spool, published=size), in_store)
            yield (
                made,
                log_context(
                    writer=writer,
                    publisher=made.publisher,
                    spool=spool,
                    in_store=in_store,
                    in_spool=in_spool,
                    in_inbox=in_inbox,
                    say=made.say,
                    **made.parts(),
                ),
            )
        finally:
            await in_store(opening.__exit__, None, None, None)
