/** Head and cheek pouches in one outline, the cream mask, the stripe, and the colours of the cheeks. */
import { INK } from "../palette.js";
import { closedCurve, fade, make, mix, set } from "../svg.js";

/** One side of the outline from temple to jaw; puff and lift bend the pouch. */
function pouch(puff, lift) {
  const out = puff > 0 ? puff * 17 : puff * 24;
  const up = lift * 11;
  return [
    [52, -97],
    [88, -71],
    [107, -33],
    [118 + out * 0.45, 4 - up * 0.6],
    [134 + out, 40 - up],
    [125 + out, 72 - up * 0.7 + Math.max(0, puff) * 4],
    [88 + out * 0.6, 93 - up * 0.3],
    [42, 98],
  ];
}

function outline(pose) {
  const jaw = 99 + pose.open * 9;
  const right = pouch(pose.puffR, pose.liftR);
  const left = pouch(pose.puffL, pose.liftL).map(([x, y]) => [-x, y]).reverse();
  return closedCurve([[0, -103], ...right, [0, jaw], ...left]);
}

/** Cream from the bridge of the nose over muzzle and inner cheeks. */
function mask(pose) {
  const shift = pose.turn * 9;
  const jaw = 101 + pose.open * 9;
  const half = (puff, lift) => {
    const out = puff > 0 ? puff * 14 : puff * 22;
    const up = lift * 10;
    return [
      [15, -2],
      [30, 22],
      [62, 27 - up * 0.8],
      [96 + out * 0.8, 22 - up],
      [116 + out, 46 - up],
      [108 + out, 76 - up * 0.6],
      [72 + out * 0.4, 96],
    ];
  };
  const move = (sign) => ([x, y]) => [sign * x + shift * (x < 60 ? 1 : 0.4), y + pose.nod * 5];
  const right = half(pose.puffR, pose.liftR).map(move(1));
  const left = half(pose.puffL, pose.liftL).map(move(-1)).reverse();
  return closedCurve([[shift, -20 + pose.nod * 5], ...right, [0, jaw + 4], ...left]);
}

const STRIPE = "M-17-106C-15-84-13-72-2-44C-1-42 1-42 2-44C13-72 15-84 17-106C6-101-6-101-17-106Z";
const SIDE_STRIPE = "M30-104C31-88 31-80 24-62C38-72 46-84 50-100Z";
const COWLICK = "M-17-98C-15-112-9-117-2-124C-2-117-1-114 2-110C5-116 9-119 15-121C12-114 14-106 18-98Z";

function tuft(mirror, parent) {
  const fur = make("path", { fill: INK.goldShade }, parent);
  return (puff, lift) => {
    const x = mirror * (130 + (puff > 0 ? puff * 17 : puff * 24));
    const y = 58 - lift * 10;
    const p = (dx, dy) => `${(x + mirror * dx).toFixed(2)} ${(y + dy).toFixed(2)}`;
    set(
      fur,
      "d",
      `M${p(-12, -22)}C${p(2, -14)} ${p(8, -12)} ${p(15, -11)}C${p(10, -6)} ${p(9, -3)} ${p(8, 1)}` +
        `C${p(12, 3)} ${p(14, 5)} ${p(17, 9)}C${p(10, 10)} ${p(6, 12)} ${p(3, 15)}` +
        `C${p(4, 18)} ${p(5, 21)} ${p(6, 25)}C${p(-4, 24)} ${p(-12, 24)} ${p(-24, 22)}Z`,
    );
  };
}

function cheekColour(mirror, parent) {
  const group = make("g", {}, parent);
  const shapes = ["blush", "flush", "green", "pale"].map((name) => {
    const fill = { blush: INK.blush, flush: INK.flush, green: INK.sick, pale: INK.pale }[name];
    return [name, make("path", { fill, d: "M-27 2C-28-13-12-20 3-19C20-18 30-8 28 4C26 17 12 21-3 20C-17 19-26 14-27 2Z" }, group)];
  });
  const hatch = make(
    "path",
    { d: "M-11-4L-15 6M0-5L-4 6M11-5L7 5", fill: "none", stroke: INK.flush, "stroke-width": 2.4, "stroke-linecap": "round" },
    group,
  );
  return (pose, puff, lift) => {
    const out = puff > 0 ? puff * 13 : puff * 20;
    const grow = 1 + Math.max(0, puff) * 0.2 + pose.flush * 0.25 + pose.green * 0.15;
    set(
      group,
      "transform",
      `translate(${(mirror * (87 + out) + pose.turn * 4).toFixed(2)} ${(50 - lift * 11).toFixed(2)}) scale(${grow.toFixed(3)})`,
    );
    const strength = { blush: 0.75, flush: 0.85, green: 0.75, pale: 0.8 };
    for (const [name, node] of shapes) fade(node, pose[name] * strength[name]);
    fade(hatch, mix(0, 0.6, Math.max(0, pose.blush - 0.5) * 2));
  };
}

/** @param {string} id prefix of clip ids @param {Element} parent @param {Element} defs */
export function drawHead(id, parent, defs) {
  const group = make("g", { "data-part": "head" }, parent);
  const clip = make("path", {}, make("clipPath", { id: `${id}-head` }, defs));
  const inMask = make("path", {}, make("clipPath", { id: `${id}-mask` }, defs));
  const top = make("path", { d: COWLICK, fill: INK.stripe }, group);
  const tufts = make("g", {}, group);
  const left = tuft(-1, tufts);
  const right = tuft(1, tufts);
  const base = make("path", { fill: INK.goldShade }, group);
  const inside = make("g", { "clip-path": `url(#${id}-head)` }, group);
  const lit = make("path", { fill: INK.gold, transform: "translate(-5 -9)" }, inside);
  const stripes = make("g", { fill: INK.stripe }, inside);
  make("path", { d: STRIPE }, stripes);
  make("path", { d: SIDE_STRIPE, fill: INK.goldShade }, stripes);
  make("path", { d: SIDE_STRIPE, fill: INK.goldShade, transform: "scale(-1 1)" }, stripes);
  const cheeks = make("g", { "data-part": "cheeks" }, inside);
  const cream = make("path", { fill: INK.creamShade }, cheeks);
  const creamLit = make("g", { "clip-path": `url(#${id}-mask)` }, cheeks);
  const light = make("path", { fill: INK.cream, transform: "translate(-3 -9)" }, creamLit);
  const colours = [cheekColour(-1, cheeks), cheekColour(1, cheeks)];
  return (pose) => {
    const shape = outline(pose);
    for (const node of [clip, base, lit]) set(node, "d", shape);
    const face = mask(pose);
    for (const node of [inMask, cream, light]) set(node, "d", face);
    left(pose.puffL, pose.liftL);
    right(pose.puffR, pose.liftR);
    set(stripes, "transform", `translate(${(pose.turn * 5).toFixed(2)} ${(pose.nod * 4).toFixed(2)})`);
    set(top, "transform", `translate(${(pose.turn * 3).toFixed(2)} 0)`);
    colours[0](pose, pose.puffL, pose.liftL);
    colours[1](pose, pose.puffR, pose.liftR);
  };
}
