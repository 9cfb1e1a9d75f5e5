/** Small SVG vocabulary of the rig: elements, cached attributes, and paths through points. */

const NS = "http://www.w3.org/2000/svg";
/** Points of paths lie on tenths: finer steps are not seen, and would write every path anew in every frame. */
const POINT = 10;

/** @typedef {[number, number]} Point x, y in user units, y down. */

/**
 * Create an SVG element.
 * @param {string} name
 * @param {Object<string, string|number>} [attributes]
 * @param {Element} [parent] the new element is appended to it
 * @returns {SVGElement}
 */
export function make(name, attributes = {}, parent = undefined) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  if (parent) parent.append(node);
  return node;
}

const WRITTEN = Symbol("written");

/**
 * Set an attribute only when its text changes: most frames move few parts.
 * @param {Element} node
 * @param {string} name
 * @param {string|number} value numbers are written with two decimals
 */
export function set(node, name, value) {
  const text = typeof value === "number" ? num(value) : value;
  const cache = (node[WRITTEN] ??= {});
  if (cache[name] === text) return;
  cache[name] = text;
  node.setAttribute(name, text);
}

/**
 * Write a transform: move, then turn, then scale.
 * @param {Element} node
 * @param {number} x
 * @param {number} y
 * @param {number} [turn] degrees, clockwise
 * @param {number} [scaleX]
 * @param {number} [scaleY]
 */
export function place(node, x, y, turn = 0, scaleX = 1, scaleY = scaleX) {
  let text = `translate(${num(x)} ${num(y)})`;
  if (turn) text += ` rotate(${num(turn)})`;
  if (scaleX !== 1 || scaleY !== 1) text += ` scale(${num(scaleX, 1000)} ${num(scaleY, 1000)})`;
  set(node, "transform", text);
}

/**
 * Path data from a template whose numbers are rounded: path`M${x} ${y}Z`.
 * @returns {string}
 */
export function path(strings, ...values) {
  return strings.reduce((text, part, i) => text + num(values[i - 1], POINT) + part);
}

/** Show a node with the given opacity 0..1, and take it out of the picture at 0. @returns {boolean} whether it is in it */
export function fade(node, opacity) {
  const shown = opacity > 0.01;
  set(node, "display", shown ? "inline" : "none");
  if (shown) set(node, "opacity", Math.min(1, opacity));
  return shown;
}

/** @param {number} value @returns {string} rounded (to two decimals unless told), never "-0" */
export function num(value, steps = 100) {
  return String(Math.round(value * steps) / steps + 0);
}

export const clamp = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
export const mix = (a, b, t) => a + (b - a) * t;

/** Smooth step from 0 (at `low`) to 1 (at `high`). */
export function ease(value, low = 0, high = 1) {
  const t = clamp((value - low) / (high - low));
  return t * t * (3 - 2 * t);
}

const pair = (x, y) => `${num(x, POINT)} ${num(y, POINT)}`;

function curveTo(before, from, to, after) {
  const k = 1 / 6;
  return (
    `C${pair(from[0] + (to[0] - before[0]) * k, from[1] + (to[1] - before[1]) * k)} ` +
    `${pair(to[0] - (after[0] - from[0]) * k, to[1] - (after[1] - from[1]) * k)} ${pair(to[0], to[1])}`
  );
}

/**
 * A closed curve through all points (Catmull-Rom written as cubic beziers).
 * @param {Point[]} points
 * @returns {string} path data
 */
export function closedCurve(points) {
  const n = points.length;
  let text = `M${pair(...points[0])}`;
  for (let i = 0; i < n; i += 1) {
    text += curveTo(points[(i + n - 1) % n], points[i], points[(i + 1) % n], points[(i + 2) % n]);
  }
  return `${text}Z`;
}

/** @param {Point[]} points @returns {string} path data of an open curve through all points */
export function openCurve(points) {
  const last = points.length - 1;
  let text = `M${pair(...points[0])}`;
  for (let i = 0; i < last; i += 1) {
    text += curveTo(points[Math.max(0, i - 1)], points[i], points[i + 1], points[Math.min(last, i + 2)]);
  }
  return text;
}

/** @param {Point[]} points @returns {string} path data of a closed polygon */
export function polygon(points) {
  return `M${points.map(([x, y]) => pair(x, y)).join("L")}Z`;
}

/**
 * A brush stroke: a filled shape along a line, with its own width at every point.
 * @param {Point[]} line at least two points
 * @param {(t: number) => number} width full width at t = 0..1 along the line
 * @returns {string} path data
 */
export function brush(line, width) {
  const left = [];
  const right = [];
  const last = line.length - 1;
  line.forEach(([x, y], i) => {
    const a = line[Math.max(0, i - 1)];
    const b = line[Math.min(last, i + 1)];
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
    const half = width(i / last) / 2;
    const nx = (-(b[1] - a[1]) / length) * half;
    const ny = ((b[0] - a[0]) / length) * half;
    left.push([x + nx, y + ny]);
    right.unshift([x - nx, y - ny]);
  });
  return closedCurve([...left, ...right]);
}

/**
 * Points on a cubic bezier.
 * @param {Point} a @param {Point} b @param {Point} c @param {Point} d
 * @param {number} [count]
 * @returns {Point[]}
 */
export function bezier(a, b, c, d, count = 10) {
  return Array.from({ length: count }, (_, i) => {
    const t = i / (count - 1);
    const s = 1 - t;
    const at = (k) => s * s * s * a[k] + 3 * s * s * t * b[k] + 3 * s * t * t * c[k] + t * t * t * d[k];
    return [at(0), at(1)];
  });
}
