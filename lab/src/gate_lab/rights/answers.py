"""The answers to travellers. No answer depends on why an officer was called, or on whether the log holds anything restricted. Pure.

A receipt's answer depends on its number and the day alone: no log is opened, so neither its text nor its timing reveals anything. The answer to a
request for access names the processing that applies to everyone, and its time. It gives no reasons for a referral to any traveller: if harmless
reasons were given, their absence would reveal the others. A person decides case by case what else to disclose, from the controller's file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from gate.programs.shared.config import Config
from gate_lab.rights.book import ANSWER_MONTHS, months_after

CROSSING: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Controller:
    """The sender of answers: the operator's name, the gate's, the contact, and for how long results are kept (None: no end is set). It
    also has the processing of all travellers: for how many minutes faces of referred travellers are compared with others (0: never),
    whether documents are looked up in registers, and for how many minutes a chip is searched for at the site's other gates (0: never).
    """

    operator: str
    gate: str
    contact: str
    results_kept_days: int | None
    remembered_minutes: int = 0
    looked_up: bool = False
    reuse_minutes: int = 0

    @classmethod
    def of(cls, settings: Config) -> Controller:
        """Return the controller that a gate's configuration names."""
        said, asked = settings.notice, settings.registers
        reuse = None if asked is None else asked.reuse
        return cls(
            settings.operator,
            settings.gate_id,
            settings.operator if said is None else said.contact,
            None if said is None else said.results_kept_days,
            settings.rules.swap_check_minutes,
            asked is not None and asked.looked_up,
            0 if reuse is None else reuse[1].minutes,
        )


def is_receipt(number: str) -> bool:
    """Return True for a number with the form of a receipt's."""
    return CROSSING.fullmatch(number) is not None


def receipt_answer(number: str, controller: Controller, today: date) -> str:
    """Return the answer to the holder of a receipt. Only the number and the dates vary; the cause never matters."""
    due = months_after(today, ANSWER_MONTHS)
    return (
        f"Receipt {number}\n"
        f"Gate {controller.gate}, run by {controller.operator}.\n"
        "The gate opens or calls an officer; it refuses nobody. That an officer was called says nothing about a person.\n"
        "You may ask to see what is kept about your crossing, to have it corrected or erased, and you may complain. None of it costs anything.\n"
        f"Write to {controller.contact} with this number. Whoever writes today is answered by {due.isoformat()}.\n"
        "The supervisory authority for data protection takes complaints as well.\n"
    )


def access_answer(number: str, controller: Controller, crossed: str, *, held: bool) -> str:
    """Return the letter to a traveller who asked for access; `crossed` is the day and hour. Without records it states that nothing is held."""
    if not held:
        return (
            f"Crossing {number}, gate {controller.gate}\n"
            "Nothing is kept about this crossing, or nothing that can be opened: its key was erased, or there was no such crossing.\n"
            f"Questions: {controller.contact}\n"
        )
    kept = "with no set end" if controller.results_kept_days is None else f"for {controller.results_kept_days} days"
    return (
        f"Crossing {number}, gate {controller.gate}, {crossed}\n"
        f"Controller: {controller.operator}, {controller.contact}\n"
        f"Processed: the printed lines of your document, the data and the photograph in its chip, video of your face; compared with that photograph and with {_others(controller)}.\n"
        f"{_looked_up(controller)}{_reuse(controller)}"
        "Kept of it: when each step was, which checks were made and their results, the document's type, state and dates. No name, no number, no picture.\n"
        f"Kept {kept}, sealed for auditors, for the purpose of controlling the border and of proving how it was done.\n"
        "The gate opens or calls an officer; what was decided about your entry, an officer decided or the law does. The results of single checks are not part of this letter, for anybody: "
        "whoever needs them for a complaint names it, and a person decides what may be said.\n"
        "You may have this corrected or erased, and you may complain, to us or to the supervisory authority for data protection.\n"
    )


def _others(controller: Controller) -> str:
    minutes = controller.remembered_minutes
    if not minutes:
        return "nobody else's"
    return f"those of travellers to whom an officer was called in the {minutes} minutes before; where one was called to you, yours was held for as long for the same"


def _looked_up(controller: Controller) -> str:
    if not controller.looked_up:
        return ""
    return "Documents are looked up in lists and registers of other authorities, unless an officer is asked for first. What was found is not part of this letter, for anybody.\n"


def _reuse(controller: Controller) -> str:
    minutes = controller.reuse_minutes
    if not minutes:
        return ""
    return (
        f"For {minutes} minutes a number made of your document's chip was held in memory, with gate and minute, against those of this site's other "
        "gates, unless an officer was asked for first. "
        "It is erased; without the document nobody could tell whose it was, so it is not part of this letter, for anybody.\n"
    )
