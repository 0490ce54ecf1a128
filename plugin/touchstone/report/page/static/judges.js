/* The judges: what their certificates say, their scores raw and corrected, and where they agree with what is true. */

import { DATA, REPORT } from "./data.js";
import { chart, visible } from "./drawing.js";
import { $, heading, made, said, scrolling, span } from "./parts.js";
import { view } from "./route.js";

const STATES = { certified: "pass", "no evidence": "cannot_tell", missing: "not_judged", "out of date": "cannot_tell" };

const corrected = (one) => (one && one.mean !== null && one.interval ? span(one) : one && one.why ? `none: ${one.why}` : "-");

function judgedTable(judge) {
  const names = ["Run-config", "Eval", "Raw, per cent", "Corrected (PPI++)", "Corrected (Rogan-Gladen)"];
  const cell = (words, i) => made("td", { class: i ? "number" : undefined }, made("span", { class: "on-phone" }, names[i + 1]), said(words));
  const body = made("tbody");
  for (const one of REPORT.judged.filter((found) => found.judge === judge)) {
    const words = [one.eval, span(one.raw), corrected(one.powered), corrected(one.solved)];
    body.append(made("tr", {}, said(one.run_config, "th"), words.map(cell)));
  }
  body.querySelectorAll("th").forEach((node) => node.setAttribute("scope", "row"));
  const head = made("tr", {}, names.map((name, i) => made("th", { scope: "col", class: i > 1 ? "number" : undefined }, name)));
  return scrolling(`Scores by ${judge}`, made("table", { class: "stacking" }, made("thead", {}, head), body));
}

/** Golden outputs: what is true across, what the judge said upwards. */
function agreement(judge) {
  const pairs = DATA.pairs[judge].map(([truth, word, number]) => ({ truth, word, number }));
  const words = pairs.map((one) => `true ${one.truth}, judged ${one.word}: ${one.number}`).join("; ");
  const draw = (width) => ({
    width: Math.min(width, 440),
    height: 260,
    marginLeft: 50,
    marginBottom: 42,
    marginTop: 24,
    style: { fontSize: "12px" },
    x: { domain: [-0.1, 1.1] },
    y: { domain: [-0.1, 1.1] },
    r: { range: [0, 17], domain: [0, Math.max(...pairs.map((one) => one.number))] },
    marks: [
      Plot.axisX({ ticks: [0, 0.5, 1], tickSize: 0, label: "what is true", labelArrow: "none", labelAnchor: "right", fill: "var(--soft)" }),
      Plot.axisY({ ticks: [0, 0.5, 1], tickSize: 0, label: "what the judge said", labelArrow: "none", fill: "var(--soft)" }),
      Plot.link([0], { x1: 0, y1: 0, x2: 1, y2: 1, stroke: "var(--line)" }),
      Plot.dot(pairs, { x: "truth", y: "word", r: "number", fill: (one) => (Math.abs(one.truth - one.word) < 0.5 ? "var(--pass)" : "var(--fail)"), fillOpacity: 0.55 }),
      Plot.text(pairs, { x: "truth", y: "word", text: (one) => String(one.number), fill: "var(--ink)", stroke: "var(--card)", strokeWidth: 3 }),
    ],
  });
  return chart(`Golden outputs of ${visible(judge)}: ${words}`, draw);
}

let judgesShown = false;

view("judges", () => {
  if (judgesShown) return "Judges";
  judgesShown = true;
  const section = $("view-judges");
  const grid = made("div", { class: "grid two" });
  section.append(heading(1, "Judges"), made("p", { class: "soft" }, "The charts are of golden outputs: what is true across, what the judge said upwards, and how often."), grid);
  for (const judge of REPORT.judges) {
    const state = made("span", { class: `badge ${STATES[judge.state] || "not_judged"}` }, judge.state);
    const card_ = made("article", { class: "card" }, said(judge.judge, "h2", "config"), made("p", {}, state, " ", said(judge.words)));
    if (REPORT.judged.some((one) => one.judge === judge.judge)) card_.append(judgedTable(judge.judge));
    if ((DATA.pairs[judge.judge] || []).length) card_.append(agreement(judge.judge));
    grid.append(card_);
  }
  return "Judges";
});
