"""How often the bias alarm finds a planted gap, and how often it is raised without one: `python -m bench.fairness`, from the folder tests."""

from __future__ import annotations

from lab_fakes.planted_bias import BASE, DAY, alarmed

RUNS = 5_000


def main() -> None:
    """Print the table of docs/fairness.md."""
    lines = [
        f"{RUNS} simulated logs each, {DAY} crossings a day, {BASE:.0%} of everybody referred; planted against one sex"
    ]
    lines += ["| gap in points | 1 day | 7 days | 30 days |", "| --- | --- | --- | --- |"]
    for gap in (0.0, 0.01, 0.02, 0.05):
        cells = [alarmed(days, gap, RUNS, seed=days) for days in (1, 7, 30)]
        told = " | ".join(f"{hit:.1%} (another group: {other:.1%})" for hit, other in cells)
        lines.append(f"| {gap * 100:g} | {told} |")
    print("\n".join(lines))  # noqa: T201 - a bench


if __name__ == "__main__":
    main()
