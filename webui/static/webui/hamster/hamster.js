/** Biscuit on the page: the rig in a container, eased towards the expression that the scores describe. */
import { blendPoses, difference, leading, weigh } from "./blend.js";
import { pace, rest, wake } from "./clock.js";
import { Idle } from "./idle.js";
import { paint } from "./painter.js";
import { POSES, UNKNOWN } from "./poses.js";
import { HOME, buildRig } from "./rig.js";
import { Springs } from "./spring.js";
import { set } from "./svg.js";

/** The page's language where it has words for it; the rig knows nothing of the site. */
const gettext = (text) => globalThis.gettext?.(text) ?? text;

/** What a listener hears; the still pictures carry the same words as their title. */
export const LABELS = {
  angry: gettext("Biscuit the hamster looks angry"),
  contempt: gettext("Biscuit the hamster looks contemptuous"),
  disgust: gettext("Biscuit the hamster looks disgusted"),
  fear: gettext("Biscuit the hamster looks afraid"),
  happy: gettext("Biscuit the hamster looks happy"),
  natural: gettext("Biscuit the hamster looks calm"),
  sad: gettext("Biscuit the hamster looks sad"),
  sleepy: gettext("Biscuit the hamster looks sleepy"),
  surprised: gettext("Biscuit the hamster looks surprised"),
  unknown: gettext("Biscuit the hamster looks around, no expression seen yet"),
};

/** With nobody in view small motions are drawn no more often than this, in ms: about 30 times a second on any screen. */
const IDLE_INTERVAL = 24;
/** Where motion is unwanted a new pose fades in over this many ms, once the weights differ by so much. */
const CROSS_FADE = 240;
const NOTICEABLE = 0.15;
/** Scores always tremble a little: weights that differ by less are the same face. */
const SAME = 0.01;
/** How much of the head's wandering a mask keeps: it is to stay on its face. */
const WANDERING = 0.25;
/** A machine that needs longer than this for a frame, in ms, draws half of the hamster in each. */
const SLOW = 28;
let built = 0;

export class Hamster {
  #container;
  #rig;
  #animate;
  #pose = new Springs(POSES[UNKNOWN]);
  #mood = new Springs(weigh(null));
  #idle = new Idle();
  #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #unwatch = new AbortController();
  #inView = true;
  #drawnAt = null;
  #moving = false;
  #followsFace = false;
  #turn = 0;
  /** The pose that fades out, where motion is unwanted. */
  #ghost = null;
  #fadingSince = null;

  /**
   * @param {HTMLElement} container gets the picture and `data-emotion`
   * @param {{animate?: boolean}} [options] animate false: poses change at once and nothing moves by itself
   */
  constructor(container, { animate = true } = {}) {
    this.#container = container;
    this.#animate = animate;
    built += 1;
    this.#rig = buildRig(`biscuit-${built}`);
    this.#rig.svg.setAttribute("width", "100%");
    this.#rig.svg.setAttribute("height", "100%");
    this.#rig.svg.style.display = "block";
    container.append(this.#rig.svg);
    this.#show(weigh(null));
    this.#settle();
    if (!animate) return;
    const run = () => this.#run();
    const { signal } = this.#unwatch;
    this.#calm.addEventListener("change", () => this.#settle(), { signal });
    this.#calm.addEventListener("change", run, { signal });
    document.addEventListener("visibilitychange", run, { signal });
    const view = new IntersectionObserver((entries) => {
      this.#inView = entries[entries.length - 1].isIntersecting;
      this.#run();
    });
    view.observe(container);
    signal.addEventListener("abort", () => view.disconnect());
  }

  /**
   * Show the blend that nine scores describe.
   * @param {ArrayLike<number>|null} scores in the order of EMOTIONS, each >= 0; null for no face
   * @throws {RangeError} when there are not nine scores
   */
  setScores(scores) {
    this.#followsFace = scores !== null;
    const weights = weigh(scores);
    const { target } = this.#mood;
    if (difference(weights, target) >= SAME || leading(weights) !== leading(target)) this.#show(weights);
  }

  /** Wave a paw for two seconds, unless motion is unwanted. */
  wave() {
    this.#idle.wave(performance.now() / 1000);
    this.#run();
  }

  /** Leave the page for good. */
  destroy() {
    this.#unwatch.abort();
    rest(this.#draw);
    this.#rig.svg.remove();
  }

  /** Paint what is shown now. @param {CanvasRenderingContext2D} context with the 400 x 400 of the picture as its units */
  paint(context) {
    paint(context, this.#rig.svg);
  }

  /**
   * Paint the head alone, as a mask.
   * @param {CanvasRenderingContext2D} context in the units of the picture, its origin where the middle of the face is to be
   */
  paintHead(context) {
    const alpha = context.globalAlpha;
    this.#paintHead(context, this.#rig);
    if (this.#fadingSince === null) return;
    context.globalAlpha = alpha * Number(this.#ghost.svg.getAttribute("opacity"));
    this.#paintHead(context, this.#ghost);
    context.globalAlpha = alpha;
  }

  #paintHead(context, { head, air, at }) {
    context.save();
    context.translate((at.x - HOME.x) * WANDERING - at.x, (at.y - HOME.y) * WANDERING - at.y);
    paint(context, head);
    context.restore();
    context.save();
    context.translate(-HOME.x, -HOME.y);
    paint(context, air);
    context.restore();
  }

  #show(weights) {
    this.#pose.target = blendPoses(weights);
    this.#mood.target = weights;
    const emotion = leading(weights);
    this.#container.dataset.emotion = emotion;
    this.#rig.svg.setAttribute("aria-label", LABELS[emotion]);
    if (this.#animate) this.#run();
    else this.#settle();
  }

  #settle() {
    this.#pose.jump();
    this.#mood.jump();
    this.#rig.apply(this.#pose.value);
  }

  get #visible() {
    return this.#inView && !document.hidden;
  }

  #run() {
    if (!this.#animate || !this.#visible || this.#unwatch.signal.aborted) return;
    this.#drawnAt ??= performance.now();
    this.#moving = true;
    wake(this.#draw);
  }

  #draw = (time) => {
    const again = this.#visible && (this.#calm.matches ? this.#fade(time) : this.#move(time));
    if (!again) this.#drawnAt = null;
    return again;
  };

  #move(time) {
    if (this.#fadingSince !== null) this.#endFade();
    const passed = time - this.#drawnAt;
    if (!this.#moving && !this.#followsFace && passed < IDLE_INTERVAL) return true;
    this.#drawnAt = time;
    const seconds = Math.min(0.1, Math.max(0, passed / 1000));
    const posing = this.#pose.step(seconds);
    this.#moving = this.#mood.step(seconds) || posing;
    this.#turn = 1 - this.#turn;
    const pose = this.#idle.apply(this.#pose.value, this.#mood.value, time / 1000);
    this.#rig.apply(pose, pace() > SLOW ? this.#turn : undefined);
    return true;
  }

  #fade(time) {
    if (this.#fadingSince === null) {
      const { value, target } = this.#mood;
      if (difference(value, target) < NOTICEABLE && leading(value) === leading(target)) return false;
      this.#beginFade(time);
    }
    const share = (time - this.#fadingSince) / CROSS_FADE;
    if (share >= 1) this.#endFade();
    else set(this.#ghost.svg, "opacity", 1 - Math.max(0, share));
    return true;
  }

  #beginFade(time) {
    this.#fadingSince = time;
    if (!this.#ghost) {
      built += 1;
      this.#ghost = buildRig(`biscuit-${built}`);
      for (const name of ["role", "viewBox"]) this.#ghost.svg.removeAttribute(name);
    }
    this.#ghost.apply(this.#pose.value);
    this.#rig.svg.append(this.#ghost.svg);
    this.#settle();
  }

  #endFade() {
    this.#fadingSince = null;
    this.#ghost.svg.remove();
  }
}
