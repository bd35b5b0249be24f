"""An officer at the lane of a booted machine: present, and settling what is referred, until the process is ended."""

from __future__ import annotations

import asyncio

from gate.cli.demo.officer import Officer
from gate.programs.runner import load_config


def main() -> None:
    asyncio.run(Officer(load_config(None).socket("lane"), on_view=lambda _: None).run())


if __name__ == "__main__":
    main()
