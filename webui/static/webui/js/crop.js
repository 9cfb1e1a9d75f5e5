/** Cutting one face out of what the card shows. */

import { fitWithin } from "./geometry.js";

/** @typedef {import("./geometry.js").Rect} Rect */
/** @typedef {{x1: number, y1: number, x2: number, y2: number}} Box fractions, 0..1 */

const MARGIN = 0.4; // of the box's longer side, on each side
const LONGEST_SIDE = 320;

/**
 * Where a face and a little around it lie in a source.
 * @param {Box} face fractions of `part` @param {Rect} part of the source that was looked at, source pixels
 * @returns {{part: Rect, size: import("./geometry.js").Size, box: Box}} what to cut out, how large to draw it, and the face's box as
 * fractions of it
 */
export function aroundFace(face, part) {
  const [width, height] = [(face.x2 - face.x1) * part.width, (face.y2 - face.y1) * part.height];
  const margin = Math.max(width, height) * MARGIN;
  const between = (value, low, high) => Math.min(Math.max(value, low), high);
  const left = Math.floor(between(face.x1 * part.width - margin, 0, part.width - 1));
  const top = Math.floor(between(face.y1 * part.height - margin, 0, part.height - 1));
  const right = Math.ceil(between(face.x2 * part.width + margin, left + 1, part.width));
  const bottom = Math.ceil(between(face.y2 * part.height + margin, top + 1, part.height));
  const cut = { x: part.x + left, y: part.y + top, width: right - left, height: bottom - top };
  const share = (value, start, length) => between((value - start) / length, 0, 1);
  return {
    part: cut,
    size: fitWithin(cut, LONGEST_SIDE),
    box: {
      x1: share(face.x1 * part.width, left, cut.width),
      y1: share(face.y1 * part.height, top, cut.height),
      x2: share(face.x2 * part.width, left, cut.width),
      y2: share(face.y2 * part.height, top, cut.height),
    },
  };
}
