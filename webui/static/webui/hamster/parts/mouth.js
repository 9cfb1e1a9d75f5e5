/** Mouth: one lip line sampled from corner to corner, its opening, two front teeth, rows of teeth, tongue, lower lip. */
import { INK } from "../palette.js";
import { brush, clamp, closedCurve, ease, fade, make, mix, polygon, set } from "../svg.js";

const STEPS = 24;
const LIP = 46; // resting height of the lip line under the nose

/** Upper and lower lip, each a list of points from the left corner to the right one. */
function lips(pose) {
  const upper = [];
  const lower = [];
  const soft = 1 - pose.round;
  for (let i = 0; i <= STEPS; i += 1) {
    const t = Math.sin((i / STEPS - 0.5) * Math.PI);
    const a = Math.abs(t);
    const tip = Math.sqrt(Math.max(0, 1 - t * t));
    const side = clamp(t * Math.sign(pose.skew || 1));
    const corner = -pose.smile * 13 * (a * a) * soft - Math.abs(pose.skew) * 15 * side * side;
    const bow = pose.bow * soft * 5.5 * Math.sin(Math.PI * Math.min(1, a * 1.05));
    const wave = pose.wave * 4.2 * Math.sin(t * Math.PI * 3) * (1 - Math.pow(a, 6));
    const lifted = (t - 0.5 * Math.sign(pose.sneer)) / 0.42;
    const sneer = Math.abs(pose.sneer) * 12 * Math.exp(-lifted * lifted) * (1 - Math.pow(a, 8));
    const base = LIP + pose.mouthY + corner + wave;
    const middle = LIP + pose.mouthY + pose.open * 16;
    const above = mix(base + bow - sneer, middle - pose.open * 23 * tip, pose.round);
    const below = mix(base + pose.open * 44 * Math.pow(tip, 0.85), middle + pose.open * 23 * tip, pose.round);
    upper.push([t * pose.mouthWidth, above]);
    lower.push([t * pose.mouthWidth, Math.max(above, below)]);
  }
  return { upper, lower };
}

/** @param {string} id prefix of clip ids @param {Element} parent @param {Element} defs */
export function drawMouth(id, parent, defs) {
  const group = make("g", { "data-part": "mouth" }, parent);
  const clip = make("path", {}, make("clipPath", { id: `${id}-mouth` }, defs));
  const stroke = { fill: "none", stroke: INK.line, "stroke-width": 2.6, "stroke-linecap": "round" };
  const philtrum = make("path", stroke, group);
  const pout = make("path", { fill: INK.pinkShade }, group);
  const hole = make("path", { fill: INK.mouth }, group);
  const inside = make("g", { "clip-path": `url(#${id}-mouth)` }, group);
  const tongue = make("path", { fill: INK.tongue, "data-part": "tongue" }, inside);
  const rows = make("g", { "data-part": "teeth-rows" }, inside);
  const enamel = make("path", { fill: INK.tooth }, rows);
  const gaps = make("path", { fill: "none", stroke: INK.toothGap, "stroke-width": 1.8 }, rows);
  const teeth = make("g", { "data-part": "teeth" }, group);
  const pairShade = make("path", { fill: INK.toothShade }, teeth);
  const pair = make("path", { fill: INK.tooth }, teeth);
  const split = make("path", { fill: "none", stroke: INK.toothShade, "stroke-width": 1.4 }, teeth);
  const line = make("path", { fill: INK.line }, group);
  const rim = make("path", { fill: "none", stroke: INK.line, "stroke-width": 2.6, "stroke-linejoin": "round" }, group);
  const out = make("g", { "data-part": "tongue-out" }, group);
  make("path", { d: "M-11-3C-14 10-13 25-2 26C9 27 13 12 11-3Z", fill: INK.tongueShade }, out);
  make("path", { d: "M-11-3C-14 9-13 21-3 22C7 23 12 10 11-3Z", fill: INK.tongue }, out);
  make("path", { d: "M0-2C0 5-1 9-1 13", fill: "none", stroke: INK.tongueShade, "stroke-width": 2, "stroke-linecap": "round" }, out);
  return (pose) => {
    const { upper, lower } = lips(pose);
    const middle = STEPS / 2;
    const shape = polygon([...upper, ...[...lower].reverse()]);
    set(hole, "d", shape);
    set(clip, "d", shape);
    const gap = lower[middle][1] - upper[middle][1];
    fade(hole, ease(gap, 0.5, 3));
    fade(inside, ease(gap, 0.5, 3));
    const weight = 3.4;
    set(line, "d", brush(upper, (t) => 0.9 + (weight - 0.9) * Math.pow(Math.sin(Math.PI * t), 0.45)));
    const top = upper[middle][1];
    set(philtrum, "d", `M0 32L0 ${top.toFixed(2)}`);

    const w = pose.mouthWidth;
    const bed = lower[middle][1];
    set(tongue, "d", closedCurve([[-w * 0.62, bed + 4], [-w * 0.36, bed - gap * 0.42], [0, bed - gap * 0.34], [w * 0.36, bed - gap * 0.42], [w * 0.62, bed + 4], [0, bed + 14]]));
    fade(tongue, pose.tongue);

    set(enamel, "d", shape);
    let lines = "";
    const mid = upper.map(([x, y], i) => [x, (y + lower[i][1]) / 2]);
    lines += `M${mid.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}`;
    for (const i of [6, 9, 12, 15, 18]) lines += `M${upper[i][0].toFixed(2)} ${(upper[i][1] - 2).toFixed(2)}L${lower[i][0].toFixed(2)} ${(lower[i][1] + 2).toFixed(2)}`;
    set(gaps, "d", lines);
    fade(rows, pose.clench);
    set(rim, "d", shape);
    fade(rim, pose.clench * ease(gap, 0.5, 3));

    const long = 15 * pose.teeth;
    const fang = (grow) =>
      `M-9.500 ${top}C-9.800 ${top + long * 0.5} -9 ${top + long + grow} -5.500 ${top + long + grow}C-2 ${top + long + grow} -1 ${top + long + grow - 1.5} 0 ${top + long - 3 + grow}` +
      `C1 ${top + long + grow - 1.5} 2 ${top + long + grow} 5.500 ${top + long + grow}C9 ${top + long + grow} 9.800 ${top + long * 0.5} 9.500 ${top}Z`;
    set(pair, "d", fang(0));
    set(pairShade, "d", fang(1.8));
    set(split, "d", `M0 ${top + 1}L0 ${Math.max(top + 1, top + long - 3)}`);
    fade(teeth, ease(pose.teeth, 0.05, 0.25));

    const at = upper[Math.round(STEPS * 0.5)];
    set(out, "transform", `translate(${(at[0] + 2).toFixed(2)} ${(Math.max(at[1], bed - 6) + 1).toFixed(2)}) scale(1 ${Math.max(0.01, pose.tongueOut).toFixed(3)})`);
    fade(out, ease(pose.tongueOut, 0.05, 0.3));

    const under = bed + 7;
    set(pout, "d", `M${-w * 0.55} ${under}C${-w * 0.3} ${under - 6} ${w * 0.3} ${under - 6} ${w * 0.55} ${under}C${w * 0.3} ${under + 6} ${-w * 0.3} ${under + 6} ${-w * 0.55} ${under}Z`);
    fade(pout, pose.lip);
  };
}
