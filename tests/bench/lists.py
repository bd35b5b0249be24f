"""Signed lists: a million numbers in five of them opened, looked up and decided with, and names of five scripts found.

Beside a full-text index of SQLite and rapidfuzz alone, on the same entries in the same run. Opening is measured in a process of its own, whose memory is what
it peaks at; how many people are found who are on a list, and how many who are not, is counted for each script.
"""

from __future__ import annotations

import functools
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Final

from fakes.names_of_scripts import SCRIPTS, Person, invented
from fakes.passage_examples import GENUINE, SAME_FACE
from fakes.passage_examples import RULES as LANE_RULES
from fakes.signed_lists import NOW, Agency
from rapidfuzz import fuzz, process

from bench.rows import Bench, Row
from gate.lists.entries import Named, written
from gate.lists.header import signed
from gate.lists.names import People
from gate.lists.stored_list import StoredList
from gate.passage.conditions import AgeFrom, All, IssuerIs, Not
from gate.passage.policy import decide
from gate.passage.rule_set import Effect, Rule, RuleSet
from gate_core.evidence.crossing import Evidence, SiteEvidence
from gate_core.evidence.registers import Register, RegisterFinding
from gate_core.ports.registers import Question

LISTS: Final = 5
NUMBERS: Final = 200_000  # a list
RULES: Final = 200
PEOPLE: Final = 20_000
OPEN_FLOOR_S: Final = 2.0
MEMORY_FLOOR_MB: Final = 250.0
DECISION_FLOOR_MS: Final = 20.0
LISTED: Final = 2000  # of one script
OTHERS: Final = 4000
QUESTION: Final = Question("P", "UTO", "L898902C3", "UTO", "ERIKSSON", "ANNA MARIA", "1974-08-12")


def lists_opened(_: Bench) -> list[Row]:
    """A million numbers in five lists, opened by a process that has nothing else: how long, and its memory at its peak."""
    with tempfile.TemporaryDirectory() as folder:
        _written(Path(folder))
        argv = [sys.executable, "-m", "bench.lists", folder]
        done = subprocess.run(argv, check=True, capture_output=True)
    found = json.loads(done.stdout)
    return [
        Row("lists_open", found["seconds"], "s", peer=OPEN_FLOOR_S, peer_name="the floor", floor=1.0),
        Row("lists_memory", found["memory_mb"], "MB", peer=MEMORY_FLOOR_MB, peer_name="the floor", floor=1.0),
    ]


def lists_decision(bench: Bench) -> list[Row]:
    """A decision with all of them asked and 200 written rules, the slowest of twenty; and one look-up beside SQLite's full-text index."""
    with tempfile.TemporaryDirectory() as folder:
        digests = _written(Path(folder))
        stored_lists = list(_opened(Path(folder)))
        took_ms = sorted(_decided_ms(stored_lists) for _ in range(bench.rounds * 20))
        index = sqlite3.connect(":memory:")
        index.execute("CREATE VIRTUAL TABLE numbers USING fts5(digest)")
        index.executemany("INSERT INTO numbers VALUES (?)", ((one.hex(),) for one in digests))
        question = digests[len(digests) // 2].hex()
        ours = _median_ms(lambda: [stored.ask(QUESTION, NOW) for stored in stored_lists], bench.rounds)
        theirs = _median_ms(
            lambda: index.execute("SELECT 1 FROM numbers WHERE digest MATCH ?", (question,)).fetchall(), bench.rounds
        )
        index.close()
        for stored in stored_lists:
            stored.close()
    slow_ms = took_ms[int(len(took_ms) * 0.95)]
    return [
        Row("lists_decision_p95", slow_ms, "ms", peer=DECISION_FLOOR_MS, peer_name="the floor", floor=1.0),
        Row("lists_looked_up", ours, "ms", peer=theirs, peer_name="SQLite FTS5"),
    ]


def lists_names(bench: Bench) -> list[Row]:
    """Somebody looked for among 20,000 people: by our index, by rapidfuzz over all of them, and by a full-text index of SQLite's."""
    chance = Random(11)
    everybody = [invented(chance.choice(list(SCRIPTS)), chance) for _ in range(PEOPLE)]
    people = _people(everybody)
    spelt = [f"{one.surname} {one.given}" for one in everybody]
    index = sqlite3.connect(":memory:")
    index.execute("CREATE VIRTUAL TABLE names USING fts5(name, tokenize='trigram')")
    index.executemany("INSERT INTO names VALUES (?)", ((one,) for one in spelt))
    somebody = everybody[PEOPLE // 2]
    whole = f"{somebody.surname} {somebody.given}"
    ours = _median_ms(lambda: people.like(somebody.surname, somebody.given, somebody.born), bench.rounds)
    alone = _median_ms(
        lambda: process.extract(whole, spelt, scorer=fuzz.token_sort_ratio, score_cutoff=80, limit=None), bench.rounds
    )
    query = " OR ".join(f'"{whole[at : at + 3]}"' for at in range(len(whole) - 2))
    full_text = _median_ms(
        lambda: index.execute("SELECT name FROM names WHERE names MATCH ? ORDER BY rank LIMIT 20", (query,)).fetchall(),
        bench.rounds,
    )
    index.close()
    return [
        Row("lists_name_found", ours, "ms", peer=alone, peer_name="rapidfuzz alone"),
        Row("lists_name_found_full_text", ours, "ms", peer=full_text, peer_name="SQLite FTS5"),
    ]


def lists_recall(_: Bench) -> list[Row]:
    """Of each script: the share of people on a list of 2,000 who are found, and of others who are taken for one of them."""
    return [row for script in SCRIPTS for row in _recall(script)]


def _recall(script: str) -> Iterator[Row]:
    chance = Random(7)
    listed = [invented(script, chance) for _ in range(LISTED)]
    people = _people(listed)
    found = sum(
        any(one.reference == f"R-{at}" for one in people.like(person.surname, person.given, person.born))
        for at, person in enumerate(listed)
    )
    others = [invented(script, chance) for _ in range(OTHERS)]
    false = sum(bool(people.like(person.surname, person.given, person.born)) for person in others)
    yield Row(f"lists_recall_{script}", found / LISTED * 100, "%")
    yield Row(f"lists_false_hits_{script}", false / OTHERS * 100, "%")


def _people(everybody: list[Person]) -> People:
    return People([Named(reference=f"R-{at}", names=(one.written,), born=one.born) for at, one in enumerate(everybody)])


@functools.cache
def _rule_set() -> RuleSet:
    """Two hundred rules, of which each asks two questions."""
    days = (date(2026, 1, 1), date(2027, 12, 31))
    return RuleSet(
        "bench",
        "0" * 64,
        tuple(
            Rule(f"r{at}", Effect.OFFICER, "t", "b", "a", *days, All((IssuerIs(("XXX",)), Not(AgeFrom(at % 90)))))
            for at in range(RULES)
        ),
    )


def _decided_ms(stored_lists: list[StoredList]) -> float:
    begun = time.perf_counter()
    answers = [stored.ask(QUESTION, NOW) for stored in stored_lists]
    findings = tuple(
        RegisterFinding(f"list-{at}", one.answer, one.cause, one.edition) for at, one in enumerate(answers)
    )
    asked = tuple(Register(one.register) for one in findings)
    local = datetime(2026, 12, 5, 12, 0)  # noqa: DTZ001 - what the wall shows
    site = SiteEvidence(1.0, 1.0, clock_sure=True, age_s=1.0, local=local)
    evidence = Evidence(replace(GENUINE, age=40), SAME_FACE, None, site, registers=findings)
    policy = replace(LANE_RULES.policy, shadow=True, rules=_rule_set().sha256, registers=asked)
    assert decide(evidence, policy, _rule_set()).objections == ()
    return (time.perf_counter() - begun) * 1000


def _median_ms(act: Callable[[], object], rounds: int) -> float:
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1000


def _agencies() -> list[Agency]:
    return [Agency(list_name=f"list-{at}") for at in range(LISTS)]


def _written(folder: Path) -> list[bytes]:
    """Five lists where `_opened` finds them; all their digests."""
    every: list[bytes] = []
    for agency in _agencies():
        digests = sorted({os.urandom(32) for _ in range(NUMBERS)})
        entries = written(digests)
        header = agency.header(entries, len(digests))
        place = folder / agency.list_name / "held"
        place.mkdir(parents=True)
        (place / f"{header.entries}.entries").write_bytes(entries)
        (place / "current.note").write_bytes(signed(header, agency.signer))
        every += digests
    return every


def _opened(folder: Path) -> Iterator[StoredList]:
    for agency in _agencies():
        stored = agency.stored(folder / agency.list_name)
        stored.open()
        yield stored


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening took."""

    seconds: float
    memory_mb: float


def _open(folder: Path) -> Opened:
    begun = time.perf_counter()
    stored_lists = list(_opened(folder))
    took_s = time.perf_counter() - begun
    assert len(stored_lists) == LISTS
    assert all(stored.ask(QUESTION, NOW).edition == "1" for stored in stored_lists)
    peak_kb = next(
        int(line.split()[1])
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        if line.startswith("VmHWM")
    )
    return Opened(took_s, peak_kb / 1024)


if __name__ == "__main__":
    opened = _open(Path(sys.argv[1]))
    print(json.dumps({"seconds": opened.seconds, "memory_mb": opened.memory_mb}))  # noqa: T201 - for the process that started it
