// A decision: the pictures, what the officer sees, then what the machine thinks, then an order with a reason.
//
// Promises: pictures are drawn and kept nowhere else, and are wiped when the page goes; what the machine thinks of the face is not on this page
// before the officer has said what they see.

import { digestOf, open } from "/static/keys.js";
import { confirm, give, listenToFlags, onOverview, root, say, showAnswer } from "/static/console.js";
import { set } from "/static/rows.js";
import { seenBy } from "/static/seen.js";

const page = document.getElementById("decision");
const { gate, crossing } = page.dataset;
const path = `/gates/${encodeURIComponent(gate)}/crossings/${encodeURIComponent(crossing)}`;
const answerBox = document.getElementById("answer");
let attack = [];
let said = null;
let settled = false; // by this page's own order
let left = false; // the traveller has waited no more since this page came
const shown = seenBy(root.dataset.officer, gate, crossing);

// ── the pictures ───────────────────────────────────────────────────────────────────────────────────────────────────

async function look() {
  const state = document.getElementById("look-state");
  const answer = await give({ gate, verb: "view", crossing });
  if (answer.outcome !== "done" || !answer.sealed) {
    showAnswer(state, answer);
    state.append(` ${state.dataset.failed}`);
    return;
  }
  const [face, document_] = await Promise.all(["face", "document"].map((part, at) => opened(part, answer.sealed[at])));
  const drawn = [await draw("live", face?.live), await draw("chip", face?.chip)];
  document.getElementById("faces").hidden = !drawn.includes(true);
  state.textContent = state.dataset[drawn.includes(true) ? (drawn.includes(false) ? "half" : "shown") : "failed"];
  attack = texts(face?.alarms) ?? [];
  const zone = [texts(document_?.printed), texts(document_?.chip)];
  showZone({ printed: zone[0], chip: zone[1] });
  await note(0, answer.sealed[0], drawn);
  await note(1, answer.sealed[1], zone.map((lines) => lines?.length > 0));
}

// What came and is no Base64 was not sealed, and nothing of it is shown.
async function note(part, sealed, things) {
  const digest = sealed ? await digestOf(sealed).catch(() => null) : null;
  if (digest !== null) shown.note(part, digest, things.filter(Boolean).length);
}

async function opened(part, sealed) {
  try {
    return sealed ? await open(gate, crossing, part, sealed) : null;
  } catch {
    return null; // sealed to somebody else, or changed on the way
  }
}

// What is sealed may be a captured child's word: of what is not as it should be nothing is shown, and the officer decides all the same.
function texts(value) {
  return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : null;
}

async function draw(id, base64) {
  const canvas = document.getElementById(id);
  const drawn = base64 ? await paint(canvas, base64) : false;
  canvas.closest("figure").hidden = !drawn;
  return drawn;
}

async function paint(canvas, base64) {
  try {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    bytes.fill(0);
    return true;
  } catch {
    return false;
  }
}

function wipe() {
  attack = [];
  for (const canvas of document.querySelectorAll("canvas")) canvas.width = 1; // a new size wipes the picture
  for (const id of ["mrz-printed", "mrz-chip"]) document.getElementById(id).replaceChildren();
}

addEventListener("pagehide", wipe);

// ── the zone as printed, beside the chip's: what differs is marked by a sign under the letter, too ─────────────────

function showZone({ printed, chip }) {
  if (!printed && !chip) return;
  document.getElementById("zone").hidden = false;
  const verdict = document.getElementById("mrz-verdict");
  showLines(document.getElementById("mrz-printed"), printed ?? [], chip);
  if (!chip) {
    document.getElementById("mrz-chip").textContent = document.getElementById("mrz-chip").dataset.none;
    return;
  }
  showLines(document.getElementById("mrz-chip"), chip, printed);
  const same = (printed ?? []).join("\n") === chip.join("\n");
  verdict.textContent = same ? verdict.dataset.same : verdict.dataset.differs;
  verdict.className = same ? "good" : "bad";
}

function showLines(element, lines, others) {
  element.replaceChildren(
    ...lines.map((line, number) => {
      const row = document.createElement("code");
      [...line].forEach((letter, at) => {
        const differs = others && others[number]?.[at] !== letter;
        const one = document.createElement(differs ? "mark" : "span");
        one.textContent = letter;
        row.append(one);
      });
      return row;
    }),
  );
}

// ── what the officer sees, then what the machine thinks ────────────────────────────────────────────────────────────

for (const button of document.querySelectorAll("[data-said]")) {
  button.addEventListener("click", async () => {
    if (said !== null) return;
    said = button.dataset.said;
    const answer = await fetch(`${path}/opinion`, { method: "POST", body: JSON.stringify({ said }) }).catch(() => null);
    document.getElementById("opinion-away").hidden = Boolean(answer?.ok);
    if (!answer?.ok) {
      said = null; // without it nobody sees the pictures of an alarm
      return;
    }
    document.getElementById("question").hidden = true;
    const words = document.getElementById("said");
    words.textContent = words.dataset.prefix.replace("…", button.textContent);
    document.getElementById("opinion").hidden = false;
    await showOpinion(await answer.json());
    document.getElementById("opinion").focus();
    document.getElementById("decide-first")?.remove();
    const actions = document.getElementById("actions");
    if (actions) actions.hidden = false;
  });
}

async function showOpinion({ reasons, numbers, quality }) {
  document
    .getElementById("about-face")
    ?.replaceWith(...reasons.map(({ words, detail, do: todo }) => item(detail ? `${words} (${detail})` : words, todo)));
  document.getElementById("numbers").replaceChildren(
    ...numbers.map(({ name, value, bound, verdict, tone }) => {
      const row = item(`${name}: ${value}`, [bound, verdict].filter(Boolean).join(", "));
      row.className = tone;
      return row;
    }),
  );
  document.getElementById("quality").replaceChildren(...quality.map((words) => item(words, "")));
  await showAttack();
}

function item(strong, rest) {
  const row = document.createElement("li");
  row.append(Object.assign(document.createElement("strong"), { textContent: strong }));
  if (rest) row.append(document.createElement("br"), Object.assign(document.createElement("span"), { textContent: rest, className: "do" }));
  return row;
}

async function showAttack() {
  const place = document.getElementById("attack-pictures");
  for (const [at, base64] of attack.entries()) {
    const name = place.dataset.name.replace("#", String(at + 1));
    const canvas = Object.assign(document.createElement("canvas"), { width: 480, height: 600 });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", name);
    const figure = document.createElement("figure");
    figure.append(canvas, Object.assign(document.createElement("figcaption"), { textContent: name }));
    if (await paint(canvas, base64)) place.append(figure);
  }
  document.getElementById("attack").hidden = place.children.length === 0;
}

// ── the order: what, why by a number, then one press ───────────────────────────────────────────────────────────────

const send = document.getElementById("send");
let why = null;

for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-action]")) other.setAttribute("aria-pressed", String(other === button));
    for (const reasons of document.querySelectorAll(".why")) {
      reasons.hidden = reasons.id !== `why-${button.dataset.action}`;
      for (const radio of reasons.querySelectorAll("input")) radio.checked = false;
    }
    send.hidden = true;
    why = document.getElementById(`why-${button.dataset.action}`);
    why.querySelector("input").focus();
  });
}

// A number chooses only while the reasons have the focus, so that no key pressed elsewhere decides about anybody.
for (const reasons of document.querySelectorAll(".why")) {
  reasons.addEventListener("keydown", (event) => {
    const radio = reasons.querySelector(`[data-number="${CSS.escape(event.key)}"]`);
    if (!radio || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    choose(radio);
    send.focus();
  });
  reasons.addEventListener("change", (event) => choose(event.target));
}

function choose(radio) {
  radio.checked = true;
  send.textContent = why.dataset.send.replace("…", radio.value);
  send.hidden = false;
}

send?.addEventListener("click", async () => {
  const reason = why?.querySelector("input:checked")?.value;
  if (said === null || !reason) return;
  const { verb, argument } = why.dataset;
  answerBox.textContent = say("order-running");
  const seen = verb === "admit" ? await shown.seen() : null;
  const answer = await give({ gate, verb, crossing, argument: argument || null, reason: `${said}; ${reason}`, seen }, send);
  if (answer === null) return;
  showAnswer(answerBox, answer);
  if (answer.outcome !== "done" && answer.outcome !== "ordered") return;
  settled = true;
  wipe();
  for (const place of document.querySelectorAll("#actions, .why, #send, #faces, #zone, #attack")) place.hidden = true;
  document.getElementById("undo").hidden = false;
  document.getElementById("take-back").hidden = verb !== "admit";
});

const takeBack = document.getElementById("take-back");
takeBack?.addEventListener("click", async () => {
  const { title, what, name } = takeBack.dataset;
  const wanted = await confirm({ title, what, yes: name, reason: true });
  if (wanted === null) return;
  const answer = await give({ gate, verb: "refer", crossing, reason: wanted.reason }, takeBack);
  if (answer) showAnswer(answerBox, answer);
});

// Where it takes two officers, whoever sees that one of them has ordered may take that back.
const back = document.getElementById("two-back");
back?.addEventListener("click", async () => {
  const { title, what, name } = back.dataset;
  const wanted = await confirm({ title, what, yes: name, reason: true });
  if (wanted === null) return;
  const answer = await give({ gate, verb: "refer", crossing, reason: wanted.reason }, back);
  if (answer) showAnswer(answerBox, answer);
});

function showTwo({ two, first }) {
  if (back === null) return;
  set(document.getElementById("two"), two);
  document.getElementById("two-back-row").hidden = !first;
}

onOverview((overview) => {
  const tile = overview.tiles.find((one) => one.gate === gate);
  const wait = tile?.waits.find((one) => one.crossing === crossing);
  const waits = wait !== undefined;
  document.getElementById("lost").hidden = !tile?.lost;
  if (!tile || tile.lost) return;
  if (waits && left && !settled) {
    location.reload(); // they wait again, and nothing of them is left here
    return;
  }
  left = !waits;
  if (waits) showTwo(wait);
  else if (!settled) showGone();
});

// Somebody else has decided, whatever was answered here before: of the first of two officers, of a flag, of an order that came too late. That answer stays.
function showGone() {
  wipe();
  document.getElementById("gone").hidden = false;
  for (const one of page.querySelectorAll("section:not(#decide), #decide > :not(#answer)")) one.hidden = true;
  page.hidden = !answerBox?.textContent;
}

listenToFlags(gate);
if ("pictures" in page.dataset) look().finally(() => document.getElementById("look-state").removeAttribute("aria-busy"));
