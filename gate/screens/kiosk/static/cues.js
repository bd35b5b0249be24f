// A short sound for each screen that asks something of the traveller, as loud as the gate is set. The officer's is the same for every cause.

const root = document.documentElement;
const cues = [...document.querySelectorAll("audio[data-screens]")];
let screen = root.dataset.screen;

for (const cue of cues) cue.volume = Number(cue.dataset.volume) / 100;

async function play(cue) {
  cue.currentTime = 0;
  try {
    await cue.play();
  } catch {
    // a browser that is not the kiosk's wants a touch first: the page says all of it without a sound
  }
}

new MutationObserver(() => {
  if (root.dataset.screen === screen) return;
  screen = root.dataset.screen;
  for (const cue of cues) {
    if (cue.dataset.screens.split(" ").includes(screen)) play(cue);
    else cue.pause();
  }
}).observe(root, { attributeFilter: ["data-screen"] });
