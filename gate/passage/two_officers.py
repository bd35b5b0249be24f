"""Two officers, if a rule requires it: a traveller referred for its reason needs orders of two officers who saw the pictures. Pure.

The first order is only recorded: it admits nobody and makes no officer present; the traveller notices nothing. It is in force once
durable, for exactly the reasons its officer knew, until the referral is settled, an officer takes it back, its time is over, or another
officer's order admits. One officer counts once, by any certificate; so do two names with one key. After a restart the lane has no first
orders and no reasons of earlier referrals: these need two officers if the site has any such reason.

Elsewhere: who is an officer and what they were shown (`gate.programs.lane.officers`), and the effect of an admission
(`gate.passage.officer_commands`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gate.passage import records
from gate.passage.effects import Answer, Effect, Write
from gate.passage.events import Event, NotRecorded, Recorded
from gate.passage.lane import FirstWord, LaneContext, Referral, Timing
from gate.passage.names import Outcome, RecordKind
from gate.passage.orders import Ordered
from gate.passage.states import Rules, Turn, Turned
from gate_core.evidence.reasons import Reason

NOT_SHOWN: Final = "two officers admit here, each of whom was shown the pictures on a page: a colleague, or take the traveller to the booth"
ONE_MORE: Final = "one more officer must admit, who was shown the pictures, too"
NOT_RECORDED: Final = "the log does not take the record of it, and no word counts that is not recorded"
NOT_ANSWERED: Final = "the log has not said in time that it has the record of it"
OVER: Final = "the referral is not any more what you admitted: look again"


def are_needed(rules: Rules, referral: Referral) -> bool:
    """True if one officer's order does not admit here."""
    of_two = rules.of_two
    return any(one.reason in of_two or (of_two and one.reason is Reason.LANE_RESTARTED) for one in referral.objections)


def is_seconded(first: FirstWord | None, ordered: Ordered) -> bool:
    """True if this order is from another officer than the first one, whose record is durable."""
    if first is None or first.number is not None:
        return False
    return first.said.officer != ordered.said.officer and not first.keys & ordered.keys


def begin(lane: LaneContext, referral: Referral, ordered: Ordered, now_ms: int) -> tuple[LaneContext, Write]:
    """Record the first officer's order; `follow` waits for the receipt and answers."""
    word = FirstWord(referral.crossing, ordered.said, ordered.keys, referral.objections, now_ms, ordered.number)
    lane = replace(lane, first_words=(*lane.first_words, word))
    return lane, Write(records.WouldAdmit(referral.crossing, ordered.said, referral.objections), awaited=True)


def end(lane: LaneContext, crossing: str) -> LaneContext:
    """Return the lane without the first order for this crossing."""
    return replace(lane, first_words=tuple(one for one in lane.first_words if one.crossing != crossing))


def follow(turn: Turn) -> Turned:
    """End first orders that are no longer in force, and answer those with a receipt, a refusal or none in time."""
    lane = turn.lane
    if not lane.first_words:
        return lane, ()
    standing: list[FirstWord] = []
    answers: list[Effect] = []
    for one in lane.first_words:
        said = _said(lane, one, turn.event, turn.now_ms, turn.rules.timing)
        if one.number is not None and said is not None:
            answers.append(Answer(one.number, *said))
        if said is None or said[0] is Outcome.ONE_MORE:
            standing.append(one if said is None else replace(one, number=None))
    if len(standing) == len(lane.first_words) and not answers:
        return lane, ()
    return replace(lane, first_words=tuple(standing)), tuple(answers)


def _said(lane: LaneContext, word: FirstWord, event: Event, now_ms: int, timing: Timing) -> tuple[Outcome, str] | None:
    """Return the result of a first order; None while nothing has changed."""
    referral = lane.waits(word.crossing)
    if referral is None or referral.objections != word.objections or now_ms - word.since_ms > timing.first_word_max_ms:
        return Outcome.IMPOSSIBLE, OVER
    if word.number is None:
        return None
    match event:
        case Recorded(word.crossing, RecordKind.WOULD_ADMIT):
            return Outcome.ONE_MORE, ONE_MORE
        case NotRecorded(word.crossing, RecordKind.WOULD_ADMIT):
            return Outcome.IMPOSSIBLE, NOT_RECORDED
        case _ if now_ms - word.since_ms > timing.receipt_max_ms:
            return Outcome.IMPOSSIBLE, NOT_ANSWERED
        case _:
            return None
