/** The page of a kept session: its ribbon, its chart, its moments in their own poses, and its card as a picture. */

import { fileName, save } from "./files.js";
import { showMoments } from "./session/moments.js";
import { drawCard } from "./session/picture.js";
import { NO_PICTURE } from "./session/words.js";
import { Ribbon } from "./timeline/ribbon.js";
import { unpacked } from "./timeline/samples.js";
import { ScoreChart } from "./timeline/score_chart.js";

const byId = (id) => document.getElementById(id);
const session = JSON.parse(byId("session").textContent);
const { step_ms: step, rows } = session.samples;
const shown = [unpacked(rows), step, 0, session.duration_ms];

new Ribbon(byId("ribbon")).show(...shown);
new ScoreChart(byId("chart"), byId("chart-said")).show(...shown);
if (session.moments.length > 0) showMoments(byId("moments"), session.moments);

byId("png").hidden = false;
byId("png").addEventListener("click", async () => {
  try {
    save(await drawCard(session), fileName("png", new Date(session.started_at)));
  } catch (error) {
    console.warn("The card could not be drawn.", error);
    byId("trouble").textContent = NO_PICTURE;
    byId("trouble").hidden = false;
  }
});
