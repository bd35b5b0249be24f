"""Reads and checks the site's written rules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gate.passage.rule_set import NO_RULES, RuleSet
from gate.programs.shared.config import Config
from gate.rules.linter import wrong_with
from gate.rules.parser import read, spelt
from gate_core.settings.config_file import ConfigError, text_of
from gate_core.settings.toml_file import FileError, TomlFile, Wrong


@dataclass(frozen=True, slots=True)
class Written:
    """The rules, and their canonical text, whose SHA-256 is `rule_set.sha256`; empty without rules."""

    rule_set: RuleSet = NO_RULES
    text: str = ""


@lru_cache(maxsize=1)  # a start needs it twice, for digest and lane, and must be fast
def _wrong_with(rule_set: RuleSet) -> tuple[Wrong, ...]:
    return tuple(wrong_with(rule_set))


def written_rules(config: Config) -> Written:
    """Return the configured rules. Raises ConfigError with all problems."""
    return written_in(Path(config.rules.written)) if config.rules.written else Written()


def written_in(path: Path) -> Written:
    """Return the rules of a file. Raises ConfigError."""
    file = TomlFile(str(path), text_of(path))
    try:
        table = file.table()
        rule_set = read(file)
    except FileError as error:
        raise ConfigError(*error.problems) from error
    if found := [file.problem(wrong) for wrong in _wrong_with(rule_set)]:
        raise ConfigError(*found)
    return Written(rule_set, spelt(table))
