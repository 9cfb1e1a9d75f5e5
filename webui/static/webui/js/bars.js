/** The nine live bars. */

import { EMOTIONS, named } from "./emotions.js";

/** @param {string} tag @param {string} className @param {string} [text] */
function element(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

export class Bars {
  /** @param {HTMLUListElement} list filled with one row an expression */
  constructor(list) {
    this.rows = EMOTIONS.map((emotion) => {
      const row = element("li", "bar");
      row.dataset.emotion = emotion;
      const value = element("span", "bar-value", "–");
      const track = element("span", "bar-track");
      const fill = element("span", "bar-fill");
      track.setAttribute("aria-hidden", "true");
      track.append(fill);
      row.append(element("span", "bar-name", named(emotion)), value, track);
      list.append(row);
      return { emotion, row, value, fill };
    });
  }

  /** @param {Object<string, number> | null} scores each 0..1, or null for none @param {string} [leader] */
  show(scores, leader) {
    for (const each of this.rows) {
      const { emotion, row, value, fill } = each;
      const score = scores?.[emotion] ?? 0;
      const [length, text] = [`${Math.round((score - 1) * 200) / 2}%`, scores ? String(Math.round(score * 100)) : "–"];
      if (each.length !== length) fill.style.transform = `translateX(${length})`;
      if (each.text !== text) value.textContent = text;
      Object.assign(each, { length, text });
      row.classList.toggle("leading", scores !== null && emotion === leader);
    }
  }
}
