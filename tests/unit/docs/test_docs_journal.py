"""docs/protocols/journal.md and `gate_core.programs.journal` have the events that the code tells of, and no others.

`python tests/unit/docs/test_docs_journal.py` draws the table.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fakes.roots import PACKAGES, ROOT

from gate_core.programs.journal import EVENTS, message_id

PAGE = ROOT / "docs/protocols/journal.md"
TELLING = {"debug", "info", "warning", "error", "critical", "exception"}


def table() -> str:
    rows = []
    for name, event in EVENTS.items():
        fields = ", ".join(f"`GATE_{field.upper()}`" for field in (*event.fields, *event.text)) or "none"
        rows.append(
            f"| `{name}` | {event.says} | {fields} | {'yes' if event.security else ''} | `{message_id(name)}` |"
        )
    return "\n".join(["| event | meaning | fields | security | MESSAGE_ID |", "| --- | --- | --- | --- | --- |", *rows])


def words(node: ast.expr) -> Iterator[str]:
    """The names that an expression may be."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from words(node.body)
            yield from words(node.orelse)
        case _:
            pass


def told_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[first, *_]) if (
                attr in TELLING and "log" in ast.unparse(value)
            ):
                yield from words(first)
            case ast.Call(func=ast.Attribute(value=value, attr="log"), args=[_, second, *_]) if "log" in ast.unparse(
                value
            ):
                yield from words(second)
            case ast.Call(func=ast.Name("FaultLatch"), keywords=keywords):
                for one in keywords:
                    if one.arg in {"begins", "ends"}:
                        yield from words(one.value)
            case ast.Call(func=ast.Name("Repeated"), args=[_, event, *_]):
                yield from words(event)
            case _:
                pass


def test_every_event_that_the_code_tells_of_is_in_the_table_and_no_other() -> None:
    told = {name for place in PACKAGES.values() for path in place.rglob("*.py") for name in told_in(path.read_text())}
    assert told == set(EVENTS)


def test_the_page_has_its_words_and_the_table() -> None:
    prose, _, rest = PAGE.read_text().partition("| event |")
    assert prose.startswith("# The journal\n")
    assert "journalctl -u gate-lane" in prose
    assert f"| event |{rest}" == f"{table()}\n"


def test_an_event_would_be_found() -> None:
    assert set(
        told_in("log.warning('a' if x else 'b'); FaultLatch(log, begins='c', ends='d'); self._log.log(1, 'e')")
    ) == {*"abcde"}


if __name__ == "__main__":
    prose = PAGE.read_text().partition("| event |")[0]
    PAGE.write_text(f"{prose}{table()}\n")
