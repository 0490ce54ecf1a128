/* Two run-configs beside each other: on all rows of an eval, and on one row word by word. Tests nothing: that is the
   command `touchstone compare`. */

import { ALL, COLUMNS, EVALS, REPORT, SHIPS, addressOf, configOf, evalOf, hashOf, kindOf, outputOf, rowOf, sampleAt, sampleHash, scoresOf } from "./data.js";
import { $, badge, choice, fixed, heading, made, plural, said, scrolling } from "./parts.js";
import { become, go, view } from "./route.js";
import { scoreParts } from "./sample.js";
import { element, plain } from "./text.js";
import { pooled, verbatim } from "./values.js";
import { difference } from "./words.js";

const names = () => REPORT.run.run_configs;

function pairsOf(evalName, left, right) {
  const found = new Map();
  for (const at of ALL) {
    if (evalOf(at) !== evalName || (configOf(at) !== left && configOf(at) !== right)) continue;
    const key = JSON.stringify([rowOf(at), COLUMNS.epoch[at]]);
    if (!found.has(key)) found.set(key, []);
    found.get(key)[configOf(at) === left ? 0 : 1] = at;
  }
  return [...found.values()].filter((pair) => pair[0] !== undefined && pair[1] !== undefined);
}

const diffHash = (pair) => hashOf("diff", ...addressOf(pair[0]), ...addressOf(pair[1]).slice(2));

function flips(title, pairs, open) {
  if (!pairs.length) return null;
  const items = pairs.slice(0, 400).map((pair) => made("li", {}, made("a", { href: diffHash(pair) }, said(rowOf(pair[0]) + (COLUMNS.epoch[pair[0]] > 1 ? ` #${COLUMNS.epoch[pair[0]]}` : "")))));
  return made("details", { open }, made("summary", {}, title), made("ul", { class: "names" }, items), pairs.length > 400 ? made("p", { class: "soft" }, `and ${pairs.length - 400} more`) : null);
}

function counted(pairs, left, right) {
  const of = (a, b) => pairs.filter((pair) => kindOf(pair[0]) === a && kindOf(pair[1]) === b);
  const cells = [["pass", "pass"], ["pass", "miss"], ["miss", "pass"], ["miss", "miss"]].map(([a, b]) => of(a, b));
  const head = made("tr", {}, made("td"), made("th", { scope: "col" }, said(right), " passed"), made("th", { scope: "col" }, said(right), " missed"));
  const lines = [made("tr", {}, made("th", { scope: "row" }, said(left), " passed"), ...cells.slice(0, 2).map(number)), made("tr", {}, made("th", { scope: "row" }, said(left), " missed"), ...cells.slice(2).map(number))];
  const errors = pairs.length - cells.reduce((sum, found) => sum + found.length, 0);
  return [
    scrolling("Both", made("table", { class: "fourfold" }, made("thead", {}, head), made("tbody", {}, lines))),
    made("p", { class: "soft" }, `${plural(pairs.length, "sample")} of both` + (errors ? `, of which ${errors} lack a measurement of one` : "") + `. Whether that is more than chance: touchstone compare ${left} ${right}`),
    flips(`Only ${left} passed (${cells[1].length})`, cells[1], true),
    flips(`Only ${right} passed (${cells[2].length})`, cells[2], true),
    flips(`Both missed (${cells[3].length})`, cells[3], false),
    flips(`Both passed (${cells[0].length})`, cells[0], false),
  ].filter(Boolean);
}

const number = (found) => made("td", { class: "number" }, String(found.length));

view("compare", ([evalName, left, right]) => {
  const section = $("view-compare");
  const first = EVALS.includes(evalName) ? evalName : REPORT.gates.find((gate) => gate.binding && EVALS.includes(gate.eval))?.eval || EVALS[0];
  const a = names().includes(left) ? left : names()[0];
  const b = names().includes(right) && right !== a ? right : names().find((name) => name !== a);
  const options = names().map((name) => [name, name]);
  if (b === undefined) {
    section.replaceChildren(heading(1, "Two run-configs"), made("p", { class: "soft" }, "This run has fewer than two run-configs."));
    return "Compare";
  }
  const focused = document.activeElement?.id;
  section.replaceChildren(
    heading(1, "Two run-configs"),
    made("div", { class: "fields" },
      choice("compare-eval", "Eval", EVALS.map((name) => [name, name]), first, (name) => become("compare", name, a, b)),
      choice("compare-a", "This", options, a, (name) => become("compare", first, name, name === b ? a : b)),
      choice("compare-b", "with", options.filter(([name]) => name !== a), b, (name) => become("compare", first, a, name))),
    ...counted(pairsOf(first, a, b), a, b),
  );
  if (focused) $(focused)?.focus();
  return "Compare";
});

/* ---- one row ---- */

function half(runs, side) {
  const body = made("pre", { class: "diffed" });
  for (const [kind, words] of runs) {
    if (kind === "same") plain(body, words);
    else if (kind === side) body.append(plain(element(side === "left" ? "del" : "ins"), words));
  }
  if (!body.childNodes.length) body.append("(empty)");
  return body;
}

function side(at, runs, which) {
  const title = made("a", { href: sampleHash(at) }, said(configOf(at)), COLUMNS.epoch[at] > 1 ? ` #${COLUMNS.epoch[at]}` : "");
  const parts = made("section", { class: `card ${which}` }, made("h2", { class: "config" }, title), made("p", { class: "meta" }, badge(kindOf(at))));
  parts.append(made("h3", {}, "Answer"), half(runs, which));
  for (const [who, what] of COLUMNS.errors[at]) parts.append(made("article", { class: "score" }, made("div", { class: "score-head" }, said(who, "h3"), badge("error")), pooled(what, verbatim)));
  parts.append(...scoreParts(scoresOf(at), false));
  return parts;
}

view("diff", ([evalName, row, left, epoch, right, other, ...rest]) => {
  const section = $("view-diff");
  const [a, b] = [sampleAt([evalName, row, left, epoch]), sampleAt([evalName, row, right, other, ...rest])];
  if (a === undefined || b === undefined) {
    section.replaceChildren(heading(1, "There are no such samples in this run"), made("a", { href: "#compare" }, "Two run-configs"));
    return "No such samples";
  }
  const runs = difference(outputOf(a), outputOf(b));
  const title = said(row, "h1");
  title.tabIndex = -1;
  section.replaceChildren(
    made("div", { class: "steps" }, made("a", { href: hashOf("compare", evalName, left, right) }, "\u2190 All rows of both")),
    made("header", { class: "sample-head" }, title, made("p", { class: "meta" }, said(evalName))),
    made("section", { class: "card" }, heading(2, "Asked"), pooled(COLUMNS.input[a])),
    made("div", { class: "columns" }, side(a, runs, "left"), side(b, runs, "right")),
  );
  return `${row}: ${left}, ${right}`;
});
