// What a traveller asks for: told to the gate at once, by touch or by the key that a site wires to it. The page answers all of it alike; what
// comes of it, the next screen shows.

const KEYS = { F1: "help", F2: "more_time", F3: "protection" };
const AGAIN_MS = 1000; // a second touch in this time is the first one's
const ANSWER_MS = 3000;

const root = document.documentElement;
const buttons = [...document.querySelectorAll("[data-ask]")];
let told = false; // more time was asked for on this screen

function ask(button) {
  if (button.hidden || button.dataset.pressed) return;
  button.dataset.pressed = "true";
  setTimeout(() => delete button.dataset.pressed, AGAIN_MS);
  tell(button.dataset.ask);
  if (button.dataset.only) {
    told = true;
    offer();
  }
}

async function tell(wish) {
  try {
    await fetch("/ask", { method: "POST", body: wish, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    // the server is gone or hangs: the page calls an officer by itself
  }
}

function offer() {
  for (const button of buttons) {
    const only = button.dataset.only;
    button.hidden = only !== undefined && (told || only !== root.dataset.screen);
  }
}

for (const button of buttons) button.addEventListener("click", () => ask(button));

addEventListener("keydown", (event) => {
  const button = buttons.find((one) => one.dataset.ask === KEYS[event.key]);
  if (!button) return;
  event.preventDefault();
  if (!event.repeat) ask(button);
});

let screen = root.dataset.screen;
new MutationObserver(() => {
  if (root.dataset.screen === screen) return;
  screen = root.dataset.screen;
  told = false;
  offer();
}).observe(root, { attributeFilter: ["data-screen"] });
offer();
