"""Each barrier driver on lines that flip bits: nobody is granted twice, at error rates that double a naive client's grants."""

from __future__ import annotations

import logging

import pytest
from fakes.doubled_grants import BOARDS, ERROR_RATES, doubled
from fakes.tiers import quick_or_long

log = logging.getLogger(__name__)  # --log-cli-level=INFO shows the counts


@pytest.mark.parametrize("count", quick_or_long([40, 1000], quick=[40]))
@pytest.mark.parametrize("board", BOARDS)
def test_no_grant_is_made_twice_at_error_rates_that_double_a_naive_clients(board: str, count: int) -> None:
    naive = {}
    for error_rate in ERROR_RATES:
        found = doubled(board, error_rate, count=count)
        log.info("%s at %s: of %s %s", board, error_rate, count, found)
        assert found.doubled == 0
        # A check of eight bits takes noise for an answer now and then, and nothing is granted for a while: it might have been a late one.
        # Boards whose answers look alike are not told again while one of before is missing.
        assert found.stood >= (0.95 if board == "portcullis-sim" else 0.85) * count
        naive[error_rate] = found.naive
    assert naive[0.0] == 0
    # A contact that is closed closes no second time: what is sent again there adds nothing.
    assert (naive[1e-3] > 0) is (board != "relay-8")
