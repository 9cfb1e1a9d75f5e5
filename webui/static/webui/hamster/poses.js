/** The ten poses of Biscuit: nine expressions and "unknown". A line a row of the face, from the ears down. */
import { completePose } from "./params.js";

/** The nine expressions in the order of every list of scores. */
export const EMOTIONS = [
  "angry", "contempt", "disgust", "fear", "happy", "natural", "sad", "sleepy", "surprised",
];
export const UNKNOWN = "unknown";

const both = (name, value) => ({ [`${name}L`]: value, [`${name}R`]: value });

/** Paws in mirror image: x is the distance from the middle, turn leans outwards when positive. */
const paws = (x, y, turn) => ({
  pawXL: 200 - x, pawXR: 200 + x, ...both("pawY", y), pawTurnL: -turn, pawTurnR: turn,
});

/** @type {Object<string, import("./params.js").Pose>} */
export const POSES = {
  natural: completePose({}),

  happy: completePose({
    headY: -6, nod: -0.15, ...both("ear", 22),
    ...both("brow", 0.6), ...both("browArch", 1),
    ...both("squint", 0.95),
    ...both("puff", 0.6), ...both("lift", 0.9), blush: 1, whiskers: 0.7, noseUp: 0.5,
    mouthWidth: 33, smile: 1, open: 0.72, bow: 0.5, teeth: 0.85, tongue: 1,
    ...paws(142, 262, 14), ...both("spread", 0.9), ...both("palm", 1), ...both("elbow", 0.6), shoulders: 0.4,
  }),

  sad: completePose({
    headY: 12, headTilt: -4, nod: 0.5, ...both("ear", 78), ...both("earOpen", 0.7),
    ...both("brow", 0.15), ...both("browTilt", -24), ...both("browArch", 0.2),
    ...both("eye", 1.12), ...both("lid", 0.18), ...both("lidTilt", -14), iris: 1.1, gazeY: 0.8, wet: 1,
    ...both("puff", -0.2), ...both("lift", -0.9), blush: 0.15, whiskers: -0.9, noseUp: -0.3,
    mouthWidth: 15, smile: -0.9, bow: 0.2, mouthY: 5, teeth: 0, lip: 1,
    ...paws(19, 332, 205), shoulders: -0.5, tear: 1,
  }),

  angry: completePose({
    headY: 12, nod: 0.2, ...both("ear", 58), ...both("earOpen", 0.55),
    ...both("brow", -0.75), ...both("browTilt", 24), ...both("browArch", 0.05), browWeight: 1.7,
    ...both("lid", 0.4), ...both("lidTilt", 22), ...both("squint", 0.15), iris: 0.72,
    ...both("puff", 0.95), ...both("lift", 0.2), blush: 0, flush: 1, whiskers: -0.2, wrinkle: 0.5,
    mouthWidth: 35, smile: -0.55, open: 0.5, wave: 0.55, bow: 0, teeth: 0, clench: 1,
    ...paws(84, 342, 172), ...both("fist", 1), ...both("spread", 0), ...both("pawSize", 1.15),
    shoulders: 0.7, steam: 1,
  }),

  surprised: completePose({
    headY: -12, headTall: 1.07, headWide: 0.97, nod: -0.3, ...both("ear", -22), ...both("earOpen", 1.1),
    ...both("brow", 1.2), ...both("browArch", 1.2),
    ...both("eye", 1.2), iris: 0.56,
    ...both("puff", -0.9), blush: 0.4, whiskers: 0.9, noseUp: 0.6,
    mouthWidth: 18, smile: 0, open: 1, round: 1, bow: 0, teeth: 0.75,
    ...paws(44, 276, -10), ...both("spread", 0.5), ...both("elbow", 0.7),
  }),

  fear: completePose({
    headY: 36, headTall: 0.97, headWide: 0.96, ...both("ear", 92), ...both("earOpen", 0.85),
    ...both("brow", 0.8), ...both("browTilt", -22), ...both("browArch", -0.2),
    ...both("eye", 1.26), iris: 0.34,
    ...both("puff", -0.8), ...both("lift", -0.2), blush: 0, pale: 1, whiskers: -0.5,
    mouthWidth: 37, smile: -0.6, open: 0.5, bow: 0, teeth: 0, clench: 1,
    ...paws(84, 347, 178), ...both("spread", 0.8), shoulders: 1, sweat: 1,
  }),

  disgust: completePose({
    headX: 18, headY: -2, headTilt: 11, turn: 0.75, nod: -0.1, earL: 50, earR: 20, earOpenL: 0.6,
    browL: -0.7, browR: 0.1, browTiltL: 14, browTiltR: 16, browArchL: -0.1, browArchR: 0.9, browWeight: 1.2,
    lidL: 0.42, lidR: 0.48, lidTiltL: 12, lidTiltR: 6, squintL: 0.26, squintR: 0.28,
    iris: 0.74, gazeX: 0.85, gazeY: 0.1,
    puffL: 0.1, puffR: 0.5, liftL: -0.1, liftR: 0.9, blush: 0, green: 1,
    whiskers: -0.4, wrinkle: 1, noseUp: 0.7,
    mouthWidth: 30, smile: -0.7, open: 0.36, sneer: 0.95, bow: 0, teeth: 0.4, tongueOut: 1,
    pawXL: 58, pawYL: 262, pawTurnL: -14, spreadL: 1, palmL: 1, pawSizeL: 1.45, elbowL: 0.3,
  }),

  contempt: completePose({
    headX: 12, headY: -18, headTilt: -13, turn: -0.35, nod: -0.7, earL: 8, earR: 18,
    browL: -0.3, browR: 1, browTiltL: 6, browTiltR: -2, browArchL: 0.1, browArchR: 1.1, browWeight: 1.1,
    lidL: 0.56, lidR: 0.5, iris: 0.74, gazeX: 0.95,
    puffR: 0.35, liftL: -0.1, liftR: 0.8, blush: 0.2, whiskers: 0.1,
    mouthWidth: 21, smile: 0.05, skew: 1, bow: 0.3, teeth: 0,
    pawXL: 250, pawYL: 308, pawTurnL: 58, elbowL: 1,
    pawXR: 158, pawYR: 330, pawTurnR: -78, elbowR: 1.3, shoulders: 0.3,
  }),

  sleepy: completePose({
    headY: 46, headTilt: 7, headWide: 1.05, headTall: 0.93, nod: 0.4, earL: 34, earR: 74, earOpenR: 0.75,
    ...both("brow", 0.1), ...both("browTilt", -10), ...both("browArch", 0.5), browWeight: 0.8,
    lidL: 0.77, lidR: 0.95, gazeY: 0.5,
    ...both("puff", 0.2), ...both("lift", -0.6), blush: 0.45, whiskers: -0.8,
    mouthWidth: 11, smile: 0.1, open: 0.06, bow: 0.5, teeth: 0.4,
    ...paws(30, 344, 262), shoulders: -0.8, snooze: 1,
  }),

  unknown: completePose({
    headX: 6, headTilt: -9, earL: -6, earR: 14,
    browL: 0.55, browR: 1, ...both("browArch", 0.9), browTiltL: -8, browTiltR: -4,
    ...both("eye", 1.05), iris: 0.82, gazeX: -0.5, gazeY: -0.35,
    whiskers: 0.3,
    mouthWidth: 9, smile: 0, open: 0.32, round: 1, bow: 0, teeth: 0,
    pawXL: 84, pawYL: 112, pawTurnL: -14, pawSizeL: 1.2, spreadL: 0.6, elbowL: 1.1, behindL: 1, question: 1,
  }),
};
