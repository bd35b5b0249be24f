"""What CONTRIBUTING.md says of additions is so: each is made in a copy of the product, touches no other files than these, and works there.

A kind of list has its own test (tests/unit/trust/test_trust_list_kinds.py).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import tomli_w
from fakes.additions import Copy
from fakes.portraits import as_file, astronaut
from fakes.roots import ROOT
from fakes.tiny_models import real_models

from models.manifest import load
from models.runtime import golden_input, probes

SITE = {
    "gate_id": "gate-0001",
    "operator": "border.example",
    "purpose": "trial",
    "barrier": {"port": "/dev/portcullis-barrier"},
    "swipe": {"port": "/dev/portcullis-swipe"},
    "camera": {"address": "http://192.0.2.7/"},
    "audit": {"recipients": ["age1a", "age1b"]},
}

# ── a barrier with another protocol ──────────────────────────────────────────────────────────────────────────────────

TURNSTILE_SETTINGS = '''
class Turnstile(ProfiledDevice, frozen=True, kw_only=True, tag="turnstile"):
    """A turnstile that counts for itself. `arms` is how many it has."""

    arms: int
    poll_ms: int = 50
    port: Text = "/dev/turnstile"
    profile: Text = ""


BarrierSettings = LineSettings | Contacts | Outside | Turnstile
'''
TURNSTILE = '''"""A turnstile in memory."""

from collections.abc import Collection, Mapping

from gate_core.evidence.crossing import Alarm
from gate_core.ports.drivers import BarrierFacts
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition

FACTS = BarrierFacts(grant_ends_by="controller_ttl", ttl_ms=range(1_000, 60_000))


class Turnstile:
    """Fills the lane's port."""

    def __init__(self, arms: int) -> None:
        self._arms = arms
        self._passed = 0
        self.grant_written_at_s: float | None = None

    async def connect(self, *, revoke: bool = True) -> None:
        """Nothing to open."""

    async def status(self) -> BarrierStatus:
        """At rest."""
        return BarrierStatus(
            LeafPosition.CLOSED, 0, self._passed, 0, 0, 0, fire=False, emergency_open=False, alarms=frozenset(), restarts=1
        )

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        """Turn once."""
        self._passed += 1
        self.grant_written_at_s = 1.5

    async def revoke(self) -> None:
        """It has turned already."""

    async def release(self) -> None:
        """Let the arms drop."""

    def withdraw(self) -> None:
        """Nothing is under way."""

    @property
    def has_lamp(self) -> bool:
        """It has none."""
        return False

    async def lamp(self, colour: LampColour) -> None:
        """It has none."""

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        """It has none."""

    async def end_emergency(self) -> None:
        """Lift the arms."""

    async def check(self) -> str:
        """Count the arms."""
        return f"{self._arms} arms"

    def describe(self) -> Mapping[str, int]:
        """How often it turned."""
        return {"turns": self._passed}

    def close(self) -> None:
        """Nothing to close."""
'''
TURNSTILE_TRIED = """
import asyncio, sys
from pathlib import Path
from gate.passage.events import DoorSeen
from gate.programs.lane.parts import BarrierKeeper
from gate.programs.selftest import TESTS
from gate.programs.shared.config import load
from gate.programs.shared.devices.barriers import barrier

async def tried():
    config = load(Path(sys.argv[1]))
    print(await TESTS["barrier"](config))
    board, seen = barrier(config.barrier), asyncio.Event()
    keeper = BarrierKeeper(board, post=lambda event: isinstance(event, DoorSeen) and event.passages_entry and seen.set(), poll_s=0.01)
    kept = asyncio.create_task(keeper.run())
    await asyncio.sleep(0.1)
    print(await keeper.grant(10_000))
    await asyncio.wait_for(seen.wait(), 30)
    print(board.describe())
    kept.cancel()

asyncio.run(tried())
"""


def add_turnstile(copy: Copy) -> list[str]:
    copy.edit(
        "drivers/barrier/settings.py",
        ("BarrierSettings = LineSettings | Contacts | Outside\n", f"\n\n{TURNSTILE_SETTINGS}"),
    )
    copy.add("drivers/barrier/turnstile.py", TURNSTILE)
    imported = "from drivers.barrier.settings import BarrierSettings, Contacts, Framed, LineSettings, Modbus, ModbusTcp, Outside\n"
    copy.edit(
        "gate/programs/shared/devices/barriers.py",
        (imported, f"{imported}from drivers.barrier import settings as ours, turnstile\n"),
        (
            "    match settings, load_profile(",
            "    if isinstance(settings, ours.Turnstile):\n        return turnstile.Turnstile(settings.arms)\n    match settings, load_profile(",
        ),
        (
            "    if not isinstance(settings, Outside):\n",
            "    if isinstance(settings, ours.Turnstile):\n        return turnstile.FACTS\n    if not isinstance(settings, Outside):\n",
        ),
    )
    return ["drivers/barrier/settings.py", "drivers/barrier/turnstile.py", "gate/programs/shared/devices/barriers.py"]


def test_a_barrier_protocol_touches_its_room_and_where_barriers_are_built(copy: Copy, tmp_path: Path) -> None:
    added = add_turnstile(copy)
    assert copy.touched() == added
    config = configured(tmp_path, barrier={"driver": "turnstile", "arms": 3})
    assert copy.run("-c", TURNSTILE_TRIED, config).splitlines() == [
        "3 arms; this profile was not tried on a real board",
        "1.5",
        "{'turns': 1}",
    ]
    with pytest.raises(AssertionError, match="missing required field `arms`"):
        copy.run("-c", TURNSTILE_TRIED, configured(tmp_path, barrier={"driver": "turnstile"}))


# ── a camera ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GREY_SETTINGS = '''class Grey(_Camera, frozen=True, kw_only=True, tag="grey"):
    """A sensor that knows one shade."""

    shade: int


CameraSettings = Network | V4l2 | Gstreamer | Files | Outside | Grey
'''
GREY = '''"""A sensor that knows one shade."""

from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from drivers.camera.newest import NewestFrame


class GreyCamera(NewestFrame):
    """Pictures of one shade."""

    def __init__(self, shade: int, size: tuple[int, int]) -> None:
        super().__init__()
        self._shape, self._shade = (size[1], size[0], 3), shade

    def _pictures(self) -> Generator[npt.NDArray[np.uint8]]:
        while True:
            yield np.full(self._shape, self._shade, np.uint8)
'''
GREY_TRIED = """
import asyncio, sys
from pathlib import Path
from drivers.camera.presence import missing
from gate.programs.children.confine import of_device
from gate.programs.selftest import TESTS
from gate.programs.shared.config import load

config = load(Path(sys.argv[1]))
print(asyncio.run(TESTS["camera"](config)))
print(asyncio.run(missing(config.camera)), of_device(config.camera.reach).writable)
"""


def add_grey_camera(copy: Copy) -> list[str]:
    copy.edit(
        "drivers/camera/settings.py", ("CameraSettings = Network | V4l2 | Gstreamer | Files | Outside\n", GREY_SETTINGS)
    )
    copy.add("drivers/camera/grey.py", GREY)
    copy.edit(
        "drivers/camera/presence.py",
        ("CameraSettings, Files, ", "CameraSettings, Files, Grey, "),
        ("    match settings:\n", "    match settings:\n        case Grey():\n            return None\n"),
    )
    copy.edit(
        "gate/programs/shared/devices/cameras.py",
        (
            "import CameraSettings, Files, Gstreamer, Network, Outside, V4l2\n",
            "import CameraSettings, Files, Grey, Gstreamer, Network, Outside, V4l2\nfrom drivers.camera.grey import GreyCamera\n",
        ),
        (
            "    match settings:\n",
            "    match settings:\n        case Grey():\n            return GreyCamera(settings.shade, size)\n",
        ),
    )
    return [
        *("drivers/camera/grey.py", "drivers/camera/presence.py", "drivers/camera/settings.py"),
        "gate/programs/shared/devices/cameras.py",
    ]


def test_a_camera_touches_its_room_and_where_cameras_are_built(copy: Copy, tmp_path: Path) -> None:
    added = add_grey_camera(copy)
    assert copy.touched() == added
    config = configured(tmp_path, camera={"driver": "grey", "address": "sensor-0", "shade": 40})
    assert copy.run("-c", GREY_TRIED, config).splitlines() == ["1280 x 720 pixels", "None (PosixPath('/dev'),)"]


# ── an embedder ──────────────────────────────────────────────────────────────────────────────────────────────────────


def coarse_embedder() -> bytes:
    """A network that sees 4 x 4 grey levels a colour of a face, and calls them a template of 48."""
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("AveragePool", ["input"], ["pooled"], kernel_shape=[28, 28], strides=[28, 28]),
            onnx.helper.make_node("Flatten", ["pooled"], ["output"]),
        ],
        "coarse",
        [tensor("input", onnx.TensorProto.FLOAT, [1, 3, 112, 112])],
        [tensor("output", onnx.TensorProto.FLOAT, [1, 48])],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    return made.SerializeToString()


def add_embedder(copy: Copy) -> list[str]:
    content = coarse_embedder()
    (copy.folder / "models/weights/coarse.onnx").write_bytes(content)
    known = load().model("fr_feature")
    waves = golden_input(known)
    (output,) = onnxruntime.InferenceSession(content).run(None, {"input": waves})
    entry = {
        "name": "coarse",
        "version": "1",
        "role": "embed",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "licence": "none",
        "input": msgspec.to_builtins(known.input),
        "outputs": [{"name": "output", "shape": [1, 48], "content": "grey levels"}],
        "pixels": msgspec.to_builtins(known.pixels),
        "threshold": {"value": 0.9, "evidence": "none", "fmr": 1e-4, "same_min": 0.8},
        "golden": [
            {"output": "output", "tolerance": 1e-3, "probes": [float(value) for value in probes(np.asarray(output), 8)]}
        ],
    }
    manifest = copy.folder / "models/manifest.toml"
    manifest.write_text(manifest.read_text() + "\n" + tomli_w.dumps({"models": [entry]}))
    copy.add("models/cards/coarse.md", "# coarse\n")
    return ["models/cards/coarse.md", "models/manifest.toml", "models/weights/coarse.onnx"]


def test_an_embedder_touches_the_models_room_only(copy: Copy, tmp_path: Path) -> None:
    real_models()
    added = add_embedder(copy)
    assert copy.touched() == added
    (tmp_path / "a.png").write_bytes(as_file(astronaut(), ".png"))
    (tmp_path / "b.jpg").write_bytes(as_file(astronaut()))
    compared = copy.gate("face", "compare", tmp_path / "a.png", tmp_path / "b.jpg", "--model", "coarse")
    assert (compared["model"], compared["match"], compared["threshold"]) == ("coarse", True, 0.9)


# ── a rule on what is known already, and a record ────────────────────────────────────────────────────────────────────

RULE_TRIED = """
import dataclasses, json
from fakes.passage_examples import RULES, decided_record, inspecting
from gate.passage.policy import decide
from gate.programs.lane.records import encode, replay

genuine = decided_record()
assert decide(genuine.evidence, genuine.policy).objections == ()
far = dataclasses.replace(genuine.evidence.document, issuer="XOM")
decision = decide(dataclasses.replace(genuine.evidence, document=far), genuine.policy)
print(decision.verdict.value, [one.reason.value for one in decision.objections])
record = dataclasses.replace(
    genuine, evidence=dataclasses.replace(genuine.evidence, document=far), decision=decision.verdict, reasons=decision.objections
)
print(replay(json.loads(encode(record)))[1])
"""
RECORD = '''
@dataclass(frozen=True)
class Cleaned(Record, kind=RecordKind.CLEANED, about=RecordClass.DEVICE):
    """The floor of the lane was mopped."""

    litres: int


def crossing_of(
'''
RECORD_TRIED = """
import sys
from pathlib import Path
import msgspec
from fakes.audit_logs import BOOT, TIME, SmallLog
from gate_core.audit_format.record import Happening
from gate.audit.writer import Wanted
from gate.channel.log_messages import Append
from gate.passage.records import Cleaned
from gate.programs.lane.record_outbox import RecordOutbox

folder = Path(sys.argv[1])
owed = RecordOutbox(lambda: bytes(16))
owed.add(Cleaned(3), 5, awaited=False, reachable=True)
sent = msgspec.msgpack.encode(Append(owed.offer(5)))
(new,) = msgspec.msgpack.decode(sent, type=Append).records
log = SmallLog(folder)
happening = Happening(new.id, new.kind.value, new.about.value, new.crossing, new.monotonic_ms, BOOT, TIME)
log.write([Wanted.of(happening, new.body, new.bytes_min)])
(folder / "bundle").write_bytes(log.bundle())
(folder / "identity").write_text(str(log.auditors[0]))
print(log.vkey)
"""


def add_rule(copy: Copy) -> list[str]:
    copy.edit(
        "core/src/gate_core/evidence/reasons.py",
        (
            '    TEST_DOCUMENT = "test_document"\n',
            '    TEST_DOCUMENT = "test_document"\n    ISSUER_UNFAMILIAR = "issuer_unfamiliar"\n',
        ),
    )
    copy.edit(
        "gate/passage/policy.py",
        (
            "    if document.test_issuer and not",
            '    if document.issuer == "XOM":\n        objections.append(Objection(Reason.ISSUER_UNFAMILIAR))\n    if document.test_issuer and not',
        ),
    )
    return ["core/src/gate_core/evidence/reasons.py", "gate/passage/policy.py"]


def test_a_rule_on_known_evidence_is_a_reason_and_the_rule(copy: Copy) -> None:
    added = add_rule(copy)
    assert copy.touched() == added
    assert copy.run("-c", RULE_TRIED).splitlines() == ["refer ['issuer_unfamiliar']", "True"]


def add_record(copy: Copy) -> list[str]:
    copy.edit(
        "gate/passage/names.py", ('    STOPPED = "stopped"\n', '    STOPPED = "stopped"\n    CLEANED = "cleaned"\n')
    )
    copy.edit("gate/passage/records.py", ("def crossing_of(", RECORD.strip()))
    return ["gate/passage/names.py", "gate/passage/records.py"]


def test_a_record_is_its_name_and_what_it_holds(copy: Copy, tmp_path: Path) -> None:
    added = add_record(copy)
    assert copy.touched() == added
    vkey = copy.run("-c", RECORD_TRIED, tmp_path).strip()
    verified = copy.gate("audit", "verify", tmp_path / "bundle", "--vkey", vkey)
    assert (verified["verified"], verified["entries"]) == (True, 1)
    why = ("--purpose", "a test", "--case", "1", "--access-note", tmp_path / "access.note")
    whose = ("--identity", tmp_path / "identity")
    opened = copy.run("-m", "gate.cli", "audit", "decrypt", tmp_path / "bundle", *whose, *why)
    record = json.loads(opened)
    assert (record["kind"], record["class"], record["body"]) == ("cleaned", "device", {"litres": 3})


# ── a question of a written rule, and a fact ─────────────────────────────────────────────────────────────────────────

QUESTION = '''@dataclass(frozen=True, slots=True)
class AgeBetween(Predicate):
    """So many years old, and not older."""

    first: int
    last: int
    asks: ClassVar = frozenset({Fact.AGE})

    def _says(self, age: int) -> bool:
        return self.first <= age <= self.last


@dataclass(frozen=True, slots=True)
class _Several:
'''
FACT_QUESTION = '''@dataclass(frozen=True, slots=True)
class BagsFrom(Predicate):
    """With so many bags, or more."""

    bags: int
    asks: ClassVar = frozenset({Fact.BAGS})

    def _says(self, bags: int) -> bool:
        return bags >= self.bags


@dataclass(frozen=True, slots=True)
class _Several:
'''
QUESTION_TRIED = """
import sys
from pathlib import Path
from gate.programs.shared.config import ConfigError
from gate.programs.shared.written_rules import written_in

rules = Path("rules.toml")
for when in sys.argv[1:]:
    rules.write_text(
        'schema = 1\\nversion = "1"\\n[rules.a]\\neffect = "officer"\\ntitle = "T"\\nbasis = "B"\\nauthor = "N. N."\\n'
        f'from = 2026-12-01\\nto = 2027-11-30\\ninstructions = "Look."\\nwhen = {when}\\n'
    )
    try:
        print(len(written_in(rules).rule_set.rules), "rule")
    except ConfigError as error:
        print(error.problems[0].problem.partition(";")[0])
"""
UTO = '{ nationality = ["UTO"] }'
PICKS_OUT = "picks people out by nationality alone"


def row_of(what: str) -> str:
    """What CONTRIBUTING says of an addition."""
    (row,) = (line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith(f"| {what} |"))
    return row


def add_question(copy: Copy, name: str, text: str, key: str) -> list[str]:
    copy.edit(
        "gate/passage/conditions.py",
        ("@dataclass(frozen=True, slots=True)\nclass _Several:\n", text),
    )
    copy.edit(
        "gate/rules/parser.py",
        ("import (\n    AgeFrom,\n", f"import (\n    {name},\n    AgeFrom,\n"),
        (
            "_QUESTIONS: Final[Mapping[str, tuple[Any, Callable[[Any], Condition]]]] = {\n",
            f"_QUESTIONS: Final[Mapping[str, tuple[Any, Callable[[Any], Condition]]]] = {{\n    {key},\n",
        ),
    )
    return ["gate/passage/conditions.py", "gate/rules/parser.py"]


def test_a_question_of_a_written_rule_is_judged_as_every_other(copy: Copy) -> None:
    added = add_question(
        copy, "AgeBetween", QUESTION, '"age_between": (tuple[int, int], lambda ages: AgeBetween(*ages))'
    )
    assert copy.touched() == added
    assert all(f"`{path}`" in row_of("question of a written rule") for path in added)
    tried = copy.run(
        "-c",
        QUESTION_TRIED,
        f"{{ all = [{UTO}, {{ age_between = [1, 120] }}] }}",
        f"{{ all = [{UTO}, {{ not = {{ age_between = [30, 31] }} }}] }}",
        f"{{ any = [{{ all = [{UTO}, {{ age_between = [9, 99] }}] }}, {{ age_between = [4, 5] }}] }}",
        f"{{ all = [{UTO}, {{ age_between = [60, 70] }}] }}",
    )
    assert tried.splitlines() == [*[PICKS_OUT] * 3, "1 rule"]


def add_fact(copy: Copy) -> list[str]:
    bags = '"bags_from": (int, BagsFrom)'
    added = add_question(copy, "BagsFrom", FACT_QUESTION, bags)
    copy.edit(
        "gate/passage/conditions.py",
        ('    AGE = "age"\n', '    AGE = "age"\n    BAGS = "bags"\n'),
        ("    age: int | None = None\n", "    age: int | None = None\n    bags: int | None = None\n"),
    )
    copy.edit("gate/rules/profiling_guard.py", ("    Fact.AGE: int,\n", "    Fact.AGE: int,\n    Fact.BAGS: int,\n"))
    return sorted([*added, "gate/rules/profiling_guard.py"])


def test_a_fact_is_refused_in_rules_until_the_population_has_values_of_it(copy: Copy) -> None:
    added = add_fact(copy)
    assert copy.touched() == added
    assert all(
        f"`{path}`" in row_of("fact that a question looks at") + row_of("question of a written rule") for path in added
    )
    rules = (
        f"{{ all = [{UTO}, {{ bags_from = 1 }}] }}",
        "{ bags_from = 7 }",
        f"{{ all = [{UTO}, {{ bags_from = 3 }}] }}",
    )
    refused = "asks about bags, of which gate/rules/population.csv has no values to try it with"
    assert copy.run("-c", QUESTION_TRIED, *rules).splitlines() == [refused] * 3
    people = copy.folder / "gate/rules/population.csv"
    lines = people.read_text().replace(",count\n", ",bags,count\n").splitlines()
    people.write_text(
        "".join(
            line + "\n" if line.endswith("count") or line.startswith("#") else f"{line[:-1]}{1 + row % 3},1\n"
            for row, line in enumerate(lines)
        )
    )
    assert "`gate/rules/population.csv`" in row_of("fact that a question looks at")
    assert copy.run("-c", QUESTION_TRIED, *rules).splitlines() == [PICKS_OUT, "1 rule", "1 rule"]


# ── a guidance, and a metric ─────────────────────────────────────────────────────────────────────────────────────────

GUIDANCE_TRIED = """
from fakes.face_examples import measures
from gate.face.quality import Quality
from gate.screens.kiosk.texts import Languages
from gate.screens.kiosk.view import ViewState, render
from gate_core.evidence.screen import Purpose, Screen

(hint,) = Quality.of(measures(balance=0.9)).hints
page = render(ViewState(Screen.LOOK, hint, Purpose.TRIAL))
texts = Languages()
print(hint.value, page.pictogram.value, {texts.t(language, page.title) for language in texts.available()})
"""
METRIC_TRIED = """
import msgspec
from fakes.gate_status import CONFIG, told
from gate.programs.lane.health_counters import Tally
from gate.programs.screens.metrics import exposition
from gate_core.evidence.screen import Guidance

tally = Tally()
for one in (Guidance.COME_CLOSER, Guidance.NONE, Guidance.HOLD_STILL):
    tally.guided(one)
print(*(line for line in exposition(told(counters=tally.detail()), CONFIG, version="1").splitlines() if "hints" in line), sep="\\n")
"""


def add_guidance(copy: Copy) -> list[str]:
    copy.edit(
        "core/src/gate_core/evidence/screen.py",
        ('    MORE_LIGHT = "more_light"\n', '    MORE_LIGHT = "more_light"\n    EVEN_LIGHT = "even_light"\n'),
    )
    copy.edit(
        "gate/face/quality.py",
        (
            "    Guidance.MORE_LIGHT, Guidance.HOLD_STILL,",
            "    Guidance.MORE_LIGHT, Guidance.EVEN_LIGHT, Guidance.HOLD_STILL,",
        ),
        (
            "    *_rules(lambda face: face.contrast,",
            "    *_rules(lambda face: face.balance, (Guidance.EVEN_LIGHT, 0.8, 0.7)),\n    *_rules(lambda face: face.contrast,",
        ),
    )
    copy.edit(
        "gate/screens/kiosk/view.py",
        (
            '    Guidance.MORE_LIGHT: ("guide-more-light", Pictogram.LIGHT),\n',
            '    Guidance.MORE_LIGHT: ("guide-more-light", Pictogram.LIGHT),\n    Guidance.EVEN_LIGHT: ("guide-even-light", Pictogram.LIGHT),\n',
        ),
    )
    locales = sorted((copy.folder / "gate/screens/kiosk/locales").glob("*.ftl"))
    for file in locales:
        file.write_text(file.read_text() + "guide-even-light = ½\n")
    texts = [f"gate/screens/kiosk/locales/{file.name}" for file in locales]
    return sorted(
        ["core/src/gate_core/evidence/screen.py", "gate/face/quality.py", "gate/screens/kiosk/view.py", *texts]
    )


def test_a_guidance_is_its_name_its_limit_its_row_and_a_text_in_each_language(copy: Copy) -> None:
    added = add_guidance(copy)
    assert sorted(copy.touched()) == added
    row = row_of("instruction to the traveller (guidance)")
    assert all(f"`{path}`" in row or path.startswith("gate/screens/kiosk/locales/") for path in added)
    assert copy.run("-c", GUIDANCE_TRIED) == "even_light light {'½'}\n"


def add_metric(copy: Copy) -> list[str]:
    copy.edit(
        "gate/programs/lane/health_counters.py",
        ("    pages: Counter[bool]", "    hints: int = 0\n    pages: Counter[bool]"),
        (
            "            self.guidance[guidance.value] += 1\n",
            "            self.guidance[guidance.value] += 1\n            self.hints += 1\n",
        ),
        ('            "pages_read":', '            "hints": self.hints,\n            "pages_read":'),
    )
    copy.edit(
        "gate/programs/shared/program_status.py",
        ("    pages_read: int = 0\n", "    hints: int = 0\n    pages_read: int = 0\n"),
    )
    copy.edit(
        "gate/programs/screens/metrics.py",
        (
            "METRICS: Final = (\n",
            (
                'METRICS: Final = (\n    Metric("portcullis_hints_total", "counter", "Instructions to travellers.", (),\n'
                '         _one(lambda told: told.lane.counters.hints, of="lane")),\n'
            ),
        ),
    )
    return [
        "gate/programs/lane/health_counters.py",
        "gate/programs/screens/metrics.py",
        "gate/programs/shared/program_status.py",
    ]


def test_a_metric_is_what_counts_what_carries_and_what_shows_it(copy: Copy) -> None:
    added = add_metric(copy)
    assert copy.touched() == added
    assert all(f"`{path}`" in row_of("metric of the gate") for path in added)
    assert copy.run("-c", METRIC_TRIED).splitlines() == [
        "# HELP portcullis_hints_total Instructions to travellers.",
        "# TYPE portcullis_hints_total counter",
        "portcullis_hints_total 2",
    ]


# ── a language ───────────────────────────────────────────────────────────────────────────────────────────────────────

LANGUAGE_TRIED = """
from starlette.testclient import TestClient
from gate.screens.kiosk.app import Labels, create_app
from gate.screens.kiosk.board import Board
from gate_core.web_pages.fanout import Fanout
from gate.screens.kiosk.key import SECRET_LENGTH, Key
from gate.screens.kiosk.texts import Facts, Notice
from gate.screens.kiosk.texts import Languages
from gate.screens.kiosk.view import lane_unknown

secret = "s" * SECRET_LENGTH
texts, languages = Languages(), ("eo", "en")
notice = Notice(texts, Facts("border.example", "gate-0001", "border.example", "", None, 2, False), languages)
app = create_app(
    board=Board(boot="boot1", state=lane_unknown("trial")),
    mirror=Fanout(clients_max=4),
    labels=Labels("gate-0001", "border.example", "trial", languages, ("eo",), notice),
    texts=texts,
    hosts=frozenset({"127.0.0.1:8088"}),
    key=Key(secret, port=8088),
)
page = TestClient(app, base_url="http://127.0.0.1:8088", headers={"Cookie": f"kiosk-8088={secret}"}).get("/").text
print('"officer-title": "Oficisto helpos vin"' in page or '"officer-title":"Oficisto helpos vin"' in page, "Esperanto" in page)
"""


def add_language(copy: Copy) -> list[str]:
    english = (copy.folder / "gate/screens/kiosk/locales/en.ftl").read_text()
    esperanto = english.replace("language-name = English", "language-name = Esperanto")
    copy.add(
        "gate/screens/kiosk/locales/eo.ftl",
        esperanto.replace("officer-title = An officer will help you", "officer-title = Oficisto helpos vin"),
    )
    return ["gate/screens/kiosk/locales/eo.ftl"]


def test_a_language_is_a_file(copy: Copy) -> None:
    added = add_language(copy)
    assert copy.touched() == added
    assert copy.run("-c", LANGUAGE_TRIED) == "True True\n"


# ── all of them ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy.into(tmp_path / "copy")


def configured(folder: Path, **changes: object) -> Path:
    path = folder / "gate.toml"
    path.write_bytes(tomli_w.dumps({**SITE, **changes}).encode())
    return path


@pytest.mark.long
def test_the_type_checker_takes_all_of_them(copy: Copy) -> None:
    for add in (
        add_turnstile,
        add_grey_camera,
        add_embedder,
        add_rule,
        add_record,
        add_fact,
        add_guidance,
        add_metric,
        add_language,
    ):
        add(copy)
    for needed in ("pyproject.toml", "hardware-sim"):
        (copy.folder / needed).symlink_to(ROOT / needed)
    assert "Success" in copy.run("-m", "mypy", "gate", "drivers")
