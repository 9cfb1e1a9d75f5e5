/** One clock for all hamsters of a page: it lets each draw in its turn and stops when nothing moves. */

/** Milliseconds of drawing in one frame; whoever did not come to draw is first in the next. One always draws. */
const BUDGET = 10;

/** A longer wait between two frames, in ms, is a page that was out of sight. */
const LONGEST = 200;

/** @typedef {(time: number) => boolean} Draw takes the time of the frame in ms; true: wants another frame */

/** @type {Set<Draw>} in the order of their turns */
const waiting = new Set();
let frame = 0;
let tickedAt = null;
let interval = 0;

/** @returns {number} the time between two frames of late, ms: how fast this machine draws now; 0 until that is known */
export function pace() {
  return interval;
}

/** Call `draw` with every frame until it says that it has finished. @param {Draw} draw */
export function wake(draw) {
  waiting.add(draw);
  frame ||= requestAnimationFrame(tick);
}

/** @param {Draw} draw will not be called again */
export function rest(draw) {
  waiting.delete(draw);
}

function tick(time) {
  frame = 0;
  if (tickedAt !== null) interval += (Math.min(time - tickedAt, LONGEST) - interval) * 0.1;
  tickedAt = time;
  const start = performance.now();
  for (const draw of [...waiting]) {
    waiting.delete(draw);
    if (draw(time)) waiting.add(draw);
    if (performance.now() - start > BUDGET) break;
  }
  if (waiting.size > 0) frame ||= requestAnimationFrame(tick);
  else tickedAt = null;
}
