"""Loads another distribution's code in a child first: code that ends the process, or never returns, must not take `gate config check` with it.

`python -m gate.programs.shared.devices.first_load CONFIG DEVICE` is that child. A driver that loads prints DONE; so does one that is
refused, because the check itself loads it then and has the reason.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from gate.programs.shared.config import Config, load
from gate.programs.shared.devices import barriers, mrz_readers, pads, registers, sensors
from gate_core.errors import SetupError
from gate_core.settings.config_file import ConfigError
from gate_core.settings.outside import Code
from gate_core.settings.toml_file import Problem

LIMIT_S: Final = 20.0  # the configuration's own time to load, a second or two, is within it
DONE: Final = b"portcullis: returned\n"


def problems(config: Config, path: Path) -> Iterator[Problem]:
    """Yield a problem for each driver whose code does not return. `path` is the configuration's file."""
    for key, (code, _) in _loads(config).items():
        command = (sys.executable, "-m", "gate.programs.shared.devices.first_load", path, key)
        try:
            done = subprocess.run(  # noqa: S603 - this program
                command,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            yield Problem(
                f"{key}.code.name", f"{code.name} does not load: its code does not return within {LIMIT_S:g} s"
            )
            continue
        if not done.stdout.endswith(DONE):
            how = f"exit code {done.returncode}" if done.returncode >= 0 else f"signal {-done.returncode}"
            yield Problem(f"{key}.code.name", f"{code.name} does not load: its code ends the process ({how})")


def _loads(config: Config) -> dict[str, tuple[Code, Callable[[], object]]]:
    """What loads each device's foreign code, by the device's key."""

    def camera() -> object:
        from gate.programs.shared.devices.cameras import camera_for  # noqa: PLC0415 - an image library, and only for this

        return camera_for(config.camera)

    makers: list[tuple[str, object, Callable[[], object]]] = [("camera", config.camera, camera)]
    for key, door in (("barrier", config.driven), ("first_barrier", config.first_driven)):
        if door is not None:
            makers.append((key, door, lambda door=door: (barriers.described(door), barriers.barrier(door))))  # type: ignore[misc]
    if (unit := config.sensors) is not None:
        makers.append(("sensors", unit, lambda: sensors.sensors(unit)))
    if (reader := config.swipe) is not None:
        makers.append(("swipe", reader, lambda: mrz_readers.mrz_reader(reader)))
    if (pad := config.camera.pad) is not None:
        makers.append(("camera.pad", pad, lambda: pads.codec(pad)))
    for name, one in () if config.registers is None else config.registers.online.items():
        makers.append((f"registers.online.{name}", one, lambda one=one: registers.adapter(one, registers.nowhere)))  # type: ignore[misc]
    return {key: (code, make) for key, settings, make in makers if (code := getattr(settings, "code", None))}


if __name__ == "__main__":
    with contextlib.suppress(ConfigError):
        _, make = _loads(load(Path(sys.argv[1])))[sys.argv[2]]
        with contextlib.suppress(SetupError):
            make()
    sys.stdout.buffer.write(DONE)
