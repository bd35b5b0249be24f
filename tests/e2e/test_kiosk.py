"""The kiosk as it is shipped: the compositor, the browser under its policy, and in it the traveller's page with the secret of the boot."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from fakes.boot.gate import Gate

from gate.screens.kiosk.board import PAINTED_S_MAX

pytestmark = [pytest.mark.long, pytest.mark.e2e]

UNIT = "portcullis-kiosk.service"
# A machine without a display, a terminal or a seat: the compositor draws into memory. All else is as shipped.
HEADLESS = """\
[Service]
PAMName=
TTYPath=
TTYReset=no
TTYVHangup=no
StandardInput=null
Environment=WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1
"""
AS_KIOSK = ("setpriv", "--reuid=portcullis-kiosk", "--regid=portcullis-kiosk", "--clear-groups")
DISPLAY = ("env", "XDG_RUNTIME_DIR=/run/portcullis-kiosk", "WAYLAND_DISPLAY=wayland-0")


@pytest.fixture
def kiosk(gate: Gate) -> Iterator[Gate]:
    gate.machine.write(f"/run/systemd/system/{UNIT}.d/headless.conf", HEADLESS)
    gate.machine.systemctl("daemon-reload")
    pages = gate.status()["detail"]["screens"]["pages"]
    gate.machine.systemctl("start", UNIT)
    try:
        gate.until(lambda: gate.status()["detail"]["screens"]["pages"] > pages, "the kiosk shows the page")
        yield gate
    finally:
        gate.machine.systemctl("stop", UNIT)


def shot(gate: Gate, path: Path) -> Path:
    """What is on the display."""
    gate.machine.run(*AS_KIOSK, *DISPLAY, "grim", "/run/portcullis-kiosk/shot.png")
    path.write_bytes((gate.machine.root / "run/portcullis-kiosk/shot.png").read_bytes())
    return path


def test_the_kiosk_shows_the_travellers_page_and_nothing_else(kiosk: Gate, tmp_path: Path) -> None:
    picture = cv2.imread(str(shot(kiosk, tmp_path / "shot.png")))
    assert picture is not None
    height, width = picture.shape[:2]
    corners = {tuple(int(part) for part in picture[y, x]) for y in (3, height - 4) for x in (3, width - 4)}
    assert len(corners) <= 2, corners  # one page to every edge, and the yellow line of a trial: no bar, no bubble
    assert corners != {(0, 0, 0)}


def test_the_lane_serves_travellers_by_what_the_kiosk_paints_and_nobody_without_it(kiosk: Gate) -> None:
    def page_is_gone() -> bool:
        return "page_gone" in {one["mode"] for one in kiosk.status()["degraded"]}

    kiosk.world.close_eyes()
    try:
        time.sleep(2 * PAINTED_S_MAX)
        status = kiosk.status()
        assert status["ok"], status
        kiosk.machine.systemctl("stop", UNIT)
        kiosk.until(page_is_gone, "the page is missed")
        assert not kiosk.status()["ok"]
        kiosk.machine.systemctl("start", UNIT)
        kiosk.until(lambda: bool(kiosk.status()["ok"]), "the kiosk paints again")
    finally:
        kiosk.world.open_eyes()
    kiosk.until(kiosk.is_in_service, "the gate is in service")


def test_the_browser_runs_in_its_sandbox_as_a_user_of_its_own(kiosk: Gate) -> None:
    lines = kiosk.machine.run("ps", "-eo", "user:32,args").stdout.splitlines()
    browsers = [line for line in lines if "chromium" in line and "--type=renderer" in line]
    assert browsers
    assert all(line.startswith("portcullis-kiosk") for line in browsers)
    assert not [line for line in lines if "--no-sandbox" in line]


def test_the_policy_is_where_the_browser_reads_it_and_allows_one_page(kiosk: Gate) -> None:
    policy = json.loads((kiosk.machine.root / "etc/chromium/policies/managed/portcullis.json").read_text())
    assert (policy["URLBlocklist"], policy["TranslateEnabled"]) == (["*"], False)
    assert set(policy["URLAllowlist"]) == {"file:///run/portcullis-screens/kiosk/start.html", "127.0.0.1:8088"}
