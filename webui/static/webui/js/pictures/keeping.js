/** Whether results are kept: two switches, off at first, remembered in this browser for the account. */

import { keepingKey } from "../account_choices.js";

export class Keeping {
  /** @param {HTMLElement | null} group of the switches; null for who is not signed in @param {string} account */
  constructor(group, account) {
    this.key = keepingKey(account);
    this.keep = group?.querySelector("#keep");
    this.picture = group?.querySelector("#keep-picture");
    if (!group) return;
    const stored = this.#stored();
    this.keep.checked = stored.keep === true;
    this.picture.checked = stored.picture === true;
    this.picture.disabled = !this.keep.checked;
    group.hidden = false;
    group.addEventListener("change", () => this.#changed());
  }

  /** What is added to the address of `POST /api/predict`. @returns {string} */
  get query() {
    if (!this.keep?.checked) return "";
    return this.picture.checked ? "?keep=true&thumbnail=true" : "?keep=true";
  }

  #changed() {
    this.picture.disabled = !this.keep.checked;
    try {
      localStorage.setItem(this.key, JSON.stringify({ keep: this.keep.checked, picture: this.picture.checked }));
    } catch (error) {
      console.info("This browser does not keep settings.", error);
    }
  }

  #stored() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) ?? {};
    } catch {
      return {}; // Private windows may forbid storage, and an old value may be damaged: both mean off.
    }
  }
}
