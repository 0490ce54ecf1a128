/* The charts: scores with their intervals, score against cost, one eval against another. Computes no interval. */

import { ALL, COLUMNS, EVALS, REPORT, SHIPS, configOf, estimateOf, evalOf, measured, measuresOf } from "./data.js";
import { chart, cropped, placed, visible } from "./drawing.js";
import { boundsOf, quantile } from "./overview.js";
import { $, NOTHING, choice, dollars, folded, heading, made, said, scrolling, span } from "./parts.js";
import { view } from "./route.js";

const SHOWN = () => REPORT.run.run_configs;
const colourOf = (config) => (config === SHIPS ? "var(--gold)" : "var(--mark)");
const inPercent = (one) => ({ mean: 100 * one.mean, low: 100 * one.interval.low, high: 100 * one.interval.high });
const FONT = { fontSize: "12px" };

/* ---- dot and whisker ---- */

/** Values of a graded score in twentieths, with how many samples have each; none for what is all or nothing. */
function spread(evalName, name) {
  const counted = new Map();
  let graded = false;
  for (const at of ALL) {
    if (evalOf(at) !== evalName) continue;
    const mark = measured(at, name);
    if (mark === null) continue;
    graded ||= mark !== 0 && mark !== 1;
    const key = JSON.stringify([configOf(at), Math.round(mark * 20) * 5]);
    counted.set(key, (counted.get(key) || 0) + 1);
  }
  if (!graded) return [];
  return [...counted].map(([key, number]) => ({ config: JSON.parse(key)[0], at: JSON.parse(key)[1], number }));
}

function whiskers(evalName, name) {
  const points = SHOWN().map((config) => ({ config, one: estimateOf(evalName, config, name) })).filter(({ one }) => one);
  if (!points.length) return null;
  const data = points.map(({ config, one }) => ({ config, ...inPercent(one) }));
  const bounds = boundsOf(evalName, name).map((bound) => 100 * bound);
  const words = points.map(({ config, one }) => `${visible(config)} ${span(one)}`).join("; ");
  const faint = spread(evalName, name);
  const draw = (width) => ({
    width,
    height: 26 * data.length + 34,
    marginLeft: Math.min(130, 18 + 6.6 * Math.max(...SHOWN().map((config) => Math.min(17, config.length)))),
    marginRight: 24,
    marginTop: 6,
    marginBottom: 26,
    x: { domain: [0, 100], ticks: 5, label: null, tickFormat: (tick) => `${tick}%` },
    y: { domain: data.map((one) => one.config), label: null, tickSize: 0, tickFormat: (name_) => cropped(visible(name_), 17) },
    r: { range: [1, 7] },
    style: FONT,
    marks: [
      Plot.gridX({ ticks: 5, stroke: "var(--line)", strokeOpacity: 1 }),
      Plot.axisX({ ticks: 5, tickSize: 0, label: null, tickFormat: (tick) => `${tick}%`, fill: "var(--soft)" }),
      bounds.length ? Plot.ruleX(bounds, { stroke: "var(--fail)", strokeDasharray: "4 3" }) : null,
      faint.length ? Plot.dot(faint, { x: "at", y: "config", r: "number", fill: "var(--mark)", fillOpacity: 0.22 }) : null,
      Plot.ruleY(data, { y: "config", x1: "low", x2: "high", stroke: (one) => colourOf(one.config), strokeWidth: 2.5, strokeLinecap: "round" }),
      Plot.dot(data, { x: "mean", y: "config", r: 5, fill: (one) => colourOf(one.config), stroke: "var(--card)", strokeWidth: 1.5 }),
    ],
  });
  return chart(`${visible(name)} of ${visible(evalName)}, per cent with 95 % interval: ${words}`, draw);
}

function distributions() {
  const grid = made("div", { class: "grid" });
  // The tallest first: so cards beside each other are about as high.
  const many = (evalName) => SHOWN().filter((config) => estimateOf(evalName, config, "passed")).length;
  for (const evalName of [...EVALS].sort((a, b) => many(b) - many(a))) {
    const names = measuresOf(evalName);
    const body = made("div");
    const put = (name) => body.replaceChildren(...[whiskers(evalName, name)].filter(Boolean));
    const pick = names.length > 1 ? choice(`measure-${EVALS.indexOf(evalName)}`, "Score", names.map((name) => [name, visible(name)]), "passed", put) : null;
    put("passed");
    grid.append(made("figure", { class: "card" }, made("figcaption", {}, said(evalName, "h3"), pick), body));
  }
  return grid;
}

/* ---- points: run-configs on two axes ---- */

/** A chart of run-configs. `data`: {config, x, y, x1?, x2?, y1?, y2?}; `front`: those on the Pareto front, by x. */
function scatter(label, data, front, xAxis, yAxis) {
  const draw = (width) => {
    const height = Math.min(420, Math.max(300, 0.62 * width));
    const margin = { left: 52, right: 18, top: 14, bottom: 44 };
    const across = (x) => margin.left + ((x - xAxis.domain[0]) / (xAxis.domain[1] - xAxis.domain[0])) * (width - margin.left - margin.right);
    const up = (y) => height - margin.bottom - ((y - yAxis.domain[0]) / (yAxis.domain[1] - yAxis.domain[0])) * (height - margin.top - margin.bottom);
    const names = data.map((one) => cropped(visible(one.config), 20));
    const places = placed(data.map((one, i) => ({ x: across(one.x), y: up(one.y), name: names[i], first: one.config === SHIPS || front.includes(one) })), width, height - margin.bottom);
    return {
      width,
      height,
      marginLeft: margin.left,
      marginRight: margin.right,
      marginTop: margin.top,
      marginBottom: margin.bottom,
      style: FONT,
      x: { domain: xAxis.domain },
      y: { domain: yAxis.domain },
      marks: [
        Plot.gridX({ ticks: 5, stroke: "var(--line)", strokeOpacity: 1 }),
        Plot.gridY({ ticks: 5, stroke: "var(--line)", strokeOpacity: 1 }),
        Plot.axisX({ ticks: width < 420 ? 4 : 5, tickSize: 0, label: xAxis.label, labelAnchor: "right", labelArrow: "none", tickFormat: xAxis.format, fill: "var(--soft)" }),
        Plot.axisY({ ticks: 5, tickSize: 0, label: null, tickFormat: yAxis.format, fill: "var(--soft)" }),
        front.length > 1 ? Plot.line(front, { x: "x", y: "y", curve: "step-after", stroke: "var(--gold)", strokeWidth: 1.5, strokeDasharray: "5 4" }) : null,
        Plot.link(data.filter((one) => one.y1 !== undefined), { x1: "x", x2: "x", y1: "y1", y2: "y2", stroke: (one) => colourOf(one.config), strokeOpacity: 0.55, strokeWidth: 2 }),
        Plot.link(data.filter((one) => one.x1 !== undefined), { x1: "x1", x2: "x2", y1: "y", y2: "y", stroke: (one) => colourOf(one.config), strokeOpacity: 0.55, strokeWidth: 2 }),
        Plot.dot(data, { x: "x", y: "y", r: 5.5, title: (one) => visible(one.config), fill: (one) => colourOf(one.config), stroke: "var(--card)", strokeWidth: 1.5 }),
        ...data.map((one, i) =>
          places[i] && Plot.text([one], { x: "x", y: "y", text: () => names[i], dx: places[i].dx, dy: places[i].dy, textAnchor: places[i].anchor, fill: "var(--ink)", stroke: "var(--card)", strokeWidth: 3 }),
        ),
      ],
    };
  };
  return chart(label, draw);
}

/** Those that no other beats: as good for less, or better for as much. */
function paretoFront(data) {
  const ordered = [...data].sort((a, b) => a.x - b.x || b.y - a.y);
  let best = -Infinity;
  return ordered.filter((one) => (one.y > best ? ((best = one.y), true) : false));
}

const TAKES = {
  cost: { words: "US dollars a thousand samples", of: (calls) => mean(calls.map((call) => call[3])), times: 1000, format: dollars },
  tokens: { words: "tokens an answer", of: (calls) => mean(calls.map((call) => call[2])), times: 1, format: (tick) => String(tick) },
  latency: { words: "seconds a call, median", of: (calls) => quantile(calls.map((call) => call[4]).sort((a, b) => a - b), 0.5), times: 1, format: (tick) => `${tick} s` },
};

function mean(numbers) {
  const known = numbers.filter((number) => number !== null);
  return known.length ? known.reduce((sum, number) => sum + number, 0) / known.length : null;
}

function takenBy(evalName) {
  const calls = new Map();
  for (const at of ALL) {
    if (evalOf(at) !== evalName || !COLUMNS.call[at]) continue;
    if (!calls.has(configOf(at))) calls.set(configOf(at), []);
    calls.get(configOf(at)).push(COLUMNS.call[at]);
  }
  return calls;
}

function against(evalName, what) {
  const kind = TAKES[what];
  const calls = takenBy(evalName);
  const data = [];
  for (const config of SHOWN()) {
    const one = estimateOf(evalName, config, "passed");
    const took_ = calls.has(config) ? kind.of(calls.get(config)) : null;
    if (one && took_ !== null) data.push({ config, x: took_ * kind.times, y: 100 * one.mean, y1: 100 * one.interval.low, y2: 100 * one.interval.high, one });
  }
  if (!data.length) return [made("p", { class: "soft" }, "Nothing is known of what these calls took.")];
  const front = paretoFront(data);
  const most = Math.max(...data.map((one) => one.x)) * 1.12 || 1;
  const axis = { domain: [0, most], label: kind.words, format: kind.format };
  const label = `Passed in ${visible(evalName)} against ${kind.words}; the table below has the figures`;
  const rows = data.map((one) => [one.config, span(one.one), kind.format(Number(one.x.toPrecision(3))), front.includes(one) ? "yes" : "no"]);
  return [
    scatter(label, data, front, axis, { domain: [0, 100], format: (tick) => `${tick}%` }),
    asTable("Score against cost as a table", ["Run-config", "Passed, per cent", kind.words, "On the front"], rows),
  ];
}

const asTable = (title, names, rows) =>
  folded("As a table", (body) => {
    const head = made("tr", {}, names.map((name, i) => made("th", { scope: "col", class: i ? "number" : undefined }, name)));
    const lines = rows.map(([first, ...rest]) => made("tr", {}, said(first, "th"), rest.map((words) => made("td", { class: "number" }, words))));
    lines.forEach((line) => line.firstChild.setAttribute("scope", "row"));
    body.append(scrolling(title, made("table", {}, made("thead", {}, head), made("tbody", {}, lines))));
  });

/** What is known of all, and differs: cost, else tokens, else seconds. */
function firstTake() {
  const calls = COLUMNS.call.filter(Boolean);
  if (calls.some((call) => call[3])) return "cost";
  return calls.some((call) => call[2]) ? "tokens" : "latency";
}

const firstEval = () => REPORT.gates.find((gate) => gate.binding && EVALS.includes(gate.eval))?.eval || EVALS[0];

function costFigure() {
  const state = { evalName: firstEval(), what: firstTake() };
  const body = made("div");
  const put = () => body.replaceChildren(...against(state.evalName, state.what));
  put();
  const which = choice("cost-eval", "Eval", EVALS.map((name) => [name, visible(name)]), state.evalName, (name) => { state.evalName = name; put(); });
  const takes = Object.entries(TAKES).map(([name, kind]) => [name, kind.words]);
  const what = choice("cost-what", "Against", takes, state.what, (name) => { state.what = name; put(); });
  return made("figure", { class: "card" }, made("figcaption", {}, which, what), body);
}

/* ---- one eval against another ---- */

const MEASURES = EVALS.flatMap((name) => measuresOf(name).map((measure) => [name, measure]));

function tradeFigure() {
  const measures = MEASURES;
  const words = ([name, measure]) => (measure === "passed" ? visible(name) : `${visible(name)}: ${visible(measure)}`);
  const options = measures.map((one, i) => [String(i), words(one)]);
  const passes = measures.map((one, i) => [one, i]).filter(([one]) => one[1] === "passed").map(([, i]) => i);
  const up_ = Math.max(0, measures.findIndex(([name, measure]) => name === firstEval() && measure === "passed"));
  // Another eval, and where there is no other, another score.
  const state = { x: passes.find((i) => i !== up_) ?? measures.findIndex((_, i) => i !== up_), y: up_ };
  const body = made("div");
  const put = () => body.replaceChildren(...trade(measures[state.x], measures[state.y], words));
  put();
  const up = choice("trade-y", "Up", options, String(state.y), (i) => { state.y = Number(i); put(); });
  const across = choice("trade-x", "Across", options, String(state.x), (i) => { state.x = Number(i); put(); });
  return made("figure", { class: "card" }, made("figcaption", {}, up, across), body);
}

function trade(across, up, words) {
  const data = [];
  for (const config of SHOWN()) {
    const [a, b] = [estimateOf(across[0], config, across[1]), estimateOf(up[0], config, up[1])];
    if (!a || !b) continue;
    const [x, y] = [inPercent(a), inPercent(b)];
    data.push({ config, x: x.mean, x1: x.low, x2: x.high, y: y.mean, y1: y.low, y2: y.high, a, b });
  }
  if (!data.length) return [made("p", { class: "soft" }, "No run-config has both.")];
  const shares = (tick) => `${tick}%`;
  const label = `${words(up)} against ${words(across)}; the table below has the figures`;
  const rows = data.map((one) => [one.config, span(one.a), span(one.b)]);
  return [
    scatter(label, data, [], { domain: [0, 100], label: words(across), format: shares }, { domain: [0, 100], format: shares }),
    asTable("One eval against another as a table", ["Run-config", words(across), words(up)], rows),
  ];
}

const UNNAMED = "A dot without room for its name: point at it, or open the table.";
let chartsShown = false;

view("charts", () => {
  if (chartsShown) return "Charts";
  chartsShown = true;
  const section = $("view-charts");
  section.append(heading(1, "Charts"));
  if (!EVALS.length) {
    section.append(made("p", { class: "soft" }, NOTHING));
    return "Charts";
  }
  section.append(heading(2, "Scores and their intervals"));
  section.append(made("p", { class: "soft" }, "Dot: mean. Bar: 95 % interval. Dashed: what a gate asks. Faint: how many samples have which score, where scores are graded. Gold: the run-config that ships."));
  section.append(distributions());
  const pair = made("div", { class: "grid two" });
  pair.append(made("div", {}, heading(2, "Score against cost"), made("p", { class: "soft" }, "Upwards: passed. Dashed, the front: who stands on it is beaten by no other, in score or in cost. " + UNNAMED), costFigure()));
  if (MEASURES.length > 1) pair.append(made("div", {}, heading(2, "One eval against another"), made("p", { class: "soft" }, "What does a gain in one cost in the other? " + UNNAMED), tradeFigure()));
  section.append(pair);
  return "Charts";
});
