"""An accelerator serves only after it has proved itself on this machine, and only as long as nothing has changed."""

import json
from pathlib import Path

import pytest
from fakes.tiny_models import abs_model

from models.acceptance import ACCELERATORS, CPU, FILE, file_run, machine_id, providers_for
from models.errors import ProviderNotAcceptedError

TENSORRT, CUDA, OPENVINO = ACCELERATORS
AT = "2026-11-25T12:00:00+00:00"
MODEL = abs_model()


def here() -> str:
    return "a" * 64


def test_without_a_filing_only_the_cpu_is_used(tmp_path: Path) -> None:
    assert providers_for((), [MODEL], tmp_path, machine=here) == (CPU,)
    assert providers_for((CPU,), [MODEL], tmp_path, machine=here) == (CPU,)


@pytest.mark.parametrize("provider", ACCELERATORS)
def test_a_configured_accelerator_without_a_filing_is_refused(tmp_path: Path, provider: str) -> None:
    with pytest.raises(ProviderNotAcceptedError, match=f"gate models accept {provider}"):
        providers_for((provider,), [MODEL], tmp_path, machine=here)


def test_an_accelerator_that_proved_itself_comes_before_the_cpu(tmp_path: Path) -> None:
    file_run(OPENVINO, [MODEL], tmp_path, at=AT, machine=here)
    file_run(TENSORRT, [MODEL], tmp_path, at=AT, machine=here)
    assert providers_for((), [MODEL], tmp_path, machine=here) == (TENSORRT, OPENVINO, CPU)
    assert providers_for((OPENVINO,), [MODEL], tmp_path, machine=here) == (OPENVINO, CPU)


def test_another_model_machine_or_library_takes_the_acceptance_away(tmp_path: Path) -> None:
    file_run(CUDA, [MODEL], tmp_path, at=AT, machine=here)
    assert providers_for((CUDA,), [MODEL], tmp_path, machine=here) == (CUDA, CPU)
    with pytest.raises(ProviderNotAcceptedError):
        providers_for((CUDA,), [MODEL], tmp_path, machine=lambda: "f" * 64)
    from msgspec.structs import replace

    with pytest.raises(ProviderNotAcceptedError):
        providers_for((CUDA,), [replace(MODEL, sha256="0" * 64)], tmp_path, machine=here)
    filed = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps([{**filed[0], "library": "99.0"}]))
    assert providers_for((), [MODEL], tmp_path, machine=here) == (CPU,)


def test_a_new_run_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    file_run(CUDA, [], tmp_path, at=AT, machine=here)
    file_run(CUDA, [MODEL], tmp_path, at=AT, machine=here)
    assert (tmp_path / FILE).read_text().count(CUDA) == 1
    assert providers_for((CUDA,), [MODEL], tmp_path, machine=here) == (CUDA, CPU)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"provider": "x"}]', "[" * 10_000])
def test_a_file_that_is_no_list_of_filings_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ProviderNotAcceptedError, match="no list of accepted providers"):
        providers_for((), [MODEL], tmp_path, machine=here)


def test_a_machine_without_an_id_accepts_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProviderNotAcceptedError, match="has no id"):
        machine_id(tmp_path / "none")
