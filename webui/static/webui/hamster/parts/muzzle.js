/** Muzzle: the two whisker pads, five whiskers a side, and the nose with its wrinkles. */
import { INK } from "../palette.js";
import { bezier, brush, closedCurve, fade, make, place, set } from "../svg.js";

function pad(mirror, parent) {
  const shade = make("path", { fill: INK.creamShade }, parent);
  const light = make("path", { fill: INK.pad }, parent);
  const freckles = make("g", { fill: INK.creamShade }, parent);
  for (const [x, y] of [
    [17, 40],
    [25, 45],
    [18, 49],
  ])
    make("circle", { cx: mirror * x, cy: y, r: 1.5 }, freckles);
  return (smile, sneer, width) => {
    const w = width * 0.16 + smile * 3;
    const up = smile * 2 + sneer * 9;
    const shape = [
      [-3, 30],
      [16, 28 - up * 0.4],
      [32 + w, 38 - up],
      [33 + w, 50 - up],
      [20 + w * 0.6, 58 - up * 0.9],
      [6, 55],
      [-3, 48],
    ];
    const lower = ([x, y], i) => [x + (i > 1 && i < 5 ? 1.5 : 0), y + (i > 2 ? 4 : 0)];
    const flip = ([x, y]) => [mirror * x, y];
    set(light, "d", closedCurve(shape.map(flip)));
    set(shade, "d", closedCurve(shape.map(lower).map(flip)));
    place(freckles, mirror * w * 0.6, -up * 0.6);
  };
}

/** @param {Element} parent */
export function drawPads(parent) {
  const group = make("g", { "data-part": "muzzle" }, parent);
  const left = pad(-1, group);
  const right = pad(1, group);
  return (pose) => {
    left(pose.smile - pose.skew * 0.5, Math.max(0, -pose.sneer), pose.mouthWidth - 19);
    right(pose.smile + pose.skew * 0.5, Math.max(0, pose.sneer), pose.mouthWidth - 19);
  };
}

const ROOTS = [
  [36, 38],
  [40, 43],
  [41, 48],
  [39, 53],
  [35, 57],
];

/** @param {Element} parent */
export function drawWhiskers(parent) {
  const group = make("g", { "data-part": "whiskers", fill: INK.whisker }, parent);
  const hairs = [-1, 1].flatMap((mirror) =>
    ROOTS.map((root, i) => ({ mirror, root, i, node: make("path", {}, group) })),
  );
  return (pose) => {
    for (const { mirror, root, i, node } of hairs) {
      const puff = mirror < 0 ? pose.puffL : pose.puffR;
      const fan = (i - 2) * 15;
      const reach = 118 - Math.abs(i - 2) * 9 + puff * 10;
      const [x, y] = root;
      const tipY = y + fan - pose.whiskers * 26 + 4;
      const line = bezier(
        [mirror * x, y],
        [mirror * (x + reach * 0.35), y + fan * 0.3 - 9 - pose.whiskers * 5],
        [mirror * (x + reach * 0.7), y + fan * 0.7 - 8 - pose.whiskers * 14],
        [mirror * (x + reach), tipY],
        5,
      );
      set(
        node,
        "d",
        brush(line, (t) => 1.9 * (1 - t) + 0.5),
      );
    }
  };
}

/** @param {Element} parent */
export function drawNose(parent) {
  const group = make("g", { "data-part": "nose" }, parent);
  const wrinkles = make(
    "path",
    {
      d: "M-12 8Q-5 2 0 6Q5 2 12 8M-10 0Q-4-5 0-2Q4-5 10 0",
      fill: "none",
      stroke: INK.goldDeep,
      "stroke-width": 2.6,
      "stroke-linecap": "round",
    },
    group,
  );
  const tip = make("g", {}, group);
  make(
    "path",
    { d: "M0 34C-6 34-14 27-13 20C-12 14-5 14 0 15C5 14 12 14 13 20C14 27 6 34 0 34Z", fill: INK.noseShade },
    tip,
  );
  make(
    "path",
    {
      d: "M0 31C-5 31-12.5 25-12 19.5C-11 14-5 14 0 15C5 14 11 14 12 19.5C12.5 25 5 31 0 31Z",
      fill: INK.nose,
    },
    tip,
  );
  make("path", { d: "M-7 19C-6 16.5-2 16.5 1 17.5C2 19-5 21.5-7 19Z", fill: INK.noseLight }, tip);
  return (pose) => {
    place(tip, 0, -pose.noseUp * 4);
    place(wrinkles, 0, 2 - pose.noseUp * 3);
    fade(wrinkles, pose.wrinkle);
  };
}
