/** The best moments as hamsters: Biscuit in the pose of that frame. No photographs. */

import { blendPoses, weigh } from "../../hamster/blend.js";
import { LABELS } from "../../hamster/hamster.js";
import { buildRig } from "../../hamster/rig.js";
import { EMOTIONS } from "../emotions.js";
import { sayMoment } from "./words.js";

let built = 0;

/** @param {import("./recorder.js").Moment} moment @returns {SVGSVGElement} */
export function hamsterOf({ label, scores }) {
  built += 1;
  const rig = buildRig(`moment-${built}`);
  rig.apply(blendPoses(weigh(EMOTIONS.map((emotion) => scores[emotion]))));
  rig.svg.setAttribute("aria-label", LABELS[label]);
  return rig.svg;
}

/** @param {HTMLUListElement} list @param {import("./recorder.js").Moment[]} moments */
export function showMoments(list, moments) {
  list.replaceChildren(...moments.map((moment) => {
    const item = document.createElement("li");
    const words = Object.assign(document.createElement("p"), { textContent: sayMoment(moment) });
    item.dataset.emotion = moment.label;
    item.append(hamsterOf(moment), words);
    return item;
  }));
  list.hidden = moments.length === 0;
}
