"""A page's texts by language, from its locales/*.ftl (Project Fluent).

The only user of the Fluent library. A missing text or variable raises an error, so that no id or gap is displayed.
Variables are wrapped in bidi isolates (U+2068, U+2069).

TextError
├── UnknownLanguageError   no texts in that language
└── BrokenTextError        no such text, or it cannot be formed
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from fluent.runtime import FluentBundle, FluentResource


class TextError(Exception):
    """A text is not available."""


class UnknownLanguageError(TextError):
    """The page has no texts in that language."""


class BrokenTextError(TextError):
    """The text is missing, or cannot be formatted."""


class Texts:
    """The texts of a package's page, or of `folder`. A language is read at its first use."""

    def __init__(self, package: str, folder: Any = None) -> None:  # noqa: ANN401 - importlib's Traversable, whose home moves between 3.11 and 3.13
        self._locales = resources.files(package) / "locales" if folder is None else folder
        self._read: dict[str, tuple[Any, Any]] = {}

    def available(self) -> tuple[str, ...]:
        """Return the available languages as BCP 47 tags, sorted."""
        names = (entry.name for entry in self._locales.iterdir())
        return tuple(sorted(name.removesuffix(".ftl") for name in names if name.endswith(".ftl")))

    def t(self, language: str, text: str, **variables: str | int) -> str:
        """Return a text in a language. Raises UnknownLanguageError and BrokenTextError."""
        _, bundle = self._of(language)
        if not bundle.has_message(text):
            raise BrokenTextError(f"no text {text!r} in {language}")
        formed, errors = bundle.format_pattern(bundle.get_message(text).value, variables)
        if errors:
            raise BrokenTextError(f"text {text!r} in {language}: {errors[0]}")
        return str(formed)

    def has(self, language: str, text: str) -> bool:
        """True if the text exists. Raises UnknownLanguageError."""
        _, bundle = self._of(language)
        return bool(bundle.has_message(text))

    def text_ids(self, language: str) -> tuple[str, ...]:
        """Return the ids of all texts of a language, in the file's order. Raises UnknownLanguageError."""
        resource, _ = self._of(language)
        return tuple(entry.id.name for entry in resource.body if type(entry).__name__ == "Message")

    def term(self, language: str, name: str) -> str:
        """Return a Fluent term of a language's file, empty if missing. Raises UnknownLanguageError."""
        resource, _ = self._of(language)
        terms = (entry for entry in resource.body if type(entry).__name__ == "Term")
        return next((str(entry.value.elements[0].value) for entry in terms if entry.id.name == name), "")

    def _of(self, language: str) -> tuple[Any, Any]:
        """Return resource and bundle of a language; the library has no types."""
        if language not in self._read:
            if language not in self.available():
                raise UnknownLanguageError(f"no texts in {language!r}; there are {', '.join(self.available())}")
            resource = FluentResource((self._locales / f"{language}.ftl").read_text(encoding="utf-8"))
            bundle = FluentBundle([language])
            bundle.add_resource(resource)
            self._read[language] = (resource, bundle)
        return self._read[language]


class Say:
    """The texts in one language."""

    def __init__(self, texts: Texts, language: str) -> None:
        self._texts = texts
        self._language = language
        self._known: dict[str, str] = {}  # as many as there are texts

    def __call__(self, text: str, **variables: str | int) -> str:
        """Return a text. Raises BrokenTextError."""
        return self._texts.t(self._language, text, **variables)

    def known(self, kind: str, value: str) -> str:
        """Return the text `kind-value`; `value` itself if there is none, or it needs variables: the value's sender may
        be newer, or untrusted.
        """
        text = f"{kind}-{value}"
        if text not in self._known:
            if not self._texts.has(self._language, text):
                return value
            try:
                self._known[text] = self(text)
            except BrokenTextError:
                return value
        return self._known[text]
