/** Biscuit on the page: the rig in a container, eased towards the expression that the scores describe. */
import { blendPoses, leading, weigh } from "./blend.js";
import { Idle } from "./idle.js";
import { POSES, UNKNOWN } from "./poses.js";
import { buildRig } from "./rig.js";
import { Springs } from "./spring.js";

/** What a listener hears; the still pictures carry the same words as their title. */
export const LABELS = {
  angry: "Biscuit the hamster looks angry",
  contempt: "Biscuit the hamster looks contemptuous",
  disgust: "Biscuit the hamster looks disgusted",
  fear: "Biscuit the hamster looks afraid",
  happy: "Biscuit the hamster looks happy",
  natural: "Biscuit the hamster looks calm",
  sad: "Biscuit the hamster looks sad",
  sleepy: "Biscuit the hamster looks sleepy",
  surprised: "Biscuit the hamster looks surprised",
  unknown: "Biscuit the hamster looks around, no expression seen yet",
};

const IDLE_INTERVAL = 30; // ms between frames when only the small motions run
let built = 0;

export class Hamster {
  #container;
  #rig;
  #animate;
  #pose = new Springs(POSES[UNKNOWN]);
  #mood = new Springs(weigh(null));
  #idle = new Idle();
  #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #inView = true;
  #frame = 0;
  #drawnAt = 0;

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
    this.#pose.jump();
    this.#mood.jump();
    this.#rig.apply(this.#pose.value);
    if (!animate) return;
    const wake = () => this.#run();
    this.#calm.addEventListener("change", wake);
    document.addEventListener("visibilitychange", wake);
    new IntersectionObserver((entries) => {
      this.#inView = entries[entries.length - 1].isIntersecting;
      this.#run();
    }).observe(container);
  }

  /**
   * Show the blend that nine scores describe.
   * @param {ArrayLike<number>|null} scores in the order of EMOTIONS, each >= 0; null for no face
   * @throws {RangeError} when there are not nine scores
   */
  setScores(scores) {
    this.#show(weigh(scores));
  }

  /** Wave a paw for two seconds, unless motion is unwanted. */
  wave() {
    this.#idle.wave(performance.now() / 1000);
    this.#run();
  }

  #show(weights) {
    this.#pose.target = blendPoses(weights);
    this.#mood.target = weights;
    const emotion = leading(weights);
    this.#container.dataset.emotion = emotion;
    this.#rig.svg.setAttribute("aria-label", LABELS[emotion]);
    if (this.#animate) {
      this.#run();
    } else {
      this.#pose.jump();
      this.#rig.apply(this.#pose.value);
    }
  }

  get #visible() {
    return this.#inView && !document.hidden;
  }

  #run() {
    if (this.#frame || !this.#animate || !this.#visible) return;
    this.#drawnAt = performance.now();
    this.#frame = requestAnimationFrame((time) => this.#tick(time, true));
  }

  #tick(time, moving) {
    this.#frame = 0;
    if (!this.#visible) return;
    let stillMoving = moving;
    const idle = !this.#calm.matches;
    const passed = time - this.#drawnAt;
    if (moving || passed >= IDLE_INTERVAL) {
      this.#drawnAt = time;
      const seconds = Math.min(0.1, Math.max(0, passed / 1000));
      const posing = this.#pose.step(seconds);
      stillMoving = this.#mood.step(seconds) || posing;
      const pose = this.#pose.value;
      this.#rig.apply(idle ? this.#idle.apply(pose, this.#mood.value, time / 1000) : pose);
    }
    if (stillMoving || idle) this.#frame = requestAnimationFrame((next) => this.#tick(next, stillMoving));
  }
}
