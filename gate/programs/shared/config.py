"""The one reader of the configuration file and of the environment.

`gate.toml` is parsed once, strictly: an unknown key, a wrong type or a value out of range is a `ConfigError` with the
key's path. The environment gives four names only: PORTCULLIS_CONFIG (the file), PORTCULLIS_BOOT, NOTIFY_SOCKET and
XDG_CACHE_HOME.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from drivers.barrier.settings import BarrierSettings
from drivers.camera.settings import CameraSettings
from drivers.reader.settings import ChipReaderSettings, MrzReaderSettings, PageSettings, Pcsc
from drivers.sensors.settings import SensorSettings
from drivers.settings import Settings, Text
from gate.channel.table import CHANNELS
from gate.channel.users import user_of
from gate.passage.evidence import PageCheckId
from gate.passage.screen import Purpose
from gate.passage.serving import EU, EVERYBODY, BorderDirection

DEFAULT_PATH = Path("/etc/portcullis/gate.toml")
_ZONE_NAME = re.compile(r"(?!(?:posix|right)/)[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
# Of a table that names no driver.
_USUAL_DRIVERS = {
    "barrier": "modbus",
    "first_barrier": "modbus",
    "sensors": "modbus",
    "swipe": "elyctis",
    "page": "camera",
    "chip": "pcsc",
    "camera": "network",
}


class ConfigError(Exception):
    """The configuration can never work; the message names the key and what to do."""


def zone_of(name: str) -> ZoneInfo:
    """The time zone with this IANA name. Raises ValueError when there is none on this machine."""
    if _ZONE_NAME.fullmatch(name) is not None:
        try:
            return ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            pass
    raise ValueError(
        f"time_zone: {name!r} is no time zone's IANA name, such as Europe/Amsterdam, or not on this machine"
    )


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every table in `gate.toml`."""


class Paths(Section, frozen=True, kw_only=True):
    """Folders. `run` holds the programs' runtime folders; `spool` is written by log and read by sync; `inbox` the reverse."""

    run: Text = "/run"
    state: Text = "/var/lib/portcullis"
    spool: Text = "/var/lib/portcullis/spool"
    inbox: Text = "/var/lib/portcullis/inbox"
    models: Text = "/var/lib/portcullis/models"
    trust: Text = "/var/lib/portcullis/trust/trust.sqlite"
    keys: Text = "/etc/portcullis/keys"


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


class Group(Section, frozen=True, kw_only=True):
    """A group of travellers: nationals of these states, in the letters of the MRZ."""

    nationalities: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{1,3}$")], ...], msgspec.Meta(min_length=1, max_length=300)
    ]


class Rules(Section, frozen=True, kw_only=True):
    """The policy's numbers, and what the lane may serve. The embedder's own threshold is the floor of `face_match_min`: a lower one changes
    nothing. The lane begins with the first of its `directions`; `travellers` are groups beside all and eu.
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
    directions: Annotated[tuple[BorderDirection, ...], msgspec.Meta(min_length=1)] = (BorderDirection.ENTRY,)
    travellers: dict[Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")], Group] = {}

    def __post_init__(self) -> None:
        if len(set(self.directions)) < len(self.directions):
            raise ValueError("directions: each of them once")
        if taken := {EVERYBODY.name, EU.name} & self.travellers.keys():
            raise ValueError(f"travellers.{min(taken)}: every gate has this group, and the same one")


class Approval(Section, frozen=True, kw_only=True):
    """One person's approval of [rules], [face], [officers] and the threshold behind the faces: an Ed25519 key and a signature, both base64."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    key: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]
    signature: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{86}==$")]


class Officers(Section, frozen=True, kw_only=True):
    """Whose orders the lane obeys: the officers' authority's public key, base64. No table: there is no officer, everybody is referred."""

    authority: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{43}=$")]


class Audit(Section, frozen=True, kw_only=True):
    """Who can read the sealed records: age recipients, one an auditor, two at least in service."""

    recipients: tuple[Text, ...]


class Sync(Section, frozen=True, kw_only=True):
    """Where the log is mirrored. No table: no central server."""

    address: Text  # host:port or a name; HTTPS with mutual TLS
    ca: Text
    certificate: Text
    key: Text
    mirror_vkey: Text  # the central server's cosigning key, as a note verifier key
    interval_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 1000


class Lists(Section, frozen=True, kw_only=True):
    """The folder that certificates and lists are downloaded into. No table: they are imported by hand."""

    folder: Text
    signer: str = ""  # the CSCA certificate that vouches for a list's signer; empty: those that the store holds
    test: bool = False  # everything in it is fit for demos only
    check_every_ms: Annotated[int, msgspec.Meta(ge=50, le=3_600_000)] = 10_000


class Screens(Section, frozen=True, kw_only=True):
    """The traveller's page, on loopback.

    `challenge`: the page shines pale colours at the face, in an order drawn for each crossing, and the face must take them on. For a
    display beside the camera, bright and near enough to be seen on a face.
    """

    host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1024, le=65535)] = 8088
    languages: tuple[Text, ...] = ("en", "fr", "ar")
    challenge: bool = False


class Config(Section, frozen=True, kw_only=True):
    """The whole of `gate.toml`. `time_zone` is the gate's place by its IANA name: there, documents end with their last day.

    A lane of two doors has a `first_barrier`, which leads into it, and `sensors` between the doors; `barrier` is the last door's. Sensors of a lane
    of one door watch its cabinet.

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
    approval: Annotated[tuple[Approval, ...], msgspec.Meta(max_length=8)] = ()
    officers: Officers | None = None
    audit: Audit
    sync: Sync | None = None
    lists: Lists | None = None
    screens: Screens = Screens()

    def __post_init__(self) -> None:
        if self.swipe is None and self.page is None:
            raise ValueError("documents need a reader: a table [swipe], a table [page], or both")
        if self.mode == "gate" and self.barrier is None:
            raise ValueError('a gate needs its table [barrier]; without one it can only watch: mode = "shadow"')
        if self.first_barrier is not None and (self.barrier is None or self.sensors is None):
            raise ValueError("a lane of two doors needs [barrier] for the last one, and [sensors] between them")
        self._require_own_lines()
        zone_of(self.time_zone)

    @property
    def origin(self) -> str:
        """The audit log's origin, marked when the gate is not in service (safety invariant 14)."""
        mark = "" if self.purpose == "service" else f"/{self.purpose}"
        return f"{self.operator}/{self.gate_id}{mark}"

    def _require_own_lines(self) -> None:
        devices = {"barrier": self.barrier, "first_barrier": self.first_barrier, "sensors": self.sensors}
        lines: dict[str, str] = {}
        for name, settings in devices.items():
            line = None if settings is None else settings.line
            if line is not None and (other := lines.setdefault(line, name)) != name:
                raise ValueError(f"{name}.port is {other}.port, {line}: each has a line of its own")

    @property
    def driven(self) -> BarrierSettings | None:
        """The barrier that this gate may give orders to, of two doors the last one's: none when it only watches."""
        return None if self.mode == "shadow" else self.barrier

    @property
    def first_driven(self) -> BarrierSettings | None:
        """The barrier of the first of two doors, if this gate has one that it may give orders to."""
        return None if self.mode == "shadow" else self.first_barrier

    def runtime(self, program: str) -> Path:
        """The runtime folder of a program, which it alone writes."""
        return Path(self.paths.run) / user_of(program)

    def socket(self, channel: str) -> Path:
        """The socket of a channel of the table, in its listener's runtime folder. Raises KeyError for a name that is not there."""
        row = CHANNELS.by_name(channel)
        return self.runtime(row.listener) / row.file


def path_from_environment() -> Path:
    """The configuration file that applies when none is named."""
    return Path(os.environ.get("PORTCULLIS_CONFIG", str(DEFAULT_PATH)))


def environment_with(more: Mapping[str, str], *, without: Collection[str] = ()) -> dict[str, str]:
    """Our environment for a child process, and more, or less."""
    ours = {name: value for name, value in os.environ.items() if name not in without}
    return {**ours, **more}


def cache_folder() -> Path:
    """Where a person's own commands keep what can be fetched again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "portcullis"


def notify_socket() -> str | None:
    """Where systemd wants to hear of readiness and life, if it does."""
    return os.environ.get("NOTIFY_SOCKET")


def boot_name() -> str | None:
    """The boot's name, where systemd gives it (`%b`): the log's sandbox does not show the kernel's."""
    return os.environ.get("PORTCULLIS_BOOT")


def load(path: Path) -> Config:
    """Read and check the configuration. Raises ConfigError with the path of the offending key."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > 1024 * 1024:
        raise ConfigError(f"{path} is larger than 1 MiB")
    try:
        config = parse(tomllib.loads(raw.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    refuse_demo_parts_in_service(config)
    return config


def parse(table: Mapping[str, object]) -> Config:
    """Check the file's tables; a device's that names no driver has the usual one. Raises msgspec.ValidationError."""
    devices = {name: device for name in _USUAL_DRIVERS if isinstance(device := table.get(name), dict)}
    named = {name: {"driver": _USUAL_DRIVERS[name], **device} for name, device in devices.items()}
    return msgspec.convert({**table, **named}, Config)


def refuse_demo_parts_in_service(config: Config) -> None:
    """Safety invariant 14, as far as the file tells. Raises ConfigError with everything that is wrong."""
    if config.purpose != "service":
        return
    devices: dict[str, Settings | None] = {name: getattr(config, name) for name in _USUAL_DRIVERS}
    wrong = [f"{name}.{said}" for name, device in devices.items() if device is not None for said in device.simulated()]
    if config.lists is not None and config.lists.test:
        wrong.append("lists.test = true brings certificates for demos")
    if len(config.audit.recipients) < 2:
        wrong.append("audit.recipients needs two auditors at least")
    if wrong:
        raise ConfigError("purpose = service refuses: " + "; ".join(wrong))
