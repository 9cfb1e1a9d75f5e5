/** Props: tear, sweat drop, steam, the letters of sleep, and the question mark. */
import { INK } from "../palette.js";
import { ease, fade, make, place } from "../svg.js";

const DROP = "M0-15C5-6 10 0 10 7C10 13 6 17 0 17C-6 17-10 13-10 7C-10 0-5-6 0-15Z";
const PUFF =
  "M-20 6C-27 0-22-11-13-9C-12-19 4-21 7-12C17-15 24-4 17 3C21 11 10 17 4 12C-2 18-12 16-12 10C-15 11-18 10-20 6Z";
const ZED = "M-9-10L9-10L-8 10L10 10";

function drop(parent) {
  const group = make("g", {}, parent);
  make("path", { d: DROP, fill: INK.water }, group);
  make("path", { d: "M-5 4C-5 9-3 12 0 13C-6 14-8 8-5 4Z", fill: INK.waterLight }, group);
  return group;
}

/** Props that ride on the head, in its coordinates. @param {Element} parent */
export function drawHeadProps(parent) {
  const group = make("g", { "data-part": "props-head" }, parent);
  const tear = drop(group);
  const sweat = drop(group);
  return (pose) => {
    // What is not seen is not moved: the phase changes with every frame.
    const grown = ease(pose.tear, 0.15, 0.85);
    if (fade(tear, ease(pose.tear, 0.15, 0.5) * ease(1 - pose.phase, 0, 0.15)))
      place(tear, -66, 48 + pose.phase * 26, 0, (0.75 + 0.45 * Math.min(1, pose.phase * 2)) * grown + 0.01);
    if (fade(sweat, ease(pose.sweat, 0.15, 0.5)))
      place(sweat, 109, -40 + pose.phase * 12, -14, ease(pose.sweat, 0.15, 0.85) + 0.01);
  };
}

/**
 * Props that stand in the air, in the picture's coordinates.
 * @param {Element} parent
 * @returns {{group: SVGGElement, draw: (pose: import("../params.js").Pose) => void}}
 */
export function drawAirProps(parent) {
  const group = make("g", { "data-part": "props-air" }, parent);
  const puffs = [-1, 1].flatMap((mirror) =>
    [0, 1].map((i) => {
      const node = make("g", {}, group);
      make("path", { d: PUFF, fill: INK.steam }, node);
      make("path", { d: PUFF, fill: INK.steamLight, transform: "translate(-1.5 -2.5) scale(.86)" }, node);
      return { mirror, i, node };
    }),
  );
  const zeds = [0, 1, 2].map((i) => ({
    i,
    node: make(
      "path",
      {
        d: ZED,
        fill: "none",
        stroke: INK.night,
        "stroke-width": 5,
        "stroke-linecap": "round",
        "stroke-linejoin": "round",
      },
      group,
    ),
  }));
  const question = make("g", {}, group);
  make(
    "path",
    {
      d: "M-15-18C-14-34 15-36 16-17C17-4 0-3 0 12",
      fill: "none",
      stroke: INK.question,
      "stroke-width": 9,
      "stroke-linecap": "round",
    },
    question,
  );
  make("circle", { cx: 0, cy: 29, r: 5.6, fill: INK.question }, question);
  const draw = (pose) => {
    for (const { mirror, i, node } of puffs) {
      const t = (pose.phase + i * 0.5) % 1;
      const size = (0.5 + t * 0.75) * ease(pose.steam, 0.15, 0.9) + 0.01;
      if (fade(node, ease(pose.steam, 0.15, 0.6) * ease(1 - t, 0, 0.35)))
        place(node, 200 + mirror * (128 + t * 34), 108 - t * 46, mirror * 10, size);
    }
    for (const { i, node } of zeds) {
      const t = (pose.phase + i / 3) % 1;
      const size = (0.5 + t * 0.85) * ease(pose.snooze, 0.15, 0.9) + 0.01;
      if (fade(node, ease(pose.snooze, 0.15, 0.6) * ease(t, 0, 0.15) * ease(1 - t, 0, 0.2)))
        place(node, 292 + t * 62, 128 - t * 82, -8 + t * 16, size);
    }
    place(question, 338, 78, 10, ease(pose.question, 0.1, 0.9) + 0.01);
    fade(question, ease(pose.question, 0.1, 0.5));
  };
  return { group, draw };
}
