"""Files and folders that commands are given: the files of one chip by name, and any file within bounds."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gate_core.command_line.output import Exit, fail

_FILE_BYTES_MAX = 1 << 20
_PLAIN_NAME = re.compile(
    r"(?:ef[._ -]?)?(?:(com|sod|cardaccess|cardsecurity)|(?:dg|data[_ ]?group)[_ ]?(\d{1,2}))", re.IGNORECASE
)
_WORDS = {"com": "EF.COM", "sod": "EF.SOD", "cardaccess": "EF.CardAccess", "cardsecurity": "EF.CardSecurity"}
_NUMBERED_NAME = re.compile(r"(?:ef[._ -]?)?01([0-9a-f]{2})", re.IGNORECASE)


def file_name(stem: str) -> str | None:
    """The name of the EF that a file's name means, such as `EF_DG1`, `DG1`, `Datagroup1` and `ef0101`, or None."""
    if plain := _PLAIN_NAME.fullmatch(stem):
        word, number = plain.groups()
        if word is not None:
            return _WORDS[word.lower()]
        return f"EF.DG{int(number)}" if 1 <= int(number) <= 16 else None
    if numbered := _NUMBERED_NAME.fullmatch(stem):
        identifier = int(numbered[1], 16)
        special = {0x1D: "EF.SOD", 0x1E: "EF.COM", 0x1C: "EF.CardAccess"}
        return f"EF.DG{identifier}" if 1 <= identifier <= 16 else special.get(identifier)
    return None


def lds_files(folder: Path) -> dict[str, bytes]:
    """The files of a chip in a folder, by EF name."""
    files: dict[str, bytes] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        fail(Exit.IO_ERROR, f"{folder}: {error.strerror}")
    for path in paths:
        name = file_name(path.name.split(".")[0]) or file_name(path.stem)
        if name is None:
            continue
        if name in files:
            fail(Exit.BAD_DATA, f"{folder}: two files are {name}; leave one of them")
        files[name] = bytes_of(path)
    if "EF.SOD" not in files:
        fail(Exit.BAD_DATA, f"{folder}: holds no EF.SOD; name the files as in EF_SOD.bin, EF_DG1.bin")
    return files


def _at_once(path: str, flags: int) -> int:
    """Open without waiting: a pipe that nobody writes to is empty, one that somebody does (`<(…)`) is read to its end."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def bytes_of(path: Path, *, bytes_max: int = _FILE_BYTES_MAX) -> bytes:
    """The bytes of a file, bounded, or the end of the command."""
    try:
        with open(path, "rb", opener=_at_once) as opened:
            data = opened.read(bytes_max + 1)
    except OSError as error:
        fail(Exit.IO_ERROR, f"{path}: cannot be read: {error.strerror}")
    if len(data) > bytes_max:
        fail(Exit.BAD_DATA, f"{path}: longer than {bytes_max} bytes")
    return data
