/** Head and cheek pouches in one outline, the cream mask, the stripe, and the colours of the cheeks. */
import { INK } from "../palette.js";
import { closedCurve, fade, make, num, place, set } from "../svg.js";

/** One side of the outline from temple to jaw; puff and lift bend the pouch. */
function pouch(puff, lift) {
  const out = puff > 0 ? puff * 17 : puff * 24;
  const up = lift * 11;
  return [
    [44, -101],
    [84, -83],
    [110, -47],
    [119 + out * 0.3, -9 - up * 0.4],
    [133 + out * 0.8, 18 - up * 0.8],
    [141 + out, 46 - up],
    [131 + out, 74 - up * 0.7 + Math.max(0, puff) * 4],
    [95 + out * 0.6, 94 - up * 0.3],
    [46, 100],
  ];
}

function outline(pose) {
  const jaw = 99 + pose.open * 9;
  const right = pouch(pose.puffR, pose.liftR);
  const left = pouch(pose.puffL, pose.liftL)
    .map(([x, y]) => [-x, y])
    .reverse();
  return closedCurve([[0, -107], ...right, [0, jaw], ...left]);
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
      [98 + out * 0.8, 20 - up],
      [121 + out, 47 - up],
      [111 + out, 78 - up * 0.6],
      [72 + out * 0.4, 96],
    ];
  };
  const move =
    (sign) =>
    ([x, y]) => [sign * x + shift * (x < 60 ? 1 : 0.4), y + pose.nod * 5];
  const right = half(pose.puffR, pose.liftR).map(move(1));
  const left = half(pose.puffL, pose.liftL).map(move(-1)).reverse();
  return closedCurve([[shift, -20 + pose.nod * 5], ...right, [0, jaw + 4], ...left]);
}

const STRIPE =
  "M-40-110C-36-92-32-80-25-70C-24-77-22-82-20-86C-17-70-11-57-2-46C1-43 3-45 4-48C9-58 13-68 15-80" +
  "C18-76 20-72 21-67C29-80 34-94 38-110Z";
const COWLICK =
  "M-20-92C-19-108-13-116-3-125C-4-118-3-114 0-110C4-116 9-119 16-121C13-114 15-105 20-94C8-88-8-87-20-92Z";

function tuft(mirror, parent) {
  const fur = make("path", { fill: mirror < 0 ? INK.gold : INK.goldShade }, parent);
  return (puff, lift) => {
    const x = mirror * (134 + (puff > 0 ? puff * 17 : puff * 24));
    const y = 58 - lift * 10;
    const p = (dx, dy) => `${num(x + mirror * dx, 10)} ${num(y + dy, 10)}`;
    set(
      fur,
      "d",
      `M${p(-10, -30)}C${p(4, -20)} ${p(10, -14)} ${p(16, -4)}C${p(10, -4)} ${p(8, -3)} ${p(5, -2)}` +
        `C${p(9, 3)} ${p(11, 8)} ${p(13, 15)}C${p(6, 13)} ${p(2, 13)} ${p(-2, 13)}` +
        `C${p(-1, 18)} ${p(-1, 22)} ${p(-3, 28)}C${p(-10, 22)} ${p(-16, 20)} ${p(-26, 18)}Z`,
    );
  };
}

const BLUSH =
  "M-25-6C-19-17-6-20 5-18C16-18 26-11 27-2C31-2 31 1 29 3C31 5 30 8 26 8C23 16 12 20 1 19C-8 20-17 18-22 12" +
  "C-27 12-29 9-26 7C-31 6-31 2-27 1C-31-1-30-5-25-6Z";

function cheekColour(mirror, parent) {
  const group = make("g", {}, parent);
  const patch = (fill) => make("path", { d: BLUSH, fill }, group);
  const [blush, flush, green, pale] = [INK.blush, INK.flush, INK.sick, INK.pale].map(patch);
  const hatch = make(
    "path",
    {
      d: "M-11-4L-15 6M0-5L-4 6M11-5L7 5",
      fill: "none",
      stroke: INK.flush,
      "stroke-width": 2.4,
      "stroke-linecap": "round",
    },
    group,
  );
  return (pose, puff, lift) => {
    const out = puff > 0 ? puff * 13 : puff * 20;
    const grow = 0.92 + Math.max(0, puff) * 0.2 + pose.flush * 0.16 + pose.green * 0.12;
    place(group, mirror * (84 + out) + pose.turn * 4, 50 - lift * 11, 0, grow);
    fade(blush, pose.blush * 0.7);
    fade(flush, pose.flush * 0.72);
    fade(green, pose.green * (1 - pose.flush) * 0.7);
    fade(pale, pose.pale * 0.8);
    fade(hatch, Math.max(0, pose.blush - 0.5) * 1.2);
  };
}

/**
 * @param {string} id prefix of clip ids
 * @param {Element} parent
 * @param {Element} defs
 * @param {Element} shadowParent moves with the head; gets the shadow on the chest
 */
export function drawHead(id, parent, defs, shadowParent) {
  const shadow = make(
    "path",
    { fill: INK.goldDeep, opacity: 0.45, transform: "translate(2 11)" },
    shadowParent,
  );
  const group = make("g", { "data-part": "head" }, parent);
  const clip = make("path", {}, make("clipPath", { id: `${id}-head` }, defs));
  const inMask = make("path", {}, make("clipPath", { id: `${id}-mask` }, defs));
  const tufts = make("g", {}, group);
  const left = tuft(-1, tufts);
  const right = tuft(1, tufts);
  const base = make("path", { fill: INK.goldShade }, group);
  const inside = make("g", { "clip-path": `url(#${id}-head)` }, group);
  const lit = make("path", { fill: INK.gold, transform: "translate(-5 -9)" }, inside);
  const stripes = make("g", { fill: INK.stripe }, inside);
  make("path", { d: STRIPE }, stripes);
  const cheeks = make("g", { "data-part": "cheeks" }, inside);
  const cream = make("path", { fill: INK.creamShade }, cheeks);
  const creamLit = make("g", { "clip-path": `url(#${id}-mask)` }, cheeks);
  const light = make("path", { fill: INK.cream, transform: "translate(-3 -9)" }, creamLit);
  const colours = [cheekColour(-1, creamLit), cheekColour(1, creamLit)];
  const top = make("path", { d: COWLICK, fill: INK.stripe }, group);
  return (pose) => {
    const shape = outline(pose);
    for (const node of [clip, base, lit, shadow]) set(node, "d", shape);
    const face = mask(pose);
    for (const node of [inMask, cream, light]) set(node, "d", face);
    left(pose.puffL, pose.liftL);
    right(pose.puffR, pose.liftR);
    place(stripes, pose.turn * 5, pose.nod * 4);
    place(top, pose.turn * 3, 0);
    colours[0](pose, pose.puffL, pose.liftL);
    colours[1](pose, pose.puffR, pose.liftR);
  };
}
