"""The one reader of the appliance's configuration file, `gate.toml`: parsed once, strictly, into `Config`."""

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
_OWN_KEYS: Final = ("log", "device")  # as what lies beside registers' credentials begins
CredentialName = Annotated[str, msgspec.Meta(pattern=r"^(?:[a-z0-9][a-z0-9._-]{0,63})?$")]
TRIED_ON_A_SIMULATOR: Final = 'purpose = service refuses: it says verified = "simulator"; try the device itself, and say in a profile of yours what that showed'
# The tables of devices, and the driver of one that names none.
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
    """Folders. `run` holds the programs' runtime folders; `spool` is written by log and read by sync; `inbox` the reverse; `identity` holds
    a folder for each enrolment, which sync writes. In `approval` lie approvers.toml and approval.note.
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
    """The inspection of documents. `control_centre` is the socket of a control centre that lets us read fingers; empty: none."""

    control_centre: str = ""


class Face(Section, frozen=True, kw_only=True):
    """Which models see faces: a profile of models/manifest.toml or of the site, and on which accelerators.

    `providers` must have proved themselves on this machine (`gate models accept`); empty: those that have, then the CPU.
    """

    profile: Text = "standard"
    providers: tuple[Text, ...] = ()


class ChipAuthenticationException(Section, frozen=True, kw_only=True):
    """Documents for which it is normal to have no chip authentication: an issuer and its dates of issue."""

    issuer: Annotated[str, msgspec.Meta(min_length=1, max_length=3)]
    issued_from: date
    issued_to: date

    def contradictions(self) -> Iterator[Wrong]:
        """A document is issued from its first day on."""
        if self.issued_to < self.issued_from:
            yield Wrong("issued_to", f"is before issued_from, {self.issued_from}")


class Group(Section, frozen=True, kw_only=True):
    """A group of travellers: nationals of these states, in the letters of the MRZ."""

    nationalities: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{1,3}$")], ...], msgspec.Meta(min_length=1, max_length=300)
    ]


class Rules(Section, frozen=True, kw_only=True):
    """The policy's numbers, and what the lane may serve. The embedder's own threshold is the floor of `face_match_min`: a lower one changes
    nothing. The lane begins with the first of its `directions`; `travellers` are groups beside all and eu. `written` is the file of the site's
    written rules (docs/rules.md); empty: it has none. `without_entry_record` is the group of travellers of whom no law of the site's wants it written down that
    they enter or leave: no gate can write that, so everybody else is referred. Empty: eu, and all in a demo. Who is referred for a reason of `two_officers_for` is admitted by two officers, each of whom
    was shown the pictures. Of 10,000 crossings, `random_checks_per_10000` are drawn for an officer. For
    `swap_check_minutes` vision remembers face and portrait of those who were referred, in its memory alone, so that nobody comes again with another's document; 0: it does not.
    `camera_inside_zone` says where a traveller stands who is compared, `camera_sees_zone` what the picture shows after that: whoever is before the leaf, and nobody who is
    through it. Then a holder whom the camera sees after somebody passed on their grant did not pass (docs/safety.md).
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
    page_checks_refer: tuple[PageCheckId, ...] = ()  # of the printed page; beside these, a reading must be accepted
    camera_inside_zone: bool = False  # travellers are compared within the beams: one body there is no objection
    camera_sees_zone: bool = True
    directions: Annotated[tuple[BorderDirection, ...], msgspec.Meta(min_length=1)] = (BorderDirection.ENTRY,)
    travellers: dict[Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")], Group] = {}
    written: Annotated[str, msgspec.Meta(max_length=512)] = ""
    without_entry_record: Annotated[str, msgspec.Meta(max_length=32)] = ""
    two_officers_for: tuple[Reason, ...] = ()
    swap_check_minutes: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0
    random_checks_per_10000: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0

    def contradictions(self) -> Iterator[Wrong]:
        """Each direction once, and groups of the site's own beside those that every gate has."""
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
    """By which groups of travellers the lane counts how it fares (docs/fairness.md), and the law that lets it: `basis`, with its article. No table: it
    counts by none. The counts are written when a shift ends, on the site's own clock.
    """

    groups: Annotated[tuple[Literal["age_band", "sex", "issuer"], ...], msgspec.Meta(min_length=1)]
    basis: Annotated[str, msgspec.Meta(min_length=3, max_length=300)]
    shift_ends: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")], ...],
        msgspec.Meta(min_length=1, max_length=24),
    ] = ("06:00", "14:00", "22:00")

    def contradictions(self) -> Iterator[Wrong]:
        """Each group and each end once."""
        yield from _each_once(self, "groups", "shift_ends")


class Officers(Section, frozen=True, kw_only=True):
    """Whose orders the lane obeys: the officers' authority's public key, base64. No table: there is no officer, everybody is referred."""

    authority: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]


class Hold(Section, frozen=True, kw_only=True):
    """Days whose keys are kept until this is taken away again, both included: somebody may have a right to what is in their records."""

    first: date
    last: date


class Audit(Section, frozen=True, kw_only=True):
    """Who can read the sealed records: age recipients, one an auditor, two at least in service. And for how long: the keys of crossings as long as the
    notice says that results are kept (`notice.results_kept_days`), those of other records, which hold nothing of a traveller, for
    `others_kept_days` after their day, half a year at least. Left out: for good.

    `mirrored_kept_days`: entries go from this gate's disk when the central server has signed that it holds them, with their bodies, and has done so for this many days.
    Left out: they stay, and the disk fills by some 45 KB an admission.

    `profile`: what records hold (BSI TR-03135-2). "full": all that a decision rests on. "standard": the same, but for travellers whom the gate itself let pass: of them nothing
    personal. "basic": nothing personal, neither of travellers nor of staff: no decision can be taken again from it, nor is it known who gave an order.
    """

    recipients: tuple[Text, ...]
    others_kept_days: Annotated[int, msgspec.Meta(ge=183, le=36500)] | None = None
    holds: tuple[Hold, ...] = ()
    mirrored_kept_days: Annotated[int, msgspec.Meta(ge=7, le=36500)] | None = None
    profile: Literal["full", "standard", "basic"] = "full"


class Sync(Section, frozen=True, kw_only=True):
    """Where the log is mirrored. No table: no central server. `gate provision enrol` writes it, and the folder `identity`: the device's key
    and certificate, which sync renews, and the authorities that vouch for the server.
    """

    address: Text  # host:port or a name; HTTPS with mutual TLS
    identity: Text
    mirror_vkey: Text  # the central server's cosigning key, as a note verifier key
    interval_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 1000
    # Of the line, both ways; the log goes before updates.
    kbit_s: Annotated[int, msgspec.Meta(ge=32, le=1_000_000)] | None = None


class Lists(Section, frozen=True, kw_only=True):
    """The folder that certificates and lists are downloaded into. No table: they are imported by hand."""

    folder: Text
    signer: str = ""  # the CSCA certificate that vouches for a list's signer; empty: those that the store holds
    test: bool = False  # everything in it is fit for demos only
    check_every_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 10_000


class Suspended(Section, frozen=True, kw_only=True):
    """Days on which a register is not asked, both included, and the legal basis."""

    title: Text
    basis: Text
    first: date
    last: date

    def contradictions(self) -> Iterator[Wrong]:
        """It ends on its first day at the earliest."""
        if self.last < self.first:
            yield Wrong("last", f"is before first, {self.first}")


class SignedList(Section, frozen=True, kw_only=True):
    """A list that an agency signs with one of these keys (note verifier keys). `secret` is the credential with the key of its numbers; empty: it has none.
    `names`: it has names, which are asked for then.
    """

    agency: Text
    keys: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=4)]
    secret: CredentialName = ""
    names: bool = False
    suspended: Annotated[tuple[Suspended, ...], msgspec.Meta(max_length=16)] = ()


class OnlineRegister(Section, frozen=True, kw_only=True):
    """A register that is asked online, by one of the adapters (docs/guides/adapter.md). `certificate` is the credential with what the gate shows there, PEM with
    its key; `authorities` is the file (PEM) of those that vouch for it. `names`: it needs names and dates of birth. `not_for`: it is not about nationals of these states.

    `adapter = "reuse"` asks the exchange of a site whether the same chip was read at another of its gates in the `minutes` before. It takes a law
    that lets everybody who passes be remembered for that long: `basis`, with its article.

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
        """Reuse names its law and its minutes, and is told nothing of whose the document is; nothing else has any of these."""
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
    """Lists and registers that must answer about each document before the gate opens. No table: none is asked. What is missing for one, an address, a list or a
    credential, is an answer that is not known: an officer. Editions of lists are downloaded into `incoming`; in `folder` lie those that are held, and what is to be told
    to their owners. `answer_ms`: how long all of them together have.
    """

    folder: Text = "/var/lib/portcullis/registers"
    incoming: Text = "/var/lib/portcullis/registers-incoming"
    answer_ms: Annotated[int, msgspec.Meta(ge=200, le=10_000)] = 2000
    check_every_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 10_000
    lists: dict[RegisterName, SignedList] = {}
    online: dict[RegisterName, OnlineRegister] = {}

    def contradictions(self) -> Iterator[Wrong]:
        """At least one, and each name once."""
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
        """The names of all keys and certificates that they need."""
        return tuple(dict.fromkeys(name for _, name in self._credentials() if name))

    @property
    def need_names(self) -> bool:
        """True when one of them needs names and dates of birth."""
        return any(one.names for one in self.lists.values()) or any(one.names for one in self.online.values())

    @property
    def reuse(self) -> tuple[str, OnlineRegister] | None:
        """The site's exchange and its name, if it has one."""
        return next(((name, one) for name, one in self.online.items() if one.adapter == "reuse"), None)

    @property
    def looked_up(self) -> bool:
        """True when there is a list or register beside the site's exchange."""
        return bool(self.lists) or any(one.adapter != "reuse" for one in self.online.values())

    @property
    def required(self) -> tuple[Register, ...]:
        """Each of them, with the days on which it is not asked; lists first."""
        asked: dict[str, SignedList | OnlineRegister] = {**self.lists, **self.online}
        return tuple(
            Register(name, tuple(Suspension(day.title, day.basis, day.first, day.last) for day in one.suspended))
            for name, one in asked.items()
        )


class Updates(Section, frozen=True, kw_only=True):
    """Updates by the operator's repository. No table: this gate is updated by its packages only.

    `root` is the repository's first root metadata, as the operator handed it over. What central or a stick brings lies in `folder`.
    """

    root: Text = "/etc/portcullis/updates-root.json"
    folder: Text = "/var/lib/portcullis/sync/updates"
    check_every_ms: Annotated[int, msgspec.Meta(ge=1000, le=86_400_000)] = 3_600_000


class Screens(Section, frozen=True, kw_only=True):
    """The traveller's page, on loopback.

    `challenge`: the page shines pale colours at the face, in an order drawn for each crossing, and the face must take them on. For a
    display beside the camera, bright and near enough to be seen on a face.

    `languages` in the order of the page, the site's own first. Outside demos each of them must have been read by a native speaker: where its file
    does not say so, `reviewed` says who did and when, such as ar = "N. N., 3 March 2027".

    `camera_at`: on which side of the display the camera is; an arrow points there. `distance_cm`: how far away the traveller's eyes are, by
    which the sizes are chosen. `width_mm`: how wide the picture on the display is, measured with a ruler; 0: the browser's millimetre is
    believed.
    `volume`: of the page's sounds, 0 to 100. `sound_device`: the sound card by its ALSA name, on which screens itself plays them while no page is open
    ("default"; needs alsa-utils and a drop-in of its unit); empty: then it is silent.

    `management`: a further address, such as "192.0.2.5:9464", where metrics and readiness are asked for; loopback answers them always.
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
        """The management address is one, if there is one, and each language stands once."""
        yield from _each_once(self, "languages")
        if self.management:
            yield from wrong_if_refused("management", self.managed_at)

    def managed_at(self) -> tuple[str, int]:
        """The management address, if there is one: IP address and port. Raises ValueError for anything else."""
        return address_of(self.management, such_as="192.0.2.5:9464")


class Console(Section, frozen=True, kw_only=True):
    """The road of the officers' consoles. No table: no console is served. `address` is of the management network, such as
    "192.0.2.5:8443"; `certificates` is the file (PEM) of the consoles that may come, eight at most.
    """

    address: Text
    certificates: Text

    def contradictions(self) -> Iterator[Wrong]:
        """The address is one."""
        yield from wrong_if_refused("address", self.served_at)

    def served_at(self) -> tuple[str, int]:
        """IP address and port. Raises ValueError for anything else."""
        return address_of(self.address, such_as="192.0.2.5:8443")


class Notice(Section, frozen=True, kw_only=True):
    """What travellers are told of their data beside what this file says anyway (`gate notices`). In service it must be there.

    `contact` is where they ask and complain, `address` where the whole notice is published, behind the QR code. `results_kept_days`: how long the
    results of checks are kept. The gate forgets its keys to them then, and so does the central server; copies with auditors are the operator's promise. In service it
    must be said; left out, the notice says that no end is set.
    """

    contact: Annotated[str, msgspec.Meta(min_length=3, max_length=80)]
    address: Annotated[str, msgspec.Meta(pattern=r"^https://[!-~]{3,150}$")]
    results_kept_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] | None = None


class Config(Section, frozen=True, kw_only=True):
    """The whole of `gate.toml`. `time_zone` is the gate's place by its IANA name: there, documents end with their last day.

    A lane of two doors has a `first_barrier`, which leads into it, and `sensors` between the doors; `barrier` is the last door's. Sensors of a lane
    of one door watch its cabinet.

    `card` is the file of the system card's judgements (docs/system-card.md); empty: there is none.

    `mode` shadow: an officer works as always, and the gate beside them sees, decides and records, and can order nothing.
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
        """What a lane needs, and each device's own line."""
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
        """The audit log's origin, marked when the gate is not in service (safety invariant 14)."""
        mark = "" if self.purpose == "service" else f"/{self.purpose}"
        return f"{self.operator}/{self.gate_id}{mark}"

    @property
    def without_entry_record(self) -> str:
        """The group of travellers of whom no record of entry or exit is wanted."""
        return self.rules.without_entry_record or (EVERYBODY if self.purpose == "demo" else EU).name

    @property
    def has_outside_code(self) -> bool:
        """True when a driver of another distribution drives one of the devices."""
        online = () if self.registers is None else self.registers.online.values()
        devices = (getattr(self, name) for name in _DEVICES)
        return any(getattr(one, "code", None) for one in (*devices, self.camera.pad, *online))

    @property
    def driven(self) -> BarrierSettings | None:
        """The barrier that this gate may give orders to, of two doors the last one's: none when it only watches."""
        return None if self.mode == "shadow" else self.barrier

    @property
    def first_driven(self) -> BarrierSettings | None:
        """The barrier of the first of two doors, if this gate has one that it may give orders to."""
        return None if self.mode == "shadow" else self.first_barrier

    @property
    def approvers_path(self) -> Path:
        """The list of those who may approve this configuration."""
        return Path(self.paths.approval) / "approvers.toml"

    @property
    def approval_path(self) -> Path:
        """The note that they have signed."""
        return Path(self.paths.approval) / "approval.note"

    def runtime(self, program: str) -> Path:
        """The runtime folder of a program, which it alone writes."""
        return Path(self.paths.run) / user_of(program)

    def socket(self, channel: str) -> Path:
        """The socket of a channel of the table. Raises KeyError for a name that is not there."""
        from gate.channel.table import CHANNELS  # noqa: PLC0415 - it loads every message; `gate status` needs two

        return self.socket_of(CHANNELS.by_name(channel))

    def socket_of(self, channel: Channel[Any, Any]) -> Path:
        """The socket of a channel, in its listener's runtime folder."""
        return self.runtime(channel.listener) / channel.file

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that this gate runs: sync only where there is something to carry or to bring in, registers where some are asked."""
        spared = set() if self.sync is not None or self.lists is not None else {"sync"}
        spared |= set() if self.registers is not None else {"registers"}
        return tuple(name for name in PROGRAMS if name not in spared)


def load(path: Path, *, refuse_in_service: bool = True) -> Config:
    """Read and check the configuration. Raises ConfigError with all that is wrong in it; without `refuse_in_service` what only service refuses
    is not: for whoever says what is missing for service.
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
    """The file's tables as they were meant. Raises msgspec.ValidationError with the first thing that is wrong."""
    return msgspec.convert(_with_drivers(table), Config)


def _with_drivers(table: Mapping[str, object]) -> dict[str, object]:
    """The tables; a device's that names no driver has the usual one."""
    devices = {name: device for name in _DEVICES if isinstance(device := table.get(name), dict)}
    return {**table, **{name: {"driver": _DEVICES[name], **device} for name, device in devices.items()}}


def refused_in_service(config: Config) -> Iterator[Wrong]:
    """Safety invariant 14, as far as the file tells."""
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
