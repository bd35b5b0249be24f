// The page on which an officer signs in: with a passkey, or with the key file of a terminal.

import * as keys from "/static/keys.js";

const texts = JSON.parse(document.getElementById("texts").textContent);
const told = document.getElementById("told");
const passkey = document.getElementById("passkey");
const file = document.getElementById("file");

function tell(code) {
  told.textContent = code === null ? "" : (texts[code] ?? texts.refused);
  told.classList.toggle("bad", code !== "wait");
  told.hidden = code === null;
}

// Does one thing at a time, and says what went wrong with it.
async function trying(work) {
  if (passkey) passkey.disabled = true;
  file.disabled = true;
  try {
    await work();
    location.assign("/");
  } catch (error) {
    tell(error.code ?? "refused");
  } finally {
    if (passkey) passkey.disabled = false;
    file.disabled = false;
  }
}

passkey?.addEventListener("click", () => {
  tell("wait");
  trying(keys.signIn);
});

file.addEventListener("change", () => {
  const [chosen] = file.files;
  if (!chosen) return;
  trying(async () => {
    await keys.importKeyFile(await chosen.slice(0, 65536).text());
  }).finally(() => {
    file.value = ""; // or the same file chosen again would change nothing
  });
});

// Whoever has keys here is signed in by them, without a passkey, until the shift's end.
const who = await keys.holder();
if (who !== null) {
  try {
    const said = await keys.stay((error) => {
      document.getElementById("signed-in").hidden = true;
      tell(error.code);
    });
    document.getElementById("who").textContent = `${said.officer}, ${said.role}`;
    document.getElementById("clock").textContent = texts.clock;
    document.getElementById("clock").hidden = said.clock_off_s === 0;
    document.getElementById("signed-in").hidden = false;
  } catch (error) {
    tell(error.code);
  }
}
document.documentElement.dataset.ready = "";
