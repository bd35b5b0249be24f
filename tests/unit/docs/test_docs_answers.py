"""The answers' table of the technician's guide, made of their types and questions: `python tests/unit/docs/test_docs_answers.py` prints it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect as mi

from gate.provision.answers import SiteAnswers
from gate.provision.questions import QUESTIONS

GUIDE: Final = Path(__file__).resolve().parents[3] / "docs/guides/technician.md"
UNASKED: Final = {
    "barrier.unit": "The board's number on its line",
    "skip": "A table: the reason for each step that is left out",
}


def rows(struct: mi.StructType, room: str = "") -> Iterator[str]:
    asked = {question.key: question.asks for question in QUESTIONS} | UNASKED
    asked = {
        key: text.removesuffix("; empty after the last").replace("; empty:", "; left out:")
        for key, text in asked.items()
    }
    fields = sorted(struct.fields, key=lambda field: isinstance(field.type, mi.StructType))  # as a file has them
    for field in fields:
        key = f"{room}{field.encode_name}"
        if isinstance(field.type, mi.StructType):
            yield from rows(field.type, f"{key}.")
        else:
            yield f"| `{key}` | {asked[key]} | {takes(field.type)} | {left_out(field)} |"


def takes(kind: mi.Type) -> str:
    match kind:
        case mi.StrType():
            return "text"
        case mi.IntType(ge=least, le=most, lt=beyond):
            return f"a number, {least} to {most if beyond is None else beyond - 1}"
        case mi.BoolType():
            return "`true` or `false`"
        case mi.VarTupleType():
            return "a list"
        case mi.DictType():
            return "texts"
        case mi.UnionType(types=types):
            return " or ".join(takes(one) for one in types if not isinstance(one, mi.NoneType))
        case _:
            raise AssertionError(f"no words for {kind}")


def left_out(field: mi.Field) -> str:
    if field.required:
        return "**must be set**"
    plain: Any = None if field.default is msgspec.NODEFAULT else msgspec.to_builtins(field.default)
    return "none" if plain in (None, "", (), []) else f"`{json.dumps(plain)}`"


def table() -> str:
    whole: Any = mi.type_info(SiteAnswers)
    return "\n".join(["| key | is | takes | left out |", "| --- | --- | --- | --- |", *rows(whole)]) + "\n"


def test_the_guide_lists_every_key_of_a_file_of_answers() -> None:
    assert table() in GUIDE.read_text()


if __name__ == "__main__":
    sys.stdout.write(table())
