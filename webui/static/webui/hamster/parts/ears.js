/** Ears: round petals, pink inside, that fold about their root behind the head. */
import { INK } from "../palette.js";
import { make, place } from "../svg.js";

const SHELL = "M-27 20C-45 2-47-38-22-54C-2-66 29-57 36-28C41-6 34 12 24 22Z";
const INNER = "M-15 16C-29 2-31-28-15-39C0-48 22-41 26-19C29-3 23 10 15 17Z";
const INNER_SHADE = "M-15 16C-29 2-31-28-15-39C-11-42-6-43-1-43C-15-36-15-8 1 17Z";
const ROOT = "M-48 14C-34-14-16-22 0-22C18-22 34-12 48 16L24 30L-27 30Z";

function ear(id, mirror, parent, defs) {
  const group = make("g", { "data-part": mirror < 0 ? "ear-left" : "ear-right" }, parent);
  const clip = make("clipPath", { id }, defs);
  make("path", { d: SHELL }, clip);
  make("path", { d: SHELL, fill: INK.goldShade }, group);
  const lit = make("g", { "clip-path": `url(#${id})` }, group);
  make("path", { d: SHELL, fill: INK.gold, transform: "translate(-4 -5)" }, lit);
  make("path", { d: ROOT, fill: INK.goldShade }, lit);
  const inside = make("g", {}, group);
  make("path", { d: INNER, fill: INK.pink }, inside);
  make("path", { d: INNER_SHADE, fill: INK.pinkShade }, inside);
  return (fold, open, turn) => {
    const flat = Math.min(1, Math.max(0, fold) / 100);
    const x = mirror * (74 + flat * 16) - turn * 5;
    const y = -70 + flat * 22;
    place(group, x, y, mirror * (24 + fold), mirror * (0.94 - flat * 0.06), 0.94 - flat * 0.1);
    place(inside, (1 - open) * 8, 0, 0, open, 1);
  };
}

/** @param {string} id prefix of clip ids @param {Element} parent @param {Element} defs */
export function drawEars(id, parent, defs) {
  const group = make("g", { "data-part": "ears" }, parent);
  const left = ear(`${id}-ear-l`, -1, group, defs);
  const right = ear(`${id}-ear-r`, 1, group, defs);
  return (pose) => {
    left(pose.earL, pose.earOpenL, pose.turn);
    right(pose.earR, pose.earOpenR, pose.turn);
  };
}
