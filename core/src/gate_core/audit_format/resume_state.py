"""What a log leaves to whoever writes to it next: values that the store answers with, and its error where it cannot be opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Approved:
    """The approval that a record rests on: a serial and a digest, and who approves, which is kept for the sender and not looked into."""

    serial: int
    sha256: str
    approvers: bytes

    def follows(self, before: Approved | None) -> bool:
        """False after a newer one: a higher serial, or the same with another digest."""
        return (
            before is None
            or self.serial > before.serial
            or (self.serial, self.sha256) == (before.serial, before.sha256)
        )


@dataclass(frozen=True, slots=True)
class Boot:
    """The boot of the latest record: the kernel's name for it, the log as it was then, whether a record since accepts that, and when (CLOCK_MONOTONIC,
    milliseconds) the latest word of it came: the first record, the acceptance or a receipt.
    """

    name: str
    size: int
    root: bytes
    accepted: bool
    heard_ms: int


@dataclass(frozen=True, slots=True)
class Left:
    """What whoever writes to the log is told at its start: crossings that something led on in and nothing ended since, and crossings that
    wait for an officer, both oldest first, what it asked to remember, and the newest approval that a record rests on. And what the log knows of time:
    the latest hour of any record (empty before the first), when the mirror signed its latest receipt, in seconds since 1970, and the boot of the latest record.
    """

    open_crossings: tuple[str, ...] = ()
    referred: tuple[str, ...] = ()
    remembered: bytes = b""
    approved: Approved | None = None
    written: str = ""
    cosigned_s: int | None = None
    boot: Boot | None = None
