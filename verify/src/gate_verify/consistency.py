"""Compares copies of one log, and lists what they cannot show.

Two copies agree if one is a byte-exact prefix of the other. The longest copy is the log that is judged. The others may
have parts that it lacks, and show how long the log must be. If two signed copies disagree, the log's key signed two
histories, and no copy is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, combinations

from gate_verify.clock import ms
from gate_verify.cosigners import Cosigners
from gate_verify.findings import Copy, Cosignature, Findings, Held, Ledger, Recipients, Report, about
from gate_verify.handover import KeyRing
from gate_verify.judge import HOUR_MIN, NONE, RIGHT, Judge
from gate_verify.signed_note import Head

CLOCKS_APART = timedelta(hours=1)  # so much a mirror's clock may be behind a gate's that no time service sets


@dataclass(frozen=True, slots=True)
class Read:
    """A copy that was read: its name, kind and judge."""

    name: str
    kind: str
    judge: Judge

    def held(self) -> Held:
        """The copy's keys. It is the gate's own copy if it is no bundle and its checkpoint has no cosignature, as copies from others do."""
        judge, signatures = self.judge, b"".join(self.judge.notes).count(b"\n\xe2\x80\x94 ")
        is_gates = self.kind == "database" or (self.kind == "folder" and signatures < 2)
        named = frozenset(judge.keys_used if any(judge.bodies) else ())  # a folder of tiles alone holds no keys
        return Held(self.name, judge.tree.size, frozenset(judge.keys_seen), named, is_gates)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A signed checkpoint without entries. `head` is None if it is not the log's; `problems` gives the reasons."""

    name: str
    head: Head | None
    cosignatures: tuple[Cosignature, ...]
    problems: tuple[str, ...]


@dataclass
class Comparison:
    """The copies of a log, at least one, compared with one another. `at_least`: entries that the log is known to have had;
    `ring` and `cosigners`: those by which the copies were judged.
    """

    read: Sequence[Read]
    receipts: Sequence[Receipt] = ()
    at_least: int | None = None
    ring: KeyRing | None = None
    cosigners: Cosigners = field(default_factory=Cosigners)

    def __post_init__(self) -> None:
        self.read = sorted(self.read, key=lambda one: (-one.judge.tree.size, one.judge.tree.since))  # longest first
        self._signers = () if self.ring is None else self.ring.signers()
        self._is_one = len(self.read) + len(self.receipts) == 1
        self._log = self.read[0].judge
        self._size = self._log.tree.size

    def report(self, words: Sequence[str] = (), again: Sequence[str] = ()) -> Report:
        """Make the report. `words`: problems of handovers in files of their own; `again`: inputs that were given twice."""
        cosigned = [mark for one in self.read for mark in one.judge.signatures()]
        cosigned += [mark for receipt in self.receipts for mark in receipt.cosignatures]
        bytes_wrong, telling, doubts = Findings(), Findings(), Findings()
        copies = tuple(self._copies(bytes_wrong))
        for problem in (*words, *self._disagreements(), *self._shortness()):
            bytes_wrong.add(problem)
        for one in self.read:
            for line in one.judge.hours().all():
                telling.add(self._said_of(one.name, line))
        parts = self._parts()
        untimely = {mark: found for mark in cosigned if (found := self._untimely(mark, parts))}
        for text, is_sure in untimely.values():
            (telling if is_sure else doubts).add(text)
        problems = (*bytes_wrong.all(), *telling.all())
        since = min(one.judge.first_here for one in parts)
        uses = {key: max(one.judge.uses[key] for one in parts) for one in parts for key in one.judge.keys_used}
        bodies = self._bodies(parts, since)
        apart = () if self.ring is None else self.ring.apart()
        missing = (*self._missing(since, bodies), *self._incomparable(since), *apart, *self._by_an_earlier_key())
        ledger = Ledger(uses, tuple(one.held() for one in parts), not since, bool(missing))
        missing += tuple(ledger.unaccounted())
        after = tuple(self._after_the_end([mark for mark in cosigned if mark not in untimely]))
        return Report(
            entries=self._size - since,
            since=since,
            root=self._log.tree.root().hex(),
            verified=not problems,
            intact=not bytes_wrong.problems,
            checkpoints=sum(len(one.judge.notes) for one in self.read) + len(self.receipts),
            cosignatures=tuple(dict.fromkeys(cosigned)),
            first_time=next((one.judge.first_hour for one in reversed(parts) if one.judge.first_hour), None),
            last_time=next((one.judge.last_hour for one in parts if one.judge.last_hour), None),
            bodies=bodies.count(RIGHT),
            keys=len(uses) - len(ledger.missing),
            erased=len(ledger.missing),
            problems=problems,
            unknown=(*again, *missing, *doubts.all(), *self.cosigners.unknown(cosigned), *after),
            is_partial=bool(missing),
            is_open_ended=bool(after),
            copies=copies,
            signers=self._signers,
            recipients=tuple(Recipients(since, one or None) for since, one in self._log.recipients),
            ledger=ledger,
        )

    def _untimely(self, mark: Cosignature, parts: Sequence[Read]) -> tuple[str, bool] | None:
        """Return why no cosigner can have signed at that time, and True if it is certain: if later hours go back as far, the gate's clock was fast."""
        said = f"{mark.by} cosigned {mark.size} entries at {mark.time}"
        if mark.time is None:
            return None
        if mark.time < HOUR_MIN:
            return f"{said}: nothing of this format was written so early", True
        if mark.time[:13] > min(self._log.hour_max[:13], "9999"):
            return f"{said}: that time has not come yet", True
        until = f"{datetime.fromisoformat(mark.time) + CLOCKS_APART:%Y-%m-%dT%H:%M:%SZ}"
        hours = [(at, hour, one.judge.tree.size) for one in parts for at, hour in one.judge.hours_from]
        newest = next((hour for at, hour, size in reversed(hours) if at < mark.size <= size), "")
        if newest <= until:
            return None
        said += f", and the newest of them is of {about(newest)} by the gate's clock"
        for one in parts:
            later = [newest, *(hour for at, hour in one.judge.hours_from if at >= mark.size)]
            latest = accumulate(later, max)
            if any(ms(top) - ms(hour) >= ms(newest) - ms(until) for top, hour in zip(latest, later, strict=True)):
                return f"whether {said}, or that clock was ahead: it was set back as far later on", False
        return f"{said}: it was not there yet", True

    def _said_of(self, name: str, text: str) -> str:
        return text if self._is_one else f"{name}: {text}"

    def _copies(self, wrong: Findings) -> Iterator[Copy]:
        for one in self.read:
            judge = one.judge
            found = list(judge.findings.all())
            if not judge.notes:
                found.append("no checkpoint is here: nothing is signed")
            for problem in found:
                wrong.add(self._said_of(one.name, problem))
            yield Copy(one.name, one.kind, judge.first_here, judge.tree.size, judge.tree.root().hex(), not found)
        for receipt in self.receipts:
            for problem in receipt.problems:
                wrong.add(self._said_of(receipt.name, problem))
            head = receipt.head
            size, root = (0, "") if head is None else (head.size, head.root.hex())
            yield Copy(receipt.name, "receipt", size, size, root, not receipt.problems)

    def _disagreements(self) -> Iterator[str]:
        for one, other in combinations(self.read, 2):
            mine, theirs = one.judge.tree, other.judge.tree
            if theirs.size < mine.since or theirs.root() == mine.root(theirs.size):
                continue
            at = mine.first_difference(theirs)
            where = f"from entry {at} on" if at is not None else "in entries of which only hashes are here"
            yield f"{other.name} and {one.name} are not copies of one log: they differ {where}"
        for receipt in self.receipts:
            for one in self.read:
                head, tree = receipt.head, one.judge.tree
                if head and tree.since <= head.size <= tree.size and head.root != tree.root(head.size):
                    yield f"{one.name} is not the log of {receipt.name}: its first {head.size} entries have another root"

    def _shortness(self) -> Iterator[str]:
        if self.at_least is not None and self._size < self.at_least:
            yield f"the log had {self.at_least} entries at least, and ends after {self._size}"
        for receipt in self.receipts:
            if receipt.head and receipt.head.size > self._size:
                yield f"{receipt.name} says that the log had {receipt.head.size} entries, and what is here ends after {self._size}"

    def _parts(self) -> list[Read]:
        """Return the longest copy, and the copies that agree with it and extend further back without a gap."""
        parts = [self.read[0]]
        for one in self.read[1:]:
            tree = one.judge.tree
            since = min(part.judge.tree.since for part in parts)
            overlapping = [part.judge.tree for part in parts if part.judge.tree.since <= tree.size]
            if tree.size >= since and all(part.root(tree.size) == tree.root() for part in overlapping):
                parts.append(one)
        return parts

    @staticmethod
    def _bodies(parts: Sequence[Read], since: int) -> bytearray:
        """Return the best copy's state of each entry's sealed body, from `since` on."""
        base = min(one.judge.tree.since for one in parts)
        found = bytearray(parts[0].judge.tree.size - base)
        for part in parts:
            start, mine = part.judge.tree.since - base, part.judge.bodies
            found[start : start + len(mine)] = bytes(map(max, found[start:], mine))
        return found[since - base :]

    def _missing(self, since: int, bodies: bytearray) -> Iterator[str]:
        """Yield what is missing here without being a contradiction."""
        if since:
            yield f"entries 0 to {since - 1} are not here, only the hashes over them"
        if self._size == since:
            yield "no entry is here"
        if without := bodies.count(NONE):
            yield f"the sealed bodies of {without} entries are not here, only their hashes"

    def _by_an_earlier_key(self) -> Iterator[str]:
        """Yield a notice if all that is here was signed by a key that has handed over: any former holder may have signed it."""
        if len(self._signers) > 1 and self._signers[-1].since >= self._size:
            key = self._signers[-1].vkey.rpartition("+")[0]
            yield f"whether this is the log of {key}, its newest key: an earlier one has signed all that is here, and whoever has had that one can"
            if self._signers[-1].since > self._size:
                yield f"entries {self._size} to {self._signers[-1].since - 1}: they were, when one key of the log handed over to another"

    def _incomparable(self, since: int) -> Iterator[str]:
        for one in self.read[1:]:
            if one.judge.tree.size < since:
                yield f"whether {one.name} is the beginning of this log: it ends after {one.judge.tree.size} entries, and nothing follows on it"
        for receipt in self.receipts:
            if receipt.head and receipt.head.size < since:
                yield f"whether {receipt.name} is of this log: entry {receipt.head.size} and those before are not here"

    def _after_the_end(self, cosigned: Sequence[Cosignature]) -> Iterator[str]:
        if self.at_least == self._size:
            return
        newest = max((mark.time for mark in cosigned if mark.time and mark.size == self._size), default=None)
        known = [one.judge.tree.size for one in self.read[1:]]
        known += [receipt.head.size for receipt in self.receipts if receipt.head]
        known += [] if self.at_least is None else [self.at_least]
        if newest:
            yield f"whether the log went on after {newest}, when all of it was cosigned"
        elif not known or max(known) > self._size:
            yield "whether the log went on after this checkpoint: --at-least N says how many entries it is known to have had"
        else:
            yield f"whether the log went on after this checkpoint; the {max(known)} entries known to have been are here"
