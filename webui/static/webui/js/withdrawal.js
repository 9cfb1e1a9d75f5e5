/** Withdrawing a correction that was sent without an account, with the code that this browser keeps. */

import { CorrectionError, ask } from "./correction.js";

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
