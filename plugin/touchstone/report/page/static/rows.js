/* The heat map: an eval's rows by run-configs, as a table that is read by ear too, and walked by arrow keys. */

import { ALL, EVALS, REPORT, SHIPS, configOf, evalOf, kindOf, measured, measuresOf, rowOf, sampleHash, whyOf } from "./data.js";
import { $, NOTHING, button, choice, heading, made, named, percent, plural, scrolling, signOf } from "./parts.js";
import { become, view } from "./route.js";

const AT_ONCE = 300;
const state_ = { evalName: "", measure: "passed", order: "apart", differ: false, find: "", most: AT_ONCE };

/** Row -> run-config -> its samples. */
function byRow(evalName) {
  const rows = new Map();
  for (const at of ALL) {
    if (evalOf(at) !== evalName) continue;
    const row = rowOf(at);
    if (!rows.has(row)) rows.set(row, new Map());
    if (!rows.get(row).has(configOf(at))) rows.get(row).set(configOf(at), []);
    rows.get(row).get(configOf(at)).push(at);
  }
  return rows;
}

/** Mean of what was measured of some samples; null where nothing was. */
function average(samples, measure) {
  const known = samples.map((at) => measured(at, measure)).filter((mark) => mark !== null);
  return known.length ? known.reduce((sum, mark) => sum + mark, 0) / known.length : null;
}

const levelOf = (mark) => (mark === null ? "none" : `level${Math.min(4, Math.floor(mark * 4 + (mark === 1 ? 1 : 0)))}`);

function heatCell(samples, config, measure) {
  if (!samples) return made("td", { class: "heat none" }, made("span", { class: "soft" }, "\u2013"));
  const mark = average(samples, measure);
  const errors = samples.filter((at) => kindOf(at) === "error").length;
  const kind = mark === null ? "error" : mark === 1 ? "pass" : "miss";
  const words = mark === null ? signOf("error") : mark === 0 || mark === 1 ? signOf(kind) : percent(mark);
  const told = mark === null ? "error" : `${percent(mark)} per cent`;
  const link = made("a", { href: sampleHash(samples[0]), tabindex: "-1" }, made("span", { "aria-hidden": "true" }, words));
  link.setAttribute("aria-label", `${config}: ${told}${samples.length > 1 ? ` of ${samples.length} epochs` : ""}${errors && mark !== null ? `, ${plural(errors, "error")}` : ""}`);
  link.title = `${config}: ${told}\n${whyOf(samples[0]).slice(0, 300)}`;
  return made("td", { class: `heat ${mark === null ? "error" : levelOf(mark)}` }, link);
}

function chosenRows(rows, configs) {
  const found = [...rows].map(([row, cells]) => {
    const marks = configs.map((config) => (cells.has(config) ? average(cells.get(config), state_.measure) : null));
    const known = marks.filter((mark) => mark !== null);
    return { row, cells, known, sum: known.length ? known.reduce((a, b) => a + b, 0) / known.length : -1, first: marks[0] ?? -1 };
  });
  const words = state_.find.toLowerCase();
  const kept = found.filter((one) => (!state_.differ || new Set(one.known).size > 1) && (!words || one.row.toLowerCase().includes(words)));
  const apart = (one) => (one.known.length ? Math.max(...one.known) - Math.min(...one.known) : 0);
  if (state_.order === "apart") kept.sort((a, b) => apart(b) - apart(a) || b.sum - a.sum);
  if (state_.order === "worst") kept.sort((a, b) => a.sum - b.sum);
  if (state_.order === "best") kept.sort((a, b) => b.sum - a.sum);
  if (state_.order === "ships") kept.sort((a, b) => a.first - b.first || a.sum - b.sum);
  return kept;
}

function heatTable() {
  const rows = byRow(state_.evalName);
  const configs = REPORT.run.run_configs.filter((config) => [...rows.values()].some((cells) => cells.has(config)));
  const kept = chosenRows(rows, configs);
  const head = made("tr", {}, made("th", { scope: "col" }, "Row"));
  for (const config of configs) {
    head.append(made("th", { scope: "col", class: "turned" }, named(config, "span", config === SHIPS ? "name bold" : "name")));
  }
  const body = made("tbody");
  for (const one of kept.slice(0, state_.most)) {
    const name = named(one.row, "th");
    name.setAttribute("scope", "row");
    body.append(made("tr", {}, name, configs.map((config) => heatCell(one.cells.get(config), config, state_.measure))));
  }
  body.querySelector("a")?.setAttribute("tabindex", "0");
  body.addEventListener("keydown", walk);
  const table = made("table", { class: "heats" }, made("thead", {}, head), body);
  const more = kept.length > state_.most ? button(`Show ${plural(Math.min(AT_ONCE, kept.length - state_.most), "more row")}`, () => { state_.most += AT_ONCE; putHeat(); }) : null;
  $("heat").replaceChildren(made("p", { class: "soft", role: "status" }, `${plural(kept.length, "row")} of ${rows.size}`), scrolling("Rows by run-configs", table), more || "");
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function walk(event) {
  const step = STEPS[event.key];
  const from = event.target.closest("td");
  if (!step || !from || event.ctrlKey || event.metaKey || event.altKey) return;
  let [line, place] = [from.parentElement.rowIndex, from.cellIndex];
  const table = from.closest("table");
  for (;;) {
    line += step[0];
    place += step[1];
    const cellThere = table.rows[line]?.cells[place];
    if (!cellThere) return;
    const link = cellThere.querySelector("a");
    if (!link) continue;
    event.preventDefault();
    table.querySelector('a[tabindex="0"]')?.setAttribute("tabindex", "-1");
    link.setAttribute("tabindex", "0");
    link.focus();
    return;
  }
}

function putHeat() {
  heatTable();
}

function controls() {
  const evals = choice("rows-eval", "Eval", EVALS.map((name) => [name, name]), state_.evalName, (name) => become("rows", name));
  const measures = choice("rows-measure", "Score", measuresOf(state_.evalName).map((name) => [name, name]), state_.measure, (name) => { state_.measure = name; putHeat(); });
  const orders = [["apart", "furthest apart first"], ["worst", "worst first"], ["best", "best first"], ["ships", "worst of what ships first"], ["name", "by name"]];
  const order = choice("rows-order", "Order", orders, state_.order, (name) => { state_.order = name; putHeat(); });
  const find = made("input", { id: "rows-find", type: "search", autocomplete: "off", spellcheck: "false" });
  find.value = state_.find;
  find.addEventListener("input", () => { state_.find = find.value; putHeat(); });
  const differ = made("input", { id: "rows-differ", type: "checkbox" });
  differ.checked = state_.differ;
  differ.addEventListener("change", () => { state_.differ = differ.checked; putHeat(); });
  return made("div", { class: "fields" }, evals, measures, order,
    made("div", { class: "field" }, made("label", { for: "rows-find" }, "Find a row"), find),
    made("div", { class: "field check" }, differ, made("label", { for: "rows-differ" }, "only where run-configs differ")));
}

let rowsOf = "";

view("rows", ([part], query) => {
  const name = part ?? query.get("eval");
  const evalName = EVALS.includes(name) ? name : EVALS[0];
  const section = $("view-rows");
  if (evalName === undefined) {
    section.replaceChildren(heading(1, "Rows by run-configs"), made("p", { class: "soft" }, NOTHING));
    return "Rows";
  }
  if (rowsOf === evalName) return "Rows";
  const again = Boolean(rowsOf);
  rowsOf = evalName;
  Object.assign(state_, { evalName, measure: "passed", most: AT_ONCE });
  section.replaceChildren(heading(1, "Rows by run-configs"), controls(), made("div", { id: "heat" }),
    made("p", { class: "soft" }, "\u2713 all of it, \u2717 none of it, a number: per cent, ! error. Arrow keys walk the cells; Enter opens the sample."));
  putHeat();
  if (again) $("rows-eval").focus();
  return "Rows";
});
