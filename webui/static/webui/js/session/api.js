/** Keeping a session and naming it, over the site's own API. */

import { KEEP } from "./words.js";

/** What went wrong, in words; `isStranger` when one has to sign in first. */
export class KeepError extends Error {
  /** @param {string} message @param {boolean} [isStranger] */
  constructor(message, isStranger = false) {
    super(message);
    this.name = "KeepError";
    this.isStranger = isStranger;
  }
}

/** Read when it is needed: one may have signed in in another tab meanwhile. */
function token() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

async function send(method, address, body) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token() };
  let response;
  try {
    response = await fetch(address, { method, headers, body: JSON.stringify(body) });
  } catch (error) {
    console.warn("The server did not answer.", error);
    throw new KeepError(KEEP.noAnswer);
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  const error = answer?.error;
  if (error?.code === "not_authenticated") throw new KeepError(KEEP.signIn, true);
  throw new KeepError(error?.message ?? KEEP.noAnswer);
}

/** @param {string} address of the API @param {import("./recorder.js").SessionRecord} session @returns {Promise<{id: number}>} */
export const keep = (address, session) => send("POST", address, session);

/** @param {string} address of the API @param {number} id @param {string} name */
export const rename = (address, id, name) => send("PATCH", `${address}${id}/`, { name });
