/** The withdrawal codes of corrections that were sent from this browser without an account. */

const KEY = "hamster-corrections";
const MOST_AT_ONCE = 1000; // as the server takes

/** @typedef {{id: number, code: string, at: string, shown: string, label: string}} Kept */

/** @returns {Kept[]} newest first */
export function keptCorrections() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(kept) ? kept.filter((one) => Number.isInteger(one?.id) && typeof one.code === "string") : [];
  } catch {
    return []; // Private windows may forbid storage, and an old value may be damaged.
  }
}

/** @param {Kept} correction @returns {boolean} whether this browser keeps it */
export function keepCorrection(correction) {
  return write([correction, ...keptCorrections()]);
}

/** @param {number} id */
export function forgetCorrection(id) {
  write(keptCorrections().filter((one) => one.id !== id));
}

/** @returns {Kept[]} those that are withdrawn together with an account */
export function correctionsAtOnce() {
  return keptCorrections().slice(0, MOST_AT_ONCE);
}

/** They are withdrawn. */
export function forgetCorrectionsAtOnce() {
  write(keptCorrections().slice(MOST_AT_ONCE));
}

function write(corrections) {
  try {
    if (corrections.length) localStorage.setItem(KEY, JSON.stringify(corrections));
    else localStorage.removeItem(KEY);
    return true;
  } catch (error) {
    console.info("This browser does not keep codes.", error);
    return false;
  }
}
