"""Each program loads only what its row in docs/architecture.md allows, and the command line stays light."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.roots import PACKAGES
from fakes.small_gate import small_gate, started

COMMAND_LINE = ("typer", "click", "rich")
LANES_OWN = ("gate.passage.events", "gate.passage.orders", "gate.passage.records")
PIXELS = ("numpy", "cv2", "onnxruntime")
NETWORK = ("httpx2", "uvicorn", "starlette")
# What reads a stranger's bytes; the codes of states are a table that the lane's rules are held to.
READS_DOCUMENTS = tuple(f"gate_documents.{room}" for room in ("access", "authenticity", "lds", "mrz", "pki", "tlv"))


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    # Measured coverage follows into child processes, and loads what it needs itself.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=plain
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        (
            "gate.programs.lane.lane",
            (
                *(*PIXELS, *NETWORK, *COMMAND_LINE, "pyrage", "smartcard", "asn1crypto", *READS_DOCUMENTS),
                *("gate.trust.store", "sqlite3", "drivers.barrier.framed.driver", "drivers.barrier.modbus.driver"),
                *("drivers.barrier.contacts.driver", "drivers.barrier.tracing"),
            ),
        ),
        # What holds the doors of an emergency open is loaded within the time that a leaf stays open by itself.
        (
            "gate.programs.lane.program",
            ("gate.programs.lane.lane", "gate.programs.lane.officers", "gate.programs.children"),
        ),
        ("gate.programs.lane.emergency_hold", ("gate.programs.lane.lane", "gate.programs.lane.officers", "smartcard")),
        (
            "gate.programs.lane.document.child",
            (*PIXELS, *NETWORK, "pyrage", "serial", "gate.audit", "gate_core.audit_format"),
        ),
        ("gate.programs.log.program", (*PIXELS, *NETWORK, *COMMAND_LINE, *LANES_OWN, "serial", "smartcard")),
        (
            "gate.programs.vision.program",
            (*PIXELS, *NETWORK, *COMMAND_LINE, *LANES_OWN, "serial", "smartcard", "pyrage", "urllib.request"),
        ),
        (
            "gate.programs.screens.program",
            (*PIXELS, *LANES_OWN, "typer", "rich", "serial", "smartcard", "sqlite3", "pyrage"),
        ),
        (
            "gate.programs.sync.program",
            (
                *(*PIXELS, *COMMAND_LINE, *LANES_OWN, "serial", "smartcard", "sqlite3", "pyrage", "asn1crypto"),
                *("gate_documents", "gate.channel.log_messages", "tuf", "urllib3"),
            ),
        ),
        (
            "gate.programs.registers.program",
            (*PIXELS, *NETWORK, *COMMAND_LINE, *LANES_OWN, "serial", "smartcard", "pyrage", "gate_documents"),
        ),
        # The children of faces and of lists, whose data must not leave them, and the update program: it is root's, and reaches no network or device.
        (
            "gate.programs.vision.face_child",
            (
                "onnxruntime",
                *NETWORK,
                "pyrage",
                "serial",
                "smartcard",
                "sqlite3",
                "gate.audit",
                "gate_documents",
                "gate.page",
            ),
        ),
        (
            "gate.programs.sync.lists_child",
            (*PIXELS, *NETWORK, *COMMAND_LINE, "pyrage", "serial", "smartcard", "gate.audit", "gate_core.audit_format"),
        ),
        (
            "gate.programs.update.program",
            (*PIXELS, *NETWORK, *COMMAND_LINE, *LANES_OWN, "pyrage", "serial", "smartcard", "sqlite3", "gate.audit"),
        ),
        (
            "gate_central.exchange.program",
            (
                *(*PIXELS, "serial", "smartcard", "sqlite3", "sqlalchemy", "pyrage", "httpx2"),
                *(
                    "gate.audit",
                    "gate_core.audit_format",
                    "gate_central.mirror",
                    "gate_central.database",
                    "gate_documents",
                    "gate.lists",
                    "gate.programs.sync",
                    "gate.updates",
                ),
            ),
        ),
        ("gate_lab.page_child", (*NETWORK, "pyrage", "serial", "smartcard", "gate.face", "gate_documents")),
        (
            "gate.programs.vision.page_source_child",
            (*NETWORK, "pyrage", "serial", "smartcard", "gate.face", "gate_documents"),
        ),
        # What a unit starts before it is a program: `gate run lane`.
        ("gate.cli.run_one", (*PIXELS, *NETWORK, *COMMAND_LINE, "cryptography", "serial")),
        ("gate.cli.status", (*PIXELS, *NETWORK, "cryptography", "serial")),
    ],
)
def test_a_program_loads_nothing_that_it_may_not(module: str, forbidden: tuple[str, ...]) -> None:
    assert not loaded_by(module) & set(forbidden)


def test_passage_needs_nothing_but_the_standard_library() -> None:
    ours = {name for name in loaded_by("gate.passage.machine") if name.split(".")[0] in PACKAGES}
    assert all(
        name in {"gate", "gate_core"} or name.startswith(("gate.passage", "gate_core.evidence", "gate_core.ports"))
        for name in ours
    )


async def test_a_unit_starts_its_program_without_the_library_of_command_lines(tmp_path: Path) -> None:
    code = "import sys; sys.modules['typer'] = None; from gate_core.command_line.main import main; main()"
    config = small_gate(tmp_path)
    async with started(tmp_path, config, "log", way=("-c", code)) as process:
        process.terminate()
        assert await process.wait() == 0
