/** Eyes: an opening cut by two lids, a dark iris that can shrink, and two highlights. */
import { INK } from "../palette.js";
import { brush, clamp, fade, make, mix, path, place, polygon, set } from "../svg.js";

const RX = 28;
const RY = 31;
const STEPS = 24;

/** Lid edges over the eyeball, sampled from the left corner to the right one. */
function lids(lid, slope, squint) {
  const samples = [];
  for (let i = 0; i <= STEPS; i += 1) {
    const u = Math.sin((i / STEPS - 0.5) * Math.PI);
    const half = RY * Math.pow(Math.max(0, 1 - Math.pow(Math.abs(u), 2.15)), 1 / 2.15);
    const upper = mix(-1.12, 0.76, lid) * RY + mix(0.3, -0.46, lid) * RY * u * u + slope * u * RX;
    const lower = mix(1.12, -0.66, squint) * RY + squint * 0.72 * RY * u * u;
    const top = clamp(upper, -half, half);
    const low = clamp(lower, -half, half);
    samples.push({ x: u * RX, u, half, top: Math.min(top, low), low });
  }
  return samples;
}

function opening(samples, most) {
  const closed = clamp(1 - most / 9);
  return samples.map((s) => {
    const line = closed * 5.5 * (1 - s.u * s.u);
    const gap = Math.max(s.low - s.top, line);
    const middle = (s.low + s.top) / 2;
    return { ...s, top: middle - gap / 2, low: middle + gap / 2 };
  });
}

/** The area between two edges of the samples. */
function between(samples, upper, lower) {
  return polygon([...samples.map((s) => [s.x, upper(s)]), ...samples.map((s) => [s.x, lower(s)]).reverse()]);
}

function eye(id, mirror, parent, defs) {
  const group = make("g", { "data-part": mirror < 0 ? "eye-left" : "eye-right" }, parent);
  const clip = make("path", {}, make("clipPath", { id }, defs));
  const lidSkin = make("path", { fill: INK.lid, "data-part": "lid" }, group);
  const rim = make(
    "path",
    { fill: INK.eyeWhite, stroke: INK.iris, "stroke-width": 2.6, "stroke-linejoin": "round" },
    group,
  );
  const inside = make("g", { "clip-path": `url(#${id})` }, group);
  const pupilGroup = make("g", { "data-part": "pupil" }, inside);
  const iris = make("ellipse", { fill: INK.iris }, pupilGroup);
  const glow = make("path", { fill: INK.irisLight }, pupilGroup);
  const pupil = make("ellipse", { fill: INK.pupil }, pupilGroup);
  const water = make("path", { fill: INK.waterLight, opacity: 0.85 }, inside);
  const big = make("ellipse", { fill: INK.light }, inside);
  const small = make("ellipse", { fill: INK.light }, inside);
  const lash = make("path", { fill: INK.iris }, group);
  return (pose, size, lid, tilt, squint) => {
    const far = 1 - 0.14 * Math.max(0, pose.turn * mirror);
    place(group, mirror * 60 + pose.turn * 9, 7 + pose.nod * 7, 0, size * far, size);
    const slope = Math.tan((tilt * Math.PI) / 180) * -mirror;
    const edges = lids(lid, slope, squint);
    const most = Math.max(...edges.map((s) => s.low - s.top));
    const hole = opening(edges, most);
    const shape = between(
      hole,
      (s) => s.top,
      (s) => s.low,
    );
    set(rim, "d", shape);
    set(clip, "d", shape);
    set(
      lidSkin,
      "d",
      between(
        edges,
        (s) => -s.half,
        (s) => s.top,
      ),
    );

    const rx = RX * 1.1 * pose.iris;
    const ry = RY * 1.1 * pose.iris;
    const gx = pose.gazeX * mix(15, 9, clamp(pose.iris));
    const gy = pose.gazeY * mix(13, 8, clamp(pose.iris));
    for (const [node, k] of [
      [iris, 1],
      [pupil, mix(0.8, 0.66, clamp(pose.iris))],
    ]) {
      set(node, "cx", gx);
      set(node, "cy", gy);
      set(node, "rx", rx * k);
      set(node, "ry", ry * k);
    }
    const [left, right, low] = [gx - rx * 0.72, gx + rx * 0.72, gy + ry * 0.28];
    set(
      glow,
      "d",
      path`M${left} ${low}C${gx - rx * 0.6} ${gy + ry * 1.02} ${gx + rx * 0.6} ${gy + ry * 1.02} ${right} ${low}` +
        path`C${gx + rx * 0.4} ${gy + ry * 0.8} ${gx - rx * 0.4} ${gy + ry * 0.8} ${left} ${low}Z`,
    );
    const drop = Math.max(0, lid - 0.12) * RY * 0.95; // the highlights slide down under the lid
    const shine = mix(0.62, 1, clamp(pose.iris)) * (1 + pose.wet * 0.2);
    set(big, "cx", gx * 0.7 - rx * 0.3);
    set(big, "cy", gy * 0.7 - ry * 0.36 + drop);
    set(big, "rx", 8.6 * shine);
    set(big, "ry", 9.6 * shine);
    set(small, "cx", gx * 0.7 + rx * 0.34);
    set(small, "cy", gy * 0.7 + ry * 0.28 + drop * 0.5);
    set(small, "rx", 4.2 * shine * (1 + pose.wet * 0.5));
    set(small, "ry", 4.2 * shine * (1 + pose.wet * 0.5));
    const brim = RY - 8 * pose.wet;
    set(water, "d", path`M-30 ${brim}Q-12 ${brim - 3} 0 ${brim + 1}T30 ${brim}L30 40L-30 40Z`);
    fade(water, pose.wet * 0.85);
    const seen = clamp((most - 18) / 6);
    fade(big, seen);
    fade(small, seen);

    const shown = hole.filter((s, i) => edges[i].low - edges[i].top > 0.6 || Math.abs(s.u) < 0.9);
    set(
      lash,
      "d",
      brush(
        shown.map((s) => [s.x, s.top]),
        (t) => 1 + 3.4 * Math.sin(Math.PI * t),
      ),
    );
    fade(lash, clamp(lid * 4) * clamp(1 - squint * 2 + lid));
  };
}

/** @param {string} id prefix of clip ids @param {Element} parent @param {Element} defs */
export function drawEyes(id, parent, defs) {
  const group = make("g", { "data-part": "eyes" }, parent);
  const left = eye(`${id}-eye-l`, -1, group, defs);
  const right = eye(`${id}-eye-r`, 1, group, defs);
  return (pose) => {
    left(pose, pose.eyeL, pose.lidL, pose.lidTiltL, pose.squintL);
    right(pose, pose.eyeR, pose.lidR, pose.lidTiltR, pose.squintR);
  };
}
