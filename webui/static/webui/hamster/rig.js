/** The rig: Biscuit as one SVG of named groups, driven by the numbers of a pose. */
import { drawArms } from "./parts/arms.js";
import { drawBody, drawTable } from "./parts/body.js";
import { drawBrows } from "./parts/brows.js";
import { drawEars } from "./parts/ears.js";
import { drawEyes } from "./parts/eyes.js";
import { drawHead } from "./parts/head.js";
import { drawMouth } from "./parts/mouth.js";
import { drawNose, drawPads, drawWhiskers } from "./parts/muzzle.js";
import { drawAirProps, drawHeadProps } from "./parts/props.js";
import { UNSEEN, completePose, restPose } from "./params.js";
import { make, num, place, set } from "./svg.js";

/** Where the head is at rest, in the picture of 400 x 400. */
export const HOME = Object.freeze({ x: 200, y: 195 });

/**
 * @typedef {Object} Rig
 * @property {SVGSVGElement} svg
 * @property {SVGGElement} head everything of the head, its origin in the middle between the cheeks
 * @property {{x: number, y: number}} at where that origin is now
 * @property {SVGGElement} air steam, letters of sleep and the question mark, in the picture's coordinates
 * @property {(pose: Partial<import("./params.js").Pose>, turn?: 0 | 1) => void} apply turn: draw only every other part, which
 *   is half of the work; the others are drawn with the other turn
 */

/**
 * Build the picture. It is not yet in a document and shows nothing until a pose is applied.
 * @param {string} id prefix of the ids inside, unique in the page
 * @returns {Rig}
 */
export function buildRig(id) {
  const svg = make("svg", { viewBox: "0 0 400 400", role: "img" });
  const defs = make("defs", {}, svg);
  const back = make("g", { "data-part": "arms-back" }, svg);
  const body = drawBody(id, svg, defs);
  const shadow = make("g", {}, make("g", { "clip-path": `url(#${id}-trunk)` }, svg));
  const head = make("g", { "data-part": "whole-head" }, svg);
  const ears = drawEars(id, head, defs);
  const skull = drawHead(id, head, defs, shadow);
  const eyes = drawEyes(id, head, defs);
  const brows = drawBrows(head);
  const snout = make("g", { "data-part": "snout" }, head);
  const pads = drawPads(snout);
  const mouth = drawMouth(id, snout, defs);
  const nose = drawNose(snout);
  const whiskers = drawWhiskers(snout);
  const headProps = drawHeadProps(head);
  drawTable(svg);
  const front = make("g", { "data-part": "arms" }, svg);
  const arms = drawArms(front, back);
  const air = drawAirProps(svg);
  const draw = [body, ears, skull, eyes, brows, pads, mouth, nose, whiskers, headProps, arms, air.draw];
  const parts = draw.map((part) => ({ part, reads: numbersOf(part), drawn: null }));

  const at = { ...HOME };

  function apply(numbers, turn = undefined) {
    const pose = completePose(numbers);
    const x = (at.x = HOME.x + pose.headX);
    const y = (at.y = HOME.y + pose.headY - pose.breath * 1.6);
    const stand =
      `translate(${num(x)} ${num(y)}) rotate(${num(pose.headTilt)} 0 90) ` +
      `translate(0 95) scale(${num(pose.headWide, 1000)} ${num(pose.headTall, 1000)}) translate(0 -95)`;
    set(head, "transform", stand);
    set(shadow, "transform", stand);
    place(snout, pose.turn * 14, pose.nod * 9);
    for (const [index, each] of parts.entries()) {
      if (turn !== undefined && index % 2 !== turn) continue;
      if (each.drawn && each.reads.every((name) => Math.abs(pose[name] - each.drawn[name]) < UNSEEN[name])) continue;
      each.drawn = pose;
      each.part(pose);
    }
  }
  return { svg, head, at, air: air.group, apply };
}

/** The numbers of a pose that a part draws: those that it reads. Every part reads the same whatever they are. */
function numbersOf(part) {
  const names = new Set();
  const watch = {
    get(pose, name) {
      names.add(name);
      return pose[name];
    },
  };
  part(new Proxy(restPose(), watch));
  return [...names];
}
