/** Arms: a furry sleeve from shoulder to wrist and a pink paw with four short fingers. */
import { INK } from "../palette.js";
import { bezier, fade, make, mix, openCurve, path, place, set } from "../svg.js";

const FINGERS = [-1.5, -0.5, 0.5, 1.5];

const CUFF =
  "M-17.5 14C-18 9-17 5-14 0C-12 4-10 6-7 7C-6 3-4 1-1-2C1 2 3 5 6 7C9 6 12 3 14 0C17 5 18 9 17.5 14C17 22 9 27 0 27C-9 27-17 22-17.5 14Z";

function paw(parent) {
  const group = make("g", { "data-part": "paw" }, parent);
  const shade = make("g", { stroke: INK.pinkShade, "stroke-linecap": "round", fill: INK.pinkShade }, group);
  const light = make("g", { stroke: INK.pink, "stroke-linecap": "round", fill: INK.pink }, group);
  const fingers = FINGERS.map((k) => ({
    k,
    under: make("path", { "stroke-width": 12.4 }, shade),
    over: make("path", { "stroke-width": 9.6 }, light),
  }));
  make("path", { d: "M-18 8C-20-4-15-15 0-16C15-15 20-4 18 8C15 19-15 19-18 8Z", stroke: "none" }, shade);
  make(
    "path",
    { d: "M-16.5 7C-18-4-13-13.5 0-14.5C13-13.5 18-4 16.5 7C13 16-13 16-16.5 7Z", stroke: "none" },
    light,
  );
  const pads = make("g", { fill: INK.pinkShade }, group);
  make("path", { d: "M-8 4C-8-3 8-3 8 4C8 11-8 11-8 4Z" }, pads);
  for (const [x, y] of [
    [-10, -8],
    [0, -11],
    [10, -8],
  ])
    make("ellipse", { cx: x, cy: y, rx: 3.6, ry: 3 }, pads);
  const knuckles = make(
    "path",
    {
      d: "M-9-8L-9-2M0-9L0-3M9-8L9-2",
      fill: "none",
      stroke: INK.pinkShade,
      "stroke-width": 2.2,
      "stroke-linecap": "round",
    },
    group,
  );
  const cuff = make("g", {}, group);
  make("path", { d: CUFF, fill: INK.goldShade, transform: "translate(0 -2.5)" }, cuff);
  make("path", { d: CUFF, fill: INK.gold }, cuff);
  return { group, pads, knuckles, fingers, cuff };
}

function arm(mirror, front, back) {
  const group = make("g", { "data-part": mirror < 0 ? "arm-left" : "arm-right" }, front);
  const stroke = { fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" };
  const sleeveShade = make(
    "path",
    { ...stroke, stroke: INK.goldShade, transform: "translate(1.5 2.5)" },
    group,
  );
  const sleeve = make("path", { ...stroke, stroke: INK.gold }, group);
  const hand = paw(group);
  const key = mirror < 0 ? "L" : "R";
  let behind = false;
  return (pose) => {
    const get = (name) => pose[`${name}${key}`];
    const x = get("pawX");
    const y = get("pawY");
    const turn = (get("pawTurn") * Math.PI) / 180;
    const size = get("pawSize");
    const hidden = get("behind") > 0.2;
    if (hidden !== behind) {
      behind = hidden;
      const layer = hidden ? back : front;
      if (mirror < 0) layer.prepend(group);
      else layer.append(group);
      set(sleeve, "stroke", hidden ? INK.goldShade : INK.gold);
      set(sleeveShade, "stroke", hidden ? INK.goldDeep : INK.goldShade);
    }
    // The wrist lies behind the paw, on the far side of its fingers.
    const wrist = [x - Math.sin(turn) * 10 * size, y + Math.cos(turn) * 10 * size];
    const shoulder = [
      200 + mirror * 84,
      Math.min(344, 326 - pose.shoulders * 6 + Math.max(0, pose.headY) * 0.9),
    ];
    const elbow = [
      mix(shoulder[0], wrist[0], 0.5) + mirror * (22 + get("elbow") * 34),
      mix(shoulder[1], wrist[1], 0.5) + 20,
    ];
    const line = bezier(
      shoulder,
      elbow,
      [mix(elbow[0], wrist[0], 0.6), mix(elbow[1], wrist[1], 0.6)],
      wrist,
      10,
    );
    const whole = openCurve(line);
    set(sleeve, "d", whole);
    set(sleeveShade, "d", openCurve(line.slice(3)));
    set(sleeve, "stroke-width", 33 * mix(1, size, 0.5));
    set(sleeveShade, "stroke-width", 36 * mix(1, size, 0.5));
    place(hand.group, x, y, get("pawTurn"), size);
    for (const { k, under, over } of hand.fingers) {
      const fan = k * mix(9, 21, get("spread")) * (Math.PI / 180);
      const long = mix(mix(16, 20, get("spread")), 9, get("fist")) - Math.abs(k) * 1.6;
      const root = [k * 8, -6 + Math.abs(k) * 1.5];
      const tip = [root[0] + Math.sin(fan) * long, root[1] - Math.cos(fan) * long];
      const line = path`M${root[0]} ${root[1]}L${tip[0]} ${tip[1]}`;
      set(under, "d", line);
      set(over, "d", line);
    }
    place(hand.cuff, 0, 7 * get("palm"));
    fade(hand.pads, get("palm"));
    fade(hand.knuckles, get("fist"));
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
