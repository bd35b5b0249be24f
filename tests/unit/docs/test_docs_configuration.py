"""docs/configuration.md, which is made of the types that gate.toml is read into: `python tests/unit/docs/test_docs_configuration.py` prints it."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as mi

from gate.programs.shared.config import _DEVICES, Config

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"

_HEAD = """\
# Every setting of gate.toml

Made from `gate/programs/shared/config.py` and the devices' own settings by
`python tests/unit/docs/test_docs_configuration.py > docs/configuration.md`; a test holds it to the types.

The file is TOML at /etc/portcullis/gate.toml, or where `--config` or PORTCULLIS_CONFIG say. It is read strictly: a key that stands nowhere on
this page is refused. A setting that is left out has its default; **must be set** has none. What the settings are for, and how a gate comes to them,
is told in [the technician's guide](guides/technician.md).

```sh
gate config check                       # everything that is wrong with it and with the files that it names: file, key, line
gate config show                        # all of it with the defaults filled in
gate config show --canonical            # the text that is approved, and its digest
gate config diff old.toml gate.toml     # what differs in what decisions rest on
```

Exit codes: 78 for a configuration that cannot work, 74 when nothing is wrong but that a file cannot be read. Every program says the same at its start.
"""


def takes(kind: mi.Type) -> str:
    """What a setting may be, in words."""
    match kind:
        case mi.StrType(pattern=pattern):
            return "text" if pattern is None else f"text, `{pattern}`"
        case mi.EnumType(cls=cls):
            return ", ".join(f"`{member.value}`" for member in cls)
        case mi.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in values)
        case mi.VarTupleType(item_type=item):
            return "tables, see below" if isinstance(item, mi.StructType) else f"a list: {takes(item)}"
        case mi.DictType(value_type=value):
            return "tables, see below" if isinstance(value, mi.StructType) else f"a table of {takes(value)}"
        case mi.UnionType(types=types):
            return " or ".join(takes(one) for one in types if not isinstance(one, mi.NoneType))
        case _:
            return measure(kind)


def measure(kind: mi.Type) -> str:
    match kind:
        case mi.BoolType():
            return "`true` or `false`"
        case mi.IntType(ge=least, le=most):
            return f"a whole number, {least} to {most}"
        case mi.FloatType(ge=float() as least, le=float() as most):
            return f"a number, {least:g} to {most:g}"
        case mi.DateType():
            return "a date"
        case mi.AnyType():
            return "what its driver takes"
        case _:
            raise AssertionError(f"no words for {kind}")


def left_out(field: mi.Field) -> str:
    if field.required:
        return "**must be set**"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    plain = msgspec.to_builtins(value)
    return "none" if plain in (None, "", {}, [], ()) else f"`{json.dumps(plain)}`"


def rows(struct: mi.StructType, driver: str | None = None) -> Iterator[str]:
    yield "| key | takes | left out |"
    yield "| --- | --- | --- |"
    if struct.tag_field is not None:
        usual = f"`{json.dumps(driver)}`" if driver == struct.tag else "**must be set**"
        yield f"| `{struct.tag_field}` | `{struct.tag}` | {usual} |"
    for field in struct.fields:
        if not tables_of(field.type) or is_list_or_named(field.type):
            yield f"| `{field.encode_name}` | {takes(field.type)} | {left_out(field)} |"
    yield ""


def tables_of(kind: mi.Type) -> list[mi.StructType]:
    """The tables that a setting may be."""
    match kind:
        case mi.StructType():
            return [kind]
        case mi.UnionType(types=types):
            return [table for one in types for table in tables_of(one)]
        case mi.VarTupleType(item_type=item):
            return tables_of(item)
        case mi.DictType(value_type=value):
            return tables_of(value)
        case _:
            return []


def is_list_or_named(kind: mi.Type) -> bool:
    return isinstance(kind, mi.VarTupleType | mi.DictType)


def name_of(path: str, kind: mi.Type) -> str:
    match kind:
        case mi.VarTupleType():
            return f"[[{path}]]"
        case mi.DictType():
            return f"[{path}.NAME]"
        case _:
            return f"[{path}]"


def section(path: str, field: mi.Field, depth: int) -> Iterator[str]:
    tables = tables_of(field.type)
    optional = not field.required and not is_list_or_named(field.type) and field.default is None
    yield f"{'#' * depth} {name_of(path, field.type)}{' (may be left out)' if optional else ''}"
    yield ""
    if path == "first_barrier":
        yield from ("The first of two doors', with the keys of `[barrier]`.", "")
        return
    for table in tables:
        if len(tables) > 1:
            yield f"**driver = {json.dumps(table.tag)}.** {text_of(table.cls)}"
        else:
            yield text_of(table.cls)
        yield ""
        yield from rows(table, _DEVICES.get(path))
        for inner in table.fields:
            if tables_of(inner.type):
                yield from section(f"{path}.{inner.encode_name}", inner, depth + 1)


def text_of(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


def page() -> str:
    whole: Any = mi.type_info(Config)
    lines = [_HEAD, "## Above all tables", "", text_of(Config), "", *rows(whole)]
    for field in whole.fields:
        if tables_of(field.type):
            lines += section(field.encode_name, field, 2)
    return "\n".join(lines).rstrip() + "\n"


def test_the_page_is_what_the_types_say() -> None:
    assert PAGE.read_text() == page()


def test_every_setting_stands_on_the_page() -> None:
    text = page()
    for table, key in (
        ("[rules]", "liveness_min"),
        ("[camera.calibration]", "exposure"),
        ("[[rules.without_chip", "issuer"),
    ):
        assert f"| `{key}` |" in text[text.index(table) :], key
    assert '**driver = "contacts".**' in text


if __name__ == "__main__":
    sys.stdout.write(page())
