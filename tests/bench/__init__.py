"""Side-by-side measurements for `scripts/bench`: one module a row, each with `measure(bench) -> Row`."""
