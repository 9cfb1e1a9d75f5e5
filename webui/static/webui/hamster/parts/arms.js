/** Arms: a furry sleeve from shoulder to wrist and a pink paw with four short fingers. */
import { INK } from "../palette.js";
import { bezier, brush, fade, make, mix, set } from "../svg.js";

const FINGERS = [-1.5, -0.5, 0.5, 1.5];

function paw(parent) {
  const group = make("g", { "data-part": "paw" }, parent);
  const shade = make("g", { stroke: INK.pinkShade, "stroke-linecap": "round", fill: INK.pinkShade }, group);
  const light = make("g", { stroke: INK.pink, "stroke-linecap": "round", fill: INK.pink }, group);
  const fingers = FINGERS.map((k) => ({ k, under: make("path", { "stroke-width": 12.4 }, shade), over: make("path", { "stroke-width": 9.6 }, light) }));
  make("path", { d: "M-18 8C-20-4-15-15 0-16C15-15 20-4 18 8C15 19-15 19-18 8Z", stroke: "none" }, shade);
  make("path", { d: "M-16.500 7C-18-4-13-13.500 0-14.500C13-13.500 18-4 16.500 7C13 16-13 16-16.500 7Z", stroke: "none" }, light);
  const pads = make("g", { fill: INK.pinkShade }, group);
  make("path", { d: "M-8 4C-8-3 8-3 8 4C8 11-8 11-8 4Z" }, pads);
  for (const [x, y] of [[-10, -8], [0, -11], [10, -8]]) make("ellipse", { cx: x, cy: y, rx: 3.6, ry: 3 }, pads);
  const knuckles = make("path", { d: "M-9-8L-9-2M0-9L0-3M9-8L9-2", fill: "none", stroke: INK.pinkShade, "stroke-width": 2.2, "stroke-linecap": "round" }, group);
  return { group, pads, knuckles, fingers };
}

function arm(mirror, front, back) {
  const group = make("g", { "data-part": mirror < 0 ? "arm-left" : "arm-right" }, front);
  const sleeveShade = make("path", { fill: INK.goldShade }, group);
  const sleeve = make("path", { fill: INK.gold }, group);
  const hand = paw(group);
  const cuffShade = make("path", { d: "M-20 8C-10 3 10 3 20 8L24 30L-24 30Z", fill: "none" }, group);
  const key = mirror < 0 ? "L" : "R";
  let behind = false;
  return (pose) => {
    const get = (name) => pose[`${name}${key}`];
    const x = get("pawX");
    const y = get("pawY");
    const turn = (get("pawTurn") * Math.PI) / 180;
    const size = get("pawSize");
    const hidden = get("behind") > 0.5;
    if (hidden !== behind) {
      behind = hidden;
      (hidden ? back : front).append(group);
    }
    // The wrist lies behind the paw, on the far side of its fingers.
    const wrist = [x - Math.sin(turn) * 10 * size, y + Math.cos(turn) * 10 * size];
    const shoulder = [200 + mirror * 92, 318 - pose.shoulders * 14];
    const elbow = [mix(shoulder[0], wrist[0], 0.5) + mirror * (22 + get("elbow") * 34), mix(shoulder[1], wrist[1], 0.5) + 20];
    const line = bezier(shoulder, elbow, [mix(elbow[0], wrist[0], 0.6), mix(elbow[1], wrist[1], 0.6)], wrist, 10);
    const width = (t) => mix(46, 32 * size, t);
    set(sleeveShade, "d", brush(line, width));
    set(sleeve, "d", brush(line.map(([a, b]) => [a - 2.5, b - 2.5]), (t) => width(t) - 5));
    set(hand.group, "transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) rotate(${get("pawTurn").toFixed(2)}) scale(${size.toFixed(3)})`);
    for (const { k, under, over } of hand.fingers) {
      const fan = k * mix(9, 21, get("spread")) * (Math.PI / 180);
      const long = mix(mix(19, 24, get("spread")), 11, get("fist")) - Math.abs(k) * 1.6;
      const root = [k * 8, -6 + Math.abs(k) * 1.5];
      const d = `M${root[0]} ${root[1]}L${(root[0] + Math.sin(fan) * long).toFixed(2)} ${(root[1] - Math.cos(fan) * long).toFixed(2)}`;
      set(under, "d", d);
      set(over, "d", d);
    }
    fade(hand.pads, get("palm"));
    fade(hand.knuckles, get("fist"));
    fade(cuffShade, 0);
  };
}

/** @param {Element} front layer before the head @param {Element} back layer behind it */
export function drawArms(front, back) {
  const left = arm(-1, front, back);
  const right = arm(1, front, back);
  return (pose) => {
    left(pose);
    right(pose);
  };
}
