"""A nation of two parties with three gates, people of every role, and the pages of central as a person sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from central_fakes.folder import make_context
from central_fakes.server import Bench
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.testclient import TestClient

from gate_central.authority import fingerprint, new_key
from gate_central.authority import issue_person as issue
from gate_central.people_pages import make_pages
from gate_central.rights import Role
from gate_central.server_context import ServerContext
from gate_core.audit_format.note import Signer

HOST = "central.example"
NORTH, SOUTH, NOWHERE = "gate-0001", "gate-0002", "gate-0003"
PARTIES = {"north": NORTH, "south": SOUTH}


def requested(name: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """What a person brings to be let in."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


@dataclass
class Nation:
    """`bench` is gate-0001's log."""

    bench: Bench
    context: ServerContext
    certificates: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, settings: str = "", url: str | None = None) -> Nation:
        bench = Bench(folder / "log", url)
        for gate in (SOUTH, NOWHERE):
            bench.server.enrol(Signer.generate(f"border.example/{gate}/demo").verifier, gate)
        nation = cls(bench, make_context(bench, folder / "server", settings))
        for party, gate in PARTIES.items():
            nation.context.tenants.add_party(party, f"Police of the {party}")
            nation.context.tenants.add_site(f"{party}-port", party, f"Port of the {party}")
            nation.context.tenants.put(gate, site=f"{party}-port", canary=None)
        for role in Role:
            for of in (*PARTIES, None):
                nation.admit(f"{role.value}-{of or 'nation'}", role, of)
        return nation

    def admit(self, name: str, role: Role, party: str | None) -> None:
        request = requested(name, new_key())
        made = issue(self.context.folder.authority, name, request, self.bench.server.clock.now)
        self.certificates[name] = fingerprint(made)
        self.context.tenants.admit(name, role, party, self.certificates[name])

    @contextmanager
    def as_person(self, name: str | None) -> Iterator[TestClient]:
        """The pages, asked with this person's certificate, with any other SHA-256, or with none."""
        pages = make_pages(self.context)
        shown = None if name is None else self.certificates.get(name, name)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            chain: dict[str, object] = {"client_cert_chain": [], "client_cert_sha256": shown}
            await pages({**scope, "extensions": {"tls": chain}}, receive, send)

        with TestClient(app, base_url=f"https://{HOST}", follow_redirects=False) as client:
            yield client
