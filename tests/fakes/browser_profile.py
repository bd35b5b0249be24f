"""What a browser leaves on the disk: listens for each private key that pages make, and searches a profile's files for them."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Final

from playwright.async_api import BrowserContext

# Runs before each page's own scripts: a copy of each private key comes to the test, and the page gets its key as it asked for it.
_OVERHEARD: Final = """
const generate = SubtleCrypto.prototype.generateKey;
SubtleCrypto.prototype.generateKey = async function (algorithm, extractable, usages) {
  const made = await generate.call(this, algorithm, true, usages);
  if (!made.privateKey) return made;
  const der = await this.exportKey("pkcs8", made.privateKey);
  await overheard(new Uint8Array(der).toBase64());
  const privateKey = await this.importKey("pkcs8", der, algorithm, extractable, made.privateKey.usages);
  return { publicKey: made.publicKey, privateKey };
};
"""
# For a page's script: puts a message to the worker that holds the keys, and gives its answer.
ASK_KEEPER: Final = """const askKeeper = (message) => new Promise((resolve) => {
  const ours = trustedTypes.createPolicy("test", { createScriptURL: () => "/static/keeper.js" });
  const keeper = new SharedWorker(ours.createScriptURL(""), { name: "keeper", extendedLifetime: true });
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => resolve(data);
  keeper.port.postMessage(message, [port2]);
});"""
KEY_BYTES: Final = 32
PIECE_BYTES: Final = 12  # of a key that files hold in pieces: no chance makes as many


async def overhear(context: BrowserContext) -> list[bytes]:
    """The 32 bytes of each private key that the context's pages will make, as they come."""
    heard: list[bytes] = []
    # Of an Ed25519 or X25519 key PKCS #8 ends with them (RFC 8410 §7).
    await context.expose_function("overheard", lambda der: heard.append(b64decode(der)[-KEY_BYTES:]))
    await context.add_init_script(_OVERHEARD)
    return heard


def _spellings(secret: bytes) -> set[bytes]:
    """A secret as a file may have it: itself, backwards, in hex, in Base64 wherever in a longer text it begins, and as UTF-16."""
    plain = {secret, secret[::-1]}
    hexes = {one.hex().encode() for one in plain}
    texts = hexes | {one.upper() for one in hexes}
    for one in plain:
        for before in range(3):
            for encode in (b64encode, urlsafe_b64encode):
                # The letters at both ends are of the neighbours, too.
                texts.add(encode(bytes(before) + one)[-(-before * 8 // 6) :].rstrip(b"=")[:-1])
    return plain | texts | {text.decode().encode("utf-16-le") for text in texts}


def left_of(secret: bytes, folder: Path) -> list[str]:
    """The files below a folder that hold a secret, or a piece of one. Raises AssertionError for a folder without files."""
    wanted = _spellings(secret)
    for at in range(0, len(secret) - PIECE_BYTES + 1, PIECE_BYTES // 2):
        wanted |= {secret[at : at + PIECE_BYTES], secret[at : at + PIECE_BYTES][::-1]}
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files, f"nothing in {folder}"
    return [str(path.relative_to(folder)) for path in files if any(one in path.read_bytes() for one in wanted)]
