"""A sensor's own verdict: believed of the crossing that asked, of now, of the sensor that the profile names, and of nothing else."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.pad.driver import LINE_BYTES_MAX, LINES_MAX, OWN, Session
from drivers.pad.settings import PadSensor, load_profile
from gate_core.errors import BadFrameError, DriverError, NotWellError, SetupError
from gate_core.evidence.crossing import PadResult
from gate_core.ports.pad import Sensor, Verdict
from gate_core.ports.values import PadVerdict

PROFILE = load_profile("portcullis-sim")
OURS, OTHERS = "0123456789abcdef" * 2, "f" * 32
HELLO = {"say": "sensor", "name": "Simulated PAD", "version": "1", "bound": 0.5}


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def verdict(**changes: Any) -> bytes:
    fields = {"say": "verdict", "crossing": OURS, "number": 1, "result": "live", "score": 0.9, "age_ms": 20}
    return line(**{**fields, **changes})


def asked(at_ms: int = 1000) -> Session:
    session = Session(PROFILE, crossing=OURS)
    session.hear(line(**HELLO), at_ms - 10)
    asked = session.ask(at_ms)
    assert asked.endswith(b"\n")
    assert json.loads(asked) == {"ask": "look", "crossing": OURS}
    return session


class Terse:
    """Another distribution's codec: `P1;0.5` is who it is, `+` a verdict of live."""

    def ask(self, crossing: str) -> bytes:
        return b"?" + crossing.encode()

    def decode(self, buffer: bytes) -> tuple[Sensor | Verdict | None, int]:
        if buffer.startswith(b"+"):
            return Verdict(OURS, 1, PadResult.LIVE, 20, 0.9), 1
        return (Sensor("Simulated PAD", "1", 0.5), 1) if buffer else (None, 0)


def test_a_service_with_a_protocol_of_its_own_is_held_to_the_same() -> None:
    session = Session(PROFILE, crossing=OURS, codec=Terse())
    assert session.ask(1000) == b"?" + OURS.encode()
    with pytest.raises(BadFrameError, match="before it says who it is"):
        session.hear(b"+", 1100)
    session = Session(PROFILE, crossing=OURS, codec=Terse())
    session.ask(1000)
    session.hear(b"P+", 1100)
    assert session.verdict(1120, since_ms=1080) == PadVerdict("Simulated PAD", "1", 0.5, PadResult.LIVE, 0.9, 40)


def test_a_codec_that_fails_is_a_sensor_that_is_not_believed() -> None:
    class Failing(Terse):
        def decode(self, buffer: bytes) -> tuple[Sensor | Verdict | None, int]:
            raise KeyError(buffer)

    session = Session(PROFILE, crossing=OURS, codec=Failing())
    with pytest.raises(BadFrameError, match=r"^its driver fails: KeyError$"):
        session.hear(b"P", 1100)
    assert session.broken == "its driver fails: KeyError"


def test_a_verdict_of_this_crossing_counts_with_who_gave_it_and_how_old_it_is() -> None:
    session = asked()
    assert session.verdict(1100, since_ms=0) is None
    session.hear(verdict(), 1100)
    expected = PadVerdict("Simulated PAD", "1", 0.5, PadResult.LIVE, 0.9, 40)
    assert session.verdict(1120, since_ms=1080) == expected


@pytest.mark.parametrize(
    "changes",
    [{"crossing": OTHERS}, {"age_ms": 101}, {"age_ms": 60_000}],
    ids=["another crossing's", "measured before the asking", "of a minute ago"],
)
def test_what_is_of_another_crossing_or_time_counts_for_nothing(changes: dict[str, Any]) -> None:
    session = asked()
    session.hear(verdict(**changes), 1100)
    assert session.verdict(1100, since_ms=0) is None


def test_it_counts_for_a_moment_and_for_the_person_who_was_there() -> None:
    session = asked()
    session.hear(verdict(), 1100)
    measured_ms = 1080
    last_ms = measured_ms + PROFILE.age_ms_max
    assert session.verdict(last_ms, since_ms=0) is not None
    assert session.verdict(last_ms + 1, since_ms=0) is None
    assert session.verdict(1100, since_ms=measured_ms) is not None
    assert session.verdict(1100, since_ms=measured_ms + 1) is None  # somebody else has come since


def test_the_newest_counts_and_an_older_one_never_takes_its_place() -> None:
    session = asked()
    session.hear(verdict(number=5, score=0.1, result="attack"), 1500)
    session.hear(verdict(number=4) + verdict(number=5) + verdict(number=6, age_ms=300), 1520)
    found = session.verdict(1520, since_ms=0)
    assert found is not None
    assert found.result is PadResult.ATTACK
    session.hear(verdict(number=7), 1540)
    found = session.verdict(1540, since_ms=0)
    assert found is not None
    assert found.result is PadResult.LIVE


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\xff{]\n",
        b"x" * LINE_BYTES_MAX,
        b"{" * (LINE_BYTES_MAX - 1) + b"\n",
        line(say="something"),
        line(**HELLO),
        verdict(number=2, score=0.2),
        verdict(number=2, score=0.8, result="attack"),
        verdict(number=2, score=None),
        verdict(number=2, score=1.1),
        verdict(number=2, age_ms=-1),
        verdict(number=2, crossing="../etc"),
        verdict(number=2).replace(b"0.9", b"NaN"),
    ],
)
def test_whoever_breaks_the_protocol_has_said_nothing_and_says_nothing_any_more(said: bytes) -> None:
    session = asked()
    session.hear(verdict(), 1100)
    with pytest.raises(BadFrameError):
        session.hear(said, 1110)
    assert session.verdict(1110, since_ms=0) is None
    with pytest.raises(BadFrameError):
        session.hear(verdict(number=9), 1120)
    assert session.verdict(1120, since_ms=0) is None


def test_a_verdict_before_it_says_who_it_is_breaks_the_protocol() -> None:
    session = Session(PROFILE, crossing=OURS)
    session.ask(1000)
    with pytest.raises(BadFrameError, match="before it says who it is"):
        session.hear(verdict(), 1100)


@pytest.mark.parametrize("changes", [{"name": "Another PAD"}, {"version": "2"}, {"bound": 0.4}])
def test_another_sensor_than_the_profiles_is_not_believed(changes: dict[str, Any]) -> None:
    session = Session(PROFILE, crossing=OURS)
    session.ask(1000)
    with pytest.raises(NotWellError, match="its profile expects"):
        session.hear(line(**{**HELLO, **changes}) + verdict(), 1100)
    assert session.verdict(1100, since_ms=0) is None


def test_an_undecided_sensor_is_heard_as_such_and_a_flood_is_ended() -> None:
    session = asked()
    session.hear(verdict(result="undetermined", score=None), 1100)
    found = session.verdict(1100, since_ms=0)
    assert found is not None
    assert (found.result, found.score) == (PadResult.UNDETERMINED, None)
    with pytest.raises(BadFrameError, match="more than"):
        session.hear(b"".join(verdict(number=number) for number in range(2, LINES_MAX + 1)), 1200)
    assert session.verdict(1200, since_ms=0) is None


@given(st.binary(max_size=1200), st.integers(1, 64))
def test_noise_is_an_error_of_ours_or_nothing_and_never_a_verdict(noise: bytes, piece: int) -> None:
    session = asked()
    try:
        for at in range(0, len(noise), piece):
            session.hear(noise[at : at + piece], 1100)
    except DriverError:
        assert session.broken
    assert session.verdict(1100, since_ms=0) is None


@given(st.lists(st.integers(1, 40), max_size=12))
def test_a_line_is_the_same_in_whatever_pieces_it_comes(cuts: list[int]) -> None:
    session, said = asked(), verdict()
    for cut in cuts:
        piece, said = said[:cut], said[cut:]
        session.hear(piece, 1100)
    session.hear(said, 1100)
    assert session.verdict(1100, since_ms=0) is not None


def test_a_decoder_says_what_it_used_and_takes_fields_that_it_does_not_know() -> None:
    hello = line(**HELLO, serial="7")
    assert OWN.decode(hello + b"rest") == (Sensor("Simulated PAD", "1", 0.5), len(hello))
    assert OWN.decode(hello[:-1]) == (None, 0)


def test_the_shipped_profile_is_the_simulators_and_says_so() -> None:
    folder = resources.files("drivers.profiles") / "pad"
    assert [entry.name for entry in folder.iterdir()] == ["portcullis-sim.toml"]
    assert PROFILE.verified == "simulator"
    assert PadSensor(socket="/run/pad.sock", profile="portcullis-sim").simulated()
    assert not PadSensor(socket="/run/pad.sock", profile="/etc/portcullis/vendor.toml").simulated()


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("bound = 0.5", "bound = 0.0", "bound"),
        ("age_ms_max = 1000", "age_ms_max = 9000", "age_ms_max"),
        ('versions = ["1"]', "versions = []", "versions"),
        ('name = "Simulated PAD"', "", "name: is missing"),
        ('"pad-lines"', '"pad-words"', "protocol"),
        ("evidence =", "proof =", "proof: unknown setting"),
    ],
)
def test_a_profile_is_read_strictly(tmp_path: Path, was: str, becomes: str, complaint: str) -> None:
    text = (resources.files("drivers.profiles") / "pad" / "portcullis-sim.toml").read_text(encoding="utf-8")
    assert was in text
    (tmp_path / "vendor.toml").write_text(text.replace(was, becomes, 1))
    with pytest.raises(SetupError, match=complaint):
        load_profile(str(tmp_path / "vendor.toml"))


@pytest.mark.parametrize("socket", ["pad.sock", "/" + "x" * 107, "/run/a b"])
def test_a_socket_is_named_by_its_whole_path(socket: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"socket": socket, "profile": "portcullis-sim"}, PadSensor)
