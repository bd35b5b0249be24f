// What every page of the console does: hears all lanes on one stream, says when that is silent, calls with sound and title, counts
// seconds, sends orders, and keeps presence.
//
// Promises: what is shown is never taken for new when the console is silent; an order is sent once, and its button is dead until the answer;
// no picture and no key is here.

import { order, signOut, stay } from "/static/keys.js";

const RETRY_MS = 500;
const SILENCE_MS = 2000; // an outage shows within two seconds
const SOUND_EVERY_MS = { escalated: 3000, alarm: 5000, call: 20000 };

export const root = document.documentElement;
const texts = JSON.parse(document.getElementById("texts").textContent);

export const say = (text) => texts[text] ?? text;
export const known = (kind, value) => texts[`${kind}-${value}`] ?? value;

// ── seconds that count, from the age in the event ──────────────────────────────────────────────────────────────────

export function count(element, age_s) {
  if (age_s === null) {
    element.textContent = "";
    delete element.dataset.began;
    return;
  }
  element.dataset.began = String(performance.now() - age_s * 1000);
  tick(element);
}

function tick(element) {
  const s = Math.max(0, Math.floor((performance.now() - Number(element.dataset.began)) / 1000));
  const text = s < 60 ? `${s} s` : `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  if (element.textContent !== text) element.textContent = text;
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-began]")) tick(element);
}, 500);

for (const element of document.querySelectorAll("[data-since]")) {
  if (element.dataset.since) count(element, Number(element.dataset.since));
}

// ── the stream: all lanes, one connection ──────────────────────────────────────────────────────────────────────────

const hearers = [];
let source = null;
let silence = 0;
let latest = null;

export function onOverview(hear) {
  hearers.push(hear);
  if (latest !== null) hear(latest);
}

function listen() {
  source = new EventSource("/events");
  source.addEventListener("overview", (event) => {
    const overview = JSON.parse(event.data);
    if (overview.boot !== root.dataset.boot) {
      location.reload();
      return;
    }
    latest = overview;
    alive();
    call(overview);
    for (const hear of hearers) hear(overview);
  });
  source.addEventListener("beat", alive);
  source.addEventListener("error", () => {
    // After a refusal the browser does not try again by itself: the shift may be over, or the session.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS);
  });
}

function alive() {
  showOffline(false);
  clearTimeout(silence);
  silence = setTimeout(fallSilent, SILENCE_MS);
  keepPresence();
}

function fallSilent() {
  showOffline(true);
  source.close();
  setTimeout(listen, RETRY_MS);
  silence = setTimeout(fallSilent, SILENCE_MS + RETRY_MS);
}

// An outage that lasts calls like an alarm, where anything calls at all: nobody looks at a page for eight hours. A device that wakes up has none.
function showOffline(is) {
  const lasts = is && root.hasAttribute("data-offline");
  document.getElementById("offline").hidden = !is;
  root.toggleAttribute("data-offline", is);
  if (lasts) call({ title: say("offline-title"), sound: root.dataset.role === "auditor" ? "" : "alarm" });
}

// ── sound and title ────────────────────────────────────────────────────────────────────────────────────────────────

const ownTitle = document.title;
const sounds = Object.fromEntries(
  ["call", "alarm", "escalated"].map((name) => [name, new Audio(`/static/${name}.wav`)]),
);
let sounding = "";
let again = 0;

function call(overview) {
  document.title = overview.title ? `${overview.title} – ${ownTitle}` : ownTitle;
  if (overview.sound === sounding) return;
  sounding = overview.sound;
  clearTimeout(again);
  if (sounding) sound();
}

async function sound() {
  again = setTimeout(sound, SOUND_EVERY_MS[sounding]);
  await play(sounds[sounding]);
}

async function play(audio) {
  const off = document.getElementById("sound-off");
  try {
    await audio.play();
    off.hidden = true;
  } catch {
    off.hidden = false; // the browser wants a press first
  }
}

document.getElementById("sound-off").addEventListener("click", () => play(sounds.call));

// ── orders: confirmed, sent once, answered by what the lane did ────────────────────────────────────────────────────

const LACKS = ["other_gate", "challenge_foreign", "challenge_old", "role", "gate_not_certified", "shift_not_begun", "shift_over", "clock_unsure"];

export async function give(wanted, button = {}) {
  if (button.disabled) return null;
  button.disabled = true;
  let answer;
  try {
    answer = await order(wanted);
  } catch (error) {
    answer = failed(error);
  } finally {
    button.disabled = false;
  }
  if (["done", "ordered", "one_more"].includes(answer.outcome)) touchPresence();
  return answer;
}

// No order reached the lane: a word that the texts have, or what the browser says.
function failed(error) {
  if (error.code === "gate_away") return { outcome: "unreachable", detail: error.message, sealed: null };
  return { outcome: "failed", detail: inWords(error), sealed: null };
}

export function inWords(error) {
  return texts[`keys-${error.code}`] ?? error.message;
}

export function answerWords(answer) {
  const lacks = LACKS.filter((lack) => new RegExp(`\\b${lack}\\b`).test(answer.detail)).map((lack) => known("lack", lack));
  const detail = lacks.length ? lacks.join(" ") : answer.detail;
  return detail ? `${known("outcome", answer.outcome)}: ${detail}` : known("outcome", answer.outcome);
}

export function showAnswer(element, answer) {
  element.dataset.outcome = answer.outcome;
  element.textContent = answerWords(answer);
}

// Asks before an order. Resolves with what was chosen, or null when it was not wanted.
export function confirm({ title, what, yes, reason = false, choices = [], group = false }) {
  const dialog = document.getElementById("confirm");
  const [choice, named, words] = ["choice", "group", "reason"].map((name) => document.getElementById(`confirm-${name}`));
  document.getElementById("confirm-title").textContent = title;
  document.getElementById("confirm-what").textContent = what;
  document.getElementById("confirm-yes").textContent = yes;
  document.getElementById("confirm-choice-field").hidden = !choices.length;
  document.getElementById("confirm-group-field").hidden = !group;
  document.getElementById("confirm-reason-field").hidden = !reason;
  choice.replaceChildren(...choices.map(({ value, name }) => new Option(name, value)));
  named.value = "";
  words.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const done = (chosen) => {
      yesButton.onclick = noButton.onclick = dialog.onclose = null;
      dialog.close();
      resolve(chosen);
    };
    const yesButton = document.getElementById("confirm-yes");
    const noButton = document.getElementById("confirm-no");
    yesButton.onclick = () => {
      const argument = choices.length ? choice.value : group ? named.value.trim() : null;
      if (argument === "") named.focus();
      else done({ argument, reason: words.value.trim() });
    };
    noButton.onclick = () => done(null);
    dialog.onclose = () => done(null);
  });
}

export function listenToFlags(gate) {
  for (const button of document.querySelectorAll("[data-flag]")) {
    button.addEventListener("click", async () => {
      const { title, what, name, flag, crossing } = button.dataset;
      if ((await confirm({ title, what, yes: name })) === null) return;
      const answer = await give({ gate, verb: "flag", argument: flag, crossing: crossing || null }, button);
      if (answer) showAnswer(document.getElementById("answer"), answer);
    });
  }
}

// ── presence: said every minute while the officer answers ──────────────────────────────────────────────────────────

const PRESENT_EVERY_MS = 60_000;
const PRESENT_AGAIN_MS = 5_000; // to those lanes alone that count nobody: they began anew, or have not heard the word
const ASK_EVERY_MS = 15 * 60_000;
const ANSWER_MS = 60_000;
const HOUR_MS = 60 * 60_000;

const watched = JSON.parse(document.getElementById("watched").textContent);

// Shared by all pages of this officer: on since when, last answered, last signed for all lanes, and again for some. A clock that jumps asks at once.
const presence = {
  read() {
    try {
      const kept = JSON.parse(localStorage.getItem("presence"));
      return kept && kept.officer === root.dataset.officer ? kept : null;
    } catch {
      return null;
    }
  },
  keep(changes) {
    localStorage.setItem("presence", JSON.stringify({ ...this.read(), officer: root.dataset.officer, ...changes }));
  },
  end(lapsed) {
    localStorage.setItem("presence", JSON.stringify({ officer: root.dataset.officer, lapsed }));
  },
};

const since = (at) => {
  const ms = Date.now() - at;
  return ms < 0 ? Infinity : ms;
};

function touchPresence() {
  if (presence.read()?.on) presence.keep({ answered: Date.now() });
}

// Driven by the stream's beats, which a hidden page hears every second.
function keepPresence() {
  if (!watched.length) return;
  const now = presence.read();
  if (!now?.on) {
    showPresence(now);
    return;
  }
  const quiet_ms = since(now.answered);
  if (quiet_ms >= ASK_EVERY_MS + ANSWER_MS) {
    presence.end(true);
    showPresence(presence.read());
    return;
  }
  const uncounted = watched.filter((gate) => latest?.tiles.some((tile) => tile.nobody && tile.gate === gate));
  if (since(now.signed) >= PRESENT_EVERY_MS) signPresence(watched, true);
  else if (uncounted.length && since(Math.max(now.signed, now.again ?? 0)) >= PRESENT_AGAIN_MS) signPresence(uncounted, true);
  showPresence(now, quiet_ms);
}

// What each lane answered last, by the lane.
const answered = new Map();

async function signPresence(gates, byItself) {
  presence.keep({ [gates === watched ? "signed" : "again"]: Date.now() });
  await Promise.all(
    gates.map(async (gate) => {
      try {
        answered.set(gate, await order({ gate, verb: "present", byItself }));
      } catch (error) {
        answered.set(gate, failed(error));
      }
    }),
  );
  const refused = [...answered].filter(([, answer]) => answer.outcome !== "done");
  const trouble = document.getElementById("presence-trouble");
  trouble.hidden = !refused.length;
  trouble.textContent = refused.length
    ? `${say("presence-refused")} ${refused.map(([gate, answer]) => `${gate} (${answerWords(answer)})`).join(", ")}`
    : "";
}

function showPresence(now, quiet_ms = 0) {
  const on = Boolean(now?.on);
  const state = document.getElementById("presence-state");
  // Presence ends at the lanes: what this page has stopped saying counts there until they have missed it.
  const off = [now?.lapsed ? say("presence-lapsed") : "", latest?.still || say("presence-off")];
  const words = on ? state.dataset.on : off.filter(Boolean).join(" ");
  if (state.textContent !== words) state.textContent = words;
  document.getElementById("presence-begin").hidden = on;
  document.getElementById("presence-end").hidden = !on;
  document.getElementById("presence-hour").hidden = !(on && since(now.since) >= HOUR_MS);
  askPresence(on && quiet_ms >= ASK_EVERY_MS ? Math.ceil((ASK_EVERY_MS + ANSWER_MS - quiet_ms) / 1000) : null);
}

// The officer goes: from now on this page says it no more.
export function leave() {
  presence.end(false);
}

function askPresence(left_s) {
  const dialog = document.getElementById("present");
  if (left_s === null) {
    if (dialog.open) dialog.close();
    return;
  }
  document.getElementById("present-left").textContent = `${left_s} s`;
  if (!dialog.open) {
    dialog.showModal();
    play(sounds.call);
  }
}

function answerPresence() {
  const now = Date.now();
  presence.keep({ on: true, lapsed: false, since: presence.read()?.since ?? now, answered: now });
  signPresence(watched, false);
  keepPresence();
}

if (watched.length) {
  document.getElementById("presence-begin").addEventListener("click", () => {
    presence.keep({ since: Date.now() });
    answerPresence();
  });
  document.getElementById("presence-end").addEventListener("click", () => {
    leave();
    showPresence(presence.read());
  });
  document.getElementById("present-yes").addEventListener("click", answerPresence);
  document.getElementById("present").addEventListener("cancel", (event) => event.preventDefault());
  showPresence(presence.read());
}

document.getElementById("sign-out").addEventListener("click", async () => {
  leave();
  await signOut();
  location.assign("/sign-in");
});

// The session goes on as long as this page proves its key; without one there is nothing to see here.
async function staySignedIn() {
  const toSignIn = () => location.assign("/sign-in");
  try {
    await stay(toSignIn);
  } catch (error) {
    if (error.code === "away") setTimeout(staySignedIn, SILENCE_MS);
    else toSignIn();
  }
}

alive();
listen();
staySignedIn();
