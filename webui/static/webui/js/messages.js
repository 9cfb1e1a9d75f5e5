/** Every state of the stage in plain words: what happened and what to do. */

import { fill, gettext } from "./i18n.js";

/**
 * @typedef {Object} Message
 * @property {string} title
 * @property {string} text
 * @property {string} [action] what the button says
 * @property {"camera" | "picture"} [does] what the button does
 * @property {"calm" | "trouble"} [tone]
 */

/** States that fill the camera's card. @type {Object<string, Message>} */
export const NOTICES = {
  first: {
    title: gettext("Make a face"),
    text: gettext("Biscuit the hamster looks through your camera and makes the same one."),
    action: gettext("Start the camera"),
    does: "camera",
  },
  asking: {
    title: gettext("May Biscuit see you?"),
    text: gettext("Your browser is asking for the camera. Choose Allow."),
  },
  stopped: {
    title: gettext("The camera is off"),
    text: gettext("Start it again whenever you like."),
    action: gettext("Start the camera"),
    does: "camera",
  },
  refused: {
    title: gettext("The camera is not allowed"),
    text: gettext("Allow it with the sign beside the address of this page, then try again. Or use a picture."),
    action: gettext("Try again"),
    does: "camera",
    tone: "trouble",
  },
  missing: {
    title: gettext("No camera found"),
    text: gettext("Plug one in and try again. Or use a picture."),
    action: gettext("Try again"),
    does: "camera",
    tone: "trouble",
  },
  busy: {
    title: gettext("The camera is in use"),
    text: gettext("Another program has it. Close that program and try again."),
    action: gettext("Try again"),
    does: "camera",
    tone: "trouble",
  },
  insecure: {
    title: gettext("No camera at this address"),
    text: gettext("Browsers give the camera only to https pages and to localhost. Open this site at such an address, or use a picture."),
    action: gettext("Use a picture"),
    does: "picture",
    tone: "trouble",
  },
  offline: {
    title: gettext("No live hamster in this browser"),
    text: gettext("It has no WebSocket, which the camera needs, or something blocks it. Pictures work."),
    action: gettext("Use a picture"),
    does: "picture",
    tone: "trouble",
  },
  lost: {
    title: gettext("The camera has gone"),
    text: gettext("It was unplugged or taken by another program. Bring it back and try again."),
    action: gettext("Try again"),
    does: "camera",
    tone: "trouble",
  },
};

/** What to say about a picture that could not be looked at, by the error's code. @type {Object<string, Message>} */
const PICTURES = {
  bad_image: {
    title: gettext("That is not a picture"),
    text: gettext("The file is damaged or of another kind. JPEG, PNG, WebP, GIF, BMP and TIFF are understood."),
  },
  image_too_large: {
    title: gettext("That picture is too big"),
    text: gettext("Make it smaller, then try again."),
  },
  no_answer: {
    title: gettext("The server does not answer"),
    text: gettext("Check that it is running and that you are online, then try again."),
  },
  server_busy: {
    title: gettext("Too many pictures at once"),
    text: gettext("The server has its paws full. Wait a moment, then try again."),
  },
};

/**
 * @param {string} code of the API's error, or `no_answer`
 * @param {string} [detail] the server's own words, used for a code not known here
 * @returns {Message}
 */
export function pictureTrouble(code, detail) {
  const known = PICTURES[code] ?? {
    title: gettext("That did not work"),
    text: detail || gettext("Something broke on the server. Try again in a moment."),
  };
  return { ...known, action: gettext("Use another picture"), does: "picture", tone: "trouble" };
}

/** @param {number} seconds */
function trying(seconds) {
  return seconds > 0 ? fill(gettext("Trying again in {seconds}\u00a0s."), { seconds }) : gettext("Trying again …");
}

/** What the buttons say that start, stop and hurry the camera. */
export const TOGGLE = {
  start: gettext("Start the camera"),
  stop: gettext("Stop"),
  now: gettext("Try now"),
};

/** Words beside the live picture. */
export const STRIPS = {
  connecting: gettext("Connecting …"),
  slow: gettext("The server is busy, so answers come late."),
  late: gettext("Answers come late."),
  "slow-link": gettext("Your connection is slow, so answers come late."),
  /** @param {number} seconds until the next try */
  lost: (seconds) => fill(gettext("Connection lost. {trying}"), { trying: trying(seconds) }),
  /** @param {number} seconds until the next try */
  full: (seconds) => fill(gettext("The server is full. {trying}"), { trying: trying(seconds) }),
  /** @param {string} version */
  detector: (version) => fill(gettext("A new detector is at work: {version}."), { version }),
};

/** Under the stage, while nothing is seen. @type {Object<string, {line: string, hint: string}>} */
export const READINGS = {
  idle: { line: gettext("Waiting for a face"), hint: "" },
  looking: { line: gettext("Looking …"), hint: "" },
  none: { line: gettext("No face in view"), hint: gettext("Come closer, face the camera, or turn on a light.") },
  nonePicture: { line: gettext("No face found"), hint: gettext("Try a picture where a face is bigger or brighter.") },
  away: { line: gettext("Biscuit cannot see you"), hint: gettext("The connection is coming back by itself.") },
};

/** @param {number} count faces, two or more @param {number} most hamsters at once @returns {string} */
export function several(count, most) {
  if (count > most) return fill(gettext("{count} faces, {most} hamsters. The words follow the biggest."), { count, most });
  return fill(gettext("{count} faces. The words follow the biggest."), { count });
}

/** Saving a picture or a clip. */
export const KEEP = {
  /** What is in it, by whether the mask is on. */
  people: gettext("You will be in it, with the hamster over each face, as the page shows it now. A face that the detector misses is not covered: look before you share it."),
  hamsters: gettext("Only the hamster’s card will be in it; you will not. Switch the hamster mask on to be in it yourself."),
  noRecorder: gettext("This browser cannot record clips: it has no MediaRecorder for video. Pictures work."),
  /** @param {string} name of the file */
  saved: (name) => fill(gettext("Saved as {name}."), { name }),
  notSaved: gettext("The picture could not be made. Try again."),
  recording: gettext("Recording"),
  /** @param {number} seconds */
  left: (seconds) => fill(gettext("{seconds}\u00a0s left"), { seconds }),
  /** Why the recording ended, and how long it is. @type {Object<string, (seconds: string) => string>} */
  ended: {
    full: (seconds) => fill(gettext("{seconds}\u00a0s, as long as a clip can be."), { seconds }),
    wish: (seconds) => fill(gettext("{seconds}\u00a0s."), { seconds }),
    hidden: (seconds) => fill(gettext("{seconds}\u00a0s. It ended because the page was out of sight."), { seconds }),
    away: (seconds) => fill(gettext("{seconds}\u00a0s. It ended because the picture went away."), { seconds }),
    broken: (seconds) => fill(gettext("{seconds}\u00a0s. It ended because the browser could not go on."), { seconds }),
  },
  nothing: gettext("The browser made an empty clip. Try again."),
};

/** The panel that says why the hamster makes the face that it makes. */
export const WHY = {
  blends: gettext("Biscuit blends the nine expressions by their smoothed scores, the stronger ones a little more."),
  blendsStill: gettext("Biscuit blends the nine expressions by their scores, the stronger ones a little more."),
  nobody: gettext("No face is in view. This is the last frame that the server looked at."),
  still: gettext("a still picture, not smoothed"),
  /** @param {number} which from 1 @param {number} count */
  face: (which, count) => fill(gettext("Face {which} of {count}"), { which, count }),
  /** @param {Object<"left" | "top" | "width" | "height", number>} box whole per cents of the frame */
  box: ({ left, top, width, height }) => fill(gettext("{left}\u00a0% from the left, {top}\u00a0% from the top, {width} × {height}\u00a0%"), { left, top, width, height }),
  mirrored: gettext("The camera’s frame as it was sent: not mirrored."),
  sent: gettext("The picture as it was sent."),
};
