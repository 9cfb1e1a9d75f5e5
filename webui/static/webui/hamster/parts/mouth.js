/** Mouth: a lip line sampled from corner to corner, and what its opening shows: teeth, tongue, lower lip. */
import { INK } from "../palette.js";
import {
  brush,
  clamp,
  closedCurve,
  ease,
  fade,
  make,
  mix,
  openCurve,
  path,
  place,
  polygon,
  set,
} from "../svg.js";

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
  const pairShade = make("path", { fill: INK.toothShade, stroke: INK.toothGap, "stroke-width": 1.6 }, teeth);
  const pair = make("path", { fill: INK.tooth }, teeth);
  const split = make("path", { fill: "none", stroke: INK.toothGap, "stroke-width": 1.4 }, teeth);
  const line = make("path", { fill: INK.line }, group);
  const rim = make(
    "path",
    { fill: "none", stroke: INK.line, "stroke-width": 2.6, "stroke-linejoin": "round" },
    group,
  );
  const out = make("g", { "data-part": "tongue-out" }, group);
  make("path", { d: "M-11-3C-14 10-13 25-2 26C9 27 13 12 11-3Z", fill: INK.tongueShade }, out);
  make("path", { d: "M-11-3C-14 9-13 21-3 22C7 23 12 10 11-3Z", fill: INK.tongue }, out);
  make(
    "path",
    {
      d: "M0-2C0 5-1 9-1 13",
      fill: "none",
      stroke: INK.tongueShade,
      "stroke-width": 2,
      "stroke-linecap": "round",
    },
    out,
  );
  return (pose) => {
    const { upper, lower } = lips(pose);
    const middle = STEPS / 2;
    const shape = polygon([...upper, ...[...lower].reverse()]);
    set(hole, "d", shape);
    set(clip, "d", shape);
    const gap = lower[middle][1] - upper[middle][1];
    fade(hole, ease(gap, 0.5, 3));
    fade(inside, ease(gap, 0.5, 3));
    set(
      line,
      "d",
      brush(upper, (t) => 0.9 + 2.5 * Math.pow(Math.sin(Math.PI * t), 0.45)),
    );
    const top = upper[middle][1];
    set(philtrum, "d", path`M0 32L0 ${top}`);

    const w = pose.mouthWidth;
    const bed = lower[middle][1];
    const rise = bed - gap * 0.42 * pose.tongue;
    const half = [
      [0, rise + gap * 0.08],
      [w * 0.36, rise],
      [w * 0.62, bed + 4],
    ];
    set(tongue, "d", closedCurve([...half, [0, bed + 14], [-w * 0.62, bed + 4], [-w * 0.36, rise]]));
    fade(tongue, ease(pose.tongue, 0, 0.2));

    // The rows grow from both lips and meet when the teeth are together.
    const reach = (i) => ((lower[i][1] - upper[i][1]) / 2) * pose.clench;
    const above = upper.map(([x, y], i) => [x, y + reach(i)]);
    const below = lower.map(([x, y], i) => [x, y - reach(i)]);
    set(
      enamel,
      "d",
      polygon([...upper, ...[...above].reverse()]) + polygon([...lower, ...[...below].reverse()]),
    );
    const cut = (a, b) => path`M${a[0]} ${a[1]}L${b[0]} ${b[1]}`;
    const seam = openCurve(above);
    set(
      gaps,
      "d",
      seam + [6, 9, 12, 15, 18].map((i) => cut(upper[i], above[i]) + cut(lower[i], below[i])).join(""),
    );
    fade(rows, ease(pose.clench, 0.05, 0.3));
    set(rim, "d", shape);
    fade(rim, ease(pose.clench, 0.2, 0.8) * ease(gap, 0.5, 3));

    const long = 15 * pose.teeth;
    const edge = (x) => {
      const i = upper.findIndex((point) => point[0] >= x);
      return i < 1 ? top : upper[i][1];
    };
    const fang = (grow) => {
      const low = top + long + grow;
      const half = top + long * 0.5;
      return (
        path`M0 ${top}L-9.5 ${edge(-9.5)}C-9.8 ${half} -9 ${low} -5.5 ${low}C-2 ${low} -1 ${low - 1.5} 0 ${low - 3}` +
        path`C1 ${low - 1.5} 2 ${low} 5.5 ${low}C9 ${low} 9.8 ${half} 9.5 ${edge(9.5)}Z`
      );
    };
    set(pair, "d", fang(0));
    set(pairShade, "d", fang(1.8));
    set(split, "d", path`M0 ${top + 1}L0 ${Math.max(top + 1, top + long - 3)}`);
    fade(teeth, ease(pose.teeth, 0.05, 0.25));

    place(out, 2, Math.max(top, bed - 6) + 1, 0, 1, Math.max(0.01, pose.tongueOut));
    fade(out, ease(pose.tongueOut, 0.05, 0.3));

    const under = bed + 7 + Math.max(0, -pose.smile) * 4;
    const near = w * 0.3;
    const far = w * 0.55;
    set(
      pout,
      "d",
      path`M${-far} ${under}C${-near} ${under - 6} ${near} ${under - 6} ${far} ${under}` +
        path`C${near} ${under + 6} ${-near} ${under + 6} ${-far} ${under}Z`,
    );
    fade(pout, pose.lip);
  };
}
