/** A stretch of time as a ribbon in the colours of the expressions, with their names, and a marker that tells of any moment. */

import { make } from "../../hamster/svg.js";
import { UNKNOWN, percent } from "../emotions.js";
import { gettext } from "../i18n.js";
import { runs, sampleAt, shares, thinned } from "./samples.js";
import { clock, sayMoment, sayShares, title } from "./words.js";

const MOST_DRAWN = 300;
const ROOM_FOR_A_NAME = 0.2;
const MARKS = 1000;

/** @param {string} tag @param {Object<string, string>} [properties] @param {...Node} children */
function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export class Ribbon {
  /** @param {HTMLElement} root filled with the ribbon, its marker, and what it shows in words */
  constructor(root) {
    this.svg = make("svg", { class: "ribbon-runs", "aria-hidden": "true", focusable: "false" });
    this.marker = element("input", { type: "range", className: "ribbon-marker", min: "0", max: String(MARKS), value: String(MARKS) });
    this.marker.setAttribute("aria-label", gettext("Look at a moment"));
    this.moment = element("p", { className: "ribbon-moment" });
    this.moment.setAttribute("aria-hidden", "true"); // The marker says the same.
    this.from = element("span");
    this.to = element("span");
    this.legend = element("ul", { className: "legend" });
    this.said = element("p", { className: "unseen" });
    const ends = element("p", { className: "ribbon-ends" }, this.from, this.moment, this.to);
    root.append(element("div", { className: "ribbon" }, this.svg, this.marker), ends, this.legend, this.said);
    /** @type {{rows: import("./samples.js").Sample[], step: number, from: number, to: number}} */
    this.shown = { rows: [], step: 1, from: 0, to: 1 };
    /** @type {number | null} where the pointer is, 0..1 */
    this.pointed = null;
    this.marker.addEventListener("input", () => this.#tell());
    this.marker.addEventListener("focus", () => this.#tell());
    this.marker.addEventListener("pointermove", (event) => {
      const { left, width } = this.marker.getBoundingClientRect();
      this.pointed = Math.min(1, Math.max(0, (event.clientX - left) / width));
      this.#look();
    });
    this.marker.addEventListener("pointerleave", () => {
      this.pointed = null;
      this.#look();
    });
  }

  /**
   * @param {import("./samples.js").Sample[]} rows in order of time @param {number} step theirs
   * @param {number} from where the ribbon begins, milliseconds @param {number} to where it ends, later
   */
  show(rows, step, from, to) {
    this.shown = { rows, step, from, to };
    const drawn = thinned(rows, step, MOST_DRAWN);
    this.svg.replaceChildren(...runs(drawn.rows, drawn.step).flatMap((run) => this.#run(run)));
    const found = shares(rows);
    this.#list(found);
    this.said.textContent = sayShares(found);
    this.from.textContent = clock(from);
    this.to.textContent = clock(to);
    this.#look();
  }

  #run({ label, from, to }) {
    const { shown } = this;
    const place = (time) => Math.min(1, Math.max(0, (time - shown.from) / (shown.to - shown.from)));
    const [start, end] = [place(from), place(to)];
    if (end <= start) return [];
    const group = make("g", { "data-emotion": label });
    const x = `${(start * 100).toFixed(3)}%`;
    make("rect", { x, y: 0, width: `${((end - start) * 100).toFixed(3)}%`, height: "100%" }, group);
    if (end - start >= ROOM_FOR_A_NAME) {
      make("text", { x, dx: 10, y: "50%", dy: "0.35em" }, group).textContent = title(label);
    }
    return [group];
  }

  #list(found) {
    const names = found.map(({ label }) => label).join();
    if (names !== this.legend.dataset.names) {
      this.legend.dataset.names = names;
      this.legend.replaceChildren(...found.map(({ label }) => {
        const item = element("li", {}, element("span", { className: "swatch" }), element("span", { textContent: title(label) }), element("b"));
        item.dataset.emotion = label === UNKNOWN ? UNKNOWN : label;
        return item;
      }));
    }
    found.forEach(({ share }, index) => {
      this.legend.children[index].lastChild.textContent = percent(share);
    });
  }

  /** Only when somebody moves the marker: a screen reader would repeat it with every new sample. */
  #tell() {
    this.marker.setAttribute("aria-valuetext", this.#words(this.marker.value / MARKS));
    this.#look();
  }

  #look() {
    const words = this.#words(this.pointed ?? this.marker.value / MARKS);
    if (this.moment.textContent !== words) this.moment.textContent = words;
  }

  #words(place) {
    const { rows, step, from, to } = this.shown;
    const at = Math.min(from + place * (to - from), to - 1);
    return sayMoment(sampleAt(rows, step, at), at);
  }
}
