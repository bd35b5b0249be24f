// All lanes: who needs somebody first, as the server sorted them.

import { answerWords, confirm, count, give, onOverview } from "/static/console.js";
import { copy, rows, set, showCalls, showNotes, showWaits } from "/static/rows.js";

const tiles = document.getElementById("tiles");

onOverview((overview) => {
  rows(tiles, overview.tiles, (tile) => tile.gate, () => copy("tile"), show);
  document.getElementById("calm").hidden = overview.tiles.some((tile) => tile.need !== "nothing");
  const told = document.getElementById("told");
  if (told.textContent !== overview.title) told.textContent = overview.title;
});

function show(element, tile) {
  element.dataset.gate = tile.gate;
  element.dataset.need = tile.need;
  element.querySelector("use").setAttribute("href", `#icon-${tile.icon}`);
  const link = element.querySelector(".gate");
  set(link, tile.gate);
  link.href = `/gates/${encodeURIComponent(tile.gate)}`;
  set(element.querySelector(".mark"), tile.mark);
  set(element.querySelector(".serves"), tile.serves);
  set(element.querySelector(".state"), tile.state);
  element.querySelector(".lost").hidden = !tile.lost;
  count(element.querySelector(".lost .seconds"), tile.lost_s);
  set(element.querySelector(".trouble"), tile.trouble);
  element.querySelector(".nobody").hidden = !tile.nobody;
  showCalls(element.querySelector(".calls"), tile.gate, tile.calls);
  showWaits(element.querySelector(".waits"), tile.gate, tile.waits);
  showNotes(element.querySelector(".notes"), tile.notes);
  set(element.querySelector(".present"), tile.nobody ? "" : tile.present);
  element.querySelector(".last").hidden = tile.last === "";
  set(element.querySelector(".times"), tile.last);
}

// One confirmation, an order for each lane, each lane's answer.
const openAll = document.getElementById("open-all");
openAll?.addEventListener("click", async () => {
  const { ask, confirm: yes, gates } = openAll.dataset;
  const wanted = await confirm({ title: ask, what: openAll.dataset.do, yes, reason: true });
  if (wanted === null) return;
  const section = document.getElementById("answers");
  const list = section.querySelector("ul");
  section.hidden = false;
  list.replaceChildren();
  openAll.disabled = true;
  await Promise.all(
    gates.split(" ").map(async (gate) => {
      const row = list.appendChild(document.createElement("li"));
      row.textContent = `${gate} …`;
      const answer = await give({ gate, verb: "open-emergency", reason: wanted.reason });
      row.dataset.outcome = answer.outcome;
      row.textContent = `${gate}: ${answerWords(answer)}`;
    }),
  );
  openAll.disabled = false;
});
