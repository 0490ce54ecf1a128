/* The run's data as they stand in the page, and samples made of their columns. Shows nothing. */

export const DATA = JSON.parse(document.getElementById("data").textContent);
export const REPORT = DATA.report;
export const COLUMNS = DATA.columns;
export const COUNT = COLUMNS.eval.length;
export const SHIPS = REPORT.run.shipping;
export const EVALS = DATA.evals.filter((name) => REPORT.results.some((one) => one.eval === name));
export const CONFIGS = DATA.configs;
export const ALL = Array.from({ length: COUNT }, (_, at) => at);

export const text = (number) => (number === null || number === undefined ? "" : DATA.texts[number]);
export const value = (number) => (number === null || number === undefined ? null : DATA.texts[number]);
/** Characters that the text or value had, where not all of them are here; else undefined. */
export const cutFrom = (number) => DATA.cuts[number];

export const evalOf = (at) => DATA.evals[COLUMNS.eval[at]];
export const configOf = (at) => DATA.configs[COLUMNS.config[at]];
export const rowOf = (at) => DATA.rows[COLUMNS.row[at]];
export const kindOf = (at) => DATA.kinds[COLUMNS.kind[at]];
export const whyOf = (at) => text(COLUMNS.why[at]);
export const outputOf = (at) => text(COLUMNS.output[at]);

/** {name, value, why, details, pictures} of each score; why and details are numbers in the pool, and `pictures` says
    where in the details which picture was. */
export const scoresOf = (at) =>
  COLUMNS.scores[at].map(([name, mark, why, details, pictures]) => ({ name: DATA.measures[name], value: mark, why, details, pictures: pictures || [] }));

/** What the call took, or null. */
export function callOf(at) {
  const call = COLUMNS.call[at];
  if (!call) return null;
  const [finish, input, output, cost, latency, source, made] = call;
  return { finish, input, output, cost, latency, source, made: value(made) };
}

/** Value of the named score (`passed`: 1, 0), null where it was not measured. */
export function measured(at, name) {
  if (kindOf(at) === "error") return null;
  if (name === "passed") return kindOf(at) === "pass" ? 1 : 0;
  const number = DATA.measures.indexOf(name);
  const found = COLUMNS.scores[at].find((score) => score[0] === number);
  return found ? found[1] : null;
}

/** The messages that were asked, or null where they are not known. */
export function promptOf(at) {
  const number = COLUMNS.prompt[at];
  if (number === null) return null;
  const [head, role, last] = DATA.prompts[number];
  const messages = [];
  for (let i = 0; i < DATA.heads[head].length; i += 2) {
    messages.push({ role: DATA.heads[head][i], text: DATA.heads[head][i + 1] });
  }
  return [...messages, { role, text: last }];
}

export const resultOf = (evalName, config) =>
  REPORT.results.find((one) => one.eval === evalName && one.run_config === config);

/** An eval's estimate by run-config: `passed`, or a score. */
export function estimateOf(evalName, config, name) {
  const result = resultOf(evalName, config);
  if (!result) return null;
  return name === "passed" ? result.passed : result.scores[name] || null;
}

/** Names of what an eval measures, `passed` first. */
export function measuresOf(evalName) {
  const names = new Set(["passed"]);
  for (const result of REPORT.results) {
    if (result.eval === evalName) Object.keys(result.scores).forEach((name) => names.add(name));
  }
  return [...names];
}

/* ---- addresses: a sample is found again by what names it, not by its place ---- */

const PLACES = new Map();
const ADDRESSES = new Array(COUNT);
for (const at of ALL) {
  const parts = [evalOf(at), rowOf(at), configOf(at), String(COLUMNS.epoch[at])];
  let twin = 1;
  while (PLACES.has(JSON.stringify(parts))) parts[4] = String((twin += 1));
  PLACES.set(JSON.stringify(parts), at);
  ADDRESSES[at] = parts;
}
export const addressOf = (at) => ADDRESSES[at];
export const sampleAt = (parts) => PLACES.get(JSON.stringify(parts.map(String)));
export const sampleHash = (at) => hashOf("sample", ...ADDRESSES[at]);

export const hashOf = (...parts) => "#" + parts.map((part) => encodeURIComponent(whole(part))).join("/");

/** encodeURIComponent throws at half a character. */
const whole = (part) => String(part).replace(/\p{Cs}/gu, "\ufffd");
