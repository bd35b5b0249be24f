"""The checks of the MRZ itself, printed and in the chip (ICAO 9303-3 §4.9, TR-03135-1 §5.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate_documents.checks import Check, CheckId, Result

if TYPE_CHECKING:
    from datetime import date

    from gate_documents.mrz.parser import Mrz


OPTIONAL: Final = "optional"


def judge_mrz(mrz: Mrz | None) -> Check:
    """Judge the printed MRZ: wrong check digits fail, other problems leave it undetermined."""
    if mrz is None:
        return Check(CheckId.MRZ, Result.NOT_SUPPORTED, "no printed MRZ was given")
    if not mrz.valid:
        return Check(CheckId.MRZ, Result.FAILED, "; ".join(mrz.problems))
    if mrz.problems:
        return Check(CheckId.MRZ, Result.UNDETERMINED, "; ".join(mrz.problems))
    return Check(CheckId.MRZ, Result.SUCCESSFUL, f"a {mrz.format.value} MRZ whose check digits hold")


def judge_expiry(mrz: Mrz | None, today: date) -> Check:
    """A document is valid to the end of its last day."""
    expires = None if mrz is None else mrz.expires_on(today)
    if expires is None:
        return Check(CheckId.EXPIRY, Result.UNDETERMINED, "the date of expiry cannot be read")
    if expires < today:
        return Check(CheckId.EXPIRY, Result.FAILED, f"the document ended on {expires}")
    return Check(CheckId.EXPIRY, Result.SUCCESSFUL, "the document has not ended")


def differences(printed: Mrz, chip: Mrz) -> tuple[str, ...]:
    """The names of the fields in which two MRZs differ."""
    names = (
        "format",
        "document_type",
        "issuer",
        "number",
        "nationality",
        "birth",
        "sex",
        "expiry",
        "surname",
        "given_names",
        OPTIONAL,
    )
    return tuple(name for name in names if getattr(printed, name) != getattr(chip, name))


def judge_printed_and_chip(printed: Mrz, chip: Mrz) -> Check:
    """Compare the printed MRZ with EF.DG1, field by field; a difference in optional data alone leaves it undetermined."""
    if printed.lines == chip.lines:
        return Check(CheckId.MRZ_DG1, Result.SUCCESSFUL, "the printed MRZ and EF.DG1 are the same")
    different = [name for name in differences(printed, chip) if name != OPTIONAL]
    if different:
        return Check(CheckId.MRZ_DG1, Result.FAILED, f"the printed MRZ and EF.DG1 differ in {', '.join(different)}")
    return Check(CheckId.MRZ_DG1, Result.UNDETERMINED, "the printed MRZ and EF.DG1 differ in optional data")
