/** Body: shoulders and chest behind the table, and the table itself. */
import { INK } from "../palette.js";
import { make, place } from "../svg.js";

const TRUNK = "M118 246C96 272 82 306 80 366L320 366C318 306 304 272 282 246C258 226 142 226 118 246Z";
const CHEST =
  "M146 250C144 270 142 282 133 293C140 293 143 291 147 289C146 303 141 313 132 323C140 323 145 321 149 318" +
  "C150 336 154 352 160 370L240 370C246 352 250 336 251 318C255 321 260 323 268 323C259 313 254 303 253 289" +
  "C257 291 260 293 267 293C258 282 256 270 254 250Z";
const RUFF =
  "M172 312C178 318 184 322 190 324C190 321 190 319 191 317C196 323 201 327 207 329C209 324 211 320 215 317" +
  "C215 320 216 321 217 323C223 320 227 316 230 311C226 320 222 327 216 333C214 331 213 330 212 328" +
  "C210 332 208 335 206 337C200 335 195 332 191 328C191 330 191 331 191 333C183 329 177 322 172 312Z";

/** @param {string} id prefix of clip ids @param {Element} parent @param {Element} defs */
export function drawBody(id, parent, defs) {
  const group = make("g", { "data-part": "body" }, parent);
  make("path", { d: TRUNK }, make("clipPath", { id: `${id}-trunk` }, defs));
  make("path", { d: TRUNK, fill: INK.goldShade }, group);
  const inside = make("g", { "clip-path": `url(#${id}-trunk)` }, group);
  make("path", { d: TRUNK, fill: INK.gold, transform: "translate(-9 6)" }, inside);
  make("path", { d: CHEST, fill: INK.cream }, inside);
  make("path", { d: RUFF, fill: INK.creamShade }, inside);
  return (pose) => {
    const grow = 1 + pose.breath * 0.012;
    const up = pose.shoulders * 16 + pose.breath * 1.2;
    place(group, 200 - 200 * grow, 366 - 366 * grow - up, 0, grow);
  };
}

/** The table never moves. @param {Element} parent */
export function drawTable(parent) {
  const group = make("g", { "data-part": "table" }, parent);
  make(
    "path",
    {
      d: "M28 351C140 349 260 349 372 351C383 352 387 357 387 365C387 375 382 379 371 379C260 382 140 382 29 379C18 379 13 375 13 365C13 357 17 352 28 351Z",
      fill: INK.wood,
    },
    group,
  );
  make(
    "path",
    {
      d: "M28 351C140 349 260 349 372 351C381 352 385 355 387 361C260 358 140 358 13 361C15 355 19 352 28 351Z",
      fill: INK.woodTop,
    },
    group,
  );
  make(
    "path",
    {
      d: "M40 369C80 367 96 371 118 369M282 372C310 369 330 373 350 371M60 374L84 373",
      fill: "none",
      stroke: INK.woodGrain,
      "stroke-width": 2,
      "stroke-linecap": "round",
    },
    group,
  );
}
