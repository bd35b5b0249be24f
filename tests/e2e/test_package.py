"""The Debian packages: clean by Debian's own linter, and installed, upgraded, removed and purged by dpkg on a Debian that has nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest
from central_fakes.process import KEPT

pytestmark = [pytest.mark.long, pytest.mark.e2e]

SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
NEEDED = "mmdebstrap lintian"
DEPENDS = "dbus,libpcsclite1,libseccomp2,libstdc++6,pcscd,polkitd,python3,systemd,udev"


def ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done


def install_tools() -> None:
    if any(shutil.which(name) is None for name in NEEDED.split()):
        ran("apt-get", "install", "-y", "-qq", "--no-install-recommends", *NEEDED.split())


class Tree:
    """A Debian of its own, as the root of whatever runs in it, with /proc and pseudo-terminals."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        inside = (
            'mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc'
            " && mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts"
            # A process in a chroot may make no namespaces, and the demo does.
            " && mount --bind dev/pts/ptmx dev/ptmx && pivot_root . mnt && umount --lazy /mnt"
            ' && exec /usr/bin/env DEBIAN_FRONTEND=noninteractive "$@"'
        )
        whole = ("unshare", "--mount", "--pid", "--fork", "sh", "-c", inside, str(self.place), *command)
        done = subprocess.run(whole, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def put(self, package: Path) -> str:
        shutil.copy(package, self.place / "tmp" / package.name)
        return f"/tmp/{package.name}"


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    install_tools()
    place = tmp_path_factory.mktemp("debian") / "tree"
    made = (
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        f"--include={DEPENDS}",
        "trixie",
        place,
        SOURCES,
    )
    ran(*made)
    yield Tree(place)
    shutil.rmtree(place)


@pytest.mark.parametrize("name", ["portcullis", "portcullis-simulator", "portcullis-lab", "portcullis-central"])
def test_debians_linter_has_nothing_to_say(package: Path, name: str) -> None:
    install_tools()
    (one,) = package.parent.glob(f"{name}_*.deb")
    done = ran("lintian", "--allow-root", "--fail-on", "error,warning", one)
    assert [line for line in done.stdout.splitlines() if line[:2] in {"E:", "W:"}] == []


def test_neither_pip_nor_training_nor_the_builders_place_is_inside(package: Path) -> None:
    names = ran("dpkg-deb", "--contents", package).stdout.splitlines()
    paths = [line.split(maxsplit=5)[5] for line in names]
    elsewhere = ("pip", "gate_lab", "gate_central", "gate_officers", "gate_demo", "hardware_sim")
    assert any("/gate_core/" in path for path in paths)
    assert not [path for path in paths if any(f"/{name}/" in path for name in elsewhere)]
    assert not [line for line in names if line.startswith("l") and "/tmp/" in line]


def beside(package: Path, name: str) -> Path:
    (found,) = package.parent.glob(f"{name}_*.deb")
    return found


def fields(package: Path) -> dict[str, str]:
    lines = ran("dpkg-deb", "--field", package).stdout.splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines if line[:1] != " ")}


def test_nothing_brings_the_simulator_or_what_starts_by_itself_to_a_gate(package: Path) -> None:
    gate, simulator = fields(package), fields(beside(package, "portcullis-simulator"))
    wanted = f"{gate['Depends']}, {gate['Recommends']}"
    # Chromium recommends what configures printers, and that brings avahi-daemon.
    assert not [word for word in ("portcullis-simulator", "chromium", "cage") if word in wanted]
    assert f"portcullis (= {gate['Version']})" in simulator["Depends"]
    carried = {
        line.split()[-1]
        for line in ran("dpkg-deb", "--contents", beside(package, "portcullis-simulator")).stdout.splitlines()
    }
    assert not [path for path in carried if "/systemd/" in path or "/udev/" in path or path.startswith("./etc")]


@pytest.mark.parametrize(
    ("name", "models"),
    [("portcullis", "usr/share/portcullis/models"), ("portcullis-simulator", None), ("portcullis-lab", None)],
)
def test_the_bill_names_everything_that_is_inside_with_its_licence_and_hash(
    package: Path, tmp_path: Path, name: str, models: str | None
) -> None:
    ran("dpkg-deb", "--extract", beside(package, name), tmp_path)
    docs = tmp_path / "usr/share/doc" / name
    assert (docs / "licences.txt").stat().st_size
    bill = json.loads((docs / "bill.cdx.json").read_bytes())
    named = {part["name"].lower().replace("_", "-").replace(".", "-") for part in bill["components"]}
    inside = (tmp_path / "usr/lib/portcullis/versions/0/lib").glob("python3.*/site-packages/*.dist-info")
    ours = {
        f"portcullis{one}"
        for one in ("", "-central", "-core", "-documents", "-hardware-sim", "-lab", "-officers", "-verify")
    }
    installed = {path.name.split("-")[0].lower().replace("_", "-").replace(".", "-") for path in inside} - ours
    assert installed
    assert installed <= named
    if models is not None:
        assert {f"{path.stem}".replace("_", "-") for path in (tmp_path / models).iterdir()} <= named
    for part in bill["components"]:
        properties = {one["name"] for one in part["properties"]}
        assert properties == {f"bsi:component:{key}" for key in ("archive", "executable", "filename", "structured")}
        assert part["licenses"][0]["expression"]
        assert part["hashes"][0]["alg"] == "SHA-512"
        assert part["manufacturer"]["name"]
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {one["ref"] for one in bill["dependencies"]} >= {part["bom-ref"] for part in bill["components"]}


def test_it_is_installed_upgraded_removed_and_purged(debian: Tree, package: Path) -> None:
    debian.run("dpkg", "--install", debian.put(package))
    assert debian.run("gate", "--version").stdout.startswith("gate ")
    proved = json.loads(
        debian.run("gate", "models", "verify", "--dir", "/usr/share/portcullis/models", "--json").stdout
    )
    assert all(model["ok"] for model in proved["models"])
    assert debian.run("stat", "-c", "%U %a", "/var/lib/portcullis/audit").stdout == "portcullis-log 700\n"
    assert "portcullis-lane" in debian.run("getent", "passwd").stdout
    assert not debian.run("systemctl", "is-enabled", "gate-lane.service", check=False).stdout.startswith("enabled")
    made = debian.run(
        *("gate", "provision", "init", "--operator", "border.example", "--gate-id", "north-7", "--purpose", "trial"),
        *(
            "--barrier",
            "/dev/portcullis-barrier",
            "--swipe",
            "/dev/portcullis-swipe",
            "--camera",
            "http://192.0.2.7/stream",
        ),
        *(word for _ in range(2) for word in ("--auditor", str(pyrage.x25519.Identity.generate().to_public()))),
        "--json",
    )
    assert {step["state"] for step in json.loads(made.stdout)["steps"]} <= {
        "done",
        "kept",
    }  # the package made the folders
    key = debian.place / "etc/portcullis/keys/log.key"
    before = key.read_bytes()

    debian.run("dpkg", "--install", debian.put(package))
    assert key.read_bytes() == before

    debian.run("dpkg", "--remove", "portcullis")
    assert not (debian.place / "usr/bin/gate").is_symlink()
    assert not list((debian.place / "usr/lib").glob("portcullis/**/*.pyc"))
    assert key.exists()
    (debian.place / "var/lib/portcullis/screens").mkdir()
    (debian.place / "var/lib/portcullis/screens/console.pem").touch()
    debian.run("dpkg", "--purge", "portcullis")
    assert not (debian.place / "var/lib/portcullis/models").exists()
    assert not (debian.place / "var/lib/portcullis/screens").exists()
    assert key.exists()  # the log and its keys are evidence: purging is not their end


def test_a_traveller_is_admitted_by_a_gate_on_simulated_hardware(debian: Tree, package: Path) -> None:
    debian.run("dpkg", "--install", debian.put(package))
    demo = ("runuser", "-l", "traveller", "-c", "gate demo --headless --travellers 1 --scenario genuine --json")
    debian.run("useradd", "--create-home", "traveller")
    alone = debian.run(*demo, check=False)
    assert alone.returncode == 69
    assert "install the package portcullis-simulator" in alone.stderr

    debian.run("dpkg", "--install", debian.put(beside(package, "portcullis-simulator")))
    assert json.loads(debian.run(*demo).stdout)["admitted"] == 1
    assert "gate-sim" in debian.run("gate-sim", "--help").stdout

    debian.run("dpkg", "--remove", "portcullis-simulator")
    assert debian.run("gate", "--version").stdout.startswith("gate ")
    assert not list((debian.place / "usr/lib/portcullis").glob("**/hardware_sim/**/*"))
    debian.run("dpkg", "--purge", "portcullis-simulator", "portcullis")


def test_the_central_server_is_a_package_of_its_own(debian: Tree, package: Path) -> None:
    debian.run("dpkg", "--install", debian.put(beside(package, "portcullis-central")))
    made = json.loads(
        debian.run("gate", "central", "init", "--dir", "/srv/central", "--name", "localhost", *KEPT, "--json").stdout
    )
    assert made["mirror_vkey"]
    known = debian.run("gate", "officer", "authority", "init", "--out", "/root/authority.key", "--json")
    assert json.loads(known.stdout)["authority"]
    for words in (("console", "serve"), ("officer", "authority", "serve")):
        said = debian.run("gate", *words, check=False)
        assert (said.returncode, ".toml" in said.stderr) == (74, True), said.stderr
    debian.run("dpkg", "--purge", "portcullis-central")
    assert not (debian.place / "usr/lib/portcullis-central").exists()


def test_one_command_serves_a_gate_a_lab_and_central_on_one_machine(debian: Tree, package: Path) -> None:
    every = [debian.put(beside(package, name)) for name in ("portcullis", "portcullis-central", "portcullis-lab")]
    debian.run("dpkg", "--install", *every)
    where = ("--dir", "/srv/both", "--name", "localhost", *KEPT, "--json")
    assert json.loads(debian.run("gate", "central", "init", *where).stdout)["mirror_vkey"]
    assert "authority" in debian.run("gate", "officer", "authority", "--help").stdout
    assert "admit" in debian.run("gate", "officer", "--help").stdout
    assert debian.run("gate", "status", check=False).returncode == 69  # nothing runs
    assert "cohort" in debian.run("gate", "face", "--help").stdout
    for name in ("portcullis-lab", "portcullis"):
        debian.run("dpkg", "--purge", name)
    assert "verify" in debian.run("gate", "audit", "--help").stdout
    debian.run("dpkg", "--purge", "portcullis-central")
    assert not (debian.place / "usr/bin/gate").is_symlink()
