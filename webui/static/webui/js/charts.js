/** Charts in the site's colours, drawn by Chart.js. Each says in words what it shows, for those who don't see it. */

import "../vendor/chartjs/chart.umd.min.js";
import { language } from "./i18n.js";

const { Chart } = globalThis;

const style = getComputedStyle(document.documentElement);
const token = (name) => style.getPropertyValue(name).trim();

Chart.defaults.locale = language;
Chart.defaults.font.family = token("--sans");
Chart.defaults.font.size = 14;
Chart.defaults.color = token("--quiet");
Chart.defaults.borderColor = token("--hairline");
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;

/** Colours of the expressions and of the lines of a chart, as the page has them now (light or dark). */
export const colour = (name) => token(`--${name}`);
const LINE_COLOURS = ["honey", "sad", "contempt", "disgust", "surprised"].map(colour);

/**
 * Lines over epochs or the like. `series` is [{label, points: [{x, y}], colour, dash}], colour and dash optional; update with `setSeries(chart, series)`.
 * @param {HTMLCanvasElement} canvas
 */
export function lineChart(canvas, series, { x, y, maxX, maxY } = {}) {
  const chart = new Chart(canvas, {
    type: "line",
    data: { datasets: [] },
    options: {
      interaction: { mode: "index", intersect: false },
      parsing: false,
      scales: {
        x: { type: "linear", title: { display: Boolean(x), text: x }, max: maxX, ticks: maxX ? {} : { precision: 0 } },
        y: { title: { display: Boolean(y), text: y }, beginAtZero: true, max: maxY },
      },
    },
  });
  setSeries(chart, series);
  return chart;
}

export function setSeries(chart, series) {
  chart.data.datasets = series.map(({ label, points, colour: own, dash = [] }, index) => {
    const tone = own || LINE_COLOURS[index % LINE_COLOURS.length];
    return { label, data: points, borderColor: tone, backgroundColor: tone, borderDash: dash, borderWidth: 2, pointRadius: points.length > 60 ? 0 : 2 };
  });
  chart.update();
}

/** One bar a label; `colours` are CSS colours, one a bar. */
export function barChart(canvas, labels, values, { colours, x, y, maxX } = {}) {
  return new Chart(canvas, {
    type: "bar",
    data: { labels, datasets: [{ data: values, backgroundColor: colours ?? colour("honey"), borderRadius: 6 }] },
    options: {
      indexAxis: "y",
      plugins: { legend: { display: false } },
      scales: { x: { title: { display: Boolean(x), text: x }, beginAtZero: true, max: maxX }, y: { title: { display: Boolean(y), text: y } } },
    },
  });
}

/** Groups of bars, one group a label; `series` is [{label, values}], a colour each. */
export function groupedBarChart(canvas, labels, series, { x, y } = {}) {
  const datasets = series.map(({ label, values }, index) => ({
    label,
    data: values,
    backgroundColor: LINE_COLOURS[index % LINE_COLOURS.length],
    borderRadius: 4,
  }));
  return new Chart(canvas, {
    type: "bar",
    data: { labels, datasets },
    options: {
      plugins: { legend: { display: series.length > 1 } },
      scales: {
        x: { title: { display: Boolean(x), text: x }, grid: { display: false } },
        y: { title: { display: Boolean(y), text: y }, beginAtZero: true, ticks: { precision: 0 } },
      },
    },
  });
}
