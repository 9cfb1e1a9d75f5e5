/** Critically damped springs: many numbers eased to their targets without overshoot. */

/** Seconds; a spring is within 2 % of its target after about three of these. */
const SMOOTH_TIME = 0.12;
const STILL = 0.0005;

export class Springs {
  /** @param {Object<string, number>} start values by name @param {number} [smoothTime] seconds */
  constructor(start, smoothTime = SMOOTH_TIME) {
    this.omega = 2 / smoothTime;
    this.names = Object.keys(start);
    this.value = { ...start };
    this.target = { ...start };
    this.velocity = Object.fromEntries(Object.keys(start).map((name) => [name, 0]));
  }

  /** Put every number on its target at once. */
  jump() {
    this.value = { ...this.target };
    for (const name of Object.keys(this.velocity)) this.velocity[name] = 0;
  }

  /**
   * Move on by exact integration, so that any step is stable.
   * @param {number} seconds
   * @returns {boolean} whether anything still moves
   */
  step(seconds) {
    const { omega } = this;
    const decay = Math.exp(-omega * seconds);
    let moving = false;
    for (const name of this.names) {
      const offset = this.value[name] - this.target[name];
      const speed = this.velocity[name];
      const still = STILL * Math.max(1, Math.abs(this.target[name]));
      if (Math.abs(offset) < still && Math.abs(speed) < still * omega) {
        this.value[name] = this.target[name];
        this.velocity[name] = 0;
        continue;
      }
      const drive = speed + omega * offset;
      this.value[name] = this.target[name] + (offset + drive * seconds) * decay;
      this.velocity[name] = (speed - omega * drive * seconds) * decay;
      moving = true;
    }
    return moving;
  }
}
