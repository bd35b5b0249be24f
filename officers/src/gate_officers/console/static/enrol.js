// The page on which an officer who was invited makes a passkey.

import { enrol } from "/static/keys.js";

const texts = JSON.parse(document.getElementById("texts").textContent);
const told = document.getElementById("told");
const form = document.getElementById("enrol");
const button = form.querySelector("button");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  told.textContent = texts.wait;
  told.classList.remove("bad");
  told.hidden = false;
  try {
    await enrol(form.elements.officer.value.trim(), form.elements.code.value.trim());
    told.hidden = true;
    form.hidden = true;
    document.getElementById("done").hidden = false;
  } catch (error) {
    told.textContent = texts[error.code] ?? texts.refused;
    told.classList.add("bad");
  } finally {
    button.disabled = false;
  }
});

document.documentElement.dataset.ready = "";
