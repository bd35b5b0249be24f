"""The world's orders and events, with doubles for camera, chip and people."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest

from hardware_sim.barrier.device import Barrier
from hardware_sim.barrier.zone import START_M
from hardware_sim.camera import MjpegCamera
from hardware_sim.cli import main
from hardware_sim.display import NoPageError, led_to
from hardware_sim.scenario import Lane, Scenario, Sight, Verdict, read_scenarios, scenario_folder
from hardware_sim.stage import Cast, Hardware
from hardware_sim.story import FOLLOWING_M
from hardware_sim.technician import STORY, Cable, Technician
from hardware_sim.truth import read_truth
from hardware_sim.world import ORDER_BYTES_MAX, TRUTH_NAME, World
from hardware_sim.world_setup import CAMERA_PORT, NotReadyError, port_before, start_camera


class Quiet:
    """A camera and a chip reader that do nothing."""

    def show(self, scene: Any) -> None:
        pass

    def follow(self, nearness: Any) -> None:
        pass

    def shine(self, rgb: Any) -> None:
        pass

    def insert(self, passport: Any, *, pull_out_after_apdus: int | None, **_pace: float) -> None:
        pass

    def remove(self) -> None:
        pass


class Casting:
    """Casts everybody as nobody."""

    def chance(self, traveller: str) -> random.Random:
        return random.Random(traveller)

    def cast(self, traveller: str, scenario: Scenario) -> Cast:  # noqa: ARG002 - the port's words
        if traveller == "unlucky":
            raise RuntimeError("no passport could be made")
        return Cast("passport", (("A", "B"),), {sight: sight.value for sight in Sight})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def worlds_answer(
    folder: Path,
    *orders: object,
    out: io.StringIO | None = None,
    lane: Lane = Lane.ONE_DOOR,
    cables: dict[str, Cable] | None = None,
) -> list[dict[str, Any]]:
    lines = "".join(order if isinstance(order, str) else json.dumps(order) + "\n" for order in orders)
    events = out or io.StringIO()
    world = World(
        folder,
        seed=1,
        chip=Quiet(),
        camera=Quiet(),
        casting=Casting(),
        scenarios=read_scenarios(scenario_folder(), lane),
        out=events,
        pace=10.0,
        lit_camera=Quiet(),
        lane=lane,
        cables=cables,
    )
    try:
        world.run(io.StringIO(lines), {"camera": "http://127.0.0.1:1/"})
    finally:
        world.close()
    return [json.loads(line) for line in events.getvalue().splitlines()]


def test_the_first_event_says_where_everything_is(folder: Path) -> None:
    (ready,) = worlds_answer(folder)
    assert ready["event"] == "ready"
    assert ready["barrier"] == str(folder / "barrier")
    assert ready["swipe"] == str(folder / "swipe")
    assert ready["reader"] == {"kind": "elyctis", "driver": "elyctis", "baud": 9600}
    assert ready["camera"] == "http://127.0.0.1:1/"
    assert ready["truth"] == str(folder / TRUTH_NAME)
    assert "genuine" in ready["scenarios"]
    assert not {"first_barrier", "sensors"} & ready.keys()


def test_a_world_of_two_doors_says_where_the_first_board_and_the_sensor_unit_are(folder: Path) -> None:
    (ready,) = worlds_answer(folder, lane=Lane.TWO_DOOR)
    ports = (ready["barrier"], ready["first_barrier"], ready["sensors"])
    assert ports == tuple(str(folder / name) for name in ("barrier", "first-barrier", "sensors"))
    assert {"genuine", "piggyback"} <= set(ready["scenarios"])
    assert "tailgater" not in ready["scenarios"]


@pytest.mark.parametrize(
    "order",
    [
        "nonsense\n",
        "[1]\n",
        "{}\n",
        {"do": "dance"},
        {"see": {"screen": "news"}},
        {"see": "go"},
        {"see": {"screen": ["go"]}},
        {"do": "host_done"},
        {"do": "host_done", "what": "swap_person"},
        {"do": "host_done", "what": ["kill_lane"]},
        {"do": "traveller", "id": "t1"},
        {"do": "traveller", "id": "t1", "scenario": "unheard_of"},
        {"do": "traveller", "id": "../t1", "scenario": "genuine"},
        {"do": "traveller", "id": 7, "scenario": "genuine"},
        {"do": "display"},
        {"do": "display", "page": 8088},
        {"do": "display", "page": "https://example.org/"},
        {"do": "display", "page": "http://127.0.0.1/"},
        '{"see": ' + " " * ORDER_BYTES_MAX,
        '{"do": "stop"}',
    ],
)
def test_what_is_no_order_is_answered_with_an_error_and_the_world_goes_on(folder: Path, order: object) -> None:
    events = worlds_answer(folder, order)
    assert [event["event"] for event in events[:2]] == ["ready", "error"]
    assert events[1]["why"]


def test_the_display_shows_one_page(folder: Path) -> None:
    page = {"do": "display", "page": "http://127.0.0.1:9/"}  # where nobody answers, which is no reason to stop
    assert [event["event"] for event in worlds_answer(folder, page)] == ["ready", "did"]
    assert [event["event"] for event in worlds_answer(folder, page, page)] == ["ready", "did", "error"]


def test_after_stop_nothing_is_obeyed(folder: Path) -> None:
    assert len(worlds_answer(folder, {"do": "stop"}, "nonsense\n")) == 1


def test_a_traveller_who_waits_when_the_world_ends_is_dropped(folder: Path) -> None:
    orders = [{"do": "traveller", "id": f"t{number}", "scenario": "genuine"} for number in range(3)]
    assert [event["event"] for event in worlds_answer(folder, *orders)] == ["ready"]


def test_more_travellers_than_can_wait_are_turned_away_and_the_world_still_ends(folder: Path) -> None:
    orders = [{"do": "traveller", "id": f"t{number}", "scenario": "genuine"} for number in range(1005)]
    events = worlds_answer(folder, *orders)
    assert {event["event"] for event in events} == {"ready", "error"}
    assert "more than 1000" in events[-1]["why"]


def test_a_fault_in_the_world_is_said(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    events = play_until_over(folder, {"do": "traveller", "id": "unlucky", "scenario": "genuine"})
    assert events[-1] == {"event": "broken", "why": "RuntimeError: no passport could be made"}
    assert "Traceback" in capfd.readouterr().err


def test_an_emptied_lane_is_told_with_who_passed_and_the_truth_is_on_disk(folder: Path) -> None:
    events = play_until_over(
        folder,
        {"see": {"screen": "welcome", "guidance": "none"}},
        {"do": "traveller", "id": "t1", "scenario": "genuine"},
    )
    assert set(events[-1].pop("late")) == {"part", "late_ms", "stood_ms"}
    assert events[-1] == {"event": "done", "id": "t1", "passed": 0, "served": True, "left": True}
    happenings = [happening.event for happening in read_truth(folder / TRUTH_NAME)]
    assert happenings == ["arrived", "presented", "document_removed", "left"]


def test_two_worlds_do_not_disturb_each_other(tmp_path: Path) -> None:
    done: dict[str, dict[str, Any]] = {}

    def play(name: str) -> None:
        (tmp_path / name).mkdir()
        orders = {"see": {"screen": "welcome"}}, {"do": "traveller", "id": name, "scenario": "genuine"}
        done[name] = play_until_over(tmp_path / name, *orders)[-1]

    worlds = [threading.Thread(target=play, args=(name,)) for name in ("north", "south")]
    for world in worlds:
        world.start()
    for world in worlds:
        world.join(20)
    assert {name: event["id"] for name, event in done.items()} == {"north": "north", "south": "south"}


class Bed:
    """A document camera's bed that notes what was laid on it."""

    def __init__(self) -> None:
        self.laid: list[object] = []
        self.came = threading.Condition()

    def insert(self, document: object) -> None:
        with self.came:
            self.laid.append(document)
            self.came.notify_all()

    def remove(self) -> None:
        pass

    def wait_for(self, count: int) -> None:
        with self.came:
            assert self.came.wait_for(lambda: len(self.laid) >= count, 10)


def test_before_a_document_camera_the_next_page_is_laid_when_the_screen_asks(folder: Path) -> None:
    bed, speaking = Bed(), Listening()

    class Pages(Casting):
        def cast(self, traveller: str, scenario: Scenario) -> Cast:  # noqa: ARG002 - the port's words
            return Cast("passport", ("visa", "data page"), {sight: sight.value for sight in Sight})

    def orders() -> Generator[str]:
        yield '{"see": {"screen": "welcome", "guidance": "none"}}\n'
        yield '{"do": "traveller", "id": "t1", "scenario": "page_visa"}\n'
        bed.wait_for(1)
        yield '{"see": {"screen": "welcome", "guidance": "page_still"}}\n'
        yield '{"see": {"screen": "welcome", "guidance": "page_open"}}\n'
        bed.wait_for(2)
        yield '{"see": {"screen": "emergency", "guidance": "page_open"}}\n'
        speaking.wait_for("done", "broken")

    world = World(
        folder,
        seed=1,
        chip=Quiet(),
        camera=Quiet(),
        casting=Pages(),
        scenarios=read_scenarios(scenario_folder()),
        out=speaking,
        pace=10.0,
        page_scanner=bed,
    )
    try:
        world.run(Reading(orders()), {"page": "http://127.0.0.1:1/"})
    finally:
        world.close()
    events = [json.loads(line) for line in speaking.getvalue().splitlines()]
    assert events[0]["reader"] == {"kind": "page"}
    assert "swipe" not in events[0]
    assert events[-1]["event"] == "done"
    assert bed.laid == ["visa", "data page"]


def play_until_over(folder: Path, *orders: object) -> list[dict[str, Any]]:
    """Give orders; once the traveller has presented, show an emergency; end when they are done."""
    speaking = Listening()

    def lines() -> Generator[str]:
        yield from (json.dumps(order) + "\n" for order in orders)
        speaking.wait_for_truth(folder / TRUTH_NAME, "presented", "broken")
        yield '{"see": {"screen": "emergency"}}\n'
        speaking.wait_for("done", "broken")

    source = lines()
    orders_in = Reading(source)
    world = World(
        folder,
        seed=1,
        chip=Quiet(),
        camera=Quiet(),
        casting=Casting(),
        scenarios={"genuine": Scenario("genuine", "t", Verdict.ADMITTED, (), 1)},
        out=speaking,
        pace=10.0,
    )
    try:
        world.run(orders_in, {})
    finally:
        world.close()
    return [json.loads(line) for line in speaking.getvalue().splitlines()]


class Reading:
    """Orders that are made when they are asked for."""

    def __init__(self, lines: Generator[str]) -> None:
        self._lines = lines

    def readline(self, _size: int, /) -> str:
        return next(self._lines, "")


class Listening(io.StringIO):
    """Events that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._came = threading.Condition()

    def flush(self) -> None:
        with self._came:
            self._came.notify_all()

    def wait_for(self, *events: str) -> None:
        with self._came:
            assert self._came.wait_for(lambda: any(f'"event": "{event}"' in self.getvalue() for event in events), 10)

    def wait_for_truth(self, path: Path, *events: str) -> None:
        with self._came:
            while not any(f'"event": "{event}"' in self.getvalue() + path.read_text() for event in events):
                self._came.wait(0.01)


def test_a_host_that_went_away_ends_the_world_without_a_traceback(folder: Path) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str, /) -> int:
            raise BrokenPipeError

    assert worlds_answer(folder, {"do": "traveller", "id": "t1", "scenario": "genuine"}, out=Gone()) == []


# ── the command line ─────────────────────────────────────────────────────────────────────────────────────────────────

OPENED = '{"monotonic_ms": 5, "event": "leaf_moved", "from": "closed", "to": "opening", "obstacle": false}\n'


def judged(tmp_path: Path, truth: str, log: str, *options: str) -> int:
    (tmp_path / "truth").write_text(truth)
    (tmp_path / "log").write_text(log)
    return main(["judge", "--truth", str(tmp_path / "truth"), "--log", str(tmp_path / "log"), *options])


def test_judge_exits_0_when_nothing_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path, "", "") == 0
    assert capsys.readouterr().out == "0 openings, 0 passages, 0 wrong openings, 0 differences between log and truth\n"


def test_judge_exits_1_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path, OPENED, "") == 1
    out = capsys.readouterr().out
    assert "wrong opening at 5 ms: no_admission:" in out
    assert "1 wrong openings" in out


def test_judge_gives_one_json_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path, OPENED, "", "--json") == 1
    assert json.loads(capsys.readouterr().out)["wrong_openings"] == 1


@pytest.mark.parametrize(("truth", "log"), [("x\n", ""), ("", "x\n")])
def test_judge_exits_65_on_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], truth: str, log: str) -> None:
    assert judged(tmp_path, truth, log) == 65
    assert "line 1" in capsys.readouterr().err


def test_judge_exits_74_on_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", "--truth", str(tmp_path / "a"), "--log", str(tmp_path / "b")]) == 74
    assert capsys.readouterr().err.startswith("gate-sim: ")


@pytest.mark.parametrize("arguments", [[], ["dance"], ["world", "--dir", "x", "--seed", "1", "--pace", "0"]])
def test_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
    capsys.readouterr()


def test_world_exits_74_without_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["world", "--dir", str(tmp_path / "missing"), "--seed", "1"]) == 74
    assert "missing" in capsys.readouterr().err


def test_world_exits_65_on_a_bad_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text("name = 3")
    assert main(["world", "--dir", str(tmp_path), "--seed", "1", "--scenarios", str(tmp_path)]) == 65
    assert capsys.readouterr().err == "gate-sim: bad.toml: name must be a str\n"


def test_world_exits_69_when_the_machine_lacks_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware_sim.world_setup.identities", tuple)  # no people at all
    assert main(["world", "--dir", str(tmp_path), "--seed", "1"]) == 69
    assert capsys.readouterr().err == "gate-sim: 0 identities; stories need 2\n"


def test_the_package_runs_as_a_program(tmp_path: Path) -> None:
    for name in ("truth", "log"):
        (tmp_path / name).write_text("")
    arguments = ["judge", "--truth", str(tmp_path / "truth"), "--log", str(tmp_path / "log")]
    done = subprocess.run(
        [sys.executable, "-m", "hardware_sim", *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout == "0 openings, 0 passages, 0 wrong openings, 0 differences between log and truth\n"


def test_a_technician_moves_as_they_are_told(folder: Path) -> None:
    orders = (
        {"do": "walk_in", "who": "anna"},
        {"do": "turn_back", "who": "anna"},
        {"do": "walk_out", "who": "ben"},
        {"do": "fire", "active": True},
        {"do": "power_cycle"},
        {"do": "stand", "shows": "self"},
        {"do": "lay"},
        {"do": "take"},
    )
    _, *answers = worlds_answer(folder, *orders)
    assert [(one["event"], one["do"]) for one in answers] == [("did", order["do"]) for order in orders]
    events = [record.event for record in read_truth(folder / TRUTH_NAME)]
    assert {"fire_on", "power_up"} <= set(events)


def test_what_is_broken_is_broken_until_it_is_mended(folder: Path) -> None:
    pulled: list[str] = []
    orders = (
        {"do": "unplug", "what": "barrier"},
        {"do": "unplug", "what": "camera"},
        {"do": "replug", "what": "barrier"},
        {"do": "line", "drop": 1},
        {"do": "push", "degrees": 20},
        {"do": "motor", "faulty": True},
    )
    cables = {"camera": Cable(lambda: pulled.append("out"), lambda: pulled.append("in"))}
    _, *answers = worlds_answer(folder, *orders, {"do": "unplug", "what": "camera"}, cables=cables)
    assert [(one["event"], one.get("do")) for one in answers] == [("did", order["do"]) for order in orders] + [
        ("error", None)
    ]
    assert "is out already" in answers[-1]["why"]
    assert pulled == ["out"]
    happened = [record.event for record in read_truth(folder / TRUTH_NAME)]
    assert [one for one in happened if "plugged" in one] == ["barrier_unplugged", "camera_unplugged", "barrier_plugged"]
    assert {"leaf_forced", "motor_fault"} <= set(happened)


def test_of_two_doors_the_first_ones_cable_is_told_as_that_doors(folder: Path) -> None:
    _, did = worlds_answer(folder, {"do": "unplug", "what": "first-barrier"}, lane=Lane.TWO_DOOR)
    assert did["event"] == "did"
    (told,) = [one for one in read_truth(folder / TRUTH_NAME) if one.event == "barrier_unplugged"]
    assert told.text("door") == "first"


def test_one_order_sends_two_people_close_behind_each_other() -> None:
    hardware = Hardware(*cast("Any", (Barrier(lambda *_, **__: None), *[Quiet()] * 5)))
    Technician(hardware, Casting().cast("x", STORY), {}).do({"do": "walk_in", "who": "anna", "followed_by": "ben"})
    assert hardware.barrier.bodies_m == {"anna": START_M, "ben": START_M - FOLLOWING_M}


def test_a_camera_has_the_port_that_it_had_in_this_folder_before(folder: Path) -> None:
    kept = folder / CAMERA_PORT
    first = MjpegCamera(port=port_before(kept))
    start_camera(first, kept)
    try:
        second = MjpegCamera(port=port_before(kept))
        with pytest.raises(NotReadyError, match="another program has the port"):
            start_camera(second, kept)
    finally:
        first.stop()
    start_camera(second, kept)
    second.stop()
    assert second.address == first.address
    kept.write_text("nowhere")
    with pytest.raises(NotReadyError, match="holds no port"):
        port_before(kept)


@pytest.mark.parametrize(
    "order",
    [
        {"do": "walk_in", "who": "two words"},
        {"do": "walk_in", "who": 3},
        {"do": "walk_in", "who": "anna", "followed_by": "two words"},
        {"do": "stand", "shows": "picture"},
        {"do": "stand"},
        {"do": "unplug", "what": "screen"},
        {"do": "unplug"},
        {"do": "replug", "what": "barrier"},
        {"do": "line"},
        {"do": "line", "drop": 2},
        {"do": "push", "degrees": True},
    ],
)
def test_a_technicians_order_that_is_none_is_told(folder: Path, order: object) -> None:
    _, error = worlds_answer(folder, order)
    assert error["event"] == "error"


def test_between_two_doors_no_technician_moves(folder: Path) -> None:
    _, error = worlds_answer(folder, {"do": "walk_in"}, lane=Lane.TWO_DOOR)
    assert "one door" in error["why"]


def test_a_start_page_leads_to_the_page(folder: Path) -> None:
    page = folder / "start.html"
    page.write_text('<script>location.replace("http://127.0.0.1:8088/#SECRET")</script>')
    assert led_to(page.as_uri()) == "http://127.0.0.1:8088/#SECRET"
    assert led_to("http://127.0.0.1:1/#S") == "http://127.0.0.1:1/#S"
    page.write_text("<p>nowhere")
    for address in (page.as_uri(), (folder / "none.html").as_uri()):
        with pytest.raises(NoPageError):
            led_to(address)
