/** Body: shoulders and chest behind the table, and the table itself. */
import { INK } from "../palette.js";
import { make, set } from "../svg.js";

const TRUNK = "M118 246C96 272 82 306 80 366L320 366C318 306 304 272 282 246C258 226 142 226 118 246Z";
const CHEST = "M148 250C138 284 144 330 160 370L240 370C256 330 262 284 252 250Z";
const RUFF = "M132 272C146 296 158 306 171 310C172 305 172 302 172 298C181 310 190 316 201 322C206 314 211 307 226 299C226 303 226 306 228 309C243 304 256 294 268 272Z";

/** @param {string} id prefix of clip ids @param {Element} parent @param {Element} defs */
export function drawBody(id, parent, defs) {
  const group = make("g", { "data-part": "body" }, parent);
  make("path", { d: TRUNK }, make("clipPath", { id: `${id}-trunk` }, defs));
  make("path", { d: TRUNK, fill: INK.goldShade }, group);
  const inside = make("g", { "clip-path": `url(#${id}-trunk)` }, group);
  make("path", { d: TRUNK, fill: INK.gold, transform: "translate(-9 6)" }, inside);
  make("path", { d: CHEST, fill: INK.cream }, inside);
  const shadow = make("path", { d: RUFF, fill: INK.creamShade }, inside);
  const neck = make("path", { d: "M86 262C120 318 280 318 314 262Z", fill: INK.goldDeep, opacity: 0.4 }, inside);
  return (pose) => {
    const grow = 1 + pose.breath * 0.012;
    const up = pose.shoulders * 16 + pose.breath * 1.2;
    set(group, "transform", `translate(${(200 - 200 * grow).toFixed(2)} ${(366 - 366 * grow - up).toFixed(2)}) scale(${grow.toFixed(4)})`);
    const fall = `translate(${(pose.headX * 0.6).toFixed(2)} ${(pose.headY + up).toFixed(2)})`;
    set(shadow, "transform", fall);
    set(neck, "transform", fall);
  };
}

/** @param {Element} parent */
export function drawTable(parent) {
  const group = make("g", { "data-part": "table" }, parent);
  make("path", { d: "M26 352C140 349 260 349 374 352C383 353 386 358 386 367C386 380 382 385 372 385C260 388 140 388 28 385C18 385 14 380 14 367C14 358 17 353 26 352Z", fill: INK.wood }, group);
  make("path", { d: "M26 352C140 349 260 349 374 352C381 353 385 356 386 362C260 358 140 358 14 362C15 356 19 353 26 352Z", fill: INK.woodTop }, group);
  make("path", { d: "M40 373C90 370 110 376 150 373M190 377C240 374 280 379 306 375M322 370C340 369 350 371 362 370M60 379L84 378", fill: "none", stroke: INK.woodGrain, "stroke-width": 2, "stroke-linecap": "round" }, group);
  return () => {};
}
