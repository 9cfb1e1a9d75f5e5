/** The page of API tokens: copies a new one, where the browser lets pages do that. */

import { gettext } from "./i18n.js";

const copy = document.querySelector("#made-copy");
if (copy && navigator.clipboard) {
  const said = copy.textContent;
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.querySelector("#made-text").textContent);
    copy.textContent = gettext("Copied");
    setTimeout(() => (copy.textContent = said), 2000);
  });
}
