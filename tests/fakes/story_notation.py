"""A short notation for what happens to a lane and what it does: values as text, and text as values, with nothing left out.

A value is its class with the fields that differ from their defaults: `Grant(ttl_ms=10000)`. Of some there is a usual one (`SAMPLES`): it is named, and only
what differs from it is said, as in `first(closed=False)`, `face(match=0.1)`. A crossing that is not named is `c1`. Members of enums stand alone, since
the field says whose they are. A reason with its detail is `BODIES_SEVERAL("2")`. `order(Admit)` is an order that answers a fresh challenge.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from fakes.passage_examples import CROSSING, GENUINE, SAME_FACE, said
from fakes.two_door_lane import EMPTY, FIRST, LAST

from gate.passage import draws, events, orders, records
from gate_core.evidence import registers
from gate_core.evidence.crossing import Check, CheckId, CheckResult, Score
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.service_scope import Travellers


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What an officer orders, answering the lane's version: None is the latest."""

    command: orders.Command
    officer: str = "officer-1"
    number: int = 1
    version: int | None = None
    missing: tuple[orders.Missing, ...] = ()
    keys: frozenset[str] = frozenset()

    def full(self, version: int) -> orders.Ordered:
        """The order as the lane takes it."""
        number = version if self.version is None else self.version
        return orders.Ordered(self.number, number, said(self.officer, self.missing), self.command, self.keys)


SAMPLES: Mapping[str, Any] = {
    "first": FIRST,
    "last": LAST,
    "sensors": EMPTY,
    "document": GENUINE,
    "face": SAME_FACE,
    "said": said(),
}
LONG = {"entry": "passages_entry", "exit": "passages_exit", "grants": "grants_left"}
CLASSES: Mapping[str, type] = {"order": Order, "Travellers": Travellers} | {
    name: one
    for module in (draws, registers, orders, events, records)
    for name, one in vars(module).items()
    if dataclasses.is_dataclass(one) and isinstance(one, type)
}


def brief(value: object) -> str:
    """Return a value as text."""
    match value:
        case Objection(reason, detail):
            return f"{reason.name}({brief(detail)})" if detail else reason.name
        case enum.Enum():
            return value.name
        case str():
            return '"' + value.replace('"', "'") + '"'
        case tuple():
            return f"({', '.join(map(brief, value))}{',' if len(value) == 1 else ''})"
        case _ if dataclasses.is_dataclass(value):
            return _of_fields(value)
        case _:
            return str(value)


def _of_fields(value: Any) -> str:
    name, sample = next((one for one in SAMPLES.items() if type(one[1]) is type(value)), (type(value).__name__, None))
    shown = []
    for field in dataclasses.fields(value):
        mine = getattr(value, field.name)
        usual = {"crossing": CROSSING}.get(field.name, field.default) if sample is None else getattr(sample, field.name)
        if mine != usual:
            shown.append(brief(mine) if usual is dataclasses.MISSING else f"{field.name}={brief(mine)}")
    return f"{name}({', '.join(shown)})" if shown else name


# ── text as values ───────────────────────────────────────────────────────────────────────────────────────────────────


def read(text: str) -> tuple[Any, ...]:
    """The values that are listed in a text. Raises ValueError for one that is none."""
    tree = ast.parse(f"({text},)", mode="eval").body
    assert isinstance(tree, ast.Tuple)
    return tuple(_value(node, None) for node in tree.elts)


def read_as(text: str, hint: object) -> object:
    """The value of a field of this type. Raises ValueError for a text that is none."""
    return _value(ast.parse(text, mode="eval").body, hint)


def _value(node: ast.expr, hint: object) -> Any:
    match node:
        case ast.Constant(value=value):
            return Score(value) if Score in _types(hint) and isinstance(value, float) else value
        case ast.UnaryOp(op=ast.USub(), operand=number):
            return -_value(number, hint)
        case ast.Tuple(elts=elements):
            held = typing.get_args(
                next((one for one in _kinds(hint) if typing.get_origin(one) in {tuple, frozenset}), None)
            )
            values = [_value(one, held[0] if held else None) for one in elements]
            return (
                frozenset(values) if any(typing.get_origin(one) is frozenset for one in _kinds(hint)) else tuple(values)
            )
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            return _named(name, node, hint)
        case _:
            raise ValueError(f"not a value: {ast.unparse(node)}")


def _named(name: str, node: ast.expr, hint: object) -> Any:
    arguments = node.args if isinstance(node, ast.Call) else []
    if name == "at":
        (text,) = (one.value for one in arguments if isinstance(one, ast.Constant))
        return datetime.fromisoformat(str(text))
    keywords = {one.arg or "": one.value for one in node.keywords} if isinstance(node, ast.Call) else {}
    member = next((one[name] for one in _types(hint) if issubclass(one, enum.Enum) and name in one.__members__), None)
    if member is not None:
        return member
    if Objection in _types(hint):
        return Objection(Reason[name], *(_value(one, str) for one in arguments))
    if name in SAMPLES:
        sample = SAMPLES[name]
        return dataclasses.replace(sample, **dict(_fields(type(sample), keywords, sample)))
    if name not in CLASSES:
        raise ValueError(f"nothing is called {name}")
    cls = CLASSES[name]
    places = [one.name for one in dataclasses.fields(cls) if one.name != "crossing"]
    fields = dict(_fields(cls, dict(zip(places, arguments, strict=False)) | keywords, None))
    if any(one.name == "crossing" for one in dataclasses.fields(cls)):
        fields.setdefault("crossing", CROSSING)
    return cls(**fields)


def _fields(cls: type, written: Mapping[str, ast.expr], sample: Any) -> Iterator[tuple[str, Any]]:
    hints = typing.get_type_hints(cls)
    for short, node in written.items():
        name = LONG.get(short, short)
        if name == "checks" and isinstance(node, ast.List):
            yield name, tuple(_checks(node, sample.checks))
        else:
            yield name, _value(node, hints[name])


def _checks(listed: ast.List, usual: tuple[Check, ...]) -> Iterator[Check]:
    changed = {CheckId[ast.unparse(one.func)]: one for one in listed.elts if isinstance(one, ast.Call)}
    gone = {CheckId[one.id.removeprefix("no_")] for one in listed.elts if isinstance(one, ast.Name)}
    for check in usual:
        if call := changed.get(check.id):
            result, *text = call.args
            yield Check(check.id, CheckResult[ast.unparse(result)], *(_value(one, str) for one in text))
        elif check.id not in gone:
            yield check


def _kinds(hint: object) -> tuple[object, ...]:
    """The members of a union, or the one type that there is."""
    hint = getattr(hint, "__value__", hint)
    return (
        typing.get_args(hint)
        if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
        else (hint,)
    )


def _types(hint: object) -> tuple[type, ...]:
    return tuple(one for one in _kinds(hint) if isinstance(one, type) and typing.get_origin(one) is None)
