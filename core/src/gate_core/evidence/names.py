"""Names that configuration and `gate status` share with the evidence; a module of its own because it loads quickly."""

from __future__ import annotations

import enum


class PageCheckId(enum.Enum):
    """The checks of the printed page. None of them alone proves a document genuine or false."""

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
    """Whether the log found at boot is confirmed as the newest."""

    CONFIRMED = "confirmed"  # by the mirror, since boot
    ACCEPTED = "accepted"  # by a supervisor, since boot
    UNCONFIRMED = "unconfirmed"


class Role(enum.Enum):
    """The certified role of a shift key's holder. Stored; never renamed."""

    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    TECHNICIAN = "technician"
    AUDITOR = "auditor"  # may look, but not order
