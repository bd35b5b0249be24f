"""Code of other distributions, in every place of a configuration that may name it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fakes.small_gate import NOTICE

from drivers.barrier.settings import Outside
from gate.programs.shared.config import Config, parse
from gate.programs.shared.devices import cameras, pads, profiles, registers
from gate.programs.shared.devices.barriers import described, is_verified
from gate_core.outside import OutsideError, installed

# A board that a test names `name`: each has a module of its own, since a module is loaded once.
BOARD = """
from gate_core.ports.drivers import BarrierFacts, DriverSettings

class Board:
    grant_written_at_s = None
    has_lamp = False
    async def connect(self, *, revoke=True): pass
    async def status(self): pass
    async def grant(self, direction, ttl_ms): pass
    async def revoke(self): pass
    async def release(self): pass
    def withdraw(self): pass
    async def lamp(self, colour): pass
    async def clear_alarms(self, alarms): pass
    async def end_emergency(self): pass
    async def check(self): return ""
    def describe(self): return {}
    def close(self): pass

class Changing(BarrierFacts):
    read = 0
    @property
    def verified(self):
        Changing.read += 1
        return "hardware" if Changing.read == 1 else "no"
    @verified.setter
    def verified(self, value): pass

class Acme(DriverSettings, frozen=True, kw_only=True):
    FACTS
    def open(self, line): return Board()
"""


def facts(what: str, *, verified: str = "hardware") -> str:
    return f'{what} BarrierFacts(grant_ends_by="controller_ttl", ttl_ms=range(1000, 30_001), verified="{verified}")'


def outside(folder: Path, stated: str, *, purpose: str = "demo") -> tuple[Config, Outside]:
    """A gate whose barrier's driver states these facts."""
    package = f"acme{abs(hash(folder)):x}"
    files = {
        f"{package}.py": BOARD.replace("FACTS", stated),
        "acme-1.dist-info/entry_points.txt": f"[portcullis.barriers]\nacme = {package}:Acme\n",
    }
    (folder / "acme-1.dist-info").mkdir()
    for path, text in files.items():
        (folder / path).write_text(text)
    (folder / "acme-1.dist-info/RECORD").write_text("".join(f"{path},,\n" for path in files))
    code = {"name": "acme", "folder": str(folder), "distributions": {"acme": installed("acme", folder).sha256}}
    config = parse(
        {
            "purpose": purpose,
            "gate_id": "g",
            "operator": "o",
            "barrier": {"driver": "outside", "port": "/dev/ttyS9", "code": code},
            "swipe": {"port": "/dev/ttyS6"},
            "camera": {"address": "https://192.0.2.7/", "certificate_sha256": "ab" * 32},
            "audit": {"recipients": ["age1a", "age1b"]},
            "notice": NOTICE,
        }
    )
    assert isinstance(config.barrier, Outside)
    return config, config.barrier


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test loads is found by no other."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))


@pytest.mark.parametrize("stated", [facts("facts ="), f"facts = property(lambda self: {facts('')})"])
def test_facts_are_an_attribute_or_a_property(tmp_path: Path, stated: str) -> None:
    config, barrier = outside(tmp_path, stated)
    assert list(profiles.problems(config)) == []
    assert described(barrier).ttl_ms == range(1000, 30_001)
    assert is_verified(barrier)


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ("pass", "states no BarrierFacts as its facts; ask its maker"),
        ('facts = {"verified": "hardware"}', "states no BarrierFacts as its facts; ask its maker"),
        (facts("facts =").replace("BarrierFacts", "Changing"), "states no BarrierFacts as its facts; ask its maker"),
        ("facts = property(lambda self: [][0])", "does not state its facts: IndexError"),
        ("facts = property(lambda self: exit(3))", "does not state its facts: SystemExit: 3"),
        (
            f"facts = property(lambda self: {facts('', verified='yes')})",
            "does not state its facts: ValueError: verified is",
        ),
        (facts("facts =", verified="yes"), "does not load: ValueError: verified is 'yes', none of hardware"),
    ],
)
def test_what_are_no_facts_is_said_in_one_line(tmp_path: Path, stated: str, why: str) -> None:
    config, barrier = outside(tmp_path, stated)
    (found,) = profiles.problems(config)
    assert found.key == "barrier.code.name"
    assert f"acme {why}" in found.problem
    assert found.problem.isprintable()
    with pytest.raises(OutsideError, match=r"^code\.name: acme "):
        described(barrier)


@pytest.mark.parametrize("verified", ["hardware", "simulator", "no"])
def test_in_service_only_a_driver_tried_on_hardware_is_taken(tmp_path: Path, verified: str) -> None:
    config, barrier = outside(tmp_path, facts("facts =", verified=verified), purpose="service")
    found = [(one.key, one.problem) for one in profiles.problems(config) if one.key.startswith("barrier")]
    assert len(found) == (verified != "hardware")
    assert is_verified(barrier) is not bool(found)
    for key, problem in found:
        assert key == "barrier.code.name"
        assert f'its driver states verified = "{verified}"; try it on the board itself' in problem


@pytest.mark.parametrize(
    ("ttl_ms", "takes"), [("range(1000, 5000)", "1000 to 4999"), ("range(50_000, 60_000)", "50000")]
)
def test_a_board_that_does_not_take_the_grants_time_is_refused(tmp_path: Path, ttl_ms: str, takes: str) -> None:
    config, _ = outside(tmp_path, facts("facts =").replace("range(1000, 30_001)", ttl_ms))
    (found,) = profiles.problems(config)
    assert found.key == "rules.grant_ttl_ms"
    assert f"the board of barrier takes {takes}" in found.problem


def test_every_place_for_foreign_code_says_its_problem_with_its_key(tmp_path: Path) -> None:
    """Each kind of device, by the key to change in gate.toml."""
    code = {"name": "acme", "folder": str(tmp_path), "distributions": {"acme-gates": ""}}
    device = {"driver": "outside", "port": "/dev/ttyS9", "code": code}
    config = parse(
        {
            "purpose": "demo",
            "gate_id": "g",
            "operator": "o",
            "barrier": device,
            "first_barrier": {**device, "port": "/dev/ttyS8"},
            "sensors": {**device, "port": "/dev/ttyS7"},
            "swipe": {**device, "port": "/dev/ttyS6"},
            "camera": {
                "driver": "outside",
                "address": "/dev/video9",
                "code": code,
                "pad": {"socket": "/run/pad", "profile": "portcullis-sim", "code": code},
            },
            "registers": {"online": {"wanted": {"adapter": "outside", "code": code}}},
            "audit": {"recipients": []},
        }
    )
    assert config.has_outside_code
    assert config.camera.pad is not None
    found = [*profiles.problems(config), *cameras.problems(config), *pads.code_problems(config.camera.pad)]
    found += registers.problems(config)
    keys = ("barrier", "first_barrier", "sensors", "swipe", "camera", "camera.pad", "registers.online.wanted")
    assert [one.key for one in found] == [f"{key}.code.distributions" for key in keys]
    assert all("acme-gates is not installed in" in one.problem for one in found)
