/** A session as a picture to keep or to send, drawn here and nowhere else. */

import { named, scored } from "../emotions.js";
import { language, listed, sentences } from "../i18n.js";
import { runs, shares, thinned, unpacked } from "../timeline/samples.js";
import { title } from "../timeline/words.js";
import { hamsterOf } from "./moments.js";
import { CARD, sayLength, sayProcessed } from "./words.js";

const SIZE = { width: 1200, height: 675 };
const EDGE = 56;
const ROUND = 24;

/**
 * @param {import("./recorder.js").SessionRecord} session @returns {Promise<Blob>} a PNG of 1200x675
 * @throws {Error} where the browser cannot make one
 */
export async function drawCard(session) {
  const canvas = Object.assign(document.createElement("canvas"), SIZE);
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const paint = (name) => style.getPropertyValue(`--${name}`).trim();
  const write = (text, x, y, size, { colour = "ink", weight = 400, most, align = "left" } = {}) => {
    context.font = `${weight} ${size}px ${paint("sans")}`;
    context.fillStyle = paint(colour);
    context.textAlign = align;
    context.fillText(text, x, y, most);
  };
  const rows = unpacked(session.samples.rows);
  const found = shares(rows);
  context.fillStyle = paint("paper");
  context.fillRect(0, 0, SIZE.width, SIZE.height);
  const width = SIZE.width - 2 * EDGE;
  context.font = `650 44px ${paint("sans")}`;
  write(cut(context, session.name || CARD.title, width), EDGE, 92, 44, { weight: 650 });
  const day = new Date(session.started_at).toLocaleDateString(language, { day: "numeric", month: "long", year: "numeric" });
  write(listed([day, sayLength(session.duration_ms, found)]), EDGE, 136, 24, { colour: "quiet", most: width });
  await drawMoments(context, session.moments, write);
  drawRibbon(context, rows, session, paint, width);
  drawShares(context, found, paint, write);
  write(sentences(sayProcessed(session.frames), CARD.noPhotographs), EDGE, SIZE.height - 32, 18, { colour: "quiet", most: width });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
  });
}

/**
 * @param {CanvasRenderingContext2D} context with the font of the text @param {string} text @param {number} width pixels
 * @returns {string} the text, or as much of it as there is room for and an ellipsis
 */
export function cut(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  const letters = Array.from(text);
  const shortened = () => `${letters.join("").trimEnd()}…`;
  while (letters.length > 0 && context.measureText(shortened()).width > width) letters.pop();
  return shortened();
}

async function drawMoments(context, moments, write) {
  const side = 264;
  const gap = (SIZE.width - 2 * EDGE - moments.length * side) / Math.max(1, moments.length + 1);
  await Promise.all(moments.map(async (moment, index) => {
    const x = EDGE + gap * (index + 1) + side * index;
    context.drawImage(await pictureOf(hamsterOf(moment), side), x, 160, side, side);
    write(scored(named(moment.label), moment.score), x + side / 2, 456, 22, { weight: 600, align: "center" });
  }));
}

async function pictureOf(svg, side) {
  svg.setAttribute("width", String(side * 2));
  svg.setAttribute("height", String(side * 2));
  const text = new XMLSerializer().serializeToString(svg);
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    return picture;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function drawRibbon(context, rows, { samples, duration_ms: duration }, paint, width) {
  const drawn = thinned(rows, samples.step_ms, 600);
  context.save();
  context.beginPath();
  context.roundRect(EDGE, 488, width, 64, ROUND / 2);
  context.clip();
  context.fillStyle = paint("track");
  context.fillRect(EDGE, 488, width, 64);
  for (const { label, from, to } of runs(drawn.rows, drawn.step)) {
    if (label === "unknown") continue;
    context.fillStyle = paint(label);
    context.fillRect(EDGE + (from / duration) * width, 488, ((to - from) / duration) * width + 0.5, 64);
  }
  context.restore();
}

function drawShares(context, found, paint, write) {
  let x = EDGE;
  for (const { label, share } of found.slice(0, 6)) {
    context.fillStyle = paint(label);
    context.beginPath();
    context.roundRect(x, 574, 20, 20, 6);
    context.fill();
    const words = scored(title(label), share);
    write(words, x + 30, 592, 22);
    x += 30 + context.measureText(words).width + 36;
  }
}
