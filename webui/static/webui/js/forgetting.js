/** The page after a deletion: what this browser remembered of an account is forgotten too. */

import { forgetChoices } from "./account_choices.js";
import { forgetCorrectionsAtOnce } from "./kept_corrections.js";

for (const { dataset } of document.querySelectorAll("[data-forget]")) {
  const [account, codes] = dataset.forget.split(" ");
  forgetChoices(account);
  if (codes) forgetCorrectionsAtOnce();
}
