/** Brows: tapered brush strokes above the eyes. */
import { INK } from "../palette.js";
import { bezier, brush, make, set } from "../svg.js";

function brow(mirror, parent) {
  const stroke = make("path", { fill: INK.brow }, parent);
  return (pose, up, tilt, arch) => {
    const angle = (tilt * Math.PI) / 180;
    const cx = mirror * 60 + pose.turn * 8;
    const cy = -43 - up * 20 + pose.nod * 6;
    const at = (x, y) => [
      cx + mirror * (x * Math.cos(angle) + y * Math.sin(angle)),
      cy - x * Math.sin(angle) + y * Math.cos(angle),
    ];
    const inner = at(-23, 3);
    const outer = at(24, 5);
    const bend = -arch * 15;
    const line = bezier(inner, at(-10, bend), at(12, bend - 1), outer, 7);
    set(
      stroke,
      "d",
      brush(
        line,
        (t) =>
          pose.browWeight * (2.2 + 6.4 * Math.pow(Math.sin(Math.PI * Math.min(1, t * 0.85 + 0.12)), 0.8)),
      ),
    );
  };
}

/** @param {Element} parent */
export function drawBrows(parent) {
  const group = make("g", { "data-part": "brows" }, parent);
  const left = brow(-1, group);
  const right = brow(1, group);
  return (pose) => {
    left(pose, pose.browL, pose.browTiltL, pose.browArchL);
    right(pose, pose.browR, pose.browTiltR, pose.browArchR);
  };
}
