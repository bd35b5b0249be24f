"""The spare of the face children: what it says while there is none, and that one which answers nothing is replaced."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from fakes.document_children import FakeChild

from gate.programs.children.child_handle import ChildLostError
from gate.programs.children.warm_spare import TAKE_DEADLINE_S
from gate.programs.vision.face_children import PROVE_DEADLINE_S, ChildMuteError, FaceSpare
from gate_contract.virtual_time import run_virtual


def test_a_spare_that_never_comes_up_is_tried_again_and_taking_it_fails_at_once() -> None:
    started: list[float] = []

    async def start() -> Any:
        started.append(asyncio.get_running_loop().time())
        raise ChildLostError("the child is lost")

    async def kept() -> None:
        spare = FaceSpare(start)
        keeping = asyncio.ensure_future(spare.keep())
        for asked in (spare.take, spare.probe_camera):
            with pytest.raises(ChildLostError, match="the child is lost"):
                await asked()
        await asyncio.sleep(60)
        assert spare.child is None
        keeping.cancel()

    run_virtual(kept())
    assert [round(b - a, 3) for a, b in itertools.pairwise(started)] == [0.5, 1, 2, 4, 8, 10, 10, 10, 10]


def test_waiting_for_a_spare_has_a_limit() -> None:
    async def start() -> Any:
        await asyncio.Event().wait()

    async def waited_s() -> float:
        spare, began_s = FaceSpare(start), asyncio.get_running_loop().time()
        keeping = asyncio.ensure_future(spare.keep())
        with pytest.raises(ChildLostError, match="no child is ready"):
            await spare.probe_camera()
        with pytest.raises(ChildLostError, match="no child is ready"):
            await spare.take()
        keeping.cancel()
        return asyncio.get_running_loop().time() - began_s

    assert run_virtual(waited_s()) == pytest.approx(TAKE_DEADLINE_S)


def test_a_child_that_lives_and_answers_nothing_gives_no_proof_and_is_replaced() -> None:
    children = [FakeChild(), FakeChild()]

    async def start() -> Any:
        return next(one for one in children if not one.ended)

    async def asked_s() -> float:
        spare = FaceSpare(start)
        keeping = asyncio.ensure_future(spare.keep())
        await asyncio.sleep(0)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(ChildMuteError, match="did not answer for its models"):
            await spare.prove()
        ended_s = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        assert spare.child is children[1]
        assert spare.proven_s == pytest.approx(1), "it gave its golden values when it started"
        keeping.cancel()
        return ended_s - began_s

    assert run_virtual(asked_s()) == pytest.approx(PROVE_DEADLINE_S)
    assert children[0].ended
