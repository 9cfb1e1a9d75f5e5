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
import { completePose } from "./params.js";
import { make, num, place, set } from "./svg.js";

/**
 * Build the picture. It is not yet in a document and shows nothing until a pose is applied.
 * @param {string} id prefix of the ids inside, unique in the page
 * @returns {{svg: SVGSVGElement, apply: (pose: Partial<import("./params.js").Pose>) => void}}
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
  const parts = [body, ears, skull, eyes, brows, pads, mouth, nose, whiskers, headProps, arms, air];

  function apply(numbers) {
    const pose = completePose(numbers);
    const x = 200 + pose.headX;
    const y = 195 + pose.headY - pose.breath * 1.6;
    const stand =
      `translate(${num(x)} ${num(y)}) rotate(${num(pose.headTilt)} 0 90) ` +
      `translate(0 95) scale(${num(pose.headWide, 1000)} ${num(pose.headTall, 1000)}) translate(0 -95)`;
    set(head, "transform", stand);
    set(shadow, "transform", stand);
    place(snout, pose.turn * 14, pose.nod * 9);
    for (const part of parts) part(pose);
  }
  return { svg, apply };
}
