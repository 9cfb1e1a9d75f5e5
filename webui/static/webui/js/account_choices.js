/** The names of choices that this browser remembers of accounts. */

export const REVIEW_KEY = "hamster-review-keys";

/** @param {string} account @returns {string} */
export const keepingKey = (account) => `hamster-keep-${account}`;

/** @param {string} account */
export function forgetChoices(account) {
  try {
    for (const key of [keepingKey(account), REVIEW_KEY]) localStorage.removeItem(key);
  } catch (error) {
    console.info("This browser does not keep choices.", error);
  }
}
