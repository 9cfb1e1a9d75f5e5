/** Words and numbers in the page's language.
 *
 * The words come from Django's catalogue, a script that pages in other languages than English load before the
 * modules (webui/languages.py). Where there is none, the English of the code is what is said.
 */

export const language = globalThis.document?.documentElement.lang || "en";

/** @param {string} text in English, written out here so that makemessages finds it @returns {string} */
export function gettext(text) {
  return globalThis.gettext?.(text) ?? text;
}

/** @param {string} one @param {string} many @param {number} count @returns {string} the right one for so many */
export function ngettext(one, many, count) {
  return globalThis.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
}

/** @param {string} text with `{name}` where a value stands @param {Object<string, string | number>} values */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** @param {number} value @param {number} [digits] after the point @returns {string} "4.2", "4,2" */
export function decimal(value, digits = 0) {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, options).format(value);
}

/** @param {string[]} parts @returns {string} "one, two, three" */
export function listed(parts) {
  return parts.reduce((first, next) => (first === "" ? next : fill(gettext("{first}, {next}"), { first, next })), "");
}

/** @param {string[]} parts whole sentences, or "" @returns {string} one after the other */
export function sentences(...parts) {
  return parts.reduce((first, next) => (first && next ? fill(gettext("{first} {next}"), { first, next }) : first || next), "");
}

/** @param {string} title @param {string} text @returns {string} "Face 2: looks happy" */
export function titled(title, text) {
  return fill(gettext("{title}: {text}"), { title, text });
}

/** @param {string} words a title @returns {string} with a full stop, unless it ends as a sentence does already */
export function stopped(words) {
  return /[?!？！]$/.test(words) ? words : fill(gettext("{words}."), { words });
}
