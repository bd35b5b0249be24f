"""What a child gave up is refused, and works in a process that gave nothing up: each attempt is made both ways."""

from __future__ import annotations

import ctypes
import errno
import functools
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.attempts import ATTEMPTS, NEWEST_KERNEL, REFUSED

from drivers.camera.settings import Files, Gstreamer, Network, V4l2
from drivers.reader.settings import PageCamera, PageFolder
from gate.programs.children import confine
from gate.programs.children.confine import (
    ADDRESS_SPACE_BYTES_MAX,
    Needs,
    beyond,
    may_lock_everything,
    never_needed,
    of_device,
)
from gate.programs.children.seccomp import Argument, Refusal, Where
from gate_core.settings.base import Reach

ROOT = Path(__file__).parents[2]
OF_ALL = {
    "execve", "fork", "trace", "read a neighbour's memory", "take hold of a process", "signal the parent", "signal everybody",
    "signal a thread", "bound the parent", "be dumpable again", "outlive the parent", "shared memory", "a message queue", "a semaphore",
    "a keyring", "io_uring", "another personality", "a datagram", "openat2", "listen", "listen on a port",
    "be dumpable again, by a longer number", "outlive the parent, by a longer number", "a datagram, by a raw socket",
    "have the parent signalled", "have the parent signalled, by its kind", "have the parent signalled, by the device",
    "have the parent signalled, by the socket", "slow the parent down", "slow the parent's files down",
    "bind the parent to a processor",
} | ({"change a mode by the newest call"} if NEWEST_KERNEL else set())  # fmt: skip
FILES = {
    "write", "write and read", "create", "truncate", "make a folder", "link", "symbolic link", "rename", "remove", "change a mode",
    "change a time",
}  # fmt: skip
UNIX = {"a Unix socket", "a neighbour's socket"}
INTERNET = {"an internet socket", "another port", "the camera's port"}
REFUSED_TO = {
    "hardened": OF_ALL,
    "camera": OF_ALL | FILES | UNIX | {"another port", "a netlink socket"},
    "recording": OF_ALL | FILES | UNIX | INTERNET | {"a netlink socket"},
    "service": OF_ALL | FILES | INTERNET | {"a netlink socket"},
    "document": OF_ALL | FILES | INTERNET | UNIX | {"a netlink socket", "read a file", "a thread", "a memory file"},
}


@functools.cache
def ended(kind: str, folder: Path) -> dict[str, int]:
    """How every attempt ended in a process of this kind."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-m", "fakes.attempts", kind, str(folder / kind)],
        cwd=ROOT,
        env={**plain, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attempts")


def test_every_attempt_works_where_nothing_was_given_up(folder: Path) -> None:
    assert {name: code for name, code in ended("free", folder).items() if code in REFUSED} == {}
    assert ended("free", folder).keys() == ATTEMPTS.keys()


@pytest.mark.parametrize("kind", REFUSED_TO)
def test_what_a_kind_of_child_gave_up_is_refused_and_nothing_else(folder: Path, kind: str) -> None:
    refused = {name for name, code in ended(kind, folder).items() if code in REFUSED}
    expected = REFUSED_TO[kind]
    if confine.landlock_version() < 4:
        expected = expected - {"another port"} if kind == "camera" else expected  # only newer kernels tell ports apart
    if confine.landlock_version() == 0:
        expected = expected - {"read a file"}
    assert refused == expected


def test_every_refused_call_is_known_to_the_library_by_its_name() -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    unknown = -1
    for refusal in (*never_needed(1), *beyond(Needs())):
        if isinstance(refusal.call, str):
            assert library.seccomp_syscall_resolve_name(refusal.call.encode()) != unknown, refusal.call


def test_a_filter_that_cannot_be_had_is_an_error_and_not_a_weaker_filter() -> None:
    program = (
        "from gate.programs.children.seccomp import Refusal, refuse\n"
        "try: refuse([Refusal('no_such_call')])\n"
        "except OSError as error: print(error)\n"
        "import os; print(os.getppid() > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "cannot be had (no_such_call" in done.stdout


def test_without_the_library_there_is_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    from gate.programs.children import seccomp

    monkeypatch.setattr(seccomp, "_LIBRARY", "libnothing.so.2")
    with pytest.raises(OSError, match="install libseccomp2"):
        seccomp.refuse([Refusal("ptrace")])


def test_inherited_descriptors_are_closed_but_the_ones_to_keep() -> None:
    program = (
        "import os, sys\nfrom gate.programs.children.confine import close_all_but\n"
        "a, b = os.pipe()\nclose_all_but(frozenset({0, 1, 2, b}))\n"
        "os.fstat(b)\n"
        "try: os.fstat(a)\n"
        "except OSError: print('closed')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "closed"


def test_a_child_is_bounded_in_what_it_opens_and_the_first_to_go_when_memory_is_short() -> None:
    program = (
        "import os, resource\nfrom pathlib import Path\nfrom gate.programs.children import confine\n"
        "confine.harden(os.getppid())\n"
        "print(max(resource.getrlimit(resource.RLIMIT_NOFILE)) <= confine.OPEN_FILES_MAX)\n"
        "print(Path('/proc/self/oom_score_adj').read_text().strip())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "1000"]


def test_files_are_not_said_to_be_closed_while_other_threads_run() -> None:
    program = (
        "import threading\nfrom gate.programs.children import confine\n"
        "held = threading.Event()\nthread = threading.Thread(target=held.wait)\nthread.start()\n"
        "print(confine.restrict_files(writable=()))\nopen('/dev/null', 'w').close()\nheld.set()\nthread.join()\n"
        # A thread that was joined is still the kernel's for a moment.
        "import os, time\nwhile len(os.listdir('/proc/self/task')) > 1: time.sleep(0.001)\n"
        "print(confine.restrict_files(writable=()))\n"
        "try: open('/dev/null', 'w')\n"
        "except OSError as error: print(error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    expected = ["False", "True", str(errno.EACCES)] if confine.landlock_version() else ["False", "False"]
    assert done.stdout.split() == expected


@pytest.mark.parametrize(
    ("needs", "families", "ports", "writable"),
    [
        (of_device(Network(address="http://10.0.0.7:8080/stream").reach), {2, 10}, (8080,), ()),
        (of_device(Network(address="https://10.0.0.7/stream", authorities="/a.pem").reach), {2, 10}, (443,), ()),
        (of_device(Reach(address="http://10.0.0.7:port/")), {2, 10}, (), ()),
        (of_device(V4l2(address="/dev/v4l/by-id/face").reach), set(), (), (Path("/dev"),)),
        (of_device(Gstreamer(address="nvarguscamerasrc").reach), {1}, (), (Path("/dev"),)),
        (of_device(Files(address="/recordings").reach), set(), (), ()),
        (of_device(PageCamera(address="/dev/v4l/by-id/page").reach), set(), (), (Path("/dev"),)),
        (of_device(PageCamera(address="http://10.0.0.8/page").reach), {2, 10}, (80,), ()),
        (of_device(PageFolder(path="/drops").reach), set(), (), (Path("/drops"),)),
    ],
)
def test_a_child_gets_what_its_one_camera_needs(
    needs: Needs, families: set[int], ports: tuple[int, ...], writable: tuple[Path, ...]
) -> None:
    assert (set(needs.families), needs.tcp_ports, needs.writable) == (families, ports, writable)
    assert needs.removes is (writable == (Path("/drops"),))


def test_opening_for_writing_is_refused_by_every_way_of_asking() -> None:
    refused = beyond(Needs())
    for call, flags in (("open", 1), ("openat", 2)):
        for mode in (os.O_WRONLY, os.O_RDWR):
            assert Refusal(call, Argument(flags, Where.MASKED_IS, mode, os.O_ACCMODE)) in refused
    assert not any(one.call == "openat" for one in beyond(Needs(writable=(Path("/dev"),))))


def test_memory_is_locked_only_where_all_of_it_may_be() -> None:
    without, with_it = "Name:\tx\nCapEff:\t0000000000000000\n", "CapEff:\t0000000000004000\n"
    assert not may_lock_everything(64 * 1024, without)
    assert may_lock_everything(64 * 1024, with_it)
    assert may_lock_everything(ADDRESS_SPACE_BYTES_MAX, without)
    assert may_lock_everything(resource.RLIM_INFINITY, without)


def test_a_child_that_breaks_says_where_and_not_on_what() -> None:
    program = (
        "import os\nfrom gate.programs.children.confine import harden\nharden(os.getppid())\n"
        "raise ValueError('P<UTOERIKSSON<<ANNA')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "a child broke: ValueError at <string>:4\n"


def test_every_program_is_unreadable_and_leaves_no_core(tmp_path: Path) -> None:
    program = (
        "import ctypes, resource, sys, types\nfrom pathlib import Path\nfrom gate.programs.shared import runner\n"
        "async def run(config, *, stop):\n"
        "    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))\n"
        "sys.modules |= {'gate.programs.any': types.SimpleNamespace(), 'gate.programs.any.program': types.SimpleNamespace(run=run)}\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "config = types.SimpleNamespace(runtime=lambda _: folder / 'any', socket=lambda name: folder / name)\n"
        "runner.run_program('any', config)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "0 (0, 0)"
