// The rows of what waits and what calls, on the overview and on a lane's page.

import { count, say } from "/static/console.js";

export function copy(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

// Rows keep their place and their focus as long as what they are about is there.
export function rows(list, items, key, make, show) {
  const before = new Map([...list.children].map((row) => [row.dataset.key, row]));
  items.forEach((item, index) => {
    const row = before.get(key(item)) ?? make(item);
    row.dataset.key = key(item);
    before.delete(key(item));
    if (list.children[index] !== row) {
      if (row.isConnected && list.moveBefore) list.moveBefore(row, list.children[index] ?? null);
      else list.insertBefore(row, list.children[index] ?? null);
    }
    show(row, item);
  });
  for (const gone of before.values()) gone.remove();
}

export function showCalls(list, gate, calls) {
  rows(
    list,
    calls,
    (call) => call.kind,
    (call) => {
      const row = copy("call");
      row.querySelector(".go").addEventListener("click", (event) => go(event.currentTarget, gate, call.kind));
      return row;
    },
    (row, call) => {
      row.toggleAttribute("data-urgent", call.urgent);
      row.toggleAttribute("data-escalated", call.escalated && !call.by);
      set(row.querySelector(".words"), call.words);
      set(row.querySelector(".do"), call.do);
      set(row.querySelector(".by"), call.by || call.went || (call.escalated ? say("call-escalated") : say("call-nobody-yet")));
      row.querySelector(".go").hidden = Boolean(call.by);
      count(row.querySelector(".seconds"), call.since_s);
    },
  );
}

async function go(button, gate, kind) {
  button.disabled = true;
  try {
    await fetch(`/gates/${encodeURIComponent(gate)}/calls/${encodeURIComponent(kind)}`, { method: "POST" });
  } finally {
    button.disabled = false;
  }
}

export function showWaits(list, gate, waits) {
  rows(
    list,
    waits,
    (wait) => wait.crossing,
    () => copy("wait"),
    (row, wait) => {
      set(row.querySelector(".because"), wait.why);
      set(row.querySelector(".two"), wait.two);
      set(row.querySelector(".flags"), wait.flags.join(" · "));
      row.querySelector(".decide").href = `/gates/${encodeURIComponent(gate)}/crossings/${encodeURIComponent(wait.crossing)}`;
      row.querySelector(".decide").hidden = !wait.decides;
      row.querySelector(".decide").setAttribute("aria-label", `${row.querySelector(".decide").textContent}: ${gate}`);
      count(row.querySelector(".seconds"), wait.waits_s);
    },
  );
}

export function showNotes(list, notes) {
  rows(
    list,
    notes,
    (note) => note,
    () => document.createElement("li"),
    (row, note) => set(row, note),
  );
}
