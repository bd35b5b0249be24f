"""What an acceptance report says, as values: what is signed, shown and read by machines."""

from __future__ import annotations

import msgspec

from gate.provision.steps import Figure


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every part of a report."""


class Gate(_Part, frozen=True, kw_only=True):
    """Which gate it is of; `origin` is its log's."""

    id: str
    operator: str
    origin: str
    purpose: str
    mode: str
    time_zone: str


class Model(_Part, frozen=True, kw_only=True):
    """A model that sees travellers."""

    name: str
    version: str
    sha256: str


class Software(_Part, frozen=True, kw_only=True):
    """What ran on what."""

    portcullis: str
    python: str
    system: str
    models: tuple[Model, ...]


class Configuration(_Part, frozen=True, kw_only=True):
    """Its file, and the digest that approvers sign; empty where it cannot be had."""

    path: str
    digest: str


class Profile(_Part, frozen=True, kw_only=True):
    """A device's driver and profile, and what they say of themselves."""

    device: str
    driver: str
    profile: str
    said: str


class Key(_Part, frozen=True, kw_only=True):
    """The log's public key, empty where there is none, and what two persons compare of it."""

    vkey: str
    fingerprint: str


class Line(_Part, frozen=True, kw_only=True):
    """One step: its state (`done failed skipped not_done`), and on what it was verified."""

    id: str
    title: str
    state: str
    verified: str
    detail: str = ""
    figures: dict[str, Figure] = {}
    at: str = ""
    took_ms: int = 0


class Missing(_Part, frozen=True, kw_only=True):
    """A proof that service wants and nobody has given: what it is of, and what is to be done."""

    id: str
    why: str


class Picture(_Part, frozen=True, kw_only=True):
    """What a step has photographed, as JPEG in Base64."""

    id: str
    caption: str
    jpeg: str


class Report(_Part, frozen=True, kw_only=True):
    """All of it. `console_key` is the fingerprint by which consoles know the gate, empty of one that serves none or has no key yet."""

    gate: Gate
    by: str
    made_at: str
    software: Software
    configuration: Configuration
    profiles: tuple[Profile, ...]
    key: Key
    console_key: str = ""
    auditors: tuple[str, ...]
    verdict: str
    lines: tuple[Line, ...]
    missing_for_service: tuple[Missing, ...]
    pictures: tuple[Picture, ...]
