"""What a country publishes: certificates and links, revocation lists, signed lists, and its control centre's chains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from hardware_sim.passport import lists, office, pki, terminals
from hardware_sim.passport.office import LinkKind, ListSigner, Office
from hardware_sim.passport.terminal_keys import Algorithm, TerminalKey

# A country code in a certificate has two letters (ICAO 9303-3 §5).
_ALPHA2: Final = {
    "UTO": "UT",
    "D": "DE",
    "FRA": "FR",
    "NLD": "NL",
    "GBR": "GB",
    "GBD": "GB",
    "RKS": "KS",
    "EUE": "EU",
    "UNO": "UN",
}

# Parties of Terminal Authentication: names, seeds of their keys, and their numbers, one for each algorithm.
_TERMINAL_NAMES: Final[dict[terminals.Role, str]] = {"authority": "CVCA", "verifier": "DVXX", "terminal": "ISXX"}
_TERMINAL_SEEDS: Final[dict[terminals.Role, str]] = {"authority": "cvca", "verifier": "dv", "terminal": "is"}
_TERMINAL_NUMBERS: Final[dict[Algorithm, str]] = {"ecdsa": "00001", "rsa": "00002", "rsa_pss": "00003"}
_TERMINAL_RSA_BITS: Final = 2048


class Publications:
    """A country and its keys. `today` dates its certificates; the default is the current day in UTC."""

    def __init__(self, seed: int, *, country: str = "UTO", today: date | None = None) -> None:
        if country not in _ALPHA2:
            raise ValueError(f"the simulated issuer knows only {', '.join(sorted(_ALPHA2))}")
        self._seed = seed
        self._country = country
        self._today = today or datetime.now(tz=UTC).date()
        self._office = Office(seed, code=_ALPHA2[country], state=country, today=self._today)
        self._lines = self._office.lines

    def csca_files(self) -> dict[str, bytes]:
        """Return the country's CSCA certificates, DER, by file name, without that of `unknown_issuer`."""
        return self._by_line("csca_{}.cer", [line.authority.certificate for line in self._lines])

    def crl_files(self) -> dict[str, bytes]:
        """Return an empty revocation list for each CSCA, DER, by file name: issued today, valid for 90 days."""
        return self._by_line("csca_{}.crl", [self.crl(number) for number in range(1, len(self._lines) + 1)])

    def previous_csca_files(self, *, kind: LinkKind = "same_name", expired: bool = False) -> dict[str, bytes]:
        """Return the previous CSCA certificates, self-signed, DER, by file name."""
        before = [
            self._office.previous(number, kind, expired=expired).certificate for number in range(len(self._lines))
        ]
        return self._by_line("csca_{}_before.cer", before)

    def link_certificates(self, *, kind: LinkKind = "same_name") -> dict[str, bytes]:
        """Return the certificates in which the previous CSCAs certify the present keys, DER, by file name."""
        return self._by_line(
            "csca_{}_link.cer", [self._office.link(number, kind) for number in range(len(self._lines))]
        )

    def signer_certificate(self, signer: str = "p256") -> bytes:
        """Return the certificate of one of `SIGNERS`, DER. Raises ValueError on another name."""
        return self._office.signer(signer).certificate

    def signer_serial(self, signer: str = "p256") -> int:
        """Return the serial number of one of `SIGNERS`. Raises ValueError on another name."""
        return self._office.signer(signer).serial

    def crl(
        self,
        line: int = 1,
        *,
        number: int = 1,
        revoked: Sequence[int] = (),
        issued_days: int = -1,
        next_update_days: int = 89,
        forged: bool = False,
    ) -> bytes:
        """Return one CRL of line 1 to 3, DER; `revoked` are serial numbers. A `forged` list has an unknown signer."""
        authority = self._lines[line - 1].authority
        if forged:
            authority = replace(authority, key=self._office.stranger.authority.key)
        entries = [(serial, self._office.midnight(issued_days)) for serial in revoked]
        period = self._office.period(issued_days, next_update_days)
        return pki.make_crl(authority, entries, number=number, period=period)

    def master_list(
        self,
        *,
        certificates: Sequence[bytes] | None = None,
        signer: ListSigner = "proper",
        signed_at: datetime | None = None,
    ) -> bytes:
        """Return a signed list of CSCA certificates; by default this country's three and their links."""
        if certificates is None:
            certificates = [*self.csca_files().values(), *self.link_certificates().values()]
        return lists.master_list(certificates, self._publisher(signer, office.MASTER_LIST_SIGNER, signed_at))

    def deviation_list(
        self,
        deviations: Sequence[lists.Deviation],
        *,
        signer: ListSigner = "proper",
        signed_at: datetime | None = None,
    ) -> bytes:
        """Return a signed list of deviations in this country's documents (ICAO 9303-12)."""
        named = [(one, None if one.signer is None else self._office.signer(one.signer)) for one in deviations]
        return lists.deviation_list(named, self._publisher(signer, office.DEVIATION_LIST_SIGNER, signed_at))

    def defect_list(
        self, defects: Sequence[lists.Defect], *, signer: ListSigner = "proper", signed_at: datetime | None = None
    ) -> bytes:
        """Return a signed list of defects by document signer (BSI TR-03129)."""
        named = [(defect, self._office.signer(defect.signer)) for defect in defects]
        return lists.defect_list(named, self._publisher(signer, office.DEVIATION_LIST_SIGNER, signed_at))

    def terminal_chain(
        self,
        *,
        rights: int = terminals.READS_FINGERS,
        expired: bool = False,
        forged: bool = False,
        algorithm: Algorithm = "ecdsa",
    ) -> terminals.TerminalChain:
        """Return certificates for one inspection system. Those `forged` begin at a CVCA of the same name, another key."""
        authority = self._terminal_party("authority", algorithm)
        if forged:
            authority = terminals.holder(authority.reference.decode(), "authority", f"{self._seed}/forger/cvca")
        below = [self._terminal_party("verifier", algorithm), self._terminal_party("terminal", algorithm)]
        days = self._office.period(-60, -30) if expired else self._office.period(-30, 60)
        return terminals.chain(authority, below, rights=rights, period=(days.begin.date(), days.end.date()))

    def _terminal_party(self, role: terminals.Role, algorithm: Algorithm) -> terminals.Holder:
        """Return the country's CVCA, document verifier or inspection system. Each algorithm has its own."""
        name = f"{_ALPHA2[self._country]}{_TERMINAL_NAMES[role]}{_TERMINAL_NUMBERS[algorithm]}"
        if algorithm == "ecdsa":
            return terminals.holder(name, role, f"{self._seed}/{_TERMINAL_SEEDS[role]}")
        key = self._office.rsa_key(f"terminal/{role}/{algorithm}", _TERMINAL_RSA_BITS)
        return terminals.holder(name, role, TerminalKey(key, pss=algorithm == "rsa_pss"))

    def _publisher(self, kind: ListSigner, usage: str, signed_at: datetime | None) -> lists.Publisher:
        signer, authority = self._office.list_signer(kind, usage)
        return lists.publisher(
            signer, authority.certificate, signed_at=signed_at or self._office.midnight(0), broken=kind == "broken"
        )

    def _by_line(self, pattern: str, contents: Sequence[bytes]) -> dict[str, bytes]:
        return {f"{self._country}_{pattern.format(index)}": made for index, made in enumerate(contents, start=1)}
