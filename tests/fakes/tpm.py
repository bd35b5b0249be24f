"""A TPM of software (Debian's swtpm), and systemd's tools that seal with it: this machine's, or Debian's that scripts/setup has laid beside
them where this machine's were built without.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from gate_core.settings.environment import cache_folder

READY_S = 10.0
PCR_EXTEND, SHA256, WITH_PASSWORD, PASSWORD = 0x182, 0x000B, 0x8002, 0x40000009


def debians_systemd() -> Path | None:
    """A tree with a systemd that knows TPMs; none where this machine's does. Raises AssertionError where neither is there."""
    told = subprocess.run(["systemd-creds", "--version"], capture_output=True, text=True, check=True).stdout
    if "+TPM2" in told:
        return None
    tree = cache_folder() / "systemd"
    assert (tree / "usr/bin/systemd-creds").exists(), f"no systemd with TPM support in {tree}: run scripts/setup"
    return tree


class Tpm:
    """One that runs; `device` is how systemd reaches it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.device = f"swtpm:path={path}"

    def environment(self, host_key: Path) -> dict[str, str]:
        """What systemd's tools are told: where TPM and host's key are, and where the tools lie."""
        told = {"SYSTEMD_TPM2_DEVICE": self.device, "SYSTEMD_CREDENTIAL_SECRET": str(host_key)}
        if (tree := debians_systemd()) is not None:
            path = os.environ.get("PATH", os.defpath)
            told |= {
                "PATH": f"{tree}/usr/bin:{path}",
                "LD_LIBRARY_PATH": str(next(tree.glob("usr/lib/*/systemd/libsystemd-shared-*.so")).parent),
            }
        return told

    def measure(self, register: int, what: bytes) -> None:
        """Extend a register, as a changed firmware does (TPM 2.0 part 3, TPM2_PCR_Extend with the empty password)."""
        session = struct.pack(">IHBH", PASSWORD, 0, 0, 0)
        body = struct.pack(">II", register, len(session)) + session + struct.pack(">IH", 1, SHA256) + what
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self._path))
            line.sendall(struct.pack(">HII", WITH_PASSWORD, 10 + len(body), PCR_EXTEND) + body)
            answer = line.recv(4096)
        assert struct.unpack(">I", answer[6:10]) == (0,), answer


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Tpm]:
    """Run one with its state in a folder of a short path; it is the same TPM when it runs there again. Raises AssertionError without swtpm."""
    program = shutil.which("swtpm")
    assert program, "swtpm is not installed: run scripts/setup"
    state, line = folder / "tpm", folder / "tpm.sock"
    state.mkdir(exist_ok=True)
    words = ["socket", "--tpm2", "--tpmstate", f"dir={state}", "--flags", "not-need-init,startup-clear"]
    ends = ["--server", f"type=unixio,path={line}", "--ctrl", f"type=unixio,path={line}.ctrl"]
    with subprocess.Popen([program, *words, *ends], stderr=subprocess.DEVNULL) as process:
        deadline_s = time.monotonic() + READY_S
        while not line.exists():
            assert process.poll() is None, "swtpm has ended"
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        try:
            yield Tpm(line)
        finally:
            process.kill()
