// The end of a shift: signed off by who leaves, read by who comes; both by their shift's key, over what this page shows.

import { inWords, leave } from "/static/console.js";
import { handOver, markRead } from "/static/keys.js";

const { at, open_at, unread } = JSON.parse(document.getElementById("shown").textContent);

async function hand(button, over) {
  button.disabled = true;
  try {
    await over();
    location.reload();
  } catch (error) {
    button.disabled = false;
    document.getElementById("answer").textContent = inWords(error);
  }
}

const sign = document.getElementById("sign");
sign.addEventListener("click", () =>
  hand(sign, async () => {
    await handOver({ at, open_at, words: document.getElementById("words").value.toWellFormed() });
    leave();
  }),
);

const read = document.getElementById("read");
read?.addEventListener("click", () => hand(read, () => markRead({ at, handovers: unread })));
