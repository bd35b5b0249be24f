// One lane, and what may be ordered there.

import { confirm, give, listenToFlags, onOverview, say, showAnswer } from "/static/console.js";
import { set, showCalls, showNotes, showWaits } from "/static/rows.js";

const lane = document.getElementById("lane");
const { gate } = lane.dataset;
let now = null;

onOverview((overview) => {
  now = overview.tiles.find((tile) => tile.gate === gate);
  if (!now) return;
  lane.dataset.need = now.need;
  set(document.getElementById("state"), now.state);
  showWaits(document.getElementById("waits"), gate, now.waits);
  document.getElementById("lost").hidden = !now.lost;
  document.getElementById("nobody-waits").hidden = now.lost || now.waits.length > 0;
  showCalls(document.getElementById("calls"), gate, now.calls);
  document.getElementById("nothing-calls").hidden = now.calls.length > 0;
  showNotes(document.getElementById("notes"), now.notes);
  set(document.getElementById("present-names"), now.present);
});

for (const button of lane.querySelectorAll("[data-verb]")) {
  button.addEventListener("click", async () => {
    const { verb, title, what, name } = button.dataset;
    // The crossing that is meant is the one that ran when the question was asked, whatever runs at the answer.
    const crossing = "running" in button.dataset ? (now?.running ?? null) : null;
    if ("running" in button.dataset && crossing === null) {
      document.getElementById("answer").textContent = say("order-nobody");
      return;
    }
    const choices = JSON.parse(button.dataset.arguments);
    const wanted = await confirm({ title, what, yes: name, reason: true, choices, group: "named" in button.dataset });
    if (wanted === null) return;
    const answer = await give({ gate, verb, crossing, ...wanted }, button);
    if (answer) showAnswer(document.getElementById("answer"), answer);
  });
}

listenToFlags(gate);
