"""A client of one pcscd, as a program: libpcsclite settles on one socket a process, and tests want several.

Reads JSON `{"lower_line", "patience_s", "commands"}` from standard input, waits for a card and reads it; with `commands` it
sends those, in hexadecimal, instead; with `pace` (parameter, mapping, cipher) it opens the chip by PACE. Writes one JSON document: `{"atr", "files": {name: hex}, "apdus", "seconds", "ended"}`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from fakes.chip_pace_terminal import run_pace
from fakes.chip_terminal import Protected, open_access
from smartcard.Exceptions import SmartcardException
from smartcard.System import readers

NAMES = ("EF_COM", "EF_SOD", "EF_DG1", "EF_DG2", "EF_DG15")


def main() -> None:
    request = json.load(sys.stdin)
    connection = _connect(request["patience_s"])
    result: dict[str, Any] = {
        "atr": bytes(connection.getATR()).hex(),
        "files": {},
        "answers": [],
        "apdus": 0,
        "ended": "",
    }

    def transmit(apdu: bytes) -> bytes:
        data, first, second = connection.transmit(list(apdu))
        result["apdus"] += 1
        return bytes((*data, first, second))

    began = time.monotonic()
    try:
        for command in request.get("commands", ()):
            result["answers"].append(transmit(bytes.fromhex(command)).hex())
        if not request.get("commands"):
            session = _open(transmit, request)
            for name in NAMES:
                result["files"][name] = session.read_file(name).hex()
    except (SmartcardException, AssertionError, LookupError) as ended:
        result["ended"] = type(ended).__name__
    result["seconds"] = time.monotonic() - began
    json.dump(result, sys.stdout)


def _open(transmit: Callable[[bytes], bytes], request: dict[str, Any]) -> Protected:
    """BAC, or PACE with the parameter, mapping and cipher that were asked for."""
    lower = request["lower_line"]
    if "pace" not in request:
        return open_access(transmit, lower)
    parameter_id, mapping, cipher = request["pace"]
    seed = hashlib.sha1((lower[:10] + lower[13:20] + lower[21:28]).encode()).digest()
    run = run_pace(transmit, seed, parameter_id=parameter_id, mapping=mapping, cipher=cipher)
    run.protected.send(bytes.fromhex("0CA4040C"), bytes.fromhex("A0000002471001"))
    return run.protected


def _connect(patience_s: float) -> Any:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            connection = readers()[0].createConnection()
            connection.connect()
        except (SmartcardException, IndexError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return connection


if __name__ == "__main__":
    main()
