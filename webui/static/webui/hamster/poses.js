/** The ten poses of Biscuit: nine expressions and "unknown". */
import { completePose } from "./params.js";

/** The nine expressions in the order of every list of scores. */
export const EMOTIONS = ["angry", "contempt", "disgust", "fear", "happy", "natural", "sad", "sleepy", "surprised"];
export const UNKNOWN = "unknown";

const both = (name, value) => ({ [`${name}L`]: value, [`${name}R`]: value });

/** Paws in mirror image: x is the distance from the middle, turn leans outwards when positive. */
const paws = (x, y, turn) => ({ pawXL: 200 - x, pawXR: 200 + x, ...both("pawY", y), pawTurnL: -turn, pawTurnR: turn });

/** @type {Object<string, import("./params.js").Pose>} */
export const POSES = {
  natural: completePose({}),
  happy: completePose({
    headY: -6, nod: -0.15, ...both("ear", 22), ...both("puff", 0.6), ...both("lift", 0.9), blush: 1,
    ...both("brow", 0.6), ...both("browArch", 1), ...both("squint", 0.95),
    mouthWidth: 33, smile: 1, open: 0.72, teeth: 0.85, tongue: 1, bow: 0.5, whiskers: 0.7, noseUp: 0.5,
    ...paws(142, 262, 14), ...both("spread", 0.9), ...both("palm", 1), ...both("elbow", 0.6), shoulders: 0.4,
  }),
  sad: completePose({
    headY: 12, nod: 0.5, headTilt: -4, ...both("ear", 78), ...both("earOpen", 0.7), ...both("puff", -0.2), ...both("lift", -0.9), blush: 0.15,
    ...both("brow", 0.15), ...both("browTilt", -24), ...both("browArch", 0.2), ...both("eye", 1.12), ...both("lid", 0.18), ...both("lidTilt", -14),
    gazeY: 0.8, iris: 0.95, wet: 1, mouthWidth: 14, smile: -0.9, bow: 0.2, teeth: 0, lip: 1, mouthY: 6, whiskers: -0.9, noseUp: -0.3,
    ...paws(19, 332, 205), shoulders: -0.5, tear: 1,
  }),
  angry: completePose({
    headY: 12, nod: 0.2, ...both("ear", 58), ...both("earOpen", 0.55), ...both("puff", 0.95), ...both("lift", 0.2), blush: 0, flush: 1,
    ...both("brow", -0.75), ...both("browTilt", 24), ...both("browArch", 0.05), browWeight: 1.7, ...both("lid", 0.4), ...both("lidTilt", 22), ...both("squint", 0.15), iris: 0.72,
    wrinkle: 0.5, mouthWidth: 32, smile: -0.4, open: 0.4, wave: 0.8, bow: 0, clench: 1, teeth: 0, whiskers: -0.2,
    ...paws(84, 342, 172), ...both("fist", 1), ...both("spread", 0), ...both("pawSize", 1.15), shoulders: 0.8, steam: 1,
  }),
  surprised: completePose({
    headY: -12, headTall: 1.07, headWide: 0.97, nod: -0.3, ...both("ear", -22), ...both("earOpen", 1.1), ...both("puff", -0.9), blush: 0.4,
    ...both("brow", 1.2), ...both("browArch", 1.2), ...both("eye", 1.2), iris: 0.56,
    mouthWidth: 16, open: 0.85, round: 1, bow: 0, smile: 0, teeth: 0.5, whiskers: 0.9, noseUp: 0.6,
    ...paws(44, 276, -10), ...both("spread", 0.5), ...both("elbow", 0.7),
  }),
  fear: completePose({
    headY: 36, headTall: 0.97, headWide: 0.96, ...both("ear", 92), ...both("earOpen", 0.85), ...both("puff", -0.8), ...both("lift", -0.2), blush: 0, pale: 1,
    ...both("brow", 0.8), ...both("browTilt", -22), ...both("browArch", -0.2), ...both("eye", 1.26), iris: 0.34,
    mouthWidth: 37, smile: -0.6, open: 0.5, bow: 0, clench: 1, teeth: 0, whiskers: -0.5,
    ...paws(84, 347, 178), ...both("spread", 0.8), shoulders: 1, sweat: 1,
  }),
  disgust: completePose({
    headX: 8, headTilt: 8, headY: -2, turn: 0.75, nod: -0.1, earL: 50, earR: 20, earOpenL: 0.6, puffL: 0.1, puffR: 0.5, liftL: -0.1, liftR: 0.9, blush: 0, green: 1,
    browL: -0.7, browR: 0.1, browTiltL: 14, browTiltR: 16, browArchL: -0.1, browArchR: 0.9, browWeight: 1.2,
    lidL: 0.4, lidR: 0.5, squintL: 0.5, squintR: 0.6, lidTiltL: 8, lidTiltR: 8, gazeX: 0.8, gazeY: 0.2, iris: 0.8,
    wrinkle: 1, noseUp: 0.7, mouthWidth: 27, smile: -0.7, open: 0.3, sneer: 0.9, bow: 0, teeth: 0.4, tongueOut: 1, whiskers: -0.4,
    pawXL: 84, pawYL: 276, pawTurnL: -16, spreadL: 1, palmL: 1, pawSizeL: 1.35, elbowL: 0.4,
  }),
  contempt: completePose({
    headX: 4, headY: -14, headTilt: -9, turn: -0.35, nod: -0.7, earL: 8, earR: 18, puffR: 0.35, liftR: 0.8, liftL: -0.1, blush: 0.2,
    browL: -0.3, browR: 1, browTiltL: 6, browTiltR: -2, browArchL: 0.1, browArchR: 1.1, browWeight: 1.1,
    lidL: 0.52, lidR: 0.46, gazeX: 0.95, iris: 0.74, mouthWidth: 21, smile: 0.05, skew: 1, bow: 0.3, teeth: 0, whiskers: 0.1,
    pawXL: 244, pawYL: 336, pawTurnL: 78, pawSizeL: 0.8, pawXR: 150, pawYR: 322, pawTurnR: -74, ...both("elbow", 1.2), shoulders: 0.3,
  }),
  sleepy: completePose({
    headY: 46, headTilt: 7, headWide: 1.05, headTall: 0.93, nod: 0.4, earL: 34, earR: 74, earOpenR: 0.75, ...both("puff", 0.2), ...both("lift", -0.6), blush: 0.45,
    ...both("brow", 0.1), ...both("browTilt", -10), ...both("browArch", 0.5), browWeight: 0.8, lidL: 0.72, lidR: 0.93, iris: 0.95, gazeY: 0.5,
    mouthWidth: 11, smile: 0.1, open: 0.06, bow: 0.5, teeth: 0.4, whiskers: -0.8,
    ...paws(30, 344, 262), shoulders: -0.8, snooze: 1,
  }),
  unknown: completePose({
    headTilt: -9, headX: 6, earL: -6, earR: 14, browL: 0.55, browR: 1, ...both("browArch", 0.9), browTiltL: -8, browTiltR: -4,
    ...both("eye", 1.05), iris: 0.82, gazeX: -0.5, gazeY: -0.35, mouthWidth: 9, open: 0.32, round: 1, smile: 0, bow: 0, teeth: 0, whiskers: 0.3,
    pawXL: 86, pawYL: 128, pawTurnL: 12, pawSizeL: 1.15, behindL: 1, spreadL: 0.5, elbowL: 1.4, question: 1,
  }),
};
