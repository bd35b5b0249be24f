"""Each distribution's wheel carries its own code with its data and nobody else's; each is whole with those that it names, and pulls in no more."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from central_fakes.process import KEPT
from fakes.distributions import FOLDERS, build, project, with_needed
from fakes.roots import PACKAGES, ROOT
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

from models.cohort import CohortFile

TEXT = {".py", ".html", ".css", ".js", ".toml", ".ftl", ".md", ".svg", ".go", ".typed"}
HEAVY = {
    "cv2",
    "numpy",
    "onnxruntime",
    "serial",
    "smartcard",
    "drivers",
    "models",
    "gate",
}  # what no officer, operator or auditor needs


def carried_by(folder: str) -> set[str]:
    return {file.distribution_path for file in WheelBuilder(str(ROOT / folder)).recurse_included_files()}


@pytest.fixture(scope="module")
def carried() -> dict[str, set[str]]:
    return {folder: carried_by(folder) for folder in FOLDERS}


def test_every_module_lies_in_the_wheel_of_its_distribution_and_in_no_other(carried: dict[str, set[str]]) -> None:
    assert set().union(*FOLDERS.values()) == set(PACKAGES)
    for folder, packages in FOLDERS.items():
        modules = {
            str(file.relative_to(PACKAGES[name].parent)) for name in packages for file in PACKAGES[name].rglob("*.py")
        }
        assert {path for path in carried[folder] if path.endswith(".py")} == modules


def test_what_programs_and_commands_read_beside_their_code_is_carried(carried: dict[str, set[str]]) -> None:
    for folder, packages in FOLDERS.items():
        beside = {
            str(file.relative_to(PACKAGES[name].parent))
            for name in packages - {"models"}
            for file in PACKAGES[name].rglob("*")
            if file.suffix in TEXT - {".md"} and "__pycache__" not in file.parts
        }
        assert beside <= carried[folder], folder
    assert "models/manifest.toml" in carried["."]
    assert "gate_core/py.typed" in carried["core"]


def test_nothing_that_was_made_of_pictures_of_people_is_carried(carried: dict[str, set[str]]) -> None:
    """Models come from packages that the manifest pins; a cohort is made at a site, of its own people, and morphs are made in memory."""
    paths = {path for folder in FOLDERS if folder != "hardware-sim" for path in carried[folder]}
    assert {path for path in paths if Path(path).suffix not in {*TEXT, ".wav"}} == {
        "gate/page/picture/ocr_b.png",  # letters
        "models/weights/mrz_lines.onnx",  # drawn lines of letters
        "gate/rules/population.csv",  # made of published shares: no person is in it
        # A specimen's files, with a face that was rendered.
        *(
            f"gate/programs/reference/{name}.bin"
            for name in ("EF_COM", "EF_DG1", "EF_DG14", "EF_DG15", "EF_DG2", "EF_SOD")
        ),
        "gate/programs/reference/page.jpg",
        "gate/programs/reference/trust.sqlite",
    }
    # The Debian packages are built from what the repository lists: no file of it is a cohort, whatever its name.
    files = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, check=True).stdout.decode()
    cohort = CohortFile.__struct_defaults__[0].encode()
    assert not {
        name
        for name in files.split("\0")
        if name and Path(name).suffix not in TEXT and cohort in (ROOT / name).read_bytes()
    }


TESTS = {"pytest", "_pytest", "hypothesis", "conftest", "tests", *(one.stem for one in (ROOT / "tests").iterdir())}
RUNS_TESTS = {
    "gate_lab.conformity",  # `gate conformity --run`: in a checkout, and it says so where pytest is missing
    "gate_contract.barrier",  # the plugin of pytest
    "gate_contract.barrier_bench",
    "gate_contract.mrz_reader",
    "gate_contract.plugin",
    "gate_contract.register",
    "gate_contract.sensors",
}


def names_of_tests(source: str) -> bool:
    """True for a module that imports what only tests have, or has a word for their runner in a string."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names) if any(one.name.partition(".")[0] in TESTS for one in names):
                return True
            case ast.ImportFrom(module=str(module), level=0) if module.partition(".")[0] in TESTS:
                return True
            case ast.Constant(value=str(text)) if "pytest" in text.lower():
                return True
            case _:
                pass
    return False


def test_nothing_that_is_carried_knows_the_tests() -> None:
    found = {
        ".".join(file.relative_to(place.parent).with_suffix("").parts)
        for place in PACKAGES.values()
        for file in place.rglob("*.py")
        if names_of_tests(file.read_text())
    }
    assert found == RUNS_TESTS
    for source in (
        "from fakes.roots import ROOT",
        "import tests",
        "import pytest",
        "run('-m', 'pytest')",
        "x = 'PYTEST_VERSION'",
    ):
        assert names_of_tests(source)
    assert not names_of_tests("from gate.tests import x\nimport property_of  # as pytest has it")


def test_pictures_lie_where_somebody_looks_for_them() -> None:
    """None slips in that a browser or a measurement left in somebody's folder: it may show people."""
    files = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, check=True).stdout.decode()
    endings = {".png", ".jpg", ".jpeg", ".jp2", ".j2k", ".webp", ".avif", ".gif", ".bmp", ".pdf"}
    folders = {str(Path(name).parent) for name in files.split("\0") if Path(name).suffix.lower() in endings}
    assert folders == {
        *("docs/img", "gate/page/picture", "gate/programs/reference", "hardware-sim/src/hardware_sim/faces/data"),
        *("tests/renderer", "tests/vectors"),
    }


def test_the_distributions_go_together() -> None:
    versions = {project(folder)["name"]: project(folder)["version"] for folder in FOLDERS}
    assert len(set(versions.values())) == 1
    for folder in FOLDERS:
        for text in project(folder)["dependencies"]:
            wanted = Requirement(text)
            if wanted.name in versions:
                assert str(wanted.specifier) == f"=={versions[wanted.name]}", (folder, text)


def built(folder: str, into: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(build(folder, into))


ALONE = """
import importlib, json, pkgutil, sys
sys.path[:0] = sys.argv[2:]
package = importlib.import_module(sys.argv[1])
for found in pkgutil.walk_packages(package.__path__, f"{sys.argv[1]}."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize("folder", ["core", "documents", "verify", "central", "officers"])
def test_a_distribution_is_whole_with_those_that_it_names_and_loads_nothing_of_the_appliance(
    tmp_path: Path, folder: str
) -> None:
    """Every module of it is imported where no other of ours is but those, and what was loaded is looked at."""
    wanted = with_needed(folder)
    for one in wanted:
        with built(one, tmp_path) as archive:
            archive.extractall(tmp_path / "alone")
    (package,) = FOLDERS[folder]
    # Without -S, this environment's own paths would be searched: they lead to the checkout.
    command = (sys.executable, "-S", "-c", ALONE, package, str(tmp_path / "alone"), sysconfig.get_path("purelib"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert loaded & set(PACKAGES) == {name for one in wanted for name in FOLDERS[one]}
    assert not loaded & HEAVY


def libraries(folder: Path) -> Path:
    """This environment's libraries without our distributions, which name their commands beside them."""
    place = folder / "libraries"
    if not place.exists():
        place.mkdir()
        for found in Path(sysconfig.get_path("purelib")).iterdir():
            if not found.name.startswith(("portcullis", "_editable")) and found.suffix != ".pth":
                (place / found.name).symlink_to(found)
    return place


def gate(installed: Path, libraries: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of what is installed."""
    code = "import sys; sys.path[:0] = sys.argv[1:3]; del sys.argv[1:3]; from gate_core.command_line.main import main; main()"
    command = (sys.executable, "-S", "-c", code, str(installed), str(libraries), *words)
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=installed)


def install(folder: str, into: Path) -> None:
    with built(folder, into.parent) as archive:
        archive.extractall(into)


def test_the_command_line_is_made_of_what_is_installed_and_says_where_the_rest_is(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    init = ("central", "init", "--dir", str(tmp_path / "central"), "--name", "central.example", *KEPT)
    install("core", installed)
    alone = gate(installed, libraries(tmp_path), *init)
    assert (alone.returncode, alone.stdout) == (78, "")
    assert "run scripts/setup in the checkout" in alone.stderr
    install("central", installed)
    together = gate(installed, libraries(tmp_path), *init)
    assert together.returncode == 0, together.stderr
    assert "mirror key, for gates and auditors" in together.stdout
    assert "audit" not in gate(installed, libraries(tmp_path), "--help").stdout


README = """
import doctest, sys
sys.path[:0] = sys.argv[2:]
failed, tried = doctest.testfile(sys.argv[1], module_relative=False)
sys.exit(failed or tried < 15)
"""


def test_the_documents_library_alone_inspects_the_specimen_of_its_readme(tmp_path: Path) -> None:
    install("documents", tmp_path / "installed")
    command = (sys.executable, "-S", "-c", README, "README.md", str(tmp_path / "installed"), str(libraries(tmp_path)))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT / "documents")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_verifier_alone_judges_a_log(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    for folder in ("core", "verify"):
        install(folder, installed)
    log = ROOT / "tests/vectors/7ce22610"
    known = ("--vkey", str(log / "gate.vkey"), "--identity", str(log / "auditor-1.identity"), "--json")
    judged = gate(installed, libraries(tmp_path), "audit", "verify", str(log / "demo.bundle"), *known)
    assert judged.returncode == 0, judged.stderr
    assert json.loads(judged.stdout)["intact"]


def test_a_gate_says_which_package_brings_what_it_has_not(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    for folder in (".", "core", "documents", "verify"):
        install(folder, installed)
    for words, exit_code in (
        (("officer", "authority", "init"), 78),
        (("console", "serve"), 78),
        (("face", "compare"), 69),
        (("demo",), 69),
        (("rights", "list"), 69),
        (("update", "publish", "renew"), 69),
        (("lists", "sign"), 69),
        (("document", "inspect"), 69),
    ):
        done = gate(installed, libraries(tmp_path), *words)
        named = " ".join(words[: 2 if words[0] in {"officer", "update", "document"} else 1])
        assert (done.returncode, done.stdout) == (exit_code, "")
        assert done.stderr.startswith(f"gate: {named} is not installed here: ")
    assert "admit" in gate(installed, libraries(tmp_path), "officer", "--help").stdout


REPORTED = """
import sys
sys.path[:0] = sys.argv[1:]
from gate_verify.audit_record import AuditRecord
from gate_verify.report_files import taken_again
from gate_verify.report.account import Account
account = Account()
for kind in ("opened", "decided"):
    taken_again(account)(AuditRecord(0, "", "crossing", "k", kind, "c1", "2026-12-01T12:00:00.000Z", 1, "b", "id", {}))
print(*(outcome for table, outcome in account.figures if table == "again"))
"""


def test_where_no_gate_is_installed_a_report_says_that_decisions_were_not_taken_again(tmp_path: Path) -> None:
    """And where one is, this decision, which has no evidence, is said to have none."""
    said = []
    for folders in (("core", "verify"), (".", "documents")):
        for folder in folders:
            with built(folder, tmp_path) as archive:
                archive.extractall(tmp_path / "alone")
        command = (sys.executable, "-S", "-c", REPORTED, str(tmp_path / "alone"), str(libraries(tmp_path)))
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
        said.append(done.stdout.strip())
    assert said == ["not here", "without evidence"]


def test_only_our_distributions_add_commands(tmp_path: Path) -> None:
    for name in ("portcullis_core", "stranger"):
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info/entry_points.txt").write_text(f"[gate.commands]\nx = {name}.names\n")
    code = "import sys; from gate_core.command_line.distributions import named_modules; sys.path[:] = sys.argv[1:]; print(*named_modules('gate.commands'))"
    done = subprocess.run((sys.executable, "-c", code, str(tmp_path)), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["portcullis_core.names"]


def environment(place: Path, *folders: str) -> None:
    """An environment as the Debian packages lay it (packaging/environment), with `current` leading to it."""
    version, interpreter = place / "versions/0", Path(sys.executable).resolve()
    for folder in ("bin", f"lib/python3.{sys.version_info.minor}"):
        (version / folder).mkdir(parents=True)
    (version / "bin/python3").symlink_to(interpreter)
    (version / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\n")
    for folder in folders:
        install(folder, libraries(version))
    (version / f"lib/python3.{sys.version_info.minor}/site-packages").symlink_to(libraries(version))
    (place / "current").symlink_to("versions/0")


def answered(machine: Path, *words: str, line: str | None = None, shell: str = "bash") -> str:
    """What /usr/bin/gate says of this machine, to arguments or to a shell that asks for the end of a line."""
    wrapper = (ROOT / "packaging/gate").read_text().replace("/usr/lib/", f"{machine}/")
    tab = {}
    if line is not None:
        tab = {"_GATE_COMPLETE": f"complete_{shell}", "COMP_CWORD": str(len(line.replace("\n", " ").split(" ")) - 1)}
        tab["COMP_WORDS" if shell == "bash" else "_TYPER_COMPLETE_ARGS"] = line
    command = ("/bin/sh", "-c", wrapper, "gate", *words)
    done = subprocess.run(command, env=tab, capture_output=True, text=True, check=True, cwd=machine)
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Machines with the package of the gate, with central's, and with both."""
    both, gates, centrals = (tmp_path_factory.mktemp(name) for name in ("both", "gate", "central"))
    environment(both / "portcullis", ".", "core", "documents", "verify")
    environment(both / "portcullis-central", "core", "verify", "central", "officers")
    (gates / "portcullis").symlink_to(both / "portcullis")
    (centrals / "portcullis-central").symlink_to(both / "portcullis-central")
    return {"both": both, "gate": gates, "central": centrals}


NOUNS_OF = {
    "gate": {"provision", "status", "officer", "audit"},
    "central": {"central", "console", "exchange", "officer", "audit"},
}
NOUNS_OF["both"] = NOUNS_OF["gate"] | NOUNS_OF["central"]


@pytest.mark.parametrize("machine", ["gate", "central", "both"])
def test_the_help_and_a_tab_name_the_nouns_of_every_environment_of_the_machine(
    machines: dict[str, Path], machine: str
) -> None:
    nouns = NOUNS_OF[machine]
    others = NOUNS_OF["both"] - nouns
    shown = {line[2:].split(" ")[0] for line in answered(machines[machine], "--help").splitlines()}
    for line in ("gate\n", "gate "):
        offered = set(answered(machines[machine], line=line).split())
        for found in (shown, offered):
            assert nouns <= found
            assert not others & found
    for noun in nouns:
        assert f'"{noun}":' in answered(machines[machine], line=f"gate {noun[:4]}", shell="zsh")


def test_each_environment_completes_its_own_nouns(machines: dict[str, Path]) -> None:
    both = machines["both"]
    for line, offered in (
        ("gate\nce", "central"),
        ("gate\ncentral", "central"),
        ("gate prov", "provision"),
        ("gate\ncentral\nser", "serve"),
        ("gate\nprovision\nenr", "enrol"),
        ("gate officer authority cer", "certify"),
        ("gate officer adm", "admit"),
        ("gate audit dec", "decrypt"),
    ):
        assert answered(both, line=line).split() == [offered]
    assert "serve" in answered(both, line="gate\ncentral\n").split()
    assert "admit" in answered(both, line="gate officer ").split()
    assert "central" in answered(both, "central", "--help")
    assert "provision" in answered(both, "provision", "--help")


def test_a_version_of_before_the_core_answers_by_its_own_way_in(tmp_path: Path) -> None:
    """An update may go back to one, under the units and the command of today."""
    environment(tmp_path / "portcullis")
    cli = libraries(tmp_path / "portcullis/versions/0") / "gate/cli"
    cli.mkdir(parents=True)
    (cli / "__main__.py").write_text("import sys; print('of before', *sys.argv[1:])\n")
    assert answered(tmp_path, "update", "check", "--json") == "of before update check --json\n"
