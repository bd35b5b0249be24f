"""What a task of the log program works with, in part: what a test leaves out is None, and its task must not touch it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from gate.programs.log.context import LogContext


def log_context(**parts: Any) -> LogContext:
    missing: dict[str, Any] = dict.fromkeys(one.name for one in fields(LogContext))
    return LogContext(**(missing | parts))
