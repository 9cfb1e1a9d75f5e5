/** The panel that says where the time of a frame goes, what was left out, and how fast the page sends. */

import { PARTS, total } from "./frame_times.js";
import { PACE_AWAY, PACE_HIDDEN, PACE_OFF, PACE_WAITING, PART_WORDS, TOTAL_WORDS, milliseconds, sayPace } from "./words.js";

/** @param {string} tag @param {Object<string, string>} [properties] @param {...Node} children */
function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export class SpeedPanel {
  /**
   * @param {HTMLElement} root see webui/live/_speed.html
   * @param {import("../live.js").Live} live
   */
  constructor(root, live) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-speed="${name}"]`);
    this.rows = Object.fromEntries([...PARTS, "total"].map((part) => [part, this.#row(part)]));
    live.addEventListener("speed", ({ detail }) => {
      if (!root.hidden) this.show(detail);
    });
    live.addEventListener("stopped", () => this.#say(PACE_OFF));
  }

  /** @param {import("../live.js").Speed} speed */
  show({ pace, isHidden, isConnected, times, leftOut }) {
    const { last, typical } = times;
    const why = isHidden ? "hidden" : !isConnected ? "away" : typical === null ? "waiting" : pace.reason;
    this.root.dataset.reason = why;
    this.#say({ hidden: PACE_HIDDEN, away: PACE_AWAY, waiting: PACE_WAITING }[why] ?? sayPace(pace));
    for (const [name, count] of Object.entries(leftOut)) this.part(name).textContent = String(count);
    if (typical === null) return;
    const whole = total(typical);
    for (const part of PARTS) {
      this.#fill(part, last[part], typical[part]);
      this.rows[part].bar.style.width = `${(typical[part] / whole) * 100}%`;
    }
    this.#fill("total", total(last), whole);
  }

  #say(words) {
    const line = this.part("pace");
    if (line.textContent !== words) line.textContent = words;
  }

  #fill(part, last, typical) {
    this.rows[part].last.textContent = milliseconds(last);
    this.rows[part].typical.textContent = milliseconds(typical);
  }

  #row(part) {
    const words = PART_WORDS[part] ?? TOTAL_WORDS;
    const cells = {
      last: element("td", { className: "speed-number", textContent: "–" }),
      typical: element("td", { className: "speed-number", textContent: "–" }),
      bar: element("span", { className: "speed-fill" }),
    };
    const name = element("th", { scope: "row" }, element("span", { textContent: `${words.name} ` }), element("small", { textContent: words.what }));
    const track = element("td", { className: "speed-track" }, ...(part === "total" ? [] : [cells.bar]));
    track.setAttribute("aria-hidden", "true");
    const row = element("tr", {}, name, cells.last, cells.typical, track);
    row.dataset.part = part;
    this.part("parts").append(row);
    return cells;
  }
}
