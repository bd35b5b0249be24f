// Shows the state that the server sends; keeps nothing of a traveller.
//
// Promises: never an old state, nor half of one (an officer is called when the server has been silent for SILENCE_MS, when a state cannot be shown,
// and by the style sheet alone when this script has stopped), never a frame of the camera beyond the screen that needs it, and the next traveller starts with all
// languages and the usual size again.

const RETRY_MS = 500;
const SILENCE_MS = 3000;
const FORGET_MS = 30000; // without a touch: then the next traveller finds the page as it is for everybody
const OFFER_MS = 5000;
const RENEW_MS = 6 * 3600 * 1000; // a browser's memory may grow with every frame: start afresh between travellers
const ALL = "all";

const root = document.documentElement;
const texts = JSON.parse(document.getElementById("texts").textContent);
const offline = { ...JSON.parse(document.getElementById("offline").textContent), screen: "offline" };
const languages = Object.keys(texts);

// ── the screen ─────────────────────────────────────────────────────────────────────────────────────────────────────

function show(state) {
  const isNewTraveller = state.screen === "welcome" && root.dataset.screen !== "welcome";
  root.dataset.screen = state.screen;
  root.dataset.tone = state.tone;
  say(document.querySelector("h1"), state.title);
  offer(state);
  document.querySelector(".words").setAttribute("aria-live", state.tone === "alarm" ? "assertive" : "polite");
  for (const drawing of document.querySelectorAll(".pictogram")) {
    drawing.hidden = drawing.dataset.pictogram !== state.pictogram;
  }
  document.querySelector(".notice").hidden = !state.notice;
  const mark = document.querySelector(".mark");
  mark.hidden = state.mark === null;
  if (state.mark !== null) say(mark, state.mark);
  for (const sign of document.querySelectorAll(".sign")) sign.hidden = !state.signs.includes(sign.dataset.sign);
  showStep(state.step);
  root.dataset.guide = state.pictogram;
  root.toggleAttribute("data-guided", state.preview && state.pictogram !== "camera");
  document.querySelector(".oval").style.setProperty("--filled", state.progress);
  mirror.want(state.preview);
  passports = state.language;
  if (isNewTraveller) forget();
  else speak();
  if (isNewTraveller && performance.now() > RENEW_MS) location.reload();
  nameThePage();
}

// Nobody is asked for ever for what a child or somebody in a wheelchair cannot do: then an officer is offered.
let offering = 0;
let hint = "";

function offer(state) {
  hint = state.hint;
  if (!state.offer) {
    clearTimeout(offering);
    offering = 0;
    root.toggleAttribute("data-offer", false);
  } else if (!offering) {
    offering = setTimeout(() => {
      root.toggleAttribute("data-offer", true);
      say(document.querySelector(".hint"), "look-offer");
    }, OFFER_MS);
  }
  say(document.querySelector(".hint"), root.hasAttribute("data-offer") ? "look-offer" : hint);
}

function say(element, text) {
  if (element.dataset.text === text) return;
  element.dataset.text = text;
  for (const line of element.children) line.textContent = texts[line.lang][text];
}

function showStep(step) {
  document.querySelector(".steps").hidden = step === null;
  document.querySelectorAll(".steps li").forEach((item, index) => {
    item.dataset.is = index + 1 < step ? "done" : index + 1 === step ? "now" : "next";
    if (index + 1 === step) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
}

// ── sizes: for eyes at a stated distance, on a display of a stated width ───────────────────────────────────────────

const H_DEGREES = 0.7; // EN 301 549, 5.1.4
const H_PART = 0.714; // how much of the size of Noto Sans is its capital H
const distanceMm = Number(root.dataset.distanceCm) * 10;
const leastMm = (2 * distanceMm * Math.tan((H_DEGREES * Math.PI) / 360)) / H_PART;
if (Number(root.dataset.widthMm)) root.style.setProperty("--mm", `${100 / Number(root.dataset.widthMm)}vw`);
root.style.setProperty("--least", `calc(${leastMm.toFixed(2)} * var(--mm))`);
const larger = document.querySelector(".larger");

function enlarge(on) {
  root.toggleAttribute("data-large", on);
  larger.setAttribute("aria-pressed", String(on));
  keep();
}

larger.addEventListener("click", () => enlarge(!root.hasAttribute("data-large")));

// ── languages: all of them until somebody chooses, or a passport says which, and again for the next traveller ──────────

let chosen = null; // by the switch; null: nobody has chosen
let passports = null; // by the passport's issuer, as the server says; null: none
let forgetting = 0;

function choose(language) {
  chosen = language;
  speak();
  keep();
}

function speak() {
  const language = chosen ?? passports ?? ALL;
  const main = language === ALL ? languages[0] : language;
  if (root.dataset.language === language && root.lang === main) return;
  root.dataset.language = language;
  root.style.setProperty("--lines", language === ALL ? languages.length : 1);
  root.lang = main;
  root.dir = language === ALL ? "ltr" : document.querySelector(`[data-choose="${language}"]`).dir;
  for (const line of document.querySelectorAll("[data-text] > [lang], .notice > [lang]")) {
    line.hidden = language !== ALL && line.lang !== language;
  }
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.setAttribute("aria-pressed", String(button.dataset.choose === language));
  }
  for (const labelled of document.querySelectorAll("[data-label]")) {
    labelled.setAttribute("aria-label", texts[main][labelled.dataset.label]);
  }
  nameThePage();
}

// Whoever chose and went away leaves every language and the usual size behind; whoever touches the page, or is on the way through, keeps theirs.
function keep() {
  clearTimeout(forgetting);
  forgetting = setTimeout(() => {
    if (root.dataset.screen === "welcome" || root.dataset.screen === "closed") forget();
  }, FORGET_MS);
}

function forget() {
  enlarge(false);
  choose(null);
}

document.addEventListener("pointerdown", keep);
document.addEventListener("keydown", keep);

function nameThePage() {
  const here = texts[root.lang];
  document.title = `${here[document.querySelector("h1").dataset.text]} – ${here["page-name"]}`;
}

for (const button of document.querySelectorAll("[data-choose]")) {
  button.addEventListener("click", () => {
    choose(root.dataset.language === button.dataset.choose ? ALL : button.dataset.choose);
  });
}

// ── the mirror: the camera's picture, one frame at a time, dropped while one is being drawn; and the light that it sees ──

const mirror = {
  canvas: document.querySelector(".mirror"),
  socket: null,
  wanted: false,
  busy: false,

  want(on) {
    this.wanted = on;
    if (on && !this.socket) this.open();
    if (!on) this.close();
  },

  open() {
    const socket = new WebSocket(`ws://${location.host}/preview`);
    socket.binaryType = "blob";
    socket.onmessage = (message) => {
      if (this.socket !== socket) return;
      if (typeof message.data === "string") this.tint(JSON.parse(message.data));
      else this.draw(message.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.clear();
      this.untint();
      setTimeout(() => this.want(this.wanted), RETRY_MS);
    };
    this.socket = socket;
  },

  close() {
    const socket = this.socket;
    this.socket = null;
    if (socket) socket.close();
    this.clear();
    this.untint();
  },

  async draw(jpeg) {
    if (this.busy) return;
    this.busy = true;
    try {
      const bitmap = await createImageBitmap(jpeg);
      if (this.wanted) this.paint(bitmap);
      bitmap.close();
    } catch {
      this.clear(); // not a picture: the pictogram says what to do
    } finally {
      this.busy = false;
    }
  },

  paint(bitmap) {
    if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
      this.canvas.width = bitmap.width;
      this.canvas.height = bitmap.height;
    }
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    this.reveal(true);
  },

  // The whole page shines a pale colour at the face, and says so once it is painted: the second callback comes after that.
  tint({ number, colour }) {
    const socket = this.socket;
    root.style.setProperty("--tint", colour);
    root.toggleAttribute("data-tint", true);
    requestAnimationFrame(() => {
      requestAnimationFrame(() => {
        if (this.socket === socket && socket.readyState === WebSocket.OPEN) socket.send(String(number));
      });
    });
  },

  untint() {
    root.toggleAttribute("data-tint", false);
  },

  clear() {
    this.canvas.width = 1; // a new size wipes the picture
    this.canvas.height = 1;
    this.reveal(false);
  },

  reveal(on) {
    this.canvas.hidden = !on;
    document.querySelector(".oval").hidden = !on;
    root.toggleAttribute("data-mirror", on);
  },
};

// ── the server's events, and its silence ───────────────────────────────────────────────────────────────────────────

let source = null;
let silence = 0;
let newest = "";
const stopped = document.querySelector(".stopped");

// The second callback comes after the state has been painted. A page that says nothing is a fault of the lane.
function painted() {
  const event = newest;
  requestAnimationFrame(() => {
    requestAnimationFrame(() => {
      if (event === newest) fetch("/seen", { method: "POST", body: event }).catch(() => {});
    });
  });
}

// A state that cannot be shown whole calls an officer. No beat counts until one can: so the page falls silent, and asks anew.
function present(state, event) {
  newest = "";
  try {
    show(state);
    newest = event;
  } catch (error) {
    show(offline);
    throw error;
  }
}

function listen() {
  source = new EventSource("/events");
  source.addEventListener("state", (event) => {
    const state = JSON.parse(event.data);
    if (state.boot !== root.dataset.boot) {
      location.reload();
      return;
    }
    present(state, event.lastEventId);
    alive();
    painted();
  });
  source.addEventListener("beat", () => {
    if (!newest) return;
    alive();
    painted();
  });
  source.addEventListener("error", () => {
    show(offline);
    // After a refusal the browser does not try again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
  });
}

// Nothing is painted in a tab that nobody sees.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") navigator.sendBeacon("/seen", "");
});

function alive() {
  for (const waiting of stopped.getAnimations()) waiting.currentTime = 0;
  clearTimeout(silence);
  silence = setTimeout(fallSilent, SILENCE_MS);
}

function fallSilent() {
  // The connection stands and nothing comes: the server hangs. A new connection begins with the whole state.
  show(offline);
  source.close();
  setTimeout(listen, RETRY_MS);
  alive();
}

// The start page leaves the boot's secret behind the #. It is shown once, remembered by a cookie, and taken out of the address.
async function enter() {
  const secret = location.hash.slice(1);
  if (!secret) return;
  history.replaceState(null, "", location.pathname);
  try {
    await fetch("/enter", { method: "POST", body: secret });
  } catch {
    // the server has just gone: the stream is refused, and the screen calls an officer
  }
}

root.style.setProperty("--lines", languages.length);
document.querySelector(".languages").hidden = false;
alive();
await enter();
listen();
