/**
 * Paints a rig on a canvas as the browser shows it: for masks over a video, pictures and clips.
 *
 * It knows what the rig is made of and no more of SVG: groups, paths, circles, ellipses, clips of one path, transforms that
 * move, turn and scale, plain colours. The opacity of a group is given to each of its shapes.
 */

/** @typedef {{fill: string, stroke: string, width: number, cap: CanvasLineCap, join: CanvasLineJoin}} Style */

/** @type {Style} */
const PLAIN = { fill: "#000", stroke: "none", width: 1, cap: "butt", join: "miter" };
const UNSEEN = new Set(["defs", "title"]);

/** @type {WeakMap<Element, {text: string, path: Path2D}>} */
const paths = new WeakMap();
/** @type {WeakMap<Element, {text: string, steps: [string, number[]][]}>} */
const transforms = new WeakMap();
/** @type {WeakMap<SVGSVGElement, Map<string, Element>>} the path of each clip by what refers to it */
const clipsOf = new WeakMap();

/**
 * @param {CanvasRenderingContext2D} context its transform and globalAlpha are where the picture is to be; both are left so
 * @param {Element} node with everything in it; its own transform counts
 */
export function paint(context, node) {
  context.miterLimit = 4;
  walk(context, node, PLAIN, clipsIn(node));
}

function clipsIn(node) {
  const svg = node.ownerSVGElement ?? node;
  let clips = clipsOf.get(svg);
  if (!clips) {
    const found = [...svg.querySelectorAll("clipPath")].map((clip) => [`url(#${clip.id})`, clip.firstElementChild]);
    clipsOf.set(svg, (clips = new Map(found)));
  }
  return clips;
}

function walk(context, node, inherited, clips) {
  if (UNSEEN.has(node.tagName) || node.getAttribute("display") === "none") return;
  if (node.tagName === "svg") clips = clipsIn(node);
  const style = styleOf(node, inherited);
  const [transform, clip, opacity] = ["transform", "clip-path", "opacity"].map((name) => node.getAttribute(name));
  const own = transform !== null || clip !== null || opacity !== null;
  if (own) context.save();
  if (transform !== null) move(context, node, transform);
  if (clip !== null) context.clip(pathOf(clips.get(clip)));
  if (opacity !== null) context.globalAlpha *= Number(opacity);
  if (node.tagName === "g" || node.tagName === "svg") {
    for (const child of node.children) walk(context, child, style, clips);
  } else {
    shape(context, pathOf(node), style);
  }
  if (own) context.restore();
}

/** @returns {Style} */
function styleOf(node, inherited) {
  return {
    fill: node.getAttribute("fill") ?? inherited.fill,
    stroke: node.getAttribute("stroke") ?? inherited.stroke,
    width: Number(node.getAttribute("stroke-width") ?? inherited.width),
    cap: node.getAttribute("stroke-linecap") ?? inherited.cap,
    join: node.getAttribute("stroke-linejoin") ?? inherited.join,
  };
}

function shape(context, path, { fill, stroke, width, cap, join }) {
  if (fill !== "none") {
    context.fillStyle = fill;
    context.fill(path);
  }
  if (stroke !== "none") {
    Object.assign(context, { strokeStyle: stroke, lineWidth: width, lineCap: cap, lineJoin: join });
    context.stroke(path);
  }
}

/** @param {Element} node path, circle or ellipse @returns {Path2D} */
function pathOf(node) {
  if (node.tagName === "path") {
    const text = node.getAttribute("d") ?? "";
    const kept = paths.get(node);
    if (kept?.text === text) return kept.path;
    const path = new Path2D(text);
    paths.set(node, { text, path });
    return path;
  }
  const number = (name) => Number(node.getAttribute(name) ?? 0);
  const [rx, ry] = node.tagName === "circle" ? [number("r"), number("r")] : [number("rx"), number("ry")];
  const path = new Path2D();
  path.ellipse(number("cx"), number("cy"), rx, ry, 0, 0, Math.PI * 2);
  return path;
}

function move(context, node, text) {
  let kept = transforms.get(node);
  if (kept?.text !== text) {
    const steps = [...text.matchAll(/(\w+)\(([^)]*)\)/g)].map(([, name, numbers]) => [
      name,
      numbers.trim().split(/[\s,]+/).map(Number),
    ]);
    transforms.set(node, (kept = { text, steps }));
  }
  for (const [name, [a, b, c]] of kept.steps) {
    if (name === "translate") context.translate(a, b ?? 0);
    else if (name === "scale") context.scale(a, b ?? a);
    else turn(context, a, b ?? 0, c ?? 0);
  }
}

function turn(context, degrees, x, y) {
  context.translate(x, y);
  context.rotate((degrees * Math.PI) / 180);
  context.translate(-x, -y);
}
