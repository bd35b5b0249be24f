"""An operator with a repository of updates, honest or not, and a gate's machine that the update program works on, without systemd.

The operator holds every key, so a test can sign whatever it likes: `twist` changes a role's metadata and signs them again, in its place or as the
next version, and brings the snapshot and the timestamp up to them.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata

from gate.programs.update import machine
from gate.programs.update.ledger import Ledger, Outcome
from gate.programs.update.machine import Check, Programs
from gate.programs.update.program import Ports, Update, Verb
from gate.updates.download import Store
from gate.updates.layout import Here, Kind
from gate.updates.sources import FolderSource
from gate.updates.trust import Seen, Verified, verify
from gate_lab.update_publisher import ONLINE, Repository, make_key, pack, read_keys, read_public

GATE_ID = "north-7"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = f"lib/python{PYTHON}/site-packages"
HERE = Here.this_machine(GATE_ID)


@contextlib.contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder of one's own, in memory where there is room for what an update leaves free."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30
    with tempfile.TemporaryDirectory(prefix="updates-", dir=memory if has_room else None) as made:
        yield Path(made)


class Operator:
    """A repository and all of its keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = folder / "repo"
        self.keys = folder / "keys"
        for name in ("anna", "bert"):
            (folder / name).mkdir(parents=True)
            make_key(folder / name / "own.pem")
        self.approvers = [folder / "anna", folder / "bert"]
        self.repository.init(self.keys, [read_public(one / "own.pub") for one in self.approvers])

    @property
    def repository(self) -> Repository:
        return Repository(self.repo, datetime.now(UTC))

    @property
    def first_root(self) -> bytes:
        return (self.repo / "metadata" / "1.root.json").read_bytes()

    def signers(self) -> list[CryptoSigner]:
        return [signer for folder in (self.keys, *self.approvers) for signer in read_keys(folder)]

    def renew(self) -> None:
        self.repository.renew(ONLINE, read_keys(self.keys))

    def publish(self, kind: Kind, files: Mapping[str, bytes], *, name: str = "one", here: Here = HERE) -> None:
        """Publish an honest archive of these files, and renew."""
        archive = self.folder / "archive.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as into:
            for path, content in files.items():
                into.writestr(zipfile.ZipInfo(path), content)
        self.publish_archive(kind, archive, name=name, here=here)

    def publish_folder(self, kind: Kind, folder: Path, *, name: str = "one") -> None:
        pack(folder, self.folder / "archive.zip", kind)
        self.publish_archive(kind, self.folder / "archive.zip", name=name)

    def publish_archive(self, kind: Kind, archive: Path, *, name: str = "one", here: Here = HERE) -> None:
        self.repository.add(
            kind, archive, self.signers(), name=name, machine=here.machine, python=here.python, gate=here.gate_id
        )
        self.renew()

    def newest(self, role: str) -> Path:
        if role == "timestamp":
            return self.repo / "metadata" / "timestamp.json"
        return max((self.repo / "metadata").glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0]))

    def twist(
        self,
        role: str,
        change: Callable[[dict[str, Any]], object],
        *,
        signers: Iterable[CryptoSigner] | None = None,
        up: int = 1,
        renew: bool = True,
    ) -> None:
        """Change the signed part of a role, `up` so many versions, and sign it as whoever holds these keys; every fitting key when left out."""
        document = json.loads(self.newest(role).read_bytes())
        document["signed"]["version"] += up
        change(document["signed"])
        metadata = Metadata[Any].from_dict({"signed": document["signed"], "signatures": []})
        for signer in self.signers() if signers is None else signers:
            metadata.sign(signer, append=True)
        version = metadata.signed.version
        name = "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"
        (self.repo / "metadata" / name).write_bytes(metadata.to_bytes())
        if renew and role not in ONLINE:
            self.renew()
        elif renew and role == "snapshot":
            self.repository.renew(["timestamp"], read_keys(self.keys))


@dataclass
class Believer:
    """A gate's trust alone: what it remembers, and what it believes of a folder."""

    memory: Path
    first_root: bytes
    seen: Seen = field(default_factory=Seen)
    here: Here = HERE

    def believe(self, repo: Path) -> Verified:
        self.memory.mkdir(exist_ok=True)
        verified = verify(
            FolderSource(repo), first_root=self.first_root, memory=self.memory, here=self.here, seen=self.seen
        )
        self.seen = self.seen.with_(verified)
        return verified


def software(version: str, *, broken: bool = False) -> dict[str, bytes]:
    """The files of a version: enough to tell whole from not whole."""
    files = {f"{PACKAGES}/gate/part{number}.py": f"{version} {number}".encode() for number in range(4)}
    return files | ({f"{PACKAGES}/gate/broken": b""} if broken else {})


class Machine(machine.Machine):
    """Units and checks of a gate that is a folder. What runs stands in a file, so that it outlives a killed update."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.closed = True
        self.stopped = 0
        self.silent = False
        self.lane: dict[str, Any] = {"state": "idle", "leaf_closed": True, "mode": "gate"}

    def current(self) -> Path:
        return self.folder / "lib" / "current"

    def units(self) -> dict[str, str]:
        """Each unit that runs, and the version that it was started of."""
        told: dict[str, str] = json.loads((self.folder / "units.json").read_text())
        return told

    def _set(self, units: Mapping[str, str]) -> None:
        draft = self.folder / "units.draft"
        draft.write_text(json.dumps(units))
        draft.replace(self.folder / "units.json")

    def running(self) -> tuple[str, ...]:
        return tuple(self.units())

    def stop(self, programs: Iterable[str]) -> None:
        gone = set(programs)
        self.stopped += 1
        self._set({name: version for name, version in self.units().items() if name not in gone})

    def start(self, programs: Iterable[str]) -> None:
        version = self.current().readlink().name
        self._set({**self.units(), **dict.fromkeys(programs, version)})

    def check(self) -> Mapping[str, Check]:
        assert not self.units(), "what gives orders to the barrier is stopped while devices are tried"
        if "wrong" in (self.folder / "etc" / "gate.toml").read_text():
            return {"configuration": Check("wrong", "a key that is wrong")}
        ids = ("configuration", "models", "dry_crossing", "barrier", "trust")
        is_broken = (self.current() / PACKAGES / "gate" / "broken").exists()
        state = {"trust": "wrong"} | ({"dry_crossing": "wrong"} if is_broken else {})
        return {name: Check(state.get(name, "well"), f"{name} as it is") for name in ids}

    def programs(self) -> Programs:
        units = {} if self.silent else self.units()
        lane = {**self.lane, "closed_by": "officer7" if self.closed else None} if "lane" in units else None
        return Programs(dict.fromkeys(units, "ready"), lane)


class Gate:
    """A gate with the package's version, its models and configuration, and whatever its operator published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.operator = Operator(folder / "operator")
        self.library = folder / "lib"
        self.models = folder / "models"
        self.lists = folder / "lists"
        self.file = folder / "etc" / "gate.toml"
        self.fetched = folder / "fetched"
        for place in (self.library / "versions" / "0" / "bin", self.models, self.lists, self.file.parent):
            place.mkdir(parents=True)
        (self.library / "versions" / "0" / "bin" / "python3").symlink_to("/usr/bin/python3")
        for path, content in software("shipped").items():
            place = self.library / "versions" / "0" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        (self.library / "current").symlink_to("versions/0")
        for name in ("a.onnx", "b.onnx", "accepted.json"):
            (self.models / name).write_text(f"shipped {name}")
        (folder / "root.json").write_bytes(self.operator.first_root)
        self.file.write_text(self.toml("shipped"))
        self.machine = Machine(folder)
        (folder / "units.json").write_text("{}")
        self.machine.start(("log", "vision", "lane", "screens"))

    def toml(self, words: str) -> str:
        return (
            f'# {words}\ngate_id = "{GATE_ID}"\npurpose = "demo"\n[paths]\nstate = "{self.folder / "state"}"\n'
            f'models = "{self.models}"\n[lists]\nfolder = "{self.lists}"\n'
            f'[updates]\nroot = "{self.folder / "root.json"}"\nfolder = "{self.fetched}"\n'
        )

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "state" / "update")

    def fetch(self) -> Verified:
        store = Store(self.fetched)
        with store.locked():
            return store.fetch(FolderSource(self.operator.repo), first_root=self.operator.first_root, here=HERE)

    def update(
        self, verb: Verb = Verb.APPLY, *, hook: Callable[[str], None] = lambda _: None, sure: bool = True
    ) -> Outcome:
        ports = Ports(
            file=self.file,
            library=self.library,
            machine=self.machine,
            ledger=self.ledger.folder,
            programs=lambda _: self.machine.programs,
            is_clock_sure=lambda _: sure,
            wait=lambda _: None,
            hook=hook,
        )
        return Update(verb, ports).run()

    def offer_all(self, version: str, *, broken: bool = False) -> None:
        """Publish and fetch software, models and configuration of one version."""
        self.operator.publish(Kind.SOFTWARE, software(version, broken=broken), name=version)
        self.operator.publish(Kind.MODELS, {"a.onnx": f"{version} a.onnx".encode()}, name=version)
        self.operator.publish(
            Kind.CONFIGURATION, {"gate.toml": self.toml(version).encode(), "anna.note": version.encode()}, name=version
        )
        self.fetch()

    def state(self) -> tuple[str, str, str, set[str]]:
        """The version of software, models and configuration, and those that run; each proved whole. Raises AssertionError for a mix."""
        link = (self.library / "current").readlink().name
        folder = self.library / "versions" / link
        parts = {path.read_text().split()[0] for path in (folder / PACKAGES / "gate").glob("part*.py")}
        assert len(list((folder / PACKAGES / "gate").glob("part*.py"))) == 4
        (running,) = parts
        assert (folder / "bin" / "python3").is_symlink()
        models = (self.models / "a.onnx").read_text().split()[0]
        assert (self.models / "b.onnx").read_text() == "shipped b.onnx"
        assert (self.models / "accepted.json").read_text() == "shipped accepted.json"
        configuration = self.file.read_text().splitlines()[0].removeprefix("# ")
        note = self.file.parent / "anna.note"
        assert note.read_text() == configuration if note.exists() else configuration == "shipped"
        started = self.machine.units()
        assert set(started) == {"log", "vision", "lane", "screens"}
        return (
            running,
            models,
            configuration,
            {"shipped" if one == "0" else running for one in started.values() if one == link},
        )

    def leftovers(self) -> list[str]:
        """What an update may leave nowhere."""
        hidden = [*self.library.glob(".*"), *(self.library / "versions").glob(".*"), *self.file.parent.glob(".*")]
        spare = [path for path in self.folder.glob("models.*") if path.name != "models.previous"]
        update = [path for path in self.ledger.folder.glob("*") if path.name in {"journal.json", "staging"}]
        return [str(path) for path in (*hidden, *spare, *update)]
