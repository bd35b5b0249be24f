// Signs whoever sits at the tour's page in at the console, by the console's own script: its keys are made in this browser and stay here.
// In the place of a passkey the tour's authority answers, which gives a certificate to the browser that shows the tour.

import * as keys from "/static/keys.js";

navigator.credentials.get = async () => ({ toJSON: () => ({}) });
try {
  const { officer } = await keys.signIn();
  // As if they had pressed "I am here": pictures are sealed to officers who are present alone.
  const now = Date.now();
  localStorage.setItem("presence", JSON.stringify({ officer, on: true, lapsed: false, since: now, answered: now, signed: 0 }));
  location.replace("/");
} catch (error) {
  document.getElementById("told").textContent = `You could not be signed in (${error.message}). The automatic officer decides.`;
}
