"""The only reader of the appliance's configuration file, `gate.toml`: parses it once, strictly, into `Config`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from drivers.barrier.settings import BarrierSettings
from drivers.camera.settings import CameraSettings
from drivers.reader.settings import ChipReaderSettings, MrzReaderSettings, PageSettings, Pcsc
from drivers.sensors.settings import SensorSettings
from gate.channel.row import PROGRAMS, Channel, user_of
from gate_core.evidence.names import PageCheckId
from gate_core.evidence.reasons import Reason
from gate_core.evidence.registers import Register, Suspension
from gate_core.evidence.screen import Purpose
from gate_core.evidence.service_scope import EU, EVERYBODY, BorderDirection
from gate_core.settings.base import Settings, Text
from gate_core.settings.config_file import ConfigError, Section, address_of, text_of, wrong_if_refused, zone_of
from gate_core.settings.outside import Code
from gate_core.settings.toml_file import FileError, TomlFile, Wrong, misfits

REGISTERS_MAX = 16
RegisterName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
_OWN_KEYS: Final = ("log", "device")  # names of the gate's own keys, beside the registers' credentials
CredentialName = Annotated[str, msgspec.Meta(pattern=r"^(?:[a-z0-9][a-z0-9._-]{0,63})?$")]
TRIED_ON_A_SIMULATOR: Final = 'purpose = service refuses: it says verified = "simulator"; try the device itself, and say in a profile of yours what that showed'
# The tables of devices, with their default drivers.
_DEVICES = {
    "barrier": "modbus",
    "first_barrier": "modbus",
    "sensors": "modbus",
    "swipe": "elyctis",
    "page": "camera",
    "chip": "pcsc",
    "camera": "network",
}


def _each_once(section: Section, *names: str) -> Iterator[Wrong]:
    for name in names:
        if len(set(getattr(section, name))) < len(getattr(section, name)):
            yield Wrong(name, "each of them once")


class Paths(Section, frozen=True, kw_only=True):
    """Folders. `run`: the programs' runtime folders. `spool`: written by log, read by sync; `inbox`: the reverse.
    `identity`: one folder per enrolment, written by sync. `approval`: approvers.toml and approval.note.
    """

    run: Text = "/run"
    state: Text = "/var/lib/portcullis"
    spool: Text = "/var/lib/portcullis/spool"
    inbox: Text = "/var/lib/portcullis/inbox"
    models: Text = "/var/lib/portcullis/models"
    trust: Text = "/var/lib/portcullis/trust/trust.sqlite"
    keys: Text = "/etc/portcullis/keys"
    approval: Text = "/etc/portcullis"
    identity: Text = "/var/lib/portcullis/identity"


class Document(Section, frozen=True, kw_only=True):
    """Inspection of documents. `control_centre`: socket of a control centre that lets us read fingers; empty: none."""

    control_centre: str = ""


class Face(Section, frozen=True, kw_only=True):
    """The models for faces: a profile of models/manifest.toml or of the site, and their accelerators.

    `providers` must have passed `gate models accept` on this machine; empty: those that passed, then the CPU.
    """

    profile: Text = "standard"
    providers: tuple[Text, ...] = ()


class ChipAuthenticationException(Section, frozen=True, kw_only=True):
    """Documents that are expected to lack chip authentication, by issuer and dates of issue."""

    issuer: Annotated[str, msgspec.Meta(min_length=1, max_length=3)]
    issued_from: date
    issued_to: date

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem if the dates are in the wrong order."""
        if self.issued_to < self.issued_from:
            yield Wrong("issued_to", f"is before issued_from, {self.issued_from}")


class Group(Section, frozen=True, kw_only=True):
    """A group of travellers: nationals of these states, in the letters of the MRZ."""

    nationalities: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{1,3}$")], ...], msgspec.Meta(min_length=1, max_length=300)
    ]


class Rules(Section, frozen=True, kw_only=True):
    """Numbers of the policy, and whom the lane may serve. `face_match_min` has no effect below the embedder's own
    threshold. The lane starts with the first of `directions`. `travellers`: groups beside all and eu. `written`: file
    of the site's written rules (docs/rules.md); empty: none. `without_entry_record`: the group of travellers whose
    entry and exit need no record by law; the gate cannot write one, so all others are referred. Empty: eu, or all in a
    demo. `two_officers_for`: reasons after which only two officers, each shown the pictures, can admit.
    `random_checks_per_10000`: crossings drawn for an officer. `swap_check_minutes`: how long vision remembers, in
    memory only, face and portrait of referred travellers, to find a person with another's document; 0: never.
    `camera_inside_zone`: travellers are compared within the zone. `camera_sees_zone`: later pictures show every
    person before the leaf and no person behind it: a holder seen after a passage on their grant did not pass (docs/safety.md).
    """

    face_match_min: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.0
    liveness_min: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 0.5
    officer_presence_max_s: Annotated[int, msgspec.Meta(ge=5, le=900)] = 120
    trust_age_max_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 90
    grant_ttl_ms: Annotated[int, msgspec.Meta(ge=1000, le=30000)] = 10000
    crossing_limit_s: Annotated[int, msgspec.Meta(ge=5, le=180)] = 45
    revocation_required: bool = True
    weak_algorithms_refer: bool = True
    without_chip_authentication: tuple[ChipAuthenticationException, ...] = ()
    page_checks_refer: tuple[PageCheckId, ...] = ()  # of the printed page; in any case its reading must be accepted
    camera_inside_zone: bool = False  # so one body within the beams is no objection
    camera_sees_zone: bool = True
    directions: Annotated[tuple[BorderDirection, ...], msgspec.Meta(min_length=1)] = (BorderDirection.ENTRY,)
    travellers: dict[Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")], Group] = {}
    written: Annotated[str, msgspec.Meta(max_length=512)] = ""
    without_entry_record: Annotated[str, msgspec.Meta(max_length=32)] = ""
    two_officers_for: tuple[Reason, ...] = ()
    swap_check_minutes: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0
    random_checks_per_10000: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem for each duplicate, unknown or reserved name, and for contradicting camera settings."""
        yield from _each_once(self, "directions", "two_officers_for")
        groups = {"", EVERYBODY.name, EU.name, *self.travellers}
        if self.without_entry_record not in groups:
            yield Wrong("without_entry_record", f"{self.without_entry_record} is no group of travellers here")
        if self.camera_inside_zone and not self.camera_sees_zone:
            why = "a camera that compares within the zone sees it: camera_inside_zone is true"
            yield Wrong("camera_sees_zone", why)
        for name in sorted({EVERYBODY.name, EU.name} & self.travellers.keys()):
            yield Wrong(f"travellers.{name}", "every gate has this group, and the same one")


class Fairness(Section, frozen=True, kw_only=True):
    """Groups by which the lane counts its results (docs/fairness.md), and the law that permits it: `basis`, with its
    article. No table: no counts. Counts are recorded at the end of each shift, in the site's local time.
    """

    groups: Annotated[tuple[Literal["age_band", "sex", "issuer"], ...], msgspec.Meta(min_length=1)]
    basis: Annotated[str, msgspec.Meta(min_length=3, max_length=300)]
    shift_ends: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")], ...],
        msgspec.Meta(min_length=1, max_length=24),
    ] = ("06:00", "14:00", "22:00")

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem for a duplicate group or end."""
        yield from _each_once(self, "groups", "shift_ends")


class Officers(Section, frozen=True, kw_only=True):
    """`authority`: the officers' authority's public key, base64. No table: no officer; every traveller is referred."""

    authority: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]


class Days(Section, frozen=True, kw_only=True):
    """Days, both included."""

    first: date
    last: date

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem if the dates are in the wrong order."""
        if self.last < self.first:
            yield Wrong("last", f"is before first, {self.first}")


class Hold(Days, frozen=True, kw_only=True):
    """Days, both included, whose keys are kept until this is removed: persons may have a right to their records."""


class Audit(Section, frozen=True, kw_only=True):
    """The age recipients that can read sealed records, one per auditor, at least two in service; and for how long. Keys
    of crossings are kept for `notice.results_kept_days`; keys of other records, which hold no traveller's data, for
    `others_kept_days` after their day, at least half a year. Left out: for ever.

    `mirrored_kept_days`: days from the central server's signed receipt for an entry and its body until the gate deletes
    them from its disk. Left out: never; the disk fills by about 45 KB an admission.

    `profile`: content of records (BSI TR-03135-2). "full": all that a decision rests on. "standard": as full, but
    without personal data of travellers whom the gate itself let pass. "basic": no personal data of travellers or staff,
    so that decisions cannot be repeated, and who gave an order is not known.
    """

    recipients: tuple[Text, ...]
    others_kept_days: Annotated[int, msgspec.Meta(ge=183, le=36500)] | None = None
    holds: tuple[Hold, ...] = ()
    mirrored_kept_days: Annotated[int, msgspec.Meta(ge=7, le=36500)] | None = None
    profile: Literal["full", "standard", "basic"] = "full"


class Sync(Section, frozen=True, kw_only=True):
    """The central server that mirrors the log. No table: none. `gate provision enrol` writes it, and the folder
    `identity`: the device's key and certificate, which sync renews, and the authorities that certify the server.
    """

    address: Text  # host:port or a name; HTTPS with mutual TLS
    identity: Text
    mirror_vkey: Text  # the central server's cosigning key, as a note verifier key
    interval_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 1000
    # Limit of the connection, both ways; the log has priority over updates.
    kbit_s: Annotated[int, msgspec.Meta(ge=32, le=1_000_000)] | None = None


class Lists(Section, frozen=True, kw_only=True):
    """Folder to which certificates and lists are downloaded. No table: they are imported by hand."""

    folder: Text
    signer: str = ""  # CSCA certificate that certifies a list's signer; empty: those in the store
    test: bool = False  # its content is for demos only
    check_every_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 10_000


class Suspended(Days, frozen=True, kw_only=True):
    """Days, both included, on which a register is not queried, and the legal basis."""

    title: Text
    basis: Text


class SignedList(Section, frozen=True, kw_only=True):
    """A list that an agency signs with one of `keys` (note verifier keys). `secret`: credential that holds the key of
    its numbers; empty: it has none. `names`: it has names, which are then looked up.
    """

    agency: Text
    keys: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=4)]
    secret: CredentialName = ""
    names: bool = False
    suspended: Annotated[tuple[Suspended, ...], msgspec.Meta(max_length=16)] = ()


class OnlineRegister(Section, frozen=True, kw_only=True):
    """A register queried online through an adapter (docs/guides/adapter.md). `certificate`: credential with the gate's
    client certificate and key, PEM. `authorities`: file (PEM) of the authorities that certify the register. `names`: it
    needs names and dates of birth. `not_for`: it has no data on nationals of these states.

    `adapter = "reuse"` asks the site's exchange whether another gate read the same chip in the `minutes` before. A law
    must permit remembering every traveller for so long: `basis`, with its article.

    `adapter = "outside"` is one of another distribution, which the table `code` names (docs/guides/driver.md).
    """

    adapter: Literal["lost_documents", "entry_exit", "reuse", "outside"]
    code: Code | None = None
    address: Annotated[str, msgspec.Meta(max_length=256)] = ""
    certificate: CredentialName = ""
    authorities: Annotated[str, msgspec.Meta(max_length=512)] = ""
    names: bool = False
    not_for: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{1,3}$")], ...], msgspec.Meta(max_length=300)
    ] = ()
    basis: Annotated[str, msgspec.Meta(max_length=300)] = ""
    minutes: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0
    suspended: Annotated[tuple[Suspended, ...], msgspec.Meta(max_length=16)] = ()

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem if reuse lacks its basis or minutes or has names, or another adapter has these."""
        if (self.adapter == "outside") is not (self.code is not None):
            yield Wrong("code", 'goes with adapter = "outside", and with no other')
        if self.adapter != "reuse":
            for key in ("basis", "minutes"):
                if getattr(self, key):
                    yield Wrong(key, 'is for adapter = "reuse" alone')
            return
        if not self.basis.strip():
            yield Wrong("basis", "is missing: reuse across gates takes a law that allows it, named with its article")
        if not self.minutes:
            yield Wrong("minutes", "is missing: for how long that law lets a document be remembered, 1 to 60")
        for key in ("names", "not_for"):
            if getattr(self, key):
                yield Wrong(key, "is not told to the exchange, which hears of a mark alone")


class Registers(Section, frozen=True, kw_only=True):
    """Lists and registers that must answer about each document before the gate opens. No table: none. A missing
    address, list or credential makes the answer unknown: the traveller is referred. `incoming`: downloaded editions of
    lists. `folder`: editions in use, and reports to their owners. `answer_ms`: time limit of all answers together.
    """

    folder: Text = "/var/lib/portcullis/registers"
    incoming: Text = "/var/lib/portcullis/registers-incoming"
    answer_ms: Annotated[int, msgspec.Meta(ge=200, le=10_000)] = 2000
    check_every_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 10_000
    lists: dict[RegisterName, SignedList] = {}
    online: dict[RegisterName, OnlineRegister] = {}

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem for no, too many or duplicate registers, a second exchange, or a reserved credential name."""
        if not self.lists and not self.online:
            yield Wrong("lists", "there is none, and no register online: leave the table [registers] out")
        if len(self.lists) + len(self.online) > REGISTERS_MAX:
            yield Wrong("lists", f"and registers online are more than {REGISTERS_MAX} together")
        for name in sorted(self.lists.keys() & self.online.keys()):
            yield Wrong(f"online.{name}", "a list has this name already")
        if len(reusing := [name for name, one in self.online.items() if one.adapter == "reuse"]) > 1:
            yield Wrong(f"online.{reusing[1]}", f"is an exchange, too, beside {reusing[0]}: a site has one")
        for key, name in self._credentials():
            if name.startswith(_OWN_KEYS):
                yield Wrong(key, "is a name for keys of the gate itself")

    def _credentials(self) -> Iterator[tuple[str, str]]:
        yield from ((f"lists.{name}.secret", one.secret) for name, one in self.lists.items())
        yield from ((f"online.{name}.certificate", one.certificate) for name, one in self.online.items())

    @property
    def credentials(self) -> tuple[str, ...]:
        """The names of all keys and certificates that they need, each once."""
        return tuple(dict.fromkeys(name for _, name in self._credentials() if name))

    @property
    def need_names(self) -> bool:
        """True if one of them needs names and dates of birth."""
        return any(one.names for one in self.lists.values()) or any(one.names for one in self.online.values())

    @property
    def reuse(self) -> tuple[str, OnlineRegister] | None:
        """Name and settings of the site's exchange, or None."""
        return next(((name, one) for name, one in self.online.items() if one.adapter == "reuse"), None)

    @property
    def looked_up(self) -> bool:
        """True if there is a list or register beside the site's exchange."""
        return bool(self.lists) or any(one.adapter != "reuse" for one in self.online.values())

    @property
    def required(self) -> tuple[Register, ...]:
        """All of them with the days on which they are not queried; lists first."""
        asked: dict[str, SignedList | OnlineRegister] = {**self.lists, **self.online}
        return tuple(
            Register(name, tuple(Suspension(day.title, day.basis, day.first, day.last) for day in one.suspended))
            for name, one in asked.items()
        )


class Updates(Section, frozen=True, kw_only=True):
    """Updates from the operator's repository. No table: this gate is updated by its packages only.

    `root`: the repository's first root metadata, from the operator. `folder`: downloads from central or a stick.
    """

    root: Text = "/etc/portcullis/updates-root.json"
    folder: Text = "/var/lib/portcullis/sync/updates"
    check_every_ms: Annotated[int, msgspec.Meta(ge=1000, le=86_400_000)] = 3_600_000


class Screens(Section, frozen=True, kw_only=True):
    """The traveller's page, on loopback.

    `challenge`: the display shines pale colours at the face in a random order for each crossing, and the face must
    reflect them. Needs a bright display beside the camera, close enough to light a face.

    `languages`: in the page's order, the site's own first. Outside demos, a native speaker must have read each one. If
    its file does not say so, `reviewed` names who did and when, such as ar = "N. N., 3 March 2027".

    `camera_at`: the camera's position beside the display, to which an arrow points. `distance_cm`: distance of the
    traveller's eyes, for text sizes. `width_mm`: measured width of the display's picture; 0: trust the browser's
    millimetre. `volume`: of the page's sounds, 0 to 100. `sound_device`: ALSA name of the sound card on which screens
    plays them while no page is open ("default"; needs alsa-utils and a drop-in of its unit); empty: no sound then.

    `management`: a further address for metrics and readiness, such as "192.0.2.5:9464"; loopback always serves them.
    """

    host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1024, le=65535)] = 8088
    languages: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=32)] = ("en",)
    reviewed: dict[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]+)*$")], Text] = {}
    challenge: bool = False
    camera_at: Literal["above", "below", "left", "right", "above-left", "above-right", "below-left", "below-right"] = (
        "above"
    )
    distance_cm: Annotated[int, msgspec.Meta(ge=30, le=300)] = 70
    width_mm: Annotated[int, msgspec.Meta(ge=0, le=3000)] = 0
    volume: Annotated[int, msgspec.Meta(ge=0, le=100)] = 60
    sound_device: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_:=,.-]{0,63}$|^$")] = ""
    management: str = ""

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem for a duplicate language or an invalid management address."""
        yield from _each_once(self, "languages")
        if self.management:
            yield from wrong_if_refused("management", self.managed_at)

    def managed_at(self) -> tuple[str, int]:
        """Return IP address and port of `management`. Raises ValueError if they are invalid."""
        return address_of(self.management, such_as="192.0.2.5:9464")


class Console(Section, frozen=True, kw_only=True):
    """The connection for officers' consoles. No table: no console is served. `address`: on the management network, such
    as "192.0.2.5:8443". `certificates`: file (PEM) of the consoles that may connect, at most eight.
    """

    address: Text
    certificates: Text

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem if the address is invalid."""
        yield from wrong_if_refused("address", self.served_at)

    def served_at(self) -> tuple[str, int]:
        """Return IP address and port. Raises ValueError if they are invalid."""
        return address_of(self.address, such_as="192.0.2.5:8443")


class Notice(Section, frozen=True, kw_only=True):
    """The notice to travellers about their data: what does not follow from the rest of this file (`gate notices`).

    `contact`: where they ask and complain. `address`: where the whole notice is published, for the QR code.
    `results_kept_days`: how long results of checks are kept; then gate and central server delete their keys. For
    auditors' copies the operator answers. Service requires table and days; without days, the notice says that no end is
    set.
    """

    contact: Annotated[str, msgspec.Meta(min_length=3, max_length=80)]
    address: Annotated[str, msgspec.Meta(pattern=r"^https://[!-~]{3,150}$")]
    results_kept_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] | None = None


class Config(Section, frozen=True, kw_only=True):
    """The whole of `gate.toml`. `time_zone`: IANA name of the gate's zone, in which a document's last day ends.

    A lane of two doors has a `first_barrier`, at its entrance, and `sensors` between the doors; `barrier` is the last
    door's. In a lane of one door, sensors monitor its cabinet.

    `card`: file of the system card's judgements (docs/system-card.md); empty: none.

    `mode` shadow: an officer works as always; the gate sees, decides and records, and gives no orders to a barrier.
    """

    purpose: Purpose
    mode: Literal["gate", "shadow"] = "gate"
    gate_id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    operator: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,252}$")]
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"
    paths: Paths = Paths()
    barrier: BarrierSettings | None = None
    first_barrier: BarrierSettings | None = None
    sensors: SensorSettings | None = None
    swipe: MrzReaderSettings | None = None
    page: PageSettings | None = None
    chip: ChipReaderSettings = Pcsc()
    document: Document = Document()
    camera: CameraSettings
    face: Face = Face()
    rules: Rules = Rules()
    fairness: Fairness | None = None
    officers: Officers | None = None
    audit: Audit
    sync: Sync | None = None
    lists: Lists | None = None
    registers: Registers | None = None
    updates: Updates | None = None
    screens: Screens = Screens()
    console: Console | None = None
    notice: Notice | None = None
    card: Annotated[str, msgspec.Meta(max_length=512)] = ""

    def contradictions(self) -> Iterator[Wrong]:
        """Yield a problem for each missing device, shared line, address used twice, or unknown time zone."""
        if self.swipe is None and self.page is None:
            yield Wrong("swipe", "documents need a reader: a table [swipe], a table [page], or both")
        if self.mode == "gate" and self.barrier is None:
            yield Wrong("barrier", 'a gate needs its table [barrier]; without one it can only watch: mode = "shadow"')
        if self.first_barrier is not None and (self.barrier is None or self.sensors is None):
            why = "a lane of two doors needs [barrier] for the last one, and [sensors] between them"
            yield Wrong("first_barrier", why)
        lines: dict[str, str] = {}
        for name in _DEVICES:
            settings: Settings | None = getattr(self, name)
            line = None if settings is None else settings.line
            if line is not None and (other := lines.setdefault(line, name)) != name:
                yield Wrong(f"{name}.port", f"is {other}.port, too: {line}; each has a line of its own")
        taken = {self.screens.management, f"{self.screens.host}:{self.screens.port}"}
        if self.console is not None and self.console.address in taken:
            yield Wrong("console.address", f"is served already: {self.console.address}")
        if self.paths.inbox == self.paths.spool:
            yield Wrong("paths.inbox", f"is paths.spool, too: {self.paths.spool}")
        yield from wrong_if_refused("time_zone", zone_of, self.time_zone)

    @property
    def origin(self) -> str:
        """The audit log's origin; it contains the purpose unless that is service (safety invariant 14)."""
        mark = "" if self.purpose == "service" else f"/{self.purpose}"
        return f"{self.operator}/{self.gate_id}{mark}"

    @property
    def without_entry_record(self) -> str:
        """The name of the group of travellers whose entry and exit need not be recorded."""
        return self.rules.without_entry_record or (EVERYBODY if self.purpose == "demo" else EU).name

    @property
    def has_outside_code(self) -> bool:
        """True when a driver of another distribution drives one of the devices."""
        online = () if self.registers is None else self.registers.online.values()
        devices = (getattr(self, name) for name in _DEVICES)
        return any(getattr(one, "code", None) for one in (*devices, self.camera.pad, *online))

    @property
    def driven(self) -> BarrierSettings | None:
        """The barrier that this gate controls, of two doors the last one's; None in shadow mode."""
        return None if self.mode == "shadow" else self.barrier

    @property
    def first_driven(self) -> BarrierSettings | None:
        """The barrier of the first of two doors, if this gate controls it; None in shadow mode."""
        return None if self.mode == "shadow" else self.first_barrier

    @property
    def approvers_path(self) -> Path:
        """The list of persons who may approve this configuration."""
        return Path(self.paths.approval) / "approvers.toml"

    @property
    def approval_path(self) -> Path:
        """The signed approval."""
        return Path(self.paths.approval) / "approval.note"

    def runtime(self, program: str) -> Path:
        """Return a program's runtime folder, which only it writes."""
        return Path(self.paths.run) / user_of(program)

    def socket(self, channel: str) -> Path:
        """Return the socket of the channel with this name. Raises KeyError for an unknown name."""
        from gate.channel.table import CHANNELS  # noqa: PLC0415 - loads every message; `gate status` needs two

        return self.socket_of(CHANNELS.by_name(channel))

    def socket_of(self, channel: Channel[Any, Any]) -> Path:
        """Return a channel's socket, in its listener's runtime folder."""
        return self.runtime(channel.listener) / channel.file

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that this gate runs: sync only with a central server or lists, registers only if configured."""
        spared = set() if self.sync is not None or self.lists is not None else {"sync"}
        spared |= set() if self.registers is not None else {"registers"}
        return tuple(name for name in PROGRAMS if name not in spared)


def load(path: Path, *, refuse_in_service: bool = True) -> Config:
    """Read and check the configuration. Raises ConfigError with all problems. Without `refuse_in_service`, problems
    that concern service only are ignored, for a command that lists what service still needs.
    """
    file = TomlFile(str(path), text_of(path))
    try:
        table = file.table()
    except FileError as error:
        raise ConfigError(*error.problems) from error
    try:
        config = parse(table)
    except msgspec.ValidationError as error:
        found = misfits(_with_drivers(table), Config)
        raise ConfigError(*(file.problem(wrong) for wrong in found)) from error
    if refuse_in_service and (refused := [file.problem(wrong) for wrong in refused_in_service(config)]):
        raise ConfigError(*refused)
    return config


def parse(table: Mapping[str, object]) -> Config:
    """Convert the file's tables. Raises msgspec.ValidationError with the first problem."""
    return msgspec.convert(_with_drivers(table), Config)


def _with_drivers(table: Mapping[str, object]) -> dict[str, object]:
    """Return the tables, with the default driver for each device that names none."""
    devices = {name: device for name in _DEVICES if isinstance(device := table.get(name), dict)}
    return {**table, **{name: {"driver": _DEVICES[name], **device} for name, device in devices.items()}}


def refused_in_service(config: Config) -> Iterator[Wrong]:
    """Yield what safety invariant 14 refuses in service, as far as this file shows it."""
    if config.purpose != "service":
        return
    for name in _DEVICES:
        device: Settings | None = getattr(config, name)
        for said in () if device is None else device.simulated():
            key, _, why = said.partition(" = ")
            yield Wrong(f"{name}.{key}", f"purpose = service refuses: {why}")
    for name, camera in (("camera", config.camera), ("page", config.page)):
        if getattr(camera, "address", "").startswith("http:") and not getattr(camera, "plain_http_risk", ""):
            why = "http can be read and answered by anybody in that network: use https, or say in plain_http_risk why that is accepted"
            yield Wrong(f"{name}.address", f"purpose = service refuses: {why}")
    if not (config.camera.is_challenged or config.camera.is_authenticated):
        why = "another source's pictures would not show: challenge = true (gate provision measures control_lag_ms for it), or a link that only this camera has"
        yield Wrong("camera.challenge", f"purpose = service refuses: {why}")
    if config.lists is not None and config.lists.test:
        yield Wrong("lists.test", "purpose = service refuses: it brings certificates for demos")
    for name, online in () if config.registers is None else config.registers.online.items():
        if online.address.startswith("http:"):
            yield Wrong(f"registers.online.{name}.address", "purpose = service refuses: it is asked in clear")
    if len(set(config.audit.recipients)) < 2:
        yield Wrong("audit.recipients", "purpose = service refuses: it needs two auditors at least")
    if config.notice is None or config.notice.results_kept_days is None:
        why = (
            "results_kept_days is missing, and results would be kept for good: write [notice], then gate config approve"
        )
        key = "notice" if config.notice is None else "notice.results_kept_days"
        yield Wrong(key, f"purpose = service refuses: {why}")
