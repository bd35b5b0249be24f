"""A new key for the log: made beside the old one, which hands over to it, and then put in its place.

Who writes the log has the old key hand over when it starts (`gate.audit.writer`); only then does the old key go. A kill at any point leaves
the key that is in force in a file. Left to the caller: making a key, and which key the published log has handed over to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from gate.provision.ownership import hand_over
from gate.provision.sealing import LOG_KEY
from gate.provision.steps import LaterStepError, Step, StepError
from gate_core import durable

NEXT: Final = "log-next.key"
ASIDE: Final = "log-old.key"  # a second name of the old key, until it is overwritten


def rotate_steps(
    keys: Path, *, make: Callable[[Path], str], newest: Callable[[], str | None], vkey_of: Callable[[Path], str]
) -> Iterator[Step]:
    """The steps in their order. `make` a key and `vkey_of` one raise StepError; `newest` is the vkey that the log has handed over to last."""
    old, new, aside = keys / "log.key", keys / NEXT, keys / ASIDE

    def make_next() -> str:
        if (sealed := LOG_KEY.sealed(keys)).exists():
            raise StepError(
                f"{sealed} is sealed: open it into {old} (systemd-creds decrypt), remove it and its drop-in, and seal again afterwards"
            )
        try:
            _drop(aside, old)
        except OSError as error:
            raise StepError(f"cannot remove {aside}: {error.strerror}") from error
        vkey = make(new)
        hand_over(new, "log")
        return vkey

    def is_handed_over() -> str:
        if newest() != vkey_of(new):
            raise LaterStepError("restart gate-log: the old key hands over as it starts; then repeat this command")
        return "the old key has handed over"

    def replace() -> str:
        vkey = vkey_of(new)
        try:
            durable.write(keys / "log.vkey", vkey.encode() + b"\n", mode=0o644)
            _drop(aside, old)
            aside.hardlink_to(old)
            new.replace(old)
            durable.sync(keys)
            _drop(aside, old)
        except OSError as error:
            raise StepError(f"cannot replace {old}: {error.strerror}") from error
        return f"give every auditor the new key beside the old one: {vkey}"

    yield Step("next_key", make_next, new.exists)
    yield Step("handover", is_handed_over)
    yield Step("log_key", replace)


def _drop(aside: Path, old: Path) -> None:
    """Overwrite what was set aside, unless it is the key in force under a second name. Raises OSError."""
    if aside.exists() and aside.samefile(old):
        aside.unlink()
    durable.wipe(aside)
