// Shows the scene that the tour's program tells of: words, the two real pages in their frames, the lane from above.
//
// Promises: what is in the frames is the gate's own; this page draws the lane from what the simulated world says happened, and decides nothing.

const SILENCE_MS = 4000;
const TRAVELLERS_PX = { width: 1080, height: 1920 };
const CONSOLE_PX = 960; // as wide as a decision stands in two columns
const SVG = "http://www.w3.org/2000/svg";
// Where somebody stands in the drawing, by place; whoever left goes on the way they went.
const AT = { reader: 392, zone: 290, leaf: 240, beyond: 96 };
const GONE = { beyond: -40, reader: 520, zone: 520, leaf: 520 };
const BEHIND = 42;

const $ = (id) => document.getElementById(id);

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// ── the frames: as large as there is room for, in their own proportions ────────────────────────────────────────────

const frames = { traveller: $("traveller"), console: $("console") };

function fit() {
  const travellers = frames.traveller.parentElement;
  scale(frames.traveller, TRAVELLERS_PX.width, TRAVELLERS_PX.height, travellers.clientWidth / TRAVELLERS_PX.width);
  const { clientWidth, clientHeight } = frames.console.parentElement;
  const part = Math.min(1, clientWidth / CONSOLE_PX);
  scale(frames.console, clientWidth / part, clientHeight / part, part);
}

function scale(frame, width, height, part) {
  Object.assign(frame.style, { width: `${width}px`, height: `${height}px`, transform: `scale(${part})` });
}

new ResizeObserver(fit).observe($("stage"));

// A frame goes where it is told once a turn: what somebody does in it between is theirs.
const turns = {};

function lead(name, { address, turn }) {
  if (turns[name] === turn) return;
  turns[name] = turn;
  frames[name].src = address;
}

// ── the lane from above ────────────────────────────────────────────────────────────────────────────────────────────

const bodies = new Map();

function body(name, second) {
  const element = document.createElementNS(SVG, "g");
  const shoulders = document.createElementNS(SVG, "ellipse");
  const head = document.createElementNS(SVG, "circle");
  for (const [attribute, value] of [["rx", 20], ["ry", 11]]) shoulders.setAttribute(attribute, value);
  head.setAttribute("r", 8);
  element.append(shoulders, head);
  element.classList.add("body");
  element.classList.toggle("second", second);
  element.style.transform = "translate(100px, 520px)";
  $("bodies").append(element);
  element.getBoundingClientRect(); // or it would begin where it goes
  bodies.set(name, element);
  return element;
}

function showAbove({ bodies: there, leaf, document: lies, fire }) {
  const places = new Map(there);
  for (const [name, place] of there) {
    const second = name.endsWith("-other");
    const element = bodies.get(name) ?? body(name, second);
    const before = there.some(([other, at]) => other !== name && at === place);
    element.dataset.place = place;
    element.style.transform = `translate(100px, ${AT[place] + (second && before ? BEHIND : 0)}px)`;
  }
  for (const [name, element] of bodies) {
    if (places.has(name)) continue;
    bodies.delete(name);
    element.style.transform = `translate(100px, ${GONE[element.dataset.place]}px)`;
    setTimeout(() => element.remove(), 1500);
  }
  $("above").dataset.leaf = leaf;
  $("above").toggleAttribute("data-document", lies);
  $("above").toggleAttribute("data-fire", fire);
  say($("leaf-is"), fire ? `${leaf}, by the fire alarm` : leaf);
}

// ── what the program tells ─────────────────────────────────────────────────────────────────────────────────────────

let left = 0;

function showWaits(waits) {
  clearInterval(left);
  $("waits").dataset.state = waits === null ? "" : waits.left_s === null ? "done" : "waits";
  if (waits === null || waits.left_s === null) {
    say($("waits"), waits?.words ?? "");
    return;
  }
  const end = performance.now() + waits.left_s * 1000;
  const tick = () => say($("waits"), waits.words.replace("…", Math.max(0, Math.ceil((end - performance.now()) / 1000))));
  tick();
  left = setInterval(tick, 250);
}

function list(id, lines, tag = "li") {
  $(id).replaceChildren(...lines.map((line) => Object.assign(document.createElement(tag), { textContent: line })));
}

let waiting = "";
let over = false;

function show(tour) {
  document.documentElement.dataset.scene = tour.scene;
  if ($("scenes").children.length !== tour.of) list("scenes", Array(tour.of).fill(""));
  [...$("scenes").children].forEach((dot, at) => {
    dot.className = at + 1 < tour.scene ? "done" : at + 1 === tour.scene ? "now" : "";
  });
  say($("number"), tour.closing ? "The end" : tour.scene ? `Scene ${tour.scene} of ${tour.of}` : "");
  say($("title"), tour.title);
  say($("text"), tour.text);
  say($("told"), tour.told);
  for (const name of ["traveller", "console"]) if (tour[name]) lead(name, tour[name]);
  showAbove(tour.above);
  say($("entries"), tour.log === null ? "" : `${tour.log.entries} entries, signed`);
  say($("mirrored"), tour.log === null ? "" : mirror(tour.log));
  if (waiting !== JSON.stringify(tour.waits)) {
    waiting = JSON.stringify(tour.waits);
    showWaits(tour.waits);
  }
  // The traveller's screen stays in sight whatever else is shown: one that paints nothing is a fault of the lane.
  $("steps").hidden = !tour.steps.length;
  frames.console.parentElement.hidden = tour.steps.length > 0;
  say($("of-console"), tour.steps.length ? "The auditor's desk" : "The officer's console");
  list("steps", tour.steps);
  $("closing").hidden = tour.closing === null;
  if (tour.closing !== null) {
    for (const name of ["measured", "simulated", "unknown"]) list(name, tour.closing[name]);
    say($("real"), tour.closing.real);
    over = true;
    source.close(); // the program ends, and this page stays
    clearTimeout(silence);
  }
}

function mirror({ entries, mirrored }) {
  return entries === mirrored ? "has them all" : `${entries - mirrored} to catch up`;
}

let source = null;
let silence = 0;

function alive() {
  clearTimeout(silence);
  if (!over) silence = setTimeout(() => say($("text"), "The tour's program does not answer any more."), SILENCE_MS);
}

function listen() {
  source = new EventSource("/events");
  source.addEventListener("tour", (event) => {
    alive();
    show(JSON.parse(event.data));
  });
  source.addEventListener("beat", alive);
}

// The start page leaves the tour's secret behind the #. It is shown once, remembered by a cookie, and taken out of the address.
const secret = location.hash.slice(1);
if (secret) {
  history.replaceState(null, "", location.pathname);
  await fetch("/enter", { method: "POST", body: secret }).catch(() => {});
}
listen();
