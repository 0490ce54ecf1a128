/* The start: the views that there are, and the first of them. */

import { COUNT, DATA, REPORT } from "./data.js";
import { $, made, said } from "./parts.js";
import { showHash } from "./route.js";

const TABS = [["overview", "Overview"], ["charts", "Charts"], ["rows", "Rows"], ["samples", "Samples"], ["compare", "Compare"]];
if (REPORT.judges.length) TABS.push(["judges", "Judges"]);

for (const [name, words] of TABS) $("views").append(made("li", {}, made("a", { href: `#${name}`, "data-view": name }, words)));
$("run").replaceChildren(said(REPORT.run.id));

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says what is shown
  document.querySelector("main > section:not([hidden]) h1")?.focus();
});
addEventListener("hashchange", () => showHash());
showHash(false);
document.body.dataset.ready = String(COUNT);
