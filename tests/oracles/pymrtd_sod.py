"""Judges EF.SODs with pymrtd, in an environment of its own: scripts/compare-documents starts it.

Arguments: a folder of CSCA certificates, then EF.SODs. Says one JSON line for each.
"""

import json
import sys
import time
from pathlib import Path

from pymrtd.ef.sod import SOD
from pymrtd.pki.x509 import CscaCertificate


def judge(data: bytes, anchors: list[CscaCertificate]) -> tuple[str, str]:
    try:
        sod = SOD.load(data)
        signer = next(iter(sod.signers))
        certificate = sod.getDscCertificate(signer)
    except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
        return "not read", f"{type(error).__name__}: {error}"
    try:
        sod.verify(signer, certificate)
    except Exception as error:  # noqa: BLE001
        return "not genuine", f"{type(error).__name__}: {error}"
    found = [one for one in anchors if one.subject == certificate.issuer]
    why = "no CSCA has the signer's issuer as its name"
    for anchor in found:
        try:
            certificate.verify(anchor)
        except Exception as error:  # noqa: BLE001
            why = f"{type(error).__name__}: {error}"
        else:
            return "genuine", ""
    return ("not genuine" if found else "signed by an unknown issuer"), why


def main() -> None:
    anchors = []
    for path in sorted(Path(sys.argv[1]).iterdir()):
        try:
            anchors.append(CscaCertificate.load(path.read_bytes()))
        except Exception as error:  # noqa: BLE001
            sys.stderr.write(f"pymrtd takes no {path.name}: {error}\n")
    for sod in sys.argv[2:]:
        data = Path(sod).read_bytes()
        began = time.perf_counter()
        said, reason = judge(data, anchors)
        ms = (time.perf_counter() - began) * 1000
        sys.stdout.write(json.dumps({"file": sod, "said": said, "reason": reason[:200], "ms": ms}) + "\n")


main()
