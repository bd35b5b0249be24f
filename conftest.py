"""What all tests share: how examples are drawn, and that no skip hides.

A skip whose reason is not in `ALLOWED_SKIPS` fails the session; the summary's last line counts the others.
"""

from __future__ import annotations

import re
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from fakes.slices import SLICES, slice_of, slices
from hypothesis import settings
from shared_data import NO_SHARED_DATA, SHARED_DATA

# How long an example takes says how busy the machine is; a hang ends by the session's own time limit. A run says the same of the
# same code every time; new examples are looked for on purpose: `scripts/test -m hypothesis --hypothesis-profile search`.
settings.register_profile("portcullis", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("portcullis")

# A shell starts what it runs in the background deaf to interrupts, and so would be whatever a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Each with what it takes to run the test after all.
ALLOWED_SKIPS = (
    re.escape(NO_SHARED_DATA),  # lay ../shared/data
    "no PC/SC here",  # pcscd, vsmartcard-vpcd and namespaces
    "no openssl program",  # apt-get install openssl
    "mounting (needs root|is not possible here)",  # root, and a kernel with loop devices
    "nobody may mount a file system here",  # user namespaces, or root
    "becoming another user needs root",  # root
    "only root reads other processes' memory",  # root
    "no ext4 can be made here",  # apt-get install e2fsprogs
    "no xfs can be made here",  # apt-get install xfsprogs
    "the peers are not here",  # scripts/bench makes their environment
    "no Chromium at",  # apt-get install chromium
    "PostgreSQL is not installed",  # apt-get install postgresql
    "(systemd|udev) is not installed",
    "no machine can be booted here",  # root, namespaces, systemd, polkitd, pcscd, vsmartcard-vpcd and D-Bus
    "only x86 is slow",  # an x86-64 processor
    "no gpio-sim here",  # root, and a kernel with CONFIG_GPIO_SIM (a user-mode kernel will do), configfs mounted
    "no Go here",  # apt-get install golang-go golang-golang-x-mod-dev, as scripts/setup does
    "aics-tlog needs Python 3.12",  # the virtual environment of a newer Python: PYTHON=python3.13 scripts/setup
    "no libfaketime here",  # apt-get install libfaketime, as scripts/setup does
    "no package registry is reached",  # a network: proves that the locks resolve for aarch64
)


# What repeats: counting the lines it reaches takes three to four times as long, and it reaches next to none that other tests do not.
UNCOUNTED = tuple(Path(__file__).parent / "tests" / folder for folder in ("property", "conformance"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--slice`."""
    parser.addoption(
        "--slice", type=int, choices=range(SLICES), help="only this tenth of the long tests (tests/fakes/slices.py)"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Conformance tests need the shared data; in what repeats no lines are counted; `--slice` leaves one slice."""
    if (wanted := config.getoption("slice")) is not None:
        held = slices()
        chosen = [item for item in items if item.get_closest_marker("long") and slice_of(item.nodeid, held) == wanted]
        config.hook.pytest_deselected(items=list(set(items).difference(chosen)))
        items[:] = chosen
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in UNCOUNTED):
            item.add_marker(pytest.mark.no_cover)
    if not SHARED_DATA.is_dir():
        for item in items:
            if item.get_closest_marker("conformance"):
                item.add_marker(pytest.mark.skip(reason=NO_SHARED_DATA))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test by which a clause of a standard is shown fails where it is skipped (gate conformity)."""
    report = yield
    if report.skipped:
        from gate_lab.conformity import TESTS

        if TESTS & {item.nodeid.partition("[")[0], item.nodeid.partition("::")[0]}:
            report.outcome, report.longrepr = "failed", "it shows a clause of a standard, and was skipped"
    return report


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder like `tmp_path` with a short name: the path of a socket has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="gate-") as made:
        yield Path(made)


@pytest.fixture(autouse=True)
def _databases_are_closed() -> Iterator[None]:
    """Close the central servers' databases that a test opened in memory."""
    yield
    if (fake := sys.modules.get("central_fakes.server")) is not None:
        fake.close_databases()


class _Skips:
    def __init__(self) -> None:
        self.unexpected: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at why a test was skipped."""
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
            if not any(re.search(allowed, reason) for allowed in ALLOWED_SKIPS):
                self.unexpected.append(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the session for a skip nobody allowed."""
        if self.unexpected:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which skips were not allowed."""
        for line in self.unexpected:
            terminalreporter.write_line(f"SKIPPED WITHOUT LEAVE {line}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Watch over skips."""
    config.pluginmanager.register(_Skips(), "skips")
