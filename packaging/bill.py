"""Write the bill of materials of a package: CycloneDX 1.6 with the fields of BSI TR-03183-2, and the licences of what is inside.

`python packaging/bill.py NAME VERSION WHEELS OUT [--models FOLDER]` reads the wheels that the package's environment was made of and the models, and writes
OUT/bill.cdx.json and OUT/licences.txt. Exit 1 for a licence that packaging/licences.toml does not allow, or a bill that breaks the schema.
"""

from __future__ import annotations

import argparse
import email
import hashlib
import os
import re
import sys
import tomllib
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.license import LicenseAcknowledgement, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

HERE = Path(__file__).parent
OURS = OrganizationalContact(name="Portcullis developers", email="developers@portcullis.invalid")


class UnknownLicenceError(Exception):
    """A component whose licence nobody has read, or which may not be shipped."""


@dataclass(frozen=True)
class Licences:
    """What may be shipped, and what those that name no licence are under."""

    allowed: frozenset[str]
    said: dict[str, str]
    models: dict[str, str]

    @classmethod
    def read(cls) -> Licences:
        """From packaging/licences.toml."""
        table = tomllib.loads((HERE / "licences.toml").read_text())
        return cls(frozenset(table["allowed"]), table["said"], table["models"])

    def checked(self, name: str, expression: str | None) -> LicenseExpression:
        """The licence. Raises UnknownLicenceError."""
        if expression is None:
            raise UnknownLicenceError(f"{name} names no licence: read its licence file and say it in licences.toml")
        for word in re.findall(r"[\w.-]+", expression):
            if word not in self.allowed | {"AND", "OR"}:
                raise UnknownLicenceError(f"{name}: {word} is not among the licences that may be shipped")
        return LicenseExpression(expression, acknowledgement=LicenseAcknowledgement.CONCLUDED)


def component(
    name: str,
    version: str,
    file: Path,
    licence: LicenseExpression,
    *,
    kind: ComponentType,
    runs: bool,
    maker: str,
    purl: PackageURL,
) -> Component:
    """One entry with what TR-03183-2 asks of each: maker, name, version, file, licence, SHA-512, and what kind of file it is."""
    content = file.read_bytes()
    archive = file.suffix == ".whl"
    bsi = {
        "filename": file.name,
        "executable": "executable" if runs else "non-executable",
        "archive": "archive" if archive else "no archive",
        "structured": "structured",
    }
    return Component(
        name=name,
        version=version,
        type=kind,
        bom_ref=str(purl),
        purl=purl,
        licenses=[licence],
        manufacturer=OrganizationalEntity(name=maker),
        hashes=[HashType(alg=HashAlgorithm.SHA_512, content=hashlib.sha512(content).hexdigest())],
        properties=[Property(name=f"bsi:component:{key}", value=value) for key, value in bsi.items()],
    )


def of_wheel(wheel: Path, licences: Licences) -> tuple[Component, Message]:
    """A distribution, and its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        said = archive.read(next(one for one in names if one.endswith(".dist-info/METADATA")))
    metadata = email.message_from_string(said.decode())
    name = str(metadata["Name"])
    expression = metadata["License-Expression"] or licences.said.get(name)
    made = component(
        name,
        str(metadata["Version"]),
        wheel,
        licences.checked(name, expression),
        kind=ComponentType.LIBRARY,
        runs=any(".so" in Path(one).name for one in names),
        maker=(metadata["Author-email"] or metadata["Author"] or metadata["Maintainer"] or f"the authors of {name}")[
            :200
        ],
        purl=PackageURL("pypi", None, canonical(name), str(metadata["Version"])),
    )
    homes = [url.split(",")[-1].strip() for url in metadata.get_all("Project-URL", [])] or [metadata["Home-page"] or ""]
    for home in homes[:1]:
        if home:
            made.external_references.add(ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(home)))
    return made, metadata


def of_models(folder: Path, licences: Licences) -> Iterator[Component]:
    """Each model that lies there, by the manifest."""
    manifest = tomllib.loads((HERE.parent / "models/manifest.toml").read_text())
    for model in manifest["models"]:
        package = model.get("package", "")
        file = folder / f"{model['name']}.onnx"
        yield component(
            model["name"],
            model["version"],
            file if package else HERE.parent / "models/weights" / file.name,
            licences.checked(model["name"], licences.models.get(package)),
            kind=ComponentType.MACHINE_LEARNING_MODEL,
            runs=False,
            maker=manifest["packages"][package]["name"] if package else str(OURS.name),
            purl=PackageURL("generic", "portcullis-models", model["name"], model["version"]),
        )


def canonical(name: str) -> str:
    """A distribution's name as the package index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def bill(name: str, version: str, wheels: list[Path], models: Path | None) -> Bom:
    """The whole bill. Raises UnknownLicenceError."""
    licences = Licences.read()
    read = [of_wheel(wheel, licences) for wheel in wheels]
    by_name = {canonical(made.name): made for made, _ in read}
    product = Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=f"{name}@{version}",
        manufacturer=OrganizationalEntity(name=OURS.name, contacts=[OURS]),
        licenses=[LicenseExpression("Apache-2.0", acknowledgement=LicenseAcknowledgement.CONCLUDED)],
    )
    when = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")) or datetime.now(UTC).timestamp(), UTC)
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{name}@{version}/{when:%s}"),
        metadata=BomMetaData(component=product, timestamp=when, authors=[OURS]),
    )
    inside = [made for made, _ in read] + (list(of_models(models, licences)) if models else [])
    bom.components.update(inside)
    bom.register_dependency(product, inside)
    for made, metadata in read:
        wanted = {canonical(re.split(r"[^\w.-]", line)[0]) for line in metadata.get_all("Requires-Dist", [])}
        bom.register_dependency(made, [by_name[one] for one in sorted(wanted & by_name.keys())])
    return bom


def licence_texts(wheels: list[Path]) -> Iterator[str]:
    """Every licence file that the distributions bring."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if ".dist-info/" in name and re.search(
                    r"(licen[cs]e|copying|notice)", name.rsplit("/", 1)[-1], re.IGNORECASE
                ):
                    text = archive.read(name).decode(errors="replace").strip()
                    yield f"{wheel.name.split('-')[0]}: {name.rsplit('/', 1)[-1]}\n\n{text}\n"


def main() -> int:
    """Write the bill and the licences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("version")
    parser.add_argument("wheels", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path)
    options = parser.parse_args()
    wheels = sorted(options.wheels.glob("*.whl"))
    try:
        made = JsonV1Dot6(bill(options.name, options.version, wheels, options.models)).output_as_string(indent=1)
    except UnknownLicenceError as error:
        print(f"bill: {error}", file=sys.stderr)
        return 1
    if (wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(made)) is not None:
        print(f"bill: breaks the schema: {wrong}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bill.cdx.json").write_text(f"{made}\n")
    (options.out / "licences.txt").write_text(("\n" + "-" * 78 + "\n\n").join(licence_texts(wheels)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
