"""Names in MRZ letters: Latin, Cyrillic and Arabic after ICAO 9303-3 §6, Greek after ISO 843 (ELOT 743), Georgian after its state's own table.

A list's owner writes names in their own spelling, a document has its state's; both are transliterated to A to Z before they are compared.
Scripts without a table are refused (ValueError): an entry that can never match must not look as if it were checked.
"""

from __future__ import annotations

import unicodedata
from typing import Final

# Latin letters of which the base letter alone would be another one (§6.A); every other one loses its marks.
_LATIN: Final = {
    "Ä": "AE", "Å": "AA", "Æ": "AE", "Ð": "D", "Ö": "OE", "Ø": "OE", "Ü": "UE", "Þ": "TH", "Đ": "D", "Ħ": "H", "Ĳ": "IJ", "ĸ": "Q",
    "Ł": "L", "Ŋ": "N", "Œ": "OE", "Ŧ": "T", "ẞ": "SS", "Ə": "E",
}  # fmt: skip

# §6.B, with what Ukrainian, Belarusian, Serbian and Macedonian have of their own.
_CYRILLIC: Final = {
    "А": "A", "Б": "B", "В": "V", "Г": "G", "Д": "D", "Е": "E", "Ё": "E", "Ж": "ZH", "З": "Z", "И": "I", "Й": "I", "К": "K", "Л": "L", "М": "M",
    "Н": "N", "О": "O", "П": "P", "Р": "R", "С": "S", "Т": "T", "У": "U", "Ф": "F", "Х": "KH", "Ц": "TS", "Ч": "CH", "Ш": "SH", "Щ": "SHCH",
    "Ъ": "IE", "Ы": "Y", "Ь": "", "Э": "E", "Ю": "IU", "Я": "IA", "І": "I", "Ї": "I", "Є": "IE", "Ґ": "G", "Ў": "U", "Ђ": "D", "Ј": "J",
    "Љ": "LJ", "Њ": "NJ", "Ћ": "C", "Џ": "DZ", "Ѓ": "G", "Ќ": "K", "Ѕ": "DZ",
}  # fmt: skip

# §6.C; marks over and under the letters are left out there, too.
_ARABIC: Final = {
    "ء": "XE", "آ": "XAA", "أ": "XAE", "ؤ": "U", "إ": "I", "ئ": "XI", "ا": "A", "ب": "B", "ة": "XTA", "ت": "T", "ث": "XTH", "ج": "J", "ح": "XH",
    "خ": "XKH", "د": "D", "ذ": "XDH", "ر": "R", "ز": "Z", "س": "S", "ش": "XSH", "ص": "XSS", "ض": "XDZ", "ط": "XTT", "ظ": "XZZ", "ع": "E",
    "غ": "G", "ف": "F", "ق": "Q", "ك": "K", "ل": "L", "م": "M", "ن": "N", "ه": "H", "و": "W", "ى": "XAY", "ي": "Y", "پ": "P", "چ": "XC",
    "ژ": "XZH", "ک": "K", "گ": "XG", "ی": "Y", "ـ": "",
}  # fmt: skip

_GREEK: Final = {
    "Α": "A", "Β": "V", "Γ": "G", "Δ": "D", "Ε": "E", "Ζ": "Z", "Η": "I", "Θ": "TH", "Ι": "I", "Κ": "K", "Λ": "L", "Μ": "M", "Ν": "N", "Ξ": "X",
    "Ο": "O", "Π": "P", "Ρ": "R", "Σ": "S", "Τ": "T", "Υ": "Y", "Φ": "F", "Χ": "CH", "Ψ": "PS", "Ω": "O",
}  # fmt: skip
_GREEK_PAIRS: Final = {"ΟΥ": "OU", "ΑΥ": "AV", "ΕΥ": "EV", "ΗΥ": "IV", "ΓΓ": "NG", "ΓΧ": "NCH", "ΓΞ": "NX", "ΜΠ": "B"}  # fmt: skip
_GREEK_WITHOUT_STRESS: Final = str.maketrans("ΆΈΉΊΌΎΏ", "ΑΕΗΙΟΥΩ")  # a diaeresis parts two vowels, and stays

_GEORGIAN: Final = {
    "ა": "A", "ბ": "B", "გ": "G", "დ": "D", "ე": "E", "ვ": "V", "ზ": "Z", "თ": "T", "ი": "I", "კ": "K", "ლ": "L", "მ": "M", "ნ": "N", "ო": "O",
    "პ": "P", "ჟ": "ZH", "რ": "R", "ს": "S", "ტ": "T", "უ": "U", "ფ": "P", "ქ": "K", "ღ": "GH", "ყ": "Q", "შ": "SH", "ჩ": "CH", "ც": "TS",
    "ძ": "DZ", "წ": "TS", "ჭ": "CH", "ხ": "KH", "ჯ": "J", "ჰ": "H",
}  # fmt: skip

_LETTERS: Final = _LATIN | _CYRILLIC | _ARABIC | _GREEK | {letter.upper(): latin for letter, latin in _GEORGIAN.items()}
_APART: Final = " -<,./"  # what stands between the parts of a name
_SILENT: Final = "'’ʼ`´ʹʺ·"  # left out (§4.6)


def in_mrz_letters(name: str) -> str:
    """Return a name in A to Z, its parts separated by one space. Raises ValueError for a letter in no table."""
    whole = unicodedata.normalize("NFC", name).upper()
    whole = unicodedata.normalize("NFC", whole).translate(_GREEK_WITHOUT_STRESS)
    for pair, latin in _GREEK_PAIRS.items():
        whole = whole.replace(pair, latin)
    return " ".join("".join(map(_letter, whole)).split())


def _letter(letter: str) -> str:
    if "A" <= letter <= "Z":
        return letter
    if (known := _LETTERS.get(letter)) is not None:
        return known
    if letter in _APART:
        return " "
    if letter in _SILENT or unicodedata.category(letter) in {"Mn", "Cf"}:
        return ""
    base = unicodedata.normalize("NFD", letter)[0]
    if base != letter:
        return _letter(base)
    raise ValueError(f"{unicodedata.name(letter, 'a letter')} has no table in ICAO 9303-3 §6, nor here")
