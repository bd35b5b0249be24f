"""A session is opened from checked bytes, proved on every provider, and held to its contract."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from fakes.tiny_models import SHAPE, abs_model, one_node_graph, tiny_model

from models import runtime
from models.acceptance import CPU
from models.errors import ModelCorruptError, ModelDriftError, ModelMissingError, ModelRuntimeError
from models.manifest import Model
from models.runtime import open_bytes, open_session, probes

ROOT = Path(__file__).resolve().parents[3]
CONTENT = one_node_graph()


def good_model(content: bytes = CONTENT) -> Model:
    return tiny_model(content, golden=abs_model().golden[0].probes, tolerance=1e-4)


def folder_with(tmp_path: Path, content: bytes = CONTENT) -> Path:
    (tmp_path / "tiny.onnx").write_bytes(content)
    return tmp_path


def test_a_pinned_model_opens_and_runs(tmp_path: Path) -> None:
    session = open_session(good_model(), folder_with(tmp_path), threads=2)
    tensor = np.full(SHAPE, -2, np.float32)
    (output,) = session.run(tensor)
    assert output.tolist() == np.abs(tensor).tolist()
    assert session.provider == CPU
    assert session.passed_over == ()


def test_a_corrupt_or_missing_file_never_reaches_the_library(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError):
        open_session(good_model(), tmp_path)
    nothing_it_could_load = bytes(len(CONTENT))
    with pytest.raises(ModelCorruptError):
        open_session(good_model(), folder_with(tmp_path, nothing_it_could_load))


def test_a_pinned_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    content = b"garbage that someone pinned"
    with pytest.raises(ModelRuntimeError, match="tiny cannot be loaded"):
        open_session(good_model(content), folder_with(tmp_path, content))


def test_a_model_that_gives_other_numbers_is_refused(tmp_path: Path) -> None:
    golden = abs_model().golden[0].probes
    drifted = tiny_model(CONTENT, golden=(*golden[:-1], golden[-1] + 0.01), tolerance=1e-3)
    with pytest.raises(ModelDriftError, match="off its golden values"):
        open_session(drifted, folder_with(tmp_path))


def test_a_provider_that_drifts_is_passed_over_for_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names stand for two providers: the first runs another graph, as a faulty accelerator would."""
    load = runtime._load

    def load_with_a_faulty_accelerator(model: Model, content: bytes, *, provider: str, threads: int) -> object:
        wrong = provider == "FaultyExecutionProvider"
        return load(model, one_node_graph("Neg") if wrong else content, provider=CPU, threads=threads)

    monkeypatch.setattr(runtime, "_load", load_with_a_faulty_accelerator)
    session = open_session(good_model(), folder_with(tmp_path), providers=("FaultyExecutionProvider", CPU))
    assert session.provider == CPU
    assert len(session.passed_over) == 1
    assert "FaultyExecutionProvider" in session.passed_over[0]


def test_a_configured_provider_that_is_not_there_is_an_error_not_a_fallback(tmp_path: Path) -> None:
    with pytest.raises(ModelRuntimeError, match="not part of this build"):
        open_session(good_model(), folder_with(tmp_path), providers=["NoSuchExecutionProvider"])


@pytest.mark.parametrize("threads", [0, 65])
def test_a_senseless_number_of_threads_is_refused(tmp_path: Path, threads: int) -> None:
    with pytest.raises(ModelRuntimeError, match="threads"):
        open_session(good_model(), folder_with(tmp_path), threads=threads)


@pytest.mark.parametrize("tensor", [np.zeros((1, 1, 4, 5), np.float32), np.zeros(SHAPE, np.float64)])
def test_an_input_off_the_contract_is_refused(tmp_path: Path, tensor: np.ndarray) -> None:
    session = open_session(good_model(), folder_with(tmp_path))
    with pytest.raises(ModelRuntimeError, match="tiny takes float32"):
        session.run(tensor)


def test_a_model_that_takes_several_gives_as_many_and_no_more_than_it_may(tmp_path: Path) -> None:
    content = one_node_graph(shape=("n", *SHAPE[1:]))
    one = good_model(content)
    model = msgspec.structs.replace(one, input=msgspec.structs.replace(one.input, batch_max=3))
    session = open_session(model, folder_with(tmp_path, content))
    tensor = -np.arange(3 * 16, dtype=np.float32).reshape(3, 1, 4, 4)
    (output,) = session.run(tensor)
    assert np.array_equal(output, -tensor)
    for rows in (0, 4):
        with pytest.raises(ModelRuntimeError, match="up to 3 at once"):
            session.run(np.zeros((rows, 1, 4, 4), np.float32))


def test_bytes_that_no_manifest_pins_yet_can_be_opened_by_those_who_make_them() -> None:
    session = open_bytes(tiny_model(b"other bytes"), CONTENT)
    (output,) = session.run(np.full(SHAPE, -2, np.float32))
    assert output.tolist() == np.full(SHAPE, 2).tolist()


def test_an_output_that_is_not_a_number_is_refused(tmp_path: Path) -> None:
    session = open_session(good_model(), folder_with(tmp_path))
    with pytest.raises(ModelRuntimeError, match="broke its contract"):
        session.run(np.full(SHAPE, np.nan, np.float32))


def test_a_run_that_fails_inside_the_library_is_told(tmp_path: Path) -> None:
    session = open_session(good_model(), folder_with(tmp_path))

    class Broken:
        def run(self, *_: object) -> None:
            raise OSError("device fell off the bus")

    broken = runtime.Session(session.model, CPU, (), Broken())
    with pytest.raises(ModelRuntimeError, match="failed on CPUExecutionProvider: OSError"):
        broken.run(np.zeros(SHAPE, np.float32))


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86 is slow with numbers below the normal ones")
def test_numbers_below_the_normal_ones_are_zero_to_models_and_to_nobody_else() -> None:
    content = one_node_graph("Reciprocal")
    (output,) = open_bytes(tiny_model(content), content).run(np.full(SHAPE, 3e38, np.float32))
    assert output.max() == 0.0
    assert (np.float32(1.0) / np.full(SHAPE, 3e38, np.float32)).min() > 0.0


def test_probes_are_taken_at_even_strides() -> None:
    assert probes(np.arange(8, dtype=np.float32), 4).tolist() == [0, 2, 4, 6]
    assert probes(np.arange(3, dtype=np.float32), 3).tolist() == [0, 1, 2]
    assert probes(np.arange(2, dtype=np.float32), 8).tolist() == [0, 1]


def test_the_librarys_usage_reports_are_off_before_it_loads(tmp_path: Path) -> None:
    """Left alone, it makes itself a device id and a database in the user's cache and sends them to its vendor."""
    (tmp_path / "tiny.onnx").write_bytes(CONTENT)
    home = tmp_path / "home"
    home.mkdir()
    program = (
        "from pathlib import Path\nfrom fakes.tiny_models import abs_model\nfrom models.runtime import open_session\n"
        f"open_session(abs_model(), Path({str(tmp_path)!r}))\n"
    )
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
    assert list(home.rglob("*")) == []
