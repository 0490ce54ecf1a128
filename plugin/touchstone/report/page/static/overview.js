/* The overview: the verdict, the gates, the table of run-configs and evals, what the run took, what went wrong. */

import { ALL, COLUMNS, COUNT, DATA, EVALS, REPORT, SHIPS, configOf, resultOf } from "./data.js";
import { NOTHING, badge, count, dollars, folded, heading, made, named, percent, plural, said, scrolling, seconds } from "./parts.js";
import { $ } from "./parts.js";
import { view } from "./route.js";

const BOUND = /^(?:lower\()?([^\s()]+)\)? >= ([0-9.]+)$/;

/** Bounds that binding gates (else any) set on a measure of an eval, from 0 to 1. */
export function boundsOf(evalName, name) {
  const gates = REPORT.gates.filter((gate) => gate.eval === evalName);
  const rules = gates.map((gate) => BOUND.exec(gate.rule)).filter((found) => found && found[1] === name);
  return [...new Set(rules.map((found) => Number(found[2])))].filter((bound) => bound > 0 && bound <= 1);
}

/** The name, and whether it ships. */
export const configName = (name) =>
  made("span", { class: "name" }, said(name || "(no name)"), name === SHIPS ? made("span", { class: "ships" }, "ships") : null);

/** A mean as a dot and its interval as a bar on a track from 0 to 100 %. For the eye: the figures stand beside it. */
function whisker(estimate) {
  const bar = made("span", { class: "range" });
  const dot = made("span", { class: "dot" });
  bar.style.left = `${100 * estimate.interval.low}%`;
  bar.style.width = `${100 * (estimate.interval.high - estimate.interval.low)}%`;
  dot.style.left = `${100 * estimate.mean}%`;
  return made("span", { class: "track", "aria-hidden": "true" }, bar, dot);
}

function cell(evalName, config) {
  const result = resultOf(evalName, config);
  const label = { class: "figure" };
  if (!result || (!result.passed && !result.errors)) return made("td", { class: "figure none" }, named(evalName, "span", "on-phone"), "-");
  const query = new URLSearchParams({ eval: evalName, config });
  const link = made("a", { href: `#samples?${query}` });
  if (result.passed) {
    const { low, high } = result.passed.interval;
    link.append(made("b", {}, percent(result.passed.mean)));
    link.append(made("span", { class: "soft" }, ` ${Math.round(100 * low)}\u2013${Math.round(100 * high)}`));
  } else link.append("no measurement");
  const errors = result.errors ? made("span", { class: "badge error" }, plural(result.errors, "error")) : null;
  return made("td", label, named(evalName, "span", "on-phone"), made("span", { class: "cell" }, link, result.passed ? whisker(result.passed) : null, errors));
}

function scores() {
  const head = made("tr", {}, made("th", { scope: "col" }, "Run-config"), EVALS.map((name) => named(name, "th")));
  head.querySelectorAll("th").forEach((node) => node.setAttribute("scope", "col"));
  const body = made("tbody");
  for (const config of REPORT.run.run_configs) {
    const row = made("th", { scope: "row" }, configName(config));
    body.append(made("tr", { class: config === SHIPS ? "shipping" : undefined }, row, EVALS.map((name) => cell(name, config))));
  }
  return scrolling("Scores", made("table", { class: "scores stacking" }, made("thead", {}, head), body));
}

const ORDER = ["fail", "cannot_tell", "pass", "not_judged"];

function gateTable(gates, withConfig) {
  const names = ["Verdict", "Eval", ...(withConfig ? ["Run-config"] : []), "Rule", "Why"];
  const head = made("tr", {}, names.map((name) => made("th", { scope: "col" }, name)));
  const body = made("tbody");
  for (const gate of [...gates].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))) {
    body.append(gateRow(gate, withConfig));
  }
  return scrolling(withConfig ? "Gates of candidates" : "Gates that decide this run", made("table", { class: "gates" }, made("thead", {}, head), body));
}

function gateRow(gate, withConfig) {
  const query = new URLSearchParams({ eval: gate.eval, config: gate.run_config });
  const link = made("a", { href: `#samples?${query}` }, named(gate.eval));
  const needed = gate.needed ? ` ${plural(gate.needed, "more row")} would tell.` : "";
  return made(
    "tr",
    {},
    made("td", {}, badge(gate.kind)),
    made("td", {}, link),
    withConfig ? named(gate.run_config, "td") : null,
    said(gate.rule, "td", "rule"),
    said(gate.why + needed, "td", "why"),
  );
}

/** Each call once: evals share calls. */
function callsOf(config) {
  const seen = new Set();
  const found = { calls: 0, replayed: 0, input: 0, output: 0, cost: null, times: [] };
  for (const at of ALL) {
    const call = COLUMNS.call[at];
    if (!call || configOf(at) !== config || seen.has(COLUMNS.request[at])) continue;
    if (COLUMNS.request[at]) seen.add(COLUMNS.request[at]);
    found.calls += 1;
    found.replayed += call[5] === "live" ? 0 : 1;
    found.input += call[1] || 0;
    found.output += call[2] || 0;
    if (call[3] !== null) found.cost = (found.cost || 0) + call[3];
    found.times.push(call[4]);
  }
  found.times.sort((a, b) => a - b);
  return found;
}

/** Linear between neighbours, as touchstone's own tables have it. */
export function quantile(sorted, share) {
  if (!sorted.length) return null;
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]) * (place - below);
}

function took() {
  const names = ["Run-config", "Calls", "Of which replayed", "Tokens in", "Tokens out", "Cost", "Median", "95 % below"];
  const body = made("tbody");
  for (const config of REPORT.run.run_configs) {
    const one = callsOf(config);
    const figures = [count(one.calls), count(one.replayed), count(one.input), count(one.output), dollars(one.cost)];
    figures.push(seconds(quantile(one.times, 0.5)), seconds(quantile(one.times, 0.95)));
    const cells = figures.map((words, i) => made("td", { class: "figure" }, made("span", { class: "on-phone" }, names[i + 1]), words));
    body.append(made("tr", {}, made("th", { scope: "row" }, configName(config)), cells));
  }
  const head = made("tr", {}, names.map((name) => made("th", { scope: "col" }, name)));
  return scrolling("What the calls took", made("table", { class: "stacking" }, made("thead", {}, head), body));
}

function notices(title, list) {
  return folded(`${title} (${list.length})`, (body) => {
    const items = list.map((one) => {
      const whose = `${plural(one.samples, "sample")} of ${one.run_configs.join(", ")}: `;
      return made("li", {}, said(whose, "b"), said(one.why));
    });
    body.append(made("ul", {}, items));
  });
}

function facts() {
  const { calls, run } = REPORT;
  const parts = [run.date, `${plural(COUNT, "sample")}`, `${plural(EVALS.length, "eval")}`, `${plural(run.run_configs.length, "run-config")}`];
  parts.push(plural(calls.count, "call") + (calls.replayed ? `, ${calls.replayed === calls.count ? "all" : count(calls.replayed)} replayed` : ""));
  if (calls.cost) parts.push(dollars(calls.cost));
  return made("p", { class: "facts" }, parts.filter(Boolean).map((words) => said(words)));
}

let filled = false;

view("overview", () => {
  const title = DATA.headline;
  if (filled) return title;
  filled = true;
  const section = $("view-overview");
  const binding = REPORT.gates.filter((gate) => gate.binding);
  const others = REPORT.gates.filter((gate) => !gate.binding);
  const verdict = made("div", { class: `verdict ${REPORT.verdict}` }, plainHeading(title), facts());
  section.append(verdict);
  if (REPORT.errors.length) section.append(notices("Errors: samples that lack a measurement", REPORT.errors));
  if (EVALS.length) section.append(heading(2, "Scores"), scores(), made("p", { class: "soft" }, "Per cent of samples passed, with its 95 % interval. Each figure leads to its samples."));
  else section.append(made("p", { class: "soft" }, NOTHING));
  if (binding.length) section.append(heading(2, "Gates that decide this run"), gateTable(binding, false));
  if (others.length) section.append(folded(`Gates of candidates (${others.length})`, (body) => body.append(gateTable(others, true))));
  if (COUNT) section.append(heading(2, "What the calls took"), tookFolded());
  if (REPORT.skipped.length) section.append(notices("Skipped", REPORT.skipped));
  return title;
});

function tookFolded() {
  const note = "Each call once, also where evals share it. Of replayed calls, time and cost are of when they were made.";
  const wide = matchMedia("(min-width: 46rem)").matches;
  return folded("Calls, tokens, cost, time", (body) => body.append(took(), made("p", { class: "soft" }, note)), wide);
}

function plainHeading(words) {
  const node = said(words, "h1");
  node.tabIndex = -1;
  return node;
}
