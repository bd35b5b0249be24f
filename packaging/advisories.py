"""Asks whether a locked library has a published weakness: exit 1 names each with the version that mends it.

`pip-audit` itself says "none found" of libraries that it could not ask about, hence the count. Exit 75 when it could ask about none: whoever
knows nothing does not say that all is well. `--offline` is for a machine that reaches no advisories, and says so: then that is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys

DEADLINE_S = 120
NOTHING_KNOWN = 75
OFFLINE = "--offline"


def main(words: list[str]) -> int:
    """Judge the locks; what is found goes to standard error."""
    locks, unknown = [word for word in words if word != OFFLINE], 0 if OFFLINE in words else NOTHING_KNOWN
    command = [
        "pip-audit",
        "--disable-pip",
        "--require-hashes",
        "--progress-spinner=off",
        "--format=json",
        "--timeout=5",
    ]
    for lock in locks:
        command += ["--requirement", lock]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE_S)  # noqa: S603 - our own words
        libraries = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        print("advisories: could not ask about any library here", file=sys.stderr)
        return unknown
    silent = sum("skip_reason" in library for library in libraries)
    if silent:
        print(f"advisories: could not ask about {silent} of {len(libraries)} libraries here", file=sys.stderr)
    weak = [(library, weakness) for library in libraries for weakness in library.get("vulns", ())]
    for library, weakness in weak:
        mended = ", ".join(weakness["fix_versions"]) or "no version"
        print(
            f"advisories: {library['name']} {library['version']}: {weakness['id']}, mended in {mended}", file=sys.stderr
        )
    if weak:
        return 1
    return unknown if silent == len(libraries) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
