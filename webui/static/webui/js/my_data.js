/** The page of my data: says how many corrections this browser remembers that belong to no account. */

import "./forgetting.js"; // first, so that what is gone is not counted
import { keptCorrections } from "./kept_corrections.js";

const count = keptCorrections().length;
document.getElementById("strangers").hidden = count === 0;
document.getElementById("strangers-count").textContent = String(count);
