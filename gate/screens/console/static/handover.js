// The end of a shift: signed off by who leaves, read by who comes.

import { known } from "/static/console.js";

async function post(button, path, body) {
  button.disabled = true;
  const answer = await fetch(path, { method: "POST", body }).catch(() => null);
  if (answer?.ok) {
    location.reload();
    return;
  }
  button.disabled = false;
  document.getElementById("answer").textContent = answer ? await answer.text() : known("outcome", "unreachable");
}

const sign = document.getElementById("sign");
sign.addEventListener("click", () =>
  post(sign, "/handover", JSON.stringify({ words: document.getElementById("words").value })),
);

const read = document.getElementById("read");
read?.addEventListener("click", () => post(read, "/handover/read", ""));
