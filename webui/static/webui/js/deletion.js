/** The pages that delete everything, or the account: with it goes what this browser sent without an account. */

import { DELETION } from "./correction_messages.js";
import { correctionsAtOnce } from "./kept_corrections.js";

const part = (name) => document.getElementById(`strangers-${name}`);
const withdraw = part("withdraw");
const count = correctionsAtOnce().length;

part("choice").hidden = count === 0;
part("elsewhere").hidden = count > 0;
part("says").textContent = DELETION.withdraw(count);
withdraw.form.addEventListener("formdata", ({ formData }) => {
  if (withdraw.checked) formData.set("codes", correctionsAtOnce().map(({ code }) => code).join(" "));
});
