"""The site's written rules as the configuration names them: read, and held to everything that no rules may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gate.passage.rulebook import NO_RULES, RuleBook
from gate.programs.shared.config import Config
from gate.rules.linter import wrong_with
from gate.rules.parser import read, spelt
from gate_core.settings.config_file import ConfigError, text_of
from gate_core.settings.toml_file import FileError, TomlFile, Wrong


@dataclass(frozen=True, slots=True)
class Written:
    """The rules, and their text in its one spelling, of which `book.sha256` is the SHA-256; empty without rules."""

    book: RuleBook = NO_RULES
    text: str = ""


@lru_cache(maxsize=1)  # a start asks twice, for the digest and for the lane, and nobody has time then
def _wrong_with(book: RuleBook) -> tuple[Wrong, ...]:
    return tuple(wrong_with(book))


def written_rules(config: Config) -> Written:
    """The rules in force. Raises ConfigError with everything that is wrong in them."""
    return written_in(Path(config.rules.written)) if config.rules.written else Written()


def written_in(path: Path) -> Written:
    """The rules of a file. Raises ConfigError."""
    file = TomlFile(str(path), text_of(path))
    try:
        table = file.table()
        book = read(file)
    except FileError as error:
        raise ConfigError(*error.problems) from error
    if found := [file.problem(wrong) for wrong in _wrong_with(book)]:
        raise ConfigError(*found)
    return Written(book, spelt(table))
