/** The panel with the last minutes before the camera: the ribbon, and the chart once somebody opens the panel. */

import { Ribbon } from "./ribbon.js";
import { MOST, STEP, Samples, since } from "./samples.js";

const LAST = STEP * MOST; // five minutes
const AT_LEAST = 5000;
const REDRAW = 1000;

export class LiveTimeline {
  /**
   * @param {HTMLElement} root see webui/live/_timeline.html
   * @param {import("../live.js").Live} live
   */
  constructor(root, live) {
    this.root = root;
    this.ribbon = new Ribbon(root.querySelector("[data-timeline=ribbon]"));
    /** @type {import("./score_chart.js").ScoreChart | null} */
    this.chart = null;
    this.timer = 0;
    this.begin();
    live.addEventListener("prediction", ({ detail: { faces } }) => this.#take(faces[0] ?? null));
  }

  /** Forget what was seen: a new session begins. */
  begin() {
    this.samples = new Samples({ keep: "newest" });
    /** @type {number | null} */
    this.begunAt = null;
    this.draw();
  }

  /** The panel was opened or closed. The chart comes with the first time. */
  async toggled() {
    clearInterval(this.timer);
    if (this.root.hidden) return;
    this.timer = setInterval(() => document.hidden || this.draw(), REDRAW);
    this.draw();
    if (this.chart !== null) return;
    const { ScoreChart } = await import("./score_chart.js");
    const part = (name) => this.root.querySelector(`[data-timeline="${name}"]`);
    this.chart ??= new ScoreChart(part("chart"), part("chart-said"));
    this.draw();
  }

  draw() {
    if (this.root.hidden) return;
    const { rows, step } = this.samples;
    const to = Math.max(AT_LEAST, rows.length > 0 ? rows.at(-1).t + step : 0);
    const from = Math.max(0, to - LAST);
    const shown = since(rows, from);
    this.ribbon.show(shown, step, from, to);
    this.chart?.show(shown, step, from, to);
  }

  #take(face) {
    const now = performance.now();
    this.begunAt ??= now;
    this.samples.add(now - this.begunAt, face);
  }
}
