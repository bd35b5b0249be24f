// What this browser has shown an officer of a crossing, on whichever page: by it an order to admit says what its officer has seen.
//
// Promises: a page that shows less than one before it, or nothing, answers for what was shown before, so that whoever carries pictures cannot show
// their own, hold back the order that names them, and have the next one name none. Kept are digests of what was sealed, and no picture.

import { seenOf } from "/static/keys.js";

const KEPT = "seen";
const CROSSINGS_MAX = 64; // the oldest is forgotten

// One crossing's: `note` is told, for each sealed part, its digest and how many things of it the page shows; `seen` is what an admission names, null
// where nothing was ever shown.
export function seenBy(officer, gate, crossing) {
  const name = [officer, gate, crossing].join("\n");
  let parts = [null, null];
  try {
    parts = parts.map((_, at) => known(all()[name]?.[at]));
  } catch {
    // what cannot be kept counts on this page alone
  }
  return {
    note(part, digest, things) {
      if (things >= (parts[part]?.things ?? 0)) parts[part] = { digest, things };
      try {
        keep(name, parts);
      } catch {
        // as above
      }
    },
    async seen() {
      return parts.some((one) => one?.things > 0) ? seenOf(parts.map((one) => one?.digest ?? null)) : null;
    },
  };
}

function known(one) {
  return /^[0-9a-f]{64}$/.test(one?.digest) && Number.isSafeInteger(one.things) ? one : null;
}

function all() {
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  return kept !== null && typeof kept === "object" ? kept : {};
}

function keep(name, parts) {
  const { [name]: _, ...others } = all();
  const entries = [...Object.entries(others), [name, parts]];
  localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(entries.slice(-CROSSINGS_MAX))));
}
