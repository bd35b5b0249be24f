"""The table of the technician's steps, from a bare machine to a gate in service, and the types of steps and outcomes.

Answers files, stored outcomes and reports contain step ids, so ids are never renamed; `first_` is the first of two doors.

StepError                   it cannot be done; `code` is its command's exit code, by default as for an unusable file or folder
├── ConfigurationStepError  a configuration, found or made of the answers, that can never work
└── LaterStepError          it cannot be done now; the message names what must come first
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from gate_core.command_line.output import Exit


class StepError(Exception):
    """A step cannot be done; the message states what to do."""

    code = Exit.IO_ERROR

    def __init__(self, text: str, code: Exit | None = None) -> None:
        super().__init__(text)
        self.code = code or self.code


class ConfigurationStepError(StepError):
    """A configuration that can never work."""

    code = Exit.CONFIG


class LaterStepError(StepError):
    """It cannot be done now."""

    code = Exit.TRY_LATER


@contextlib.contextmanager
def step_errors(*types: type[Exception], doing: str = "", code: Exit | None = None) -> Iterator[None]:
    """Raise StepError for these errors in the block: with their text, or with `doing` and the system's reason."""
    try:
        yield
    except types as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise StepError(f"{doing}: {why}" if doing else str(error), code) from error


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Row:
    """A step's properties, known before it runs.

    `tables`: tables of gate.toml whose devices it tests; `rests_on`: the further basis of its proof
    (`gate.provision.proofs`); `answers`: keys of the technician's answers that it reads itself.
    """

    title: str
    tables: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()


BARRIER_TITLES: Final = {
    "watchdog": "The board's host watchdog is written, read back, and seen to work",
    "walk_entry": "One person walks in on one grant",
    "walk_exit": "One person walks out on one grant",
    "grant_ends": "A grant that nobody uses ends by itself",
    "tailgate": "Two people on one grant are told apart",
    "fire": "The fire input opens the leaf, and the emergency ends",
    "host_kill": "A grant ends when the gate's program is killed",
    "power": "The board comes back from a power cut without a grant",
}
_SEALING: Final = {
    "sealed": "The log's key is sealed by the machine's TPM",
    "unit": "The log program is given the sealed key",
    "plain_key": "The log's key lies nowhere unsealed",
    "device_sealed": "The passphrase of the device's key is sealed by the machine's TPM",
    "device_unit": "The sync program is given the sealed passphrase",
    "device_key": "The device's key lies nowhere unencrypted",
}
SEALING: Final = tuple(_SEALING)  # where there is a TPM
NEEDED: Final = ("configuration", "folders", "log_key", *SEALING, "models", "units")  # without them there is no gate
STEPS: Final = {
    "configuration": Row("The configuration is written"),
    "folders": Row("The folders are there"),
    "log_key": Row("The log has its key", rests_on=("log",)),
    **{step: Row(title, rests_on=("log",)) for step, title in _SEALING.items()},
    "models": Row("The models are there, unchanged"),
    "units": Row("The units let vision reach its cameras"),
    "disk": Row("There is room on the disk"),
    "clock": Row("The clock and its time service"),
    "golden_vectors": Row("The models give their golden values on this machine"),
    "lists": Row(
        "Certificates and lists are imported, and young enough", answers=("lists.files", "lists.signer", "lists.test")
    ),
    "swipe": Row("The document reader answers", ("swipe",)),
    "page": Row("The page source gives pictures", ("page",)),
    "chip": Row("The chip reader answers", ("chip",)),
    "document": Row("A document is read, by its zone and by its chip", ("swipe", "chip")),
    "sensors": Row("The sensor unit answers", ("sensors",)),
    "camera_exposure": Row("The camera's exposure is fixed", ("camera",), ("calibration",)),
    "camera_control_lag": Row("How late the camera obeys is measured", ("camera",), ("control_lag_ms",)),
    "camera_lag": Row("How late the camera sees the display is measured", ("camera",), ("lag_ms",)),
    "camera_height": Row("The camera sees faces at the right height and size", ("camera",), ("eyes_cm",), ("eyes_cm",)),
    "lighting": Row("The light on a face is bright and even", ("camera",)),
    "liveness_sensor": Row("The sensor that says whether somebody lives answers", ("camera.pad",)),
    **{f"first_{step}": Row(f"First door: {title}", ("first_barrier",)) for step, title in BARRIER_TITLES.items()},
    **{step: Row(title, ("barrier",)) for step, title in BARRIER_TITLES.items()},
    "left_bag": Row("A bag that is left is seen", ("sensors",)),
    "enrolment": Row(
        "The gate is enrolled at the central server",
        rests_on=("log", "central server"),
        answers=("central.address", "central.ca", "central.token_file"),
    ),
    "recipients": Row("The auditors have the log's public key", rests_on=("log", "log key")),
    "approval": Row("Two persons have approved the configuration", rests_on=("log", "configuration")),
}
TITLES: Final = {step: row.title for step, row in STEPS.items()}


# ── one step ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class StepState(enum.StrEnum):
    """How a step ended."""

    DONE = "done"
    KEPT = "kept"  # it was done before
    FAILED = "failed"
    SKIPPED = "skipped"  # with a reason, or because one that it needs failed


class Verified(enum.StrEnum):
    """On what a step's device was tested."""

    HARDWARE = "hardware"
    SIMULATOR = "simulator"
    NO = "not_verified"
    NO_DEVICE = "no_device"  # there is nothing that could be simulated


Figure = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A step's result: as text, as figures with the unit in their name, and on what it was tested; and pictures without
    faces: caption and JPEG.
    """

    detail: str
    figures: dict[str, Figure] = field(default_factory=dict)
    verified: Verified = Verified.NO_DEVICE
    pictures: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `do` returns its finding, or only its text, and raises StepError, after which nothing is half done.

    With `exists`, the machine's state decides whether the step was done, not the stored outcome; `kept` then returns
    the text. A `fresh` step runs each time. Without a `needed` one no later step can run. In a `manual` one the
    technician acts. `missing`: why it cannot be done yet; it is then never run. It waits for the steps in `after`.
    """

    id: str
    do: Callable[[], Finding | str]
    exists: Callable[[], bool] | None = None
    kept: Callable[[], str] = lambda: ""
    fresh: bool = False
    needed: bool = False
    manual: bool = False
    missing: str = ""
    after: tuple[str, ...] = ()

    def found(self) -> Finding:
        """Do it."""
        found = self.do()
        return found if isinstance(found, Finding) else Finding(found)


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step's stored outcome. `at`: RFC 3339, UTC; `basis`: what it rests on, by readable names."""

    state: StepState
    detail: str
    verified: Verified = Verified.NO_DEVICE
    figures: dict[str, Figure] = {}
    pictures: tuple[tuple[str, bytes], ...] = ()
    basis: dict[str, str] = {}
    at: str = ""
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step's result in this run; `failure`: the exit code of a failed one."""

    id: str
    state: StepState
    outcome: Outcome
    failure: Exit | None = None

    @property
    def detail(self) -> str:
        """The outcome's text."""
        return self.outcome.detail


def carry_out(steps: Iterable[Step]) -> Iterator[StepReport]:
    """Run the steps in order; after a failure the rest is skipped. No outcome is stored."""
    failed = False
    for step in steps:
        state, detail, failure = StepState.SKIPPED, "", None
        try:
            if not failed and step.exists is not None and step.exists():
                state, detail = StepState.KEPT, step.kept()
            elif not failed:
                detail, state = step.found().detail, StepState.DONE
        except StepError as error:
            failed, state, detail, failure = True, StepState.FAILED, str(error), error.code
        yield StepReport(step.id, state, Outcome(state=state, detail=detail), failure)
