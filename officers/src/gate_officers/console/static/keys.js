// An officer's keys in the browser: makes them, has the passkey answer for them once a shift, signs orders, opens sealed pictures.
//
// Promises: the private halves cannot be extracted, reach nobody and lie in no file; an order is signed for the gate, verb and crossing that the
// page names and answers a challenge that the gate gave just now; a picture is opened here and nowhere else. What is signed is
// docs/protocols/orders.md's, how keys are certified docs/protocols/shift-keys.md's. Pure of the page: it touches no element. Every failure is a
// KeysError with a code.

const SHIFT_KEY = "portcullis-shift-key/1\n";
const ORDER = "portcullis-order/2\n";
const HANDOVER = "portcullis-handover/1\n";
const READING = "portcullis-handover-read/1\n";
const PROOF = "portcullis-proof/1\n";
const VIEW = "portcullis-view/1\n";
const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;
const REASON_MAX = 200;
const FREES = ["release", "open-emergency"]; // nobody stays inside for the length of a reason
const PASSKEY_MS = 60000;
const RETRY_MS = 2000;

export class KeysError extends Error {
  // `code` is a word that pages have texts for, `message` says more.
  constructor(code, message = code, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

// ── signing in and out ─────────────────────────────────────────────────────────────────────────────────────────────

// A passkey for whoever was invited, made once. Returns {officer}.
export async function enrol(officer, code) {
  const { nonce, options } = await post("/sign-in/creation", { officer, code });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const made = await asked(() => navigator.credentials.create({ publicKey }));
  return post("/sign-in/enrol", { officer, code, nonce, answer: made.toJSON() });
}

// Keys for this shift, certified for whoever's passkey answers. Returns what `holder` does.
export async function signIn() {
  requireMemory();
  const { nonce, rp_id } = await post("/sign-in/request", {});
  const signing = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const sealing = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  const ours = { signing: await raw(signing.publicKey), sealing: await raw(sealing.publicKey) };
  const text = joined(bytes(SHIFT_KEY), ours.signing, ours.sealing, fromBase64(nonce));
  const challenge = await crypto.subtle.digest("SHA-256", text);
  const publicKey = { challenge, rpId: rp_id, userVerification: "required", timeout: PASSKEY_MS };
  const answered = await asked(() => navigator.credentials.get({ publicKey }));
  const question = {
    answer: answered.toJSON(),
    nonce,
    sealing: ours.sealing.toBase64(),
    signing: ours.signing.toBase64(),
  };
  const certificate = fromBase64((await post("/sign-in/certify", question)).certificate);
  const says = contents(certificate);
  if (says.key !== question.signing || says.sealing !== question.sealing) throw new KeysError("other_key");
  const shift = { certificate, signing: signing.privateKey, sealing };
  await inMemory({ keep: shift });
  await prove(shift);
  return holder();
}

// A terminal's key file (a PEM key and its certificate), where there is no passkey.
export async function importKeyFile(text) {
  requireMemory();
  const [der, certificate] = [block(text, "PRIVATE KEY"), block(text, "PORTCULLIS SHIFT CERTIFICATE")];
  const says = contents(certificate);
  let signing;
  try {
    signing = await crypto.subtle.importKey("pkcs8", der, "Ed25519", false, ["sign"]);
    const theirs = await crypto.subtle.importKey("raw", fromBase64(says.key), "Ed25519", false, ["verify"]);
    const signature = await crypto.subtle.sign("Ed25519", signing, bytes(PROOF));
    if (!(await crypto.subtle.verify("Ed25519", theirs, signature, bytes(PROOF)))) throw new KeysError("other_key");
  } catch (error) {
    throw error instanceof KeysError ? error : new KeysError("bad_file", "no shift key (PKCS #8 PEM, Ed25519)");
  }
  const shift = { certificate, signing, sealing: null };
  await prove(shift);
  await inMemory({ keep: shift });
  return holder();
}

// Who is signed in by the keys that are here, or null: {officer, role, party, trained, gates, until, pictures}. Asks nobody.
export async function holder() {
  const shift = await held();
  if (shift === null) return null;
  const { officer, role, party, trained, gates, until } = contents(shift.certificate);
  return { officer, role, party, trained, gates, until, pictures: shift.sealing !== null };
}

// Proves the shift key to the console, now and again, so that the session goes on. `onEnd` is called once, with the KeysError, when the console
// says no: the keys are gone, or the shift is over. Returns what the console said first, {officer, …, ends_s, clock_off_s}.
export async function stay(onEnd) {
  const said = await prove(await needed());
  const again = async () => {
    try {
      setTimeout(again, (await prove(await needed())).proof_s * 1000);
    } catch (error) {
      if (error.code === "away") setTimeout(again, RETRY_MS);
      else onEnd(error);
    }
  };
  setTimeout(again, said.proof_s * 1000);
  return said;
}

export async function signOut() {
  await forget();
  await post("/session/end", {});
}

async function prove(shift) {
  const { challenge } = await ask("/session/challenge");
  const text = bytes(`${PROOF}${location.origin}\n${challenge}`);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", shift.signing, text));
  const shown = { certificate: shift.certificate.toBase64(), challenge, signature: signature.toBase64() };
  try {
    return await post("/session", shown);
  } catch (error) {
    if (error.code === "shift_over" || error.code === "idle") await forget();
    throw error;
  }
}

// ── orders ─────────────────────────────────────────────────────────────────────────────────────────────────────────

// Signs an order that answers a fresh challenge of this gate, and has it carried there. Returns {outcome, detail, state, sealed}. `byItself`: it is the
// page's doing, and no sign that its officer is there.
export async function order({ gate, verb, crossing = null, argument = null, reason = "", seen = null, byItself = false }) {
  const shift = await needed();
  const headers = byItself ? { "Portcullis-By-Itself": "1" } : {};
  const look = await ask(`/gates/${encodeURIComponent(gate)}/look`, { headers });
  if (look.gate !== gate) throw new KeysError("other_gate", `the gate says that it is ${look.gate}`);
  const challenge = { issued_ms: look.issued_ms, nonce: look.nonce, version: look.version };
  const fields = { argument, challenge, crossing, gate, reason: oneLine(reason, verb), seen, verb };
  return carry(`/gates/${encodeURIComponent(gate)}/orders`, await signed(shift, ORDER, fields), headers);
}

// Signs what the console keeps for colleagues, and hands it in: a handover, or that some were read.
export async function handOver(fields) {
  return carry("/handover", await signed(await needed(), HANDOVER, fields));
}

export async function markRead(fields) {
  return carry("/handover/read", await signed(await needed(), READING, fields));
}

async function signed(shift, kind, fields) {
  const body = bytes(canonical({ ...fields, certificate: shift.certificate.toBase64() }));
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", shift.signing, joined(bytes(kind), body)));
  return joined(signature, body);
}

function carry(path, body, headers = {}) {
  return ask(path, { method: "POST", headers: { ...headers, "Content-Type": "application/octet-stream" }, body });
}

// A reason as the lane takes it: one printable line.
function oneLine(reason, verb) {
  const line = reason.toWellFormed().replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  const letters = [...line];
  if (letters.length <= REASON_MAX) return line;
  if (FREES.includes(verb)) return letters.slice(0, REASON_MAX).join("");
  throw new KeysError("long_reason", `a reason has ${REASON_MAX} characters at most`);
}

// RFC 8785 for strings, whole numbers, true, false, null, lists and objects; other values are no part of what is signed.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  const plain = value === null || typeof value === "boolean" || (typeof value === "string" && value.isWellFormed());
  if (plain || Number.isSafeInteger(value)) return JSON.stringify(value);
  throw new KeysError("malformed", "a value that cannot be signed");
}

// ── sealed pictures: HPKE, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (RFC 9180) ──────────────────

const KEM_SUITE = joined(bytes("KEM"), new Uint8Array([0x00, 0x20]));
const SUITE = joined(bytes("HPKE"), new Uint8Array([0x00, 0x20, 0x00, 0x01, 0x00, 0x02]));
const NOTHING = new Uint8Array();

// What a gate sealed to this shift's key: `part` is "face" or "document", `sealed` Base64. Returns the object that was sealed.
export async function open(gate, crossing, part, sealed) {
  const { sealing } = await needed();
  if (sealing === null) throw new KeysError("no_pictures", "a terminal's key opens no pictures");
  const all = fromBase64(sealed);
  const info = bytes(`${VIEW}${gate}\n${crossing}\n${part}`);
  try {
    const { key, nonce } = await keySchedule(sealing, all.subarray(0, KEY_BYTES), info);
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, key, all.subarray(KEY_BYTES));
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(opened));
  } catch {
    throw new KeysError("not_opened", "this was not sealed to this key, for this crossing");
  }
}

// The SHA-256 of a sealed part, Base64, in hex.
export async function digestOf(sealed) {
  return (await digest(fromBase64(sealed))).toHex();
}

// What an admission says of the sealed parts that were shown before it, by their digests, null for one that there was not: whoever carries them
// changes none unseen.
export async function seenOf(digests) {
  const parts = digests.map((one) => (one === null ? digest(NOTHING) : Uint8Array.fromHex(one)));
  return (await digest(joined(...(await Promise.all(parts))))).toHex();
}

async function digest(part) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", part));
}

async function keySchedule(sealing, enc, info) {
  const sender = await crypto.subtle.importKey("raw", enc, "X25519", false, []);
  const shared = await crypto.subtle.deriveBits({ name: "X25519", public: sender }, sealing.privateKey, 256);
  const prk = await labeledExtract(KEM_SUITE, NOTHING, "eae_prk", new Uint8Array(shared));
  const context = joined(enc, await raw(sealing.publicKey));
  const secretOfKem = await labeledExpand(KEM_SUITE, prk, "shared_secret", context, 32);
  const pskHash = await labeledExtract(SUITE, NOTHING, "psk_id_hash", NOTHING);
  const infoHash = await labeledExtract(SUITE, NOTHING, "info_hash", info);
  const schedule = joined(new Uint8Array([0x00]), pskHash, infoHash);
  const secret = await labeledExtract(SUITE, secretOfKem, "secret", NOTHING);
  const key = await labeledExpand(SUITE, secret, "key", schedule, 32);
  return {
    key: await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]),
    nonce: await labeledExpand(SUITE, secret, "base_nonce", schedule, 12),
  };
}

function labeledExtract(suite, salt, label, material) {
  return hmac(salt, joined(bytes("HPKE-v1"), suite, bytes(label), material));
}

// Up to 32 bytes: one round of HKDF-Expand.
async function labeledExpand(suite, prk, label, info, length) {
  const text = joined(new Uint8Array([0x00, length]), bytes("HPKE-v1"), suite, bytes(label), info, new Uint8Array([0x01]));
  return (await hmac(prk, text)).subarray(0, length);
}

async function hmac(secret, text) {
  const padded = secret.length ? secret : new Uint8Array(32); // WebCrypto takes no empty key; zeros are the same key
  const key = await crypto.subtle.importKey("raw", padded, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, text));
}

// ── where keys are kept: in the memory of a worker that this browser's pages share, and in no file ────────────────────
//
// A file keeps what is deleted from it, and a key that cannot be extracted lies there in the clear (docs/decisions/0019-passkeys-and-shift-keys.md).

let lasts = false; // this browser lets a worker outlive the page that leads to the next one: only such a browser reads the option
const keeping = {
  name: "keeper",
  get extendedLifetime() {
    lasts = true;
    return true;
  },
};
const script = globalThis.trustedTypes?.createPolicy("keeper", { createScriptURL: () => "/static/keeper.js" });
const keeper = script && globalThis.SharedWorker ? new SharedWorker(script.createScriptURL(""), keeping) : null;
const broken = new Promise((resolve) => {
  if (keeper) keeper.onerror = () => resolve(null);
});
indexedDB.deleteDatabase("portcullis-keys"); // where our pages kept them once

function requireMemory() {
  if (!lasts) throw new KeysError("no_store", "this browser's pages share no memory that lasts");
}

async function held() {
  return lasts ? inMemory({}) : null;
}

async function needed() {
  const shift = await held();
  if (shift === null) throw new KeysError("signed_out");
  return shift;
}

async function forget() {
  if (lasts) await inMemory({ keep: null });
}

function inMemory(message) {
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
  });
  keeper.port.postMessage(message, [port2]);
  return Promise.race([answered, broken]);
}

// ── the console, and bytes ─────────────────────────────────────────────────────────────────────────────────────────

function post(path, question) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(question) });
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", credentials: "same-origin", redirect: "error", ...options });
  } catch {
    throw new KeysError("away", "the console does not answer");
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new KeysError(said.error ?? "refused", said.detail ?? `the console answered ${answer.status}`, answer.status);
}

async function asked(passkey) {
  try {
    return await passkey();
  } catch (error) {
    const codes = { NotAllowedError: "cancelled", SecurityError: "wrong_address", InvalidStateError: "taken" };
    throw new KeysError(codes[error.name] ?? "no_passkey", error.message);
  }
}

function block(text, label) {
  const found = text.match(new RegExp(`-----BEGIN ${label}-----\\s([A-Za-z0-9+/=\\s]+)-----END ${label}-----`));
  if (!found) throw new KeysError("bad_file", `no ${label} in this file`);
  return fromBase64(found[1]);
}

function contents(certificate) {
  try {
    return JSON.parse(new TextDecoder().decode(certificate.subarray(SIGNATURE_BYTES)));
  } catch {
    throw new KeysError("malformed", "no shift certificate");
  }
}

function fromBase64(text) {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw new KeysError("malformed", "no Base64");
  }
}

async function raw(key) {
  return new Uint8Array(await crypto.subtle.exportKey("raw", key));
}

function bytes(text) {
  return new TextEncoder().encode(text);
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
