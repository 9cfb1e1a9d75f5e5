/**
 * Every number of a pose: its value at rest, its range, and what it moves.
 *
 * Left and right (L, R) are the viewer's. Lengths are user units of the 400 x 400 picture; "up" on the
 * screen is negative for positions and positive for amounts named lift or up. A value outside its range is
 * clamped by the rig.
 */

/** @typedef {Object<string, number>} Pose every key of PARAMETERS with a number */

const side = (name, rest, low, high) => ({
  [`${name}L`]: [rest, low, high],
  [`${name}R`]: [rest, low, high],
});

/** name: [rest, lowest, highest] */
export const PARAMETERS = {
  // Head: shift, tilt in degrees (positive leans to the viewer's right), stretch, and a turned face.
  headX: [0, -40, 40],
  headY: [0, -40, 70],
  headTilt: [0, -20, 20],
  headWide: [1, 0.85, 1.15],
  headTall: [1, 0.85, 1.15],
  turn: [0, -1, 1], // the face looks to the right
  nod: [0, -1, 1], // the face looks down
  // Ears: degrees folded outwards (negative is straight up), and how much of the inside is seen.
  ...side("ear", 0, -25, 100),
  ...side("earOpen", 1, 0.3, 1.15),
  // Cheeks: -1 sucked in .. 1 stuffed; -1 drooping .. 1 pushed up. Colours are amounts.
  ...side("puff", 0, -1, 1),
  ...side("lift", 0, -1, 1),
  blush: [0.35, 0, 1],
  flush: [0, 0, 1],
  pale: [0, 0, 1],
  green: [0, 0, 1],
  // Brows: 1 raised .. -1 low; degrees with the inner end down; 1 round arch .. -1 hollow; stroke weight.
  ...side("brow", 0, -1, 1.2),
  ...side("browTilt", 0, -35, 35),
  ...side("browArch", 0.5, -1, 1.2),
  browWeight: [1, 0.5, 1.8],
  // Eyes: size; upper lid 0 open .. 1 closed and its slope (degrees, inner end down); lower lid pushed up.
  ...side("eye", 1, 0.7, 1.35),
  ...side("lid", 0, 0, 1),
  ...side("lidTilt", 0, -35, 35),
  ...side("squint", 0, 0, 1),
  iris: [1, 0.3, 1.1], // 1 fills the eye; small shows the white around it
  gazeX: [0, -1, 1],
  gazeY: [0, -1, 1],
  wet: [0, 0, 1],
  // Nose: lifted; wrinkles on its bridge.
  noseUp: [0, -1, 1],
  wrinkle: [0, 0, 1],
  // Mouth: half width; corners up or down; opening; 1 a round O; one corner up (positive is the right one);
  // waves in the lip line; the soft w under the nose; upper lip lifted on one side; place of the whole.
  mouthWidth: [19, 5, 50],
  smile: [0.25, -1, 1],
  open: [0, 0, 1],
  round: [0, 0, 1],
  skew: [0, -1, 1],
  wave: [0, 0, 1],
  bow: [1, 0, 1],
  sneer: [0, -1, 1],
  mouthY: [0, -12, 14],
  teeth: [0.7, 0, 1.2], // the two front teeth
  clench: [0, 0, 1], // rows of teeth together fill the opening
  tongue: [0, 0, 1], // inside
  tongueOut: [0, 0, 1],
  lip: [0, 0, 1], // lower lip pushed out
  // Whiskers: 1 lifted .. -1 hanging.
  whiskers: [0, -1, 1],
  // Arms: wrist place on the picture, turn of the paw in degrees (0 fingers up, 180 over the table edge),
  // fist, spread fingers, palm seen, size, elbow pushed out, and 1 for an arm behind the head.
  pawXL: [150, 0, 400],
  pawYL: [347, 100, 400],
  pawTurnL: [-176, -280, 280],
  pawXR: [250, 0, 400],
  pawYR: [347, 100, 400],
  pawTurnR: [176, -280, 280],
  ...side("fist", 0, 0, 1),
  ...side("spread", 0.3, 0, 1),
  ...side("palm", 0, 0, 1),
  ...side("pawSize", 1, 0.7, 1.5),
  ...side("elbow", 0, -1, 1.5),
  ...side("behind", 0, 0, 1),
  // Body: shoulders up; breath in.
  shoulders: [0, -1, 1],
  breath: [0, -1, 1],
  // Props: amounts; the phase 0..1 is where their small loop stands.
  tear: [0, 0, 1],
  sweat: [0, 0, 1],
  steam: [0, 0, 1],
  snooze: [0, 0, 1],
  question: [0, 0, 1],
  phase: [0.2, 0, 1],
};

export const NAMES = Object.keys(PARAMETERS);

/** By how much each number may differ from what is drawn before anybody could see it: at most a seventh of a user unit. */
export const UNSEEN = Object.fromEntries(
  Object.entries(PARAMETERS).map(([name, [, low, high]]) => [name, Math.min(0.1, (high - low) * 0.002)]),
);

const REST = Object.fromEntries(NAMES.map((name) => [name, PARAMETERS[name][0]]));

/** @returns {Pose} a fresh pose at rest */
export function restPose() {
  return { ...REST };
}

/**
 * Complete and clamp a pose.
 * @param {Partial<Pose>} pose
 * @returns {Pose}
 * @throws {RangeError} for a name that is no parameter or a value that is no finite number
 */
export function completePose(pose) {
  const full = restPose();
  for (const name in pose) {
    const value = pose[name];
    if (!PARAMETERS[name]) throw new RangeError(`"${name}" is no number of the rig`);
    if (!Number.isFinite(value)) throw new RangeError(`${name} must be a finite number, got ${value}`);
    const [, low, high] = PARAMETERS[name];
    full[name] = Math.min(high, Math.max(low, value));
  }
  return full;
}
