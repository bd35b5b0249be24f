"""Random walks of a site's exchange, byte for byte over HTTP, against another one that was written from docs/protocols/exchange.md alone.

Four gates ask what they like: questions, questions with a letter changed, noise. Time passes, midnight comes, somebody sets the clock on the wall,
the exchange is started anew. Whatever it answers, the list of all that was ever told answers the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from gate_central.exchange.app import Clocks, make_app
from gate_central.exchange.marks import Marks

GATES = ("a-1", "b-2", "c-3", "d-4")
CHIPS = (b"x", b"y", b"z")
ZONE = ZoneInfo("Europe/Amsterdam")
STEPS = 600
PAUSES_S = (0.0, 0.0, 0.0, 0.03125, 0.25, 1.0, 7.0, 59.0, 61.0, 300.0, 1799.0, 1801.0, 3600.0)  # sums without rounding


@dataclass
class Page:
    """What the page says that an exchange must do, with nothing forgotten: it looks at what is over when it is asked."""

    since_s: float = 0.0
    day: str = ""
    apart_s: float = 0.0
    key: bytes = b""
    told: list[tuple[str, str, int, float, str]] = field(default_factory=list)
    room: dict[str, tuple[float, float]] = field(default_factory=dict)  # how many a gate may ask, as of when

    def may_ask(self, gate: str, at_s: float) -> bool | None:
        """Five times a second, twenty at once; None: it is a matter of rounding."""
        left, then_s = self.room.get(gate, (20.0, at_s))
        left = min(20.0, left + (at_s - then_s) * 5)
        may = None if abs(left - 1) < 1e-6 else left > 1
        self.room[gate] = (left, at_s)
        return may

    def has_asked(self, gate: str) -> None:
        left, then_s = self.room[gate]
        self.room[gate] = (left - 1, then_s)

    def is_another_day(self, local: datetime, at_s: float) -> bool:
        """Whether K is to be another; what was told goes with the old one."""
        if f"{local:%F}" == self.day:
            return False
        if abs(local.timestamp() - at_s - self.apart_s) > 60:
            self.since_s = at_s
        self.told.clear()
        self.drawn(local, at_s)
        return True

    def drawn(self, local: datetime, at_s: float) -> None:
        self.day, self.apart_s = f"{local:%F}", local.timestamp() - at_s

    def hears(self, gate: str, mark: str, minutes: int, at_s: float, minute: str) -> tuple[str, set[tuple[str, str]]]:
        """The answer, and of a hit which gate and minute it may name."""
        latest = {one[0]: one for one in self.told if one[1] == mark and one[0] != gate}
        found = [one for one in latest.values() if at_s - one[3] < 60 * min(minutes, one[2])]
        self.told.append((gate, mark, minutes, at_s, minute))
        last_s = max((one[3] for one in found), default=0.0)
        if found:
            return "hit", {(one[0], one[4]) for one in found if one[3] == last_s}
        return ("unsure" if at_s - self.since_s < 60 * minutes else "none"), set()

    def remembered(self, at_s: float) -> int:
        latest = {(gate, mark): at_s - then_s < 60 * minutes for gate, mark, minutes, then_s, _ in self.told}
        return sum(latest.values())


def question_in(body: bytes) -> tuple[str, int] | None:
    """The question about a mark that this is, if it is one."""
    try:
        found = json.loads(body.decode(), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or set(found) != {"mark", "minutes"}:
        return None
    mark, minutes = found["mark"], found["minutes"]
    is_one = (
        isinstance(mark, str) and re.fullmatch("[0-9a-f]{80}", mark) and type(minutes) is int and 1 <= minutes <= 60
    )
    return (mark, minutes) if is_one else None


@dataclass
class Walk:
    """One exchange, its page beside it, and what comes next by chance."""

    chance: random.Random
    at_s: float = 0.0
    set_by: timedelta = timedelta(0)
    statuses: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.begun = datetime(2026, self.chance.choice((3, 7, 10)), 28, self.chance.randrange(24), tzinfo=ZONE)
        self.keys = list[bytes]()
        self.page = Page()
        self.start()

    def start(self) -> None:
        """Another process."""
        self.marks = Marks(random=self._random, local=self.local(), clock_s=self.at_s)
        app = make_app(self.marks, Clocks(self.local, lambda: self.at_s), lambda request: request.headers["gate"])
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://exchange")
        self.page = Page(since_s=self.at_s)
        self.page.drawn(self.local(), self.at_s)
        self.page.key = self.keys[-1]

    def _random(self, size: int) -> bytes:
        self.keys.append(self.chance.randbytes(size))
        return self.keys[-1]

    def local(self) -> datetime:
        instant = self.begun.timestamp() + self.at_s + self.set_by.total_seconds()
        return datetime.fromtimestamp(instant, ZONE)

    def mark(self) -> str:
        key = self.chance.choice(self.keys[-2:]) if self.chance.random() < 0.05 else self.keys[-1]
        return (hashlib.sha256(key).digest()[:8] + hmac.new(key, self.chance.choice(CHIPS), "sha256").digest()).hex()

    def body(self) -> bytes:
        """A question, more or less."""
        chance = self.chance
        sound: dict[str, Any] = {"mark": self.mark(), "minutes": chance.choice((1, 5, 30, 60))}
        whole, kind = json.dumps(sound).encode(), chance.randrange(20)
        if kind == 0:
            sound[chance.choice(("number", "Mark", "gate", "at", ""))] = "north"
        elif kind == 1:
            sound["minutes"] = chance.choice((0, 61, -1, 2**70, True, None, "30", 30.5, [30], {}))
        elif kind == 2:
            of = sound["mark"]
            wrong = (of.upper(), of[2:], f"{of}0", f"{of}\n", f" {of}", None, 7, [of], of.replace("a", "\u0430"))
            sound["mark"] = chance.choice(wrong)
        elif kind == 3:
            del sound[chance.choice(tuple(sound))]
        elif kind == 4:
            return chance.randbytes(chance.randrange(100))
        elif kind == 5:
            return b" " * chance.choice((900, 1024, 1025, 5000)) + whole
        elif kind <= 7:
            at = chance.randrange(len(whole))
            return whole[:at] + chance.randbytes(1) + whole[at + 1 :]
        elif kind == 8:
            return chance.choice((b"", b"{}", b"[]", b"null", b"[" * 1000, whole * 2, b"\xef\xbb\xbf{}"))
        return json.dumps(sound).encode()

    def pass_time(self) -> None:
        chance = self.chance
        self.at_s += chance.choice(PAUSES_S)
        what = chance.randrange(60)
        if what == 0:
            self.start()
        elif what == 1:
            hours = chance.choice((-25, -24, -3, -1, 1, 5, 24, 48))
            self.set_by += timedelta(hours=hours, seconds=chance.choice((-70, 0, 50)))
        elif what <= 3:
            self.set_by += timedelta(seconds=chance.choice((-20, 20)))
        elif what <= 7:
            self.marks.forget(self.local(), self.at_s)
            self.turned()
            assert len(self.marks) == self.page.remembered(self.at_s), "whatever is over was forgotten"

    def turned(self) -> None:
        if self.page.is_another_day(self.local(), self.at_s):
            assert self.keys[-1] != self.page.key, "another key"
            self.page.key = self.keys[-1]

    async def ask(self) -> None:
        chance = self.chance
        gate, body = chance.choice(GATES), self.body()
        path = chance.choice(
            ("/reuse/mark",) * 12 + ("/reuse/key",) * 3 + ("/reuse/key/", "/reuse", "/", "/reuse/mark%00")
        )
        method = "POST" if chance.random() < 0.95 else chance.choice(("GET", "PUT", "OPTIONS", "post"))
        if path == "/reuse/key" and chance.random() < 0.8:
            body = b"{}"
        before = len(self.keys)
        answer = await self.client.request(method, path, content=body, headers={"gate": gate})
        self.statuses[f"{path} {answer.status_code}"] += 1
        wanted = self.wanted(gate, method, path, body, answer.status_code)
        assert answer.status_code == wanted, (method, path, body)
        assert len(self.keys) - before <= 1
        if wanted != 200:
            return
        said = answer.json()
        if path == "/reuse/key":
            self.turned()
            assert said == {"day": self.page.day, "key": self.page.key.hex()}
            return
        question = question_in(body)
        assert question is not None
        mark, minutes = question
        kind, where = self.page.hears(gate, mark, minutes, self.at_s, f"{self.local():%H:%M}")
        self.statuses[kind] += 1
        more = {(said.pop("gate"), said.pop("at"))} if kind == "hit" else set()
        assert said == {"mark": mark, "answer": kind}
        assert more <= where

    def wanted(self, gate: str, method: str, path: str, body: bytes, got: int) -> int:
        if path not in {"/reuse/key", "/reuse/mark"}:
            return 404
        if method.upper() != "POST":
            return 405
        may = self.page.may_ask(gate, self.at_s)
        if may is False or (may is None and got == 429):
            return 429
        self.page.has_asked(gate)
        if len(body) > 1024:
            return 413
        if path == "/reuse/key":
            return 200 if _is_nothing(body) else 400
        question = question_in(body)
        if question is None:
            return 400
        self.turned()
        return 200 if question[0][:16] == hashlib.sha256(self.page.key).digest()[:8].hex() else 409


def _is_nothing(body: bytes) -> bool:
    try:
        return json.loads(body.decode()) == {}
    except (ValueError, RecursionError):
        return False


async def walked(seed: int) -> Counter[str]:
    walk = Walk(random.Random(seed))
    for _ in range(STEPS):
        await walk.ask()
        walk.pass_time()
    return walk.statuses


@pytest.mark.parametrize("seed", range(5))
def test_it_answers_as_its_page_says(seed: int) -> None:
    seen = asyncio.run(walked(seed))
    assert {"hit", "none", "unsure", "/reuse/mark 409", "/reuse/mark 400", "/reuse/mark 413", "/reuse/key 200"} <= set(
        seen
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_it_answers_as_its_page_says_for_longer(seed: int) -> None:
    asyncio.run(walked(seed))
