/** What is seen, in words, and the quiet row of numbers. */

import { UNKNOWN, looksLike } from "./emotions.js";

export class Reading {
  /** @param {HTMLElement} line @param {HTMLElement} hint @param {HTMLElement} dot */
  constructor(line, hint, dot) {
    this.line = line;
    this.hint = hint;
    this.dot = dot;
  }

  /** @param {{line: string, hint: string}} words */
  say({ line, hint }) {
    this.#write(line, hint, UNKNOWN);
  }

  /** @param {import("./emotions.js").Face} face @param {string} [hint] */
  face(face, hint = "") {
    this.#write(looksLike(face), hint, face.label);
  }

  #write(line, hint, emotion) {
    if (this.line.textContent !== line) this.line.textContent = line;
    if (this.hint.textContent !== hint) this.hint.textContent = hint;
    this.dot.dataset.emotion = emotion;
  }
}

export class Numbers {
  /** @param {HTMLElement} list the `dl` whose `dd` elements are filled */
  constructor(list) {
    this.list = list;
    /** @type {Object<string, string>} what each of them says; the page is laid out anew for every one that is written */
    this.shown = {};
  }

  /** @param {Object<"fps" | "delay" | "dropped" | "detector", number | string | null>} numbers null: a dash */
  show(numbers) {
    for (const [name, value] of Object.entries(numbers)) {
      const text = typeof value === "number" ? String(Math.round(value)) : (value ?? "–");
      if (this.shown[name] === text) continue;
      this.shown[name] = text;
      this.list.querySelector(`#number-${name}`).textContent = text;
    }
  }
}
