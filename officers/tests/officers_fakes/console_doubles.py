"""Gates as an officers' console reaches them, and the console over these, for tests.

A `FakeGate` says what it is told to say and judges orders as a lane does: real signatures, challenges and lacks, one decision about a
crossing. It does nothing to a barrier. Sealed parts are sealed to whoever views. Nothing of the console is faked.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from core_fakes import shifts
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gate_core.console_link import Answer, Challenge, LaneEvent, Waits, Why
from gate_core.orders.certificate import Certificate, certify
from gate_core.orders.envelope import PARTS, seal, seen_of
from gate_core.orders.errors import OrderError
from gate_core.orders.order import Signed, find_blocking_lacks, lacks, read_order
from gate_core.orders.verbs import Verb
from gate_officers.console.admission import Cookie
from gate_officers.console.app import TEXTS, Console, create_app
from gate_officers.console.handover import Handovers
from gate_officers.console.lanes import Lanes, Unanswered
from gate_officers.console.sessions import PROOF, Sessions
from gate_officers.console.sign_in import Clock, SignIn

SEALING: Final = X25519PrivateKey.from_private_bytes(bytes(range(64, 96)))
MRZ_PRINTED: Final = [
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
]
MRZ_CHIP: Final = [MRZ_PRINTED[0], MRZ_PRINTED[1].replace("7408122", "7403122")]


def event(gate: str, **changes: Any) -> LaneEvent:
    """A lane that is free, in service, with anna present."""
    said: dict[str, Any] = {
        "boot": "boot-1",
        "gate": gate,
        "purpose": "service",
        "mode": "live",
        "state": "idle",
        "in_service": True,
        "direction": "entry",
        "travellers": "all",
        "version": 1,
        "running": None,
        "waiting": [],
        "alarms": [],
        "notices": [],
        "closed_by": None,
        "officers": [{"officer": "anna", "seen_s": 4.0}],
        "lost": [],
        "degraded": [],
        "flags": [],
        "last": {"opened": 0.1, "chip_read": 2.1, "face_compared": 3.4, "decided": 3.6, "passed": 9.8},
    }
    return msgspec.convert(said | changes, LaneEvent)


def waits(crossing: str, *reasons: str, waiting_s: float = 12.0, **changes: Any) -> Waits:
    """A traveller who waits: too little alike, and perhaps a picture, unless other reasons are given."""
    why = [Why(reason) for reason in reasons or ("face_below_threshold", "liveness_below_bound")]
    findings = {
        "checks": [
            {"id": "sod_signature", "result": "successful", "clause": "TR-03135-1 4.3.2"},
            {"id": "mrz_dg1", "result": "failed", "reason": "date of birth differs", "clause": "ICAO 9303-11 6.1"},
        ],
        "page_checks": [{"id": "b900_ink", "result": "undetermined"}],
        "access": "PACE",
        "face_score": 0.31,
        "face_threshold": 0.45,
        "liveness": 0.62,
        "liveness_bound": 0.8,
        "quality": [],
    }
    about: dict[str, Any] = {"findings": findings, "sealed_for": [], "flags": []}
    return Waits(crossing=crossing, waiting_s=waiting_s, reasons=why, **(about | changes))


@dataclass(slots=True)
class FakeGate:
    """One gate. `obeyed` are the orders that it obeyed; `holding` has it answer only when set."""

    id: str
    snapshot: LaneEvent | None = None
    trouble: str = ""
    obeyed: list[Signed] = field(default_factory=list)
    holding: asyncio.Event | None = None
    now_s: int = shifts.NOW_S
    portraits: tuple[bytes, bytes, bytes] | None = None  # live, chip, of the alarm; no pictures unless given
    swaps: tuple[bytes, bytes, bytes] | None = None  # portraits that a captured `screens` seals in place of the lane's
    lies: tuple[Any, Any] | None = None  # what captured children seal: of the face, of the document
    withholds: bool = False  # a captured `screens` keeps what is sealed to itself
    of_two: bool = False  # whoever waits is admitted on the orders of two officers
    on_change: Callable[[], None] = lambda: None
    _handed: set[str] = field(default_factory=set)
    _decided: dict[str, str] = field(default_factory=dict)
    _ms: itertools.count[int] = field(default_factory=lambda: itertools.count(1000))

    def __post_init__(self) -> None:
        self.snapshot = self.snapshot or event(self.id)
        self._challenger = shifts.challenger(gate=self.id)

    _challenger: Any = None

    @property
    def snapshot_age_s(self) -> float:
        return 0.0

    @property
    def age_s(self) -> float | None:
        return 3.0 if self.snapshot is None else 0.0

    def tell(self, **changes: Any) -> None:
        """Say how the lane is now."""
        self.snapshot = event(self.id, **{"version": len(self.obeyed) + 1, **changes})
        self.trouble = ""
        self.on_change()

    def lose(self, trouble: str = "says nothing") -> None:
        """Be gone."""
        self.snapshot, self.trouble = None, trouble
        self.on_change()

    def decided_by(self, crossing: str, officer: str) -> None:
        """Have somebody else decide, which the console has not heard yet."""
        self._decided[crossing] = officer

    async def look(self) -> Challenge | Unanswered:
        if self.snapshot is None:
            return Unanswered(self.trouble)
        given = self._challenger.issue(self._version, next(self._ms))
        return Challenge(gate=self.id, issued_ms=given.issued_ms, nonce=given.nonce, version=given.version)

    async def order(self, order: bytes) -> Answer | Unanswered:
        if self.holding is not None:
            await self.holding.wait()
        if self.snapshot is None:
            return Unanswered(self.trouble)
        try:
            signed = read_order(order, shifts.PUBLIC)
        except OrderError as error:
            return self._say("forbidden", str(error))
        freshness = self._challenger.look(signed.order.challenge, next(self._ms))
        lacking = find_blocking_lacks(
            signed, lacks(signed, gate=self.id, freshness=freshness, now_s=self.now_s, floor_s=0)
        )
        if lacking:
            return self._say("forbidden", f"{signed.order.verb.value}: {', '.join(one.value for one in lacking)}")
        return self._obey(signed)

    @property
    def _version(self) -> int:
        return self.snapshot.version or 0 if self.snapshot else 0

    def _say(self, outcome: str, detail: str = "", sealed: list[str] | None = None) -> Answer:
        state = self.snapshot.state if self.snapshot else None
        return Answer(outcome=outcome, detail=detail, state=state or "", sealed=sealed)

    def _obey(self, signed: Signed) -> Answer:
        assert self.snapshot is not None
        order, by = signed.order, signed.by
        if order.verb is not Verb.PRESENT and order.challenge.version != self._version:
            return self._say("stale", "the lane changed while you ordered")
        if order.verb is Verb.VIEW:
            self.obeyed.append(signed)
            crossing = order.crossing or ""
            sealed = _sealed(by, self.id, crossing, self.lies or _content(self.portraits))
            self._handed.add(seen_of(base64.b64decode(part) for part in sealed or ()))
            swapped = _sealed(by, self.id, crossing, _content(self.swaps)) if self.swaps else sealed
            return self._say("done", sealed=None if self.withholds else swapped)
        if order.verb in {Verb.ADMIT, Verb.HAND_OVER}:
            crossing = order.crossing or ""
            if order.seen is not None and order.seen not in self._handed:
                return self._say("forbidden", "the pictures that were shown to them are none of these")
            if crossing in self._decided:
                return self._say("impossible", f"already decided by {self._decided[crossing]}")
            if crossing not in {one.crossing for one in self.snapshot.waiting}:
                return self._say("impossible", "nobody waits for an officer")
            (one,) = [one for one in self.snapshot.waiting if one.crossing == crossing]
            self.obeyed.append(signed)
            if self.of_two and order.verb is Verb.ADMIT and (order.seen is None or one.first in {None, by.officer}):
                self._first(crossing, by.officer)
                return self._say("one_more", "one more officer must admit")
            self._decided[crossing] = by.officer
            left = [one for one in self.snapshot.waiting if one.crossing != crossing]
            self.tell(waiting=left, state="granted" if order.verb is Verb.ADMIT else "idle")
            return self._say("done", "granted" if order.verb is Verb.ADMIT else "")
        self.obeyed.append(signed)
        if order.verb is Verb.REFER and self.of_two:
            self._first(order.crossing or "", None)
        if order.verb is Verb.OPEN_EMERGENCY:
            self.tell(state="emergency")
            return self._say("done", "the leaf is open")
        return self._say("done")

    def _first(self, crossing: str, officer: str | None) -> None:
        """Say who has ordered first to admit."""
        assert self.snapshot is not None
        first = [
            msgspec.structs.replace(one, first=officer) if one.crossing == crossing else one
            for one in self.snapshot.waiting
        ]
        self.tell(waiting=first, state="referred")


def _content(portraits: tuple[bytes, ...] | None) -> tuple[Any, Any]:
    shown = portraits or (b"a face", b"the face of a chip", b"a face at an alarm")
    live, chip, alarm = (base64.b64encode(jpeg).decode() for jpeg in shown)
    return (
        {"live": live, "chip": chip, "alarms": [alarm] if alarm else []},
        {"printed": MRZ_PRINTED, "chip": MRZ_CHIP, "differs": ["date_of_birth"]},
    )


def _sealed(by: Certificate, gate: str, crossing: str, contents: tuple[Any, Any]) -> list[str] | None:
    if by.sealing is None:
        return None
    key = base64.b64decode(by.sealing)
    return [
        base64.b64encode(seal(json.dumps(content).encode(), key, gate=gate, crossing=crossing, part=part)).decode()
        for content, part in zip(contents, PARTS, strict=True)
    ]


@dataclass(slots=True)
class RunningConsole:
    """A console with its pages at `address`."""

    gates: list[FakeGate]
    lanes: Lanes
    sessions: Sessions
    address: str

    def gate(self, name: str) -> FakeGate:
        return next(gate for gate in self.gates if gate.id == name)


def console(
    gates: list[FakeGate], folder: Path, *, port: int, clock_s: Callable[[], float], heartbeat_s: float = 1.0
) -> tuple[Any, Lanes, Sessions]:
    """The console's application over these gates."""
    origin = f"http://127.0.0.1:{port}"
    sessions = Sessions(
        authority=shifts.PUBLIC,
        origin=origin,
        now_s=lambda: float(shifts.NOW_S),
        monotonic_s=clock_s,
        random=os.urandom,
    )
    cookie = Cookie(port, secure=False)
    lanes = Lanes(gates, clock_s=clock_s)
    for gate in gates:
        gate.on_change = lanes.refresh
    clock = Clock(lambda: float(shifts.NOW_S), clock_s)
    sign_in = SignIn(sessions=sessions, cookie=cookie, clock=clock, ask=None, texts=TEXTS)
    made = Console(
        lanes=lanes,
        handovers=Handovers(folder / "handovers.json", shifts.PUBLIC),
        sessions=sessions,
        cookie=cookie,
        now_s=lambda: float(shifts.NOW_S),
        boot="boot-of-the-console",
    )
    app = create_app(made, hosts=frozenset({f"127.0.0.1:{port}"}), sign_in=sign_in, heartbeat_s=heartbeat_s)
    return app, lanes, sessions


def prove(challenge: str, origin: str, *, number: int = 7, **changes: Any) -> dict[str, str]:
    """What a page shows of its key to be signed in."""
    text = f"portcullis-{PROOF.name}/{PROOF.version}\n{origin}\n{challenge}".encode()
    certificate = certify(shifts.certificate(number, **changes), shifts.AUTHORITY)
    shown = {"certificate": certificate, "signature": shifts.key_of(number).sign(text)}
    return {"challenge": challenge, **{name: base64.b64encode(raw).decode() for name, raw in shown.items()}}
