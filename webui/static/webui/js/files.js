/** Files that the page makes and hands to the visitor. */

const REVOKE_AFTER = 60_000; // milliseconds: some browsers read it only after the click was handled

/**
 * @param {string} ending @param {Date} [moment] that it shows
 * @returns {string} "hamster-2026-01-31-142530.png", in the visitor's own time
 */
export function fileName(ending, moment = new Date()) {
  const part = (value) => String(value).padStart(2, "0");
  const day = [moment.getFullYear(), part(moment.getMonth() + 1), part(moment.getDate())].join("-");
  return `hamster-${day}-${[moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(part).join("")}.${ending}`;
}

/** Hand a file to the visitor. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), REVOKE_AFTER);
}
