"""The judge, on hand-made truths and logs: every kind of wrong, and everything that is allowed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hardware_sim.decision_log import LINE_BYTES_MAX, Entry, LogError, Wrong, read_log
from hardware_sim.judge import Ruling, judge
from hardware_sim.truth import Happening

TTL_MS = 5000
ORDERED = {"order": {"officer": "o"}}
BODIES: dict[str, dict[str, Any]] = {
    "decided": {"decision": "admit", "reasons": []},
    "decided refer": {"decision": "refer"},
    "granted": {"direction": "entry", "ttl_ms": TTL_MS},
    "granted exit": {"direction": "exit", "ttl_ms": TTL_MS},
    "granted unlimited": {"direction": "entry"},
    "granted 2000": {"direction": "entry", "ttl_ms": 2000},
    "overruled": {**ORDERED, "reasons": []},
    "overruled erased": {},
    "overruled replaced": {"replaced": {"bytes": 60_000, "sha256": "00"}},
    "revoked": {"reasons": []},
    "release": {"officer": "o"},
    "emergency_began": ORDERED,
    "emergency_began nobody": {"order": None},
    "emergency_ended": ORDERED,
    "closed holder_in_view": {"verdict": "referred", "reasons": [{"reason": "holder_in_view"}]},
    "closed face_missing": {"verdict": "referred", "reasons": [{"reason": "face_missing"}]},
}


def happened(at_ms: int, event: str, *words: str) -> list[Happening]:
    """One word of a truth. `crossing` is a grant, somebody through after 1.5 s, and the leaf at rest after 2.1 s."""

    def at(event: str, **fields: object) -> Happening:
        return Happening(at_ms, event, fields)

    who = {"traveller": words[0] if words else "t1"}
    match event, *words:
        case "crossing", *how:
            name = next((one for one in how if one.startswith("t")), "t1")
            start = [] if "unpresented" in how else happened(at_ms - 900, "presented", name, name)
            walk = f"1100 at_leaf {name}, 1500 left_leaf {name}, 1500 passed {name}, 1500 ended used, 1500 closes"
            story = [*start, *happened(at_ms, "grant"), *happened(at_ms + 600, "rest", "open"), *truth(walk, at_ms)]
            return story[:-1] if "unrested" in how else story
        case "presented", traveller, holder:
            return [at(event, traveller=traveller, holder=holder)]
        case ("grant",):
            return [at("grant_received", direction="entry", ttl_ms=TTL_MS), *happened(at_ms + 2, "opens")]
        case "ended", how:
            return [at("grant_ended", direction="entry", how=how)]
        case "opens", *how:
            leaf = "closing" if "closing" in how else "closed"
            return [at("leaf_moved", **{"from": leaf, "to": "opening", "obstacle": "obstacle" in how})]
        case ("closing" | "closes",):
            moves = at("leaf_moved", **{"from": "open", "to": "closing"})
            return [moves] if event == "closing" else [moves, *happened(at_ms + 600, "rest", "closed")]
        case "rest", place:
            return [at("leaf_at_rest", at=place)]
        case "passed", *more:
            return [at(event, direction="exit" if "exit" in more else "entry", **who)]
        case (("at_leaf" | "left_leaf"), *_):
            return [at(event, **who)]
        case _:
            return [at(event)]


def truth(text: str, start_ms: int = 0) -> list[Happening]:
    """A truth in words. After `stands`, the world's time stands still for so long: what comes later is later by the machine's clock."""
    told: list[Happening] = []
    stood: list[tuple[int, int]] = []
    for word in filter(None, text.split(", ")):
        at_ms, event, *words = word.split()
        if event == "stands":
            stood.append((int(at_ms), int(words[0])))
        else:
            told += happened(start_ms + int(at_ms), event, *words)
    for since_ms, for_ms in stood:
        told = [
            replace(one, at_ms=one.at_ms + for_ms, behind_ms=for_ms) if one.at_ms > since_ms else one for one in told
        ]
    return told


def log(text: str) -> list[Entry]:
    """A log in words, of the crossing c1 unless another one is named."""
    entries = []
    for word in filter(None, text.split(", ")):
        at_text, *words = word.split()
        at_ms, crossing = int(at_text), words.pop() if words[-1] == "c2" else "c1"
        if words[0] in {"admitted", "by_officer"}:
            decided = "decided" if words[0] == "admitted" else "overruled"
            entries += [Entry(at_ms - 20, decided, crossing, BODIES[decided])]
            at_ms, words = at_ms + 1, ["granted"]
        of_nobody = words[0].startswith(("release", "emergency"))
        entries.append(Entry(at_ms, words[0], None if of_nobody else crossing, BODIES[" ".join(words)]))
    return entries


def ruled(truth: list[Happening], log: list[Entry]) -> Ruling:
    return judge(tuple(sorted(truth, key=lambda happening: happening.at_ms)), tuple(log))


# What it is about; what happened, and what the log says, each in milliseconds; how many openings, passages, and passages by a
# fault there were; and what was wrong, with a word of why.
CASES: tuple[tuple[str, str, str, str, str], ...] = (
    ("nothing happened", "", "", "0 0 0", ""),
    ("an admitted passage is right", "1000 crossing", "1000 admitted", "1 1 0", ""),
    ("one admission after another is right", "1000 crossing, 9000 crossing t2", "1000 admitted, 9000 admitted c2", "2 2 0", ""),
    ("a second admission before the leaf rested is right", "1000 crossing unrested, 2700 crossing t2", "1000 admitted, 2700 admitted c2", "2 2 0", ""),
    ("a grant that nobody uses and that ends in time is right", "1000 grant, 6000 ended ttl, 6000 closes", "1000 admitted", "1 0 0", ""),
    ("a revoked grant that ends at once is right", "1000 grant, 1600 ended revoked, 1600 closes", "1000 admitted, 1590 revoked", "1 0 0", ""),
    ("a recorded release may open and let anybody out", "1000 release_received, 1001 opens, 2500 passed t9, 2600 passed t8, 5000 closes", "990 release", "1 2 0", ""),
    ("while the world's time stood no grant ran out", "1000 grant, 1002 stands 3000, 6000 ended ttl, 6000 closes", "1000 admitted", "1 0 0", ""),
    ("while the world's time stood no revocation was late", "1000 grant, 1002 stands 3000, 1600 ended revoked, 1600 closes", "1000 admitted, 1700 revoked", "1 0 0", ""),
    ("and late if it did not stand", "1000 grant, 4600 ended revoked, 4600 closes", "1000 admitted, 1700 revoked", "1 0 0", "grant_outlived"),
    ("an admission that was written while the world's time stood is one", "500 presented t1 t1, 500 stands 3000, 1000 grant, 1600 rest open, 2100 at_leaf, 2500 left_leaf, 2500 passed, 2500 ended used, 2500 closes", "2500 admitted", "1 1 0", ""),
    ("a world that stood excuses nothing that came after", "1000 grant, 1002 stands 3000, 6251 ended ttl, 7000 closes", "1000 admitted", "1 0 0", "grant_outlived"),
    ("a release that nothing showed may be told again for a while", "30900 release_received, 30901 opens, 34900 closes", "1000 release", "1 0 0", ""),
    ("and not for longer", "33100 release_received, 33101 opens, 37100 closes", "1000 release", "1 0 0", "no_admission"),
    ("an officer's emergency may release until it ends", "90000 release_received, 90001 opens, 94000 closes", "1000 emergency_began, 100000 emergency_ended", "1 0 0", ""),
    ("and if it does not end", "90000 release_received, 90001 opens, 94000 closes", "1000 emergency_began", "1 0 0", ""),
    ("but not after its end", "103000 release_received, 103001 opens, 107000 closes", "1000 emergency_began, 100000 emergency_ended", "1 0 0", "no_admission"),
    ("and later if it does not end", "103000 release_received, 103001 opens, 107000 closes", "1000 emergency_began", "1 0 0", ""),
    ("an emergency that an officer ordered may open", "1000 release_received, 1001 opens, 2500 passed t9, 5000 closes", "990 emergency_began", "1 1 0", ""),
    ("and one that nobody ordered may not", "1000 release_received, 1001 opens, 2500 passed t9, 5000 closes", "990 emergency_began nobody", "1 1 0", "no_admission"),
    ("an officer may admit whoever stands there", "500 presented t1 somebody, 1000 crossing unpresented", "1000 by_officer", "1 1 0", ""),
    ("and the machine may not", "500 presented t1 somebody, 1000 crossing unpresented", "1000 admitted", "1 1 0", "wrong_person"),
    ("an officer's word that is not there admits nobody: erased", "1000 crossing", "980 overruled erased, 1001 granted", "1 1 0", "no_admission"),
    ("an officer's word that is not there admits nobody: replaced", "1000 crossing", "980 overruled replaced, 1001 granted", "1 1 0", "no_admission"),
    ("a crossing may have the machine's grant and then an officer's", "500 presented t1 t1, 1000 grant, 1600 ended revoked, 1600 closes, 9000 crossing unpresented", "1000 admitted, 1590 revoked, 9000 by_officer", "2 1 0", ""),
    ("and not twice the machine's", "500 presented t1 t1, 1000 grant, 1600 ended revoked, 1600 closes, 9000 crossing unpresented", "1000 admitted, 1590 revoked, 9001 granted", "2 1 0", "no_admission"),
    ("nor what an officer ordered and was taken back before it was granted", "500 presented t1 t1, 1000 grant, 1600 ended revoked, 1600 closes, 9000 crossing unpresented", "1000 admitted, 1590 revoked, 8980 overruled, 1590 revoked, 9001 granted", "2 1 0", "no_admission"),
    ("the fire input may open and let anybody out", "1000 fire_on, 1001 opens, 1600 rest open, 2500 passed, 3000 fire_off, 60000 passed t2, 90000 emergency_ended, 90001 closes", "", "1 2 0", ""),
    ("one who is in the leaf when the emergency ends may get out", "1000 fire_on, 1001 opens, 1500 fire_off, 1800 at_leaf, 2000 emergency_ended, 4900 left_leaf, 4900 passed, 5000 closes", "", "1 1 0", ""),
    ("a leaf that turns back from somebody is right", "1000 crossing unrested, 2700 at_leaf t2, 2800 opens closing obstacle, 3400 left_leaf t2, 3500 closes", "1000 admitted", "2 1 0", ""),
    ("one who stands in the leaf after the grant ended keeps it open", "500 presented t1 t1, 1000 grant, 5900 at_leaf, 6000 ended ttl, 9000 left_leaf, 9000 passed, 9000 closes", "1000 admitted", "1 1 0", ""),
    ("a faulty motor is no wrong opening", "1000 grant, 1500 motor_fault, 6000 ended ttl, 30000 motor_repaired, 30010 closes", "1000 admitted", "1 0 0", ""),
    ("who walks through a leaf that its motor holds open is counted apart", "1000 crossing unrested, 2600 motor_fault, 2610 rest stopped, 9000 passed t2, 12000 passed t3, 30000 motor_repaired, 30010 closes", "1000 admitted", "1 3 2", ""),
    ("a failed motor excuses nobody once the leaf has closed", "1000 crossing unrested, 2600 motor_fault, 2610 rest stopped, 30000 motor_repaired, 30010 closes, 40000 passed t2", "1000 admitted", "1 2 0", "beyond_grant"),
    ("a leaf that stays open after the repair excuses nobody for long", "1000 crossing unrested, 2600 motor_fault, 2610 rest stopped, 30000 motor_repaired, 30010 closing, 31000 passed t2, 34000 passed t3", "1000 admitted", "1 3 1", "beyond_grant"),
    ("a motor that fails behind a closed leaf excuses nobody", "1000 crossing, 5000 motor_fault, 9000 passed t2", "1000 admitted", "1 2 0", "beyond_grant"),
    ("a cut cable gives the watchdog time to end a revoked grant", "1000 grant, 1300 barrier_unplugged, 2300 host_lost, 2300 ended host_lost, 2300 closes, 3300 barrier_plugged", "1000 admitted, 1350 revoked", "1 0 0", ""),
    ("a cable that was out when the grant was revoked excuses the delay", "1000 grant, 1300 barrier_unplugged, 2100 barrier_plugged, 2200 ended revoked, 2200 closes", "1000 admitted, 1350 revoked", "1 0 0", ""),
    ("and one that was out long ago does not", "100 barrier_unplugged, 200 barrier_plugged, 1000 grant, 2200 ended revoked, 2200 closes", "1000 admitted, 1350 revoked", "1 0 0", "grant_outlived"),
    ("an opening without a durable admission is wrong: empty log", "1000 crossing", "", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: referred", "1000 crossing", "980 decided refer, 1001 granted", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: never decided", "1000 crossing", "1001 granted", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: never granted", "1000 crossing", "980 decided", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: granted before it was decided", "1000 crossing", "1001 granted, 980 decided", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: decided after the opening", "1000 crossing", "1005 decided, 1001 granted", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: granted for another crossing", "1000 crossing", "980 decided, 1001 granted c2", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: granted in the other direction", "1000 crossing", "980 decided, 1001 granted exit", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: granted without a limit", "1000 crossing", "980 decided, 1001 granted unlimited", "1 1 0", "no_admission"),
    ("an opening without a durable admission is wrong: granted much later", "1000 crossing", "980 decided, 9000 granted", "1 1 0", "no_admission"),
    ("one admission opens once", "1000 crossing unrested, 1900 crossing t2", "1000 admitted", "2 2 0", "no_admission, wrong_person, beyond_grant"),
    ("an opening from nowhere is wrong", "1000 opens, 1500 closes", "", "1 0 0", "no_admission: no grant"),
    ("a leaf that turns back from nobody is wrong", "1000 crossing unrested, 2800 opens closing, 3500 closes", "1000 admitted", "2 1 0", "no_admission"),
    ("a release that the log does not know is wrong", "50000 release_received, 50001 opens, 53000 closes", "", "1 0 0", "no_admission: release"),
    ("nor one that it knew long ago", "50000 release_received, 50001 opens, 53000 closes", "1000 release", "1 0 0", "no_admission: release"),
    ("an opening after the emergency is wrong", "1000 fire_on, 1001 opens, 2000 fire_off, 3000 emergency_ended, 3001 closes, 9000 opens, 9500 closes", "", "2 0 0", "no_admission"),
    ("a power up ends the emergency", "1000 fire_on, 1500 fire_off, 2000 power_up, 3000 opens, 3500 closes", "", "1 0 0", "no_admission"),
    ("unless there is a fire", "1000 fire_on, 2000 power_up, 3000 opens, 3500 closes", "", "1 0 0", ""),
    ("a second passage on one grant is wrong", "1000 crossing, 2600 passed t2", "1000 admitted", "1 2 0", "beyond_grant"),
    ("a passage after the leaf rested is wrong", "1000 grant, 1600 ended revoked, 1600 closes, 4000 passed", "1000 admitted", "1 1 0", "beyond_grant"),
    ("a passage against the grant's direction lets nobody in and does not use the grant up", "500 presented t1 t1, 1000 grant, 2000 passed t9 exit, 3000 passed, 3000 ended used, 3000 closes", "1000 admitted", "1 2 0", ""),
    ("and the next one does", "500 presented t1 t1, 1000 grant, 2000 passed t9 exit, 3000 passed, 3000 ended used, 3000 closes, 3100 passed t9", "1000 admitted", "1 3 0", "beyond_grant"),
    ("a grant that outlives its time is wrong", "1000 grant, 6251 ended ttl, 6251 closes", "1000 admitted", "1 0 0", "grant_outlived"),
    ("the shorter time of log and controller counts", "1000 grant, 6000 ended ttl, 6000 closes", "980 decided, 1001 granted 2000", "1 0 0", "grant_outlived"),
    ("a grant that never ends is wrong", "1000 grant, 60000 host_seen", "1000 admitted", "1 0 0", "grant_outlived"),
    ("a grant that goes on after it was revoked is wrong", "1000 grant, 2001 ended revoked, 2001 closes", "1000 admitted, 1500 revoked", "1 0 0", "grant_outlived: revoked"),
    ("a leaf left open is wrong", "1000 grant, 6000 ended ttl, 7001 closes", "1000 admitted", "1 0 0", "grant_outlived"),
    ("a leaf that is never closed again is wrong", "1000 grant, 2000 ended revoked, 9000 host_seen, 9001 host_seen", "1000 admitted", "1 0 0", "grant_outlived"),
    ("nobody's passage is wrong", "1000 crossing unpresented", "1000 admitted", "1 1 0", "wrong_person"),
    ("somebody else's passage is wrong", "400 presented t1 t1-other, 1000 crossing unpresented", "1000 admitted", "1 1 0", "wrong_person"),
    ("unless the lane says that it lost the holder", "400 presented t1 t1-other, 1000 crossing unpresented", "1000 admitted, 4000 closed holder_in_view", "1 1 0", ""),
    ("and nothing else", "400 presented t1 t1-other, 1000 crossing unpresented", "1000 admitted, 4000 closed face_missing", "1 1 0", "wrong_person"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("happened", "said", "counts", "wrong"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_the_judge_rules_as_the_row_says(happened: str, said: str, counts: str, wrong: str) -> None:
    ruling = ruled(truth(happened), log(said))
    assert f"{ruling.openings} {ruling.passages} {ruling.passages_by_fault}" == counts
    expected = [one.partition(": ") for one in filter(None, wrong.split(", "))]
    assert [found.kind for found in ruling.wrong] == [Wrong(kind) for kind, _, _ in expected]
    assert all(why in found.why for found, (_, _, why) in zip(ruling.wrong, expected, strict=True))


# ── reading the log, and saying the ruling ───────────────────────────────────────────────────────────────────────────


def record(**changes: Any) -> dict[str, Any]:
    return {
        "index": 0,
        "time": "2026-11-25T00:00:00Z",
        "kind": "granted",
        "crossing": "c1",
        "monotonic_ms": 5,
        "boot": "b",
        "body": {"ttl_ms": 1},
    } | changes


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


def test_a_log_is_read_in_its_order(tmp_path: Path) -> None:
    path = write(tmp_path / "log", record(), record(kind="presence", crossing=None, monotonic_ms=3))
    assert read_log(path) == (Entry(5, "granted", "c1", {"ttl_ms": 1}), Entry(3, "presence", None, {"ttl_ms": 1}))


def test_an_erased_body_is_read_as_empty(tmp_path: Path) -> None:
    assert read_log(write(tmp_path / "log", record(body=None))) == (Entry(5, "granted", "c1", {}),)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{\n", "no JSON"),
        ([1], "no JSON object"),
        (record(monotonic_ms="5"), "monotonic_ms"),
        (record(kind=None), "a kind"),
        (record(crossing=3), "crossing or body"),
        (record(body=[]), "crossing or body"),
        ("x" * (LINE_BYTES_MAX + 1), "longer than"),
    ],
)
def test_a_bad_log_line_is_named(tmp_path: Path, line: object, why: str) -> None:
    with pytest.raises(LogError, match=f"log line 2: .*{why}"):
        read_log(write(tmp_path / "log", record(), line))


def test_a_log_of_two_boots_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="several boots"):
        read_log(write(tmp_path / "log", record(), record(boot="c")))
    with pytest.raises(LogError, match="several boots"):
        read_log(write(tmp_path / "log", record(), record(boot=["c"])))


def test_a_ruling_says_what_was_wrong_in_the_order_of_time() -> None:
    story = truth("5000 opens, 5100 closes, 7000 passed, 9000 opens, 9100 closes")
    document: dict[str, Any] = ruled(story, []).as_json()
    assert document["schema"] == "gate-sim.judge/1"
    assert (document["openings"], document["passages"], document["wrong_openings"]) == (2, 1, 3)
    assert [(found["at_ms"], found["kind"]) for found in document["wrong"]] == [
        (5000, "no_admission"),
        (7000, "beyond_grant"),
        (9000, "no_admission"),
    ]
