/* The table of samples: filtered, sorted, a page at a time. Owns which samples are looked at, and in which order. */

import { ALL, COLUMNS, CONFIGS, COUNT, DATA, EVALS, callOf, configOf, evalOf, kindOf, measured, outputOf, rowOf, sampleHash, text, whyOf } from "./data.js";
import { $, badge, button, choice, count, dollars, fixed, heading, made, named, plural, said, scrolling, seconds } from "./parts.js";
import { requery, view } from "./route.js";

const A_PAGE = 100;
const FIELDS = ["eval", "config", "outcome", "score", "q", "sort", "page"];
const look = { eval: "", config: "", outcome: "", score: "", q: "", sort: "", page: 0, found: ALL };

/** The mean of a sample's scores, or the one that was chosen; null where there is none. */
function scoreOf(at) {
  if (look.score) return measured(at, look.score);
  const marks = COLUMNS.scores[at];
  return marks.length ? marks.reduce((sum, one) => sum + one[1], 0) / marks.length : null;
}

const SORTS = {
  row: rowOf,
  eval: evalOf,
  config: (at) => COLUMNS.config[at],
  outcome: (at) => COLUMNS.kind[at],
  score: scoreOf,
  tokens: (at) => COLUMNS.call[at]?.[2] ?? null,
  time: (at) => COLUMNS.call[at]?.[4] ?? null,
  cost: (at) => COLUMNS.call[at]?.[3] ?? null,
};

function matches(at, words) {
  if (look.eval && evalOf(at) !== look.eval) return false;
  if (look.config && configOf(at) !== look.config) return false;
  if (look.outcome && kindOf(at) !== look.outcome) return false;
  if (look.score && measured(at, look.score) === null) return false;
  if (!words) return true;
  const input = text(COLUMNS.input[at]);
  const asked = typeof input === "string" ? input : JSON.stringify(input);
  return [rowOf(at), whyOf(at), outputOf(at), asked].some((part) => part.toLowerCase().includes(words));
}

function search() {
  const words = look.q.trim().toLowerCase();
  const found = ALL.filter((at) => matches(at, words));
  const [name, down] = look.sort.startsWith("-") ? [look.sort.slice(1), -1] : [look.sort, 1];
  const key = SORTS[name];
  if (key) {
    const keys = new Map(found.map((at) => [at, key(at)]));
    found.sort((a, b) => compared(keys.get(a), keys.get(b), down) || a - b);
  }
  look.found = found;
  look.page = Math.min(look.page, Math.max(0, Math.ceil(found.length / A_PAGE) - 1));
}

/** What was not measured comes last, up and down. */
function compared(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null);
  return down * (typeof a === "string" ? a.localeCompare(b) : a - b);
}

export const following = (at, step) => {
  const place = look.found.indexOf(at);
  return place < 0 ? undefined : look.found[place + step];
};
export const placeOf = (at) => [look.found.indexOf(at) + 1, look.found.length];
export const lookedAt = () => "#samples" + (queryOf().toString() ? "?" + queryOf() : "");

function queryOf() {
  const query = new URLSearchParams();
  for (const name of FIELDS) if (look[name]) query.set(name, String(look[name]));
  return query;
}

const HEADS = [
  ["row", "Row"],
  ["eval", "Eval"],
  ["config", "Run-config"],
  ["outcome", "Outcome"],
  ["score", "Score", "number"],
  ["tokens", "Tokens", "number"],
  ["time", "Time", "number"],
  ["cost", "Cost", "number"],
  ["", "Why"],
];

function headCell([name, words, className]) {
  const cell = made("th", { scope: "col", class: className });
  if (!name) {
    cell.append(words);
    return cell;
  }
  const now = look.sort === name ? "ascending" : look.sort === `-${name}` ? "descending" : undefined;
  cell.append(button([words, made("span", { class: "arrow", "aria-hidden": "true" }, now === "ascending" ? "\u25b2" : now ? "\u25bc" : "\u2195")], () => {
    look.sort = now === "ascending" ? `-${name}` : name;
    look.page = 0;
    putSamples();
    document.querySelector(`#found th[data-sort="${name}"] button`)?.focus();
  }, { class: "sort" }));
  cell.dataset.sort = name;
  if (now) cell.setAttribute("aria-sort", now);
  return cell;
}

function line(at) {
  const call = callOf(at);
  const mark = scoreOf(at);
  const link = made("a", { href: sampleHash(at) }, named(rowOf(at)));
  const cell = (heading_, ...parts) => made("td", { class: "number" }, made("span", { class: "on-phone" }, heading_), parts);
  return made(
    "tr",
    {},
    made("th", { scope: "row" }, link),
    named(evalOf(at), "td"),
    named(configOf(at) + (COLUMNS.epoch[at] > 1 ? ` #${COLUMNS.epoch[at]}` : ""), "td"),
    made("td", {}, badge(kindOf(at))),
    cell("score", fixed(mark)),
    cell("tokens", call ? count(call.output) : "-"),
    cell("time", call ? seconds(call.latency) : "-"),
    cell("cost", call ? dollars(call.cost) : "-"),
    said(whyOf(at).slice(0, 240), "td", "why"),
  );
}

function putSamples() {
  search();
  requery(queryOf());
  const { found, page } = look;
  const shown = found.slice(page * A_PAGE, (page + 1) * A_PAGE);
  const table = made("table", { class: "samples" }, made("thead", {}, made("tr", {}, HEADS.map(headCell))), made("tbody", {}, shown.map(line)));
  const from = shown.length ? page * A_PAGE + 1 : 0;
  const words = `${plural(found.length, "sample")} of ${count(COUNT)}` + (found.length > A_PAGE ? `, ${count(from)} to ${count(from + shown.length - 1)}` : "");
  $("found-count").textContent = words;
  const turn = (step) => button(step < 0 ? "Before" : "Next", () => { look.page += step; putSamples(); $("found-count").scrollIntoView({ block: "nearest" }); }, {
    class: "quiet",
    disabled: step < 0 ? page === 0 : (page + 1) * A_PAGE >= found.length,
  });
  const pages = found.length > A_PAGE ? made("div", { class: "pages" }, turn(-1), turn(1)) : "";
  $("found").replaceChildren(shown.length ? scrolling("Samples", table) : made("p", { class: "empty" }, "No sample is like that."), pages);
}

function fields() {
  const any = (words) => [["", words]];
  const picked = (name) => (setting) => {
    look[name] = setting;
    look.page = 0;
    putSamples();
  };
  const named = (names) => names.map((name) => [name, name]);
  const find = made("input", { id: "samples-q", type: "search", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/" });
  find.value = look.q;
  let wait = 0;
  find.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(() => picked("q")(find.value), COUNT > 5000 ? 250 : 0);
  });
  return made(
    "div",
    { class: "fields" },
    made("div", { class: "field grow" }, made("label", { for: "samples-q" }, "Find in rows, answers and reasons"), find),
    choice("samples-eval", "Eval", [...any("all"), ...named(EVALS)], look.eval, picked("eval")),
    choice("samples-config", "Run-config", [...any("all"), ...named(CONFIGS)], look.config, picked("config")),
    choice("samples-outcome", "Outcome", [...any("all"), ...named(DATA.kinds)], look.outcome, picked("outcome")),
    choice("samples-score", "Score", [...any("mean of all"), ...named(DATA.measures)], look.score, picked("score")),
  );
}

let samplesShown = false;

view("samples", (parts, query) => {
  for (const name of FIELDS) look[name] = name === "page" ? Math.max(0, Number(query.get(name)) || 0) : query.get(name) || "";
  if (!SORTS[look.sort.replace(/^-/, "")]) look.sort = "";
  const section = $("view-samples");
  if (!samplesShown) section.append(heading(1, "Samples"), made("div", { id: "samples-fields" }), made("p", { id: "found-count", role: "status", class: "soft" }), made("div", { id: "found" }));
  samplesShown = true;
  $("samples-fields").replaceChildren(fields());
  putSamples();
  return "Samples";
});
