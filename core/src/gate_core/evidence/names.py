"""Names of evidence that a site's file and `gate status` use, too, who need nothing of what carries them: loading that takes time."""

from __future__ import annotations

import enum


class PageCheckId(enum.Enum):
    """What is looked at on the page as it is printed. None of them proves or disproves a document by itself."""

    PAGE_ACCEPTED = "page_accepted"  # read by the whole acceptance rule, or equal to EF.DG1
    MRZ_PITCH_EVEN = "mrz_pitch_even"
    MRZ_BASELINE_EVEN = "mrz_baseline_even"
    MRZ_CHARACTER_HEIGHT = "mrz_character_height"
    MRZ_LINE_SPACING = "mrz_line_spacing"
    PRINTED_PORTRAIT_CHIP = "printed_portrait_chip"
    PRINTED_PORTRAIT_LIVE = "printed_portrait_live"
    B900_INK = "b900_ink"
    INFRARED_DROPOUT = "infrared_dropout"
    PORTRAIT_INFRARED = "portrait_infrared"
    DULL_PAPER = "dull_paper"
    ULTRAVIOLET_PATTERN = "ultraviolet_pattern"


class Head(enum.Enum):
    """Who bears out that the log which the machine found when it was started is the newest there is."""

    CONFIRMED = "confirmed"  # the mirror, since then
    ACCEPTED = "accepted"  # a supervisor, since then
    UNCONFIRMED = "unconfirmed"


class Role(enum.Enum):
    """What the holder of a shift key is, as the authority certified it. Stored; never renamed."""

    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    TECHNICIAN = "technician"
    AUDITOR = "auditor"  # looks and orders nothing
