"""What a captured program would do with a file that it wrote: map it as code, and execute it. Run inside a unit's own sandbox; leaves no trace.

    python own_files.py [PLACE…]

prints one JSON object: each folder in which this process can make a file (or each that is named), and the number of the error of each
of both, 0 for success. Folders are looked for on every mount that is not read-only, so a place that nobody thought of is found, too.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

FOLDERS_MAX = 200_000
PSEUDO = ("/proc", "/sys")
PROGRAM = "/usr/bin/true"


def places() -> list[str]:
    """Every folder in which a file can be made, but the folders below one that was found on the same mount."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount = line.split()[4].encode().decode("unicode_escape")
        if not mount.startswith(PSEUDO) and Path(mount).is_dir() and not os.statvfs(mount).f_flag & os.ST_RDONLY:
            found += _writable_below(mount)
    return sorted(set(found))


def _writable_below(mount: str) -> list[str]:
    found, device = [], os.lstat(mount).st_dev
    for number, (folder, below, _) in enumerate(os.walk(mount)):
        assert number < FOLDERS_MAX, mount
        if _takes_a_file(folder):
            found.append(folder)
            below.clear()
        below[:] = [name for name in below if os.lstat(f"{folder}/{name}").st_dev == device]
    return found


def _takes_a_file(folder: str) -> bool:
    try:
        descriptor, path = tempfile.mkstemp(dir=folder, prefix=".tmp-attempt-")
    except OSError:
        return False
    try:
        return os.write(descriptor, b"code") > 0
    except OSError:  # a message queue
        return False
    finally:
        os.close(descriptor)
        Path(path).unlink()


def attempts(folder: str) -> tuple[int, int]:
    """The errors of mapping and of executing a program that is copied into this folder."""
    descriptor, path = tempfile.mkstemp(dir=folder, prefix=".tmp-attempt-")
    os.close(descriptor)
    try:
        shutil.copyfile(PROGRAM, path)
        Path(path).chmod(stat.S_IRWXU)
        return _mapped(path), _executed(path)
    finally:
        Path(path).unlink()


def _mapped(path: str) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        mmap.mmap(descriptor, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        os.close(descriptor)
    return 0


def _executed(path: str) -> int:
    child = os.fork()
    if child == 0:
        try:
            os.execv(path, [path])
        except OSError as error:
            os._exit(error.errno or errno.EIO)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def memory_file() -> tuple[int, int]:
    """The same of a file that lies in no folder."""
    try:
        descriptor = os.memfd_create("attempt")
    except OSError as error:
        return error.errno or errno.EIO, error.errno or errno.EIO
    os.write(descriptor, Path(PROGRAM).read_bytes())
    path = f"/proc/self/fd/{descriptor}"
    return _mapped(path), _executed(path)


def main() -> None:
    wanted = sys.argv[1:] or places()
    found = {place: attempts(place) for place in wanted}
    sys.stdout.write(json.dumps(found | {"memory": memory_file()}) + "\n")


if __name__ == "__main__":
    main()
