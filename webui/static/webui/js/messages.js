/** Every state of the stage in plain words: what happened and what to do. */

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
    title: "Make a face",
    text: "Biscuit the hamster looks through your camera and makes the same one.",
    action: "Start the camera",
    does: "camera",
  },
  asking: {
    title: "May Biscuit see you?",
    text: "Your browser is asking for the camera. Choose Allow.",
  },
  stopped: {
    title: "The camera is off",
    text: "Start it again whenever you like.",
    action: "Start the camera",
    does: "camera",
  },
  refused: {
    title: "The camera is not allowed",
    text: "Allow it with the sign beside the address of this page, then try again. Or use a picture.",
    action: "Try again",
    does: "camera",
    tone: "trouble",
  },
  missing: {
    title: "No camera found",
    text: "Plug one in and try again. Or use a picture.",
    action: "Try again",
    does: "camera",
    tone: "trouble",
  },
  busy: {
    title: "The camera is in use",
    text: "Another program has it. Close that program and try again.",
    action: "Try again",
    does: "camera",
    tone: "trouble",
  },
  insecure: {
    title: "No camera at this address",
    text: "Browsers give the camera only to https pages and to localhost. Open this site at such an address, or use a picture.",
    action: "Use a picture",
    does: "picture",
    tone: "trouble",
  },
  offline: {
    title: "No live hamster in this browser",
    text: "It has no WebSocket, which the camera needs, or something blocks it. Pictures work.",
    action: "Use a picture",
    does: "picture",
    tone: "trouble",
  },
  lost: {
    title: "The camera has gone",
    text: "It was unplugged or taken by another program. Bring it back and try again.",
    action: "Try again",
    does: "camera",
    tone: "trouble",
  },
};

/** What to say about a picture that could not be looked at, by the error's code. @type {Object<string, Message>} */
const PICTURES = {
  bad_image: {
    title: "That is not a picture",
    text: "The file is damaged or of another kind. Try a JPEG, PNG or WebP.",
  },
  image_too_large: {
    title: "That picture is too big",
    text: "Make it smaller, then try again.",
  },
  no_answer: {
    title: "The server does not answer",
    text: "Check that it is running and that you are online, then try again.",
  },
  server_busy: {
    title: "Too many pictures at once",
    text: "The server has its paws full. Wait a moment, then try again.",
  },
};

/**
 * @param {string} code of the API's error, or `no_answer`
 * @param {string} [detail] the server's own words, used for a code not known here
 * @returns {Message}
 */
export function pictureTrouble(code, detail) {
  const known = PICTURES[code] ?? {
    title: "That did not work",
    text: detail || "Something broke on the server. Try again in a moment.",
  };
  return { ...known, action: "Use another picture", does: "picture", tone: "trouble" };
}

/** @param {number} seconds */
function trying(seconds) {
  return seconds > 0 ? `Trying again in ${seconds}\u00a0s.` : "Trying again …";
}

/** Words beside the live picture. */
export const STRIPS = {
  connecting: "Connecting …",
  slow: "The server is busy, so answers come late.",
  "slow-link": "Your connection is slow, so answers come late.",
  /** @param {number} seconds until the next try */
  lost: (seconds) => `Connection lost. ${trying(seconds)}`,
  /** @param {number} seconds until the next try */
  full: (seconds) => `The server is full. ${trying(seconds)}`,
  /** @param {string} version */
  detector: (version) => `A new detector is at work: ${version}.`,
};

/** Under the stage, while nothing is seen. @type {Object<string, {line: string, hint: string}>} */
export const READINGS = {
  idle: { line: "Waiting for a face", hint: "" },
  looking: { line: "Looking …", hint: "" },
  none: { line: "No face in view", hint: "Come closer, face the camera, or turn on a light." },
  nonePicture: { line: "No face found", hint: "Try a picture where a face is bigger or brighter." },
  away: { line: "Biscuit cannot see you", hint: "The connection is coming back by itself." },
};

/** @param {number} count faces, two or more @param {number} most hamsters at once @returns {string} */
export function several(count, most) {
  if (count > most) return `${count} faces, ${most} hamsters. The words follow the biggest.`;
  return `${count} faces. The words follow the biggest.`;
}

/** Saving a picture or a clip. */
export const KEEP = {
  /** What is in it, by whether the mask is on. */
  people: "You will be in it, with the hamster over each face, as the page shows it now. A face that the detector misses is not covered: look before you share it.",
  hamsters: "Only the hamster’s card will be in it; you will not. Switch the hamster mask on to be in it yourself.",
  noRecorder: "This browser cannot record clips: it has no MediaRecorder for video. Pictures work.",
  /** @param {string} name of the file */
  saved: (name) => `Saved as ${name}.`,
  notSaved: "The picture could not be made. Try again.",
  recording: "Recording",
  /** @param {number} seconds */
  left: (seconds) => `${seconds}\u00a0s left`,
  /** Why the recording ended, and how long it is. @type {Object<string, (seconds: string) => string>} */
  ended: {
    full: (seconds) => `${seconds}\u00a0s, as long as a clip can be.`,
    wish: (seconds) => `${seconds}\u00a0s.`,
    hidden: (seconds) => `${seconds}\u00a0s. It ended because the page was out of sight.`,
    away: (seconds) => `${seconds}\u00a0s. It ended because the picture went away.`,
    broken: (seconds) => `${seconds}\u00a0s. It ended because the browser could not go on.`,
  },
  nothing: "The browser made an empty clip. Try again.",
};

/** The panel that says why the hamster makes the face that it makes. */
export const WHY = {
  blends: "Biscuit blends the nine expressions by their smoothed scores, the stronger ones a little more.",
  blendsStill: "Biscuit blends the nine expressions by their scores, the stronger ones a little more.",
  nobody: "No face is in view. This is the last frame that the server looked at.",
  still: "a still picture, not smoothed",
  /** @param {number} which from 1 @param {number} count */
  face: (which, count) => `Face ${which} of ${count}`,
  /** @param {Object<"left" | "top" | "width" | "height", number>} box whole per cents of the frame */
  box: ({ left, top, width, height }) => `${left}\u00a0% from the left, ${top}\u00a0% from the top, ${width} × ${height}\u00a0%`,
  mirrored: "The camera’s frame as it was sent: not mirrored.",
  sent: "The picture as it was sent.",
};
