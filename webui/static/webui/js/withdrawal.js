/** Withdrawing corrections that were sent without an account, with the codes that this browser keeps. */

import { CorrectionError, ask } from "./correction.js";
import { forgetCorrection, keptCorrections } from "./kept_corrections.js";

const PATIENCE_MS = 20_000;

/**
 * @param {import("./kept_corrections.js").Kept} correction @param {string} url of the API's corrections
 * @param {string} token the page's CSRF token
 * @returns {Promise<boolean>} false: it is gone already
 * @throws {CorrectionError}
 */
export async function withdraw({ id, code }, url, token) {
  const headers = { "X-Withdrawal-Code": code, "X-CSRFToken": token };
  try {
    await ask(`${url}${id}/`, { method: "DELETE", headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    return true;
  } catch (error) {
    if (error instanceof CorrectionError && error.code === "not_found") return false;
    throw error;
  }
}

/**
 * Withdraw all whose codes this browser keeps and forget the codes, one after the other until one can't be withdrawn.
 * @param {string} url @param {string} token as for `withdraw`
 * @throws {CorrectionError}
 */
export async function withdrawAll(url, token) {
  for (const correction of keptCorrections()) {
    await withdraw(correction, url, token);
    forgetCorrection(correction.id);
  }
}
