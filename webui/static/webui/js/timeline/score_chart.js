/** The scores over time as lines; each expression has its colour and its own dashes. */

import { colour, lineChart, setSeries } from "../charts.js";
import { EMOTIONS, percent } from "../emotions.js";
import { fill, gettext, language, listed } from "../i18n.js";
import { endOf, thinned } from "./samples.js";
import { clock, title } from "./words.js";

const MOST_DRAWN = 240;
const WORTH_A_LINE = 0.05;
const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3], [], [4, 4], [16, 4], [6, 2, 2, 2], [10, 6]];

export class ScoreChart {
  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} said what it shows, in words */
  constructor(canvas, said) {
    this.said = said;
    this.chart = lineChart(canvas, [], { maxY: 1 });
    const { x } = this.chart.options.scales;
    x.ticks = { callback: (seconds) => clock(seconds * 1000), maxRotation: 0, autoSkipPadding: 24 };
    this.chart.options.plugins.legend.labels = { usePointStyle: true, pointStyleWidth: 40, generateLabels: dashedLabels };
    this.chart.options.plugins.tooltip.callbacks = { title: ([item]) => clock(item.parsed.x * 1000) };
  }

  /** As `Ribbon.show`. */
  show(rows, step, from, to) {
    const drawn = thinned(rows, step, MOST_DRAWN);
    const best = EMOTIONS.map((_, index) => rows.reduce((most, { scores }) => Math.max(most, scores[index]), 0));
    const series = EMOTIONS.map((emotion, index) => ({
      label: title(emotion),
      colour: colour(emotion),
      dash: DASHES[index],
      points: points(drawn.rows, drawn.step, index),
      best: best[index],
    })).filter((line) => line.best >= WORTH_A_LINE);
    Object.assign(this.chart.options.scales.x, { min: from / 1000, max: to / 1000 });
    setSeries(this.chart, series);
    const words = listed(series.map((line) => fill(gettext("{expression} up to {percent}"), { expression: line.label.toLocaleLowerCase(language), percent: percent(line.best) })));
    this.said.textContent = words === "" ? gettext("No scores yet.") : fill(gettext("Scores from {from} to {to}: {words}."), { from: clock(from), to: clock(to), words });
  }
}

/** Chart.js leaves out the dashes. */
function dashedLabels(chart) {
  return chart.data.datasets.map(({ label, borderColor, borderDash }, datasetIndex) => ({
    text: label,
    datasetIndex,
    hidden: !chart.isDatasetVisible(datasetIndex),
    fontColor: chart.options.color,
    strokeStyle: borderColor,
    lineDash: borderDash,
    lineWidth: 2,
    pointStyle: "line",
  }));
}

/** Where nothing was sampled the line is broken. */
function points(rows, step, index) {
  return rows.flatMap(({ t, scores }, place) => {
    const point = { x: t / 1000, y: scores[index] };
    const end = endOf(rows, step, place);
    return end === rows[place + 1]?.t || place === rows.length - 1 ? [point] : [point, { x: end / 1000, y: NaN }];
  });
}
