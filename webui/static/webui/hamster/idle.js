/** What a living hamster does anyway: breathe, blink, twitch; and what goes with a mood. */

const TAU = Math.PI * 2;
const hump = (t) => (t > 0 && t < 1 ? Math.sin(Math.PI * t) : 0);

const YAWN = { open: 0.8, round: 0.6, mouthWidth: 20, lidL: 1, lidR: 1, tongue: 1, teeth: 0.8 };
const WAVE = { pawXR: 345, pawYR: 230, spreadR: 1, palmR: 1, elbowR: 0.6 };

/** A thing that happens now and then, for a while. */
class Moment {
  constructor(length, least, most) {
    Object.assign(this, { length, least, most, start: least * (0.5 + Math.random()) });
  }

  /** @param {number} now seconds @returns {number} 0..1 while it happens, else 0 */
  progress(now) {
    if (now > this.start + this.length) {
      this.start = now + this.least + Math.random() * (this.most - this.least);
    }
    return now < this.start ? 0 : (now - this.start) / this.length;
  }
}

export class Idle {
  #blink = new Moment(0.17, 2.2, 5.5);
  #twitch = new Moment(0.7, 2, 6);
  #yawn = new Moment(2.6, 5, 10);
  #waveEnd = -1;

  /** Wave the right paw for a moment. @param {number} now seconds */
  wave(now) {
    this.#waveEnd = now + 2;
  }

  /**
   * The pose with this instant's small motions.
   * @param {import("./params.js").Pose} pose left as it is
   * @param {Object<string, number>} weights how much of each expression is shown, 0..1
   * @param {number} now seconds
   * @returns {import("./params.js").Pose}
   */
  apply(pose, weights, now) {
    const p = { ...pose };
    p.phase = (now / 2.8) % 1;
    p.breath += 0.8 * Math.sin((TAU * now) / (3 + weights.sleepy * 1.6 - weights.fear * 1.8));

    const blink = hump(this.#blink.progress(now));
    p.lidL += (1 - p.lidL) * blink;
    p.lidR += (1 - p.lidR) * blink;

    const twitch = this.#twitch.progress(now);
    p.noseUp += 0.45 * hump(twitch) * Math.sin(TAU * 3 * twitch);
    p.whiskers += 0.12 * hump(twitch) * Math.sin(TAU * 3 * twitch);

    p.headX += weights.fear * 1.7 * Math.sin(TAU * 11 * now);
    p.gazeX +=
      weights.fear * 0.08 * Math.sin(TAU * 7.3 * now) + weights.unknown * (Math.sin(TAU * now * 0.22) + 0.5);
    p.mouthWidth += weights.fear * 0.8 * Math.sin(TAU * 9 * now);

    p.headY +=
      weights.happy * -2.2 * Math.abs(Math.sin(TAU * now * 0.9)) +
      weights.sleepy * 2 * Math.sin(TAU * now * 0.2);
    p.headTilt +=
      weights.happy * 1.4 * Math.sin(TAU * now * 0.45) + weights.angry * 0.8 * Math.sin(TAU * now * 2.2);
    p.lidL += weights.sleepy * 0.12 * Math.sin(TAU * now * 0.17);

    const yawn = weights.sleepy > 0.5 ? hump(this.#yawn.progress(now)) * weights.sleepy : 0;
    for (const [name, value] of Object.entries(YAWN)) {
      p[name] += (value - p[name]) * yawn;
    }
    p.headY -= 5 * yawn;

    const wave = hump((now - this.#waveEnd + 2) / 2);
    if (wave > 0) {
      const ease = Math.min(1, wave * 2);
      const turn = 14 + 22 * Math.sin(TAU * 2.2 * now);
      for (const [name, value] of Object.entries({ ...WAVE, pawTurnR: turn })) {
        p[name] += (value - p[name]) * ease;
      }
    }
    return p;
  }
}
