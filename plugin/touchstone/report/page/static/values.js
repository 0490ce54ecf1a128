/* Any value of JSON as a part of the page: evidence that scorers kept. Lists of like things become tables. */

import { cutFrom, DATA } from "./data.js";
import { count, made, said, scrolling } from "./parts.js";
import { element, plain, show } from "./text.js";

const DEEPEST = 12;
const MOST = 200;
let tables = 0;

/** A text or value of the pool, and, where it was cut, how much is missing. */
export function pooled(number, how = shownText) {
  const body = made("div", { class: "text" });
  if (number === null || number === undefined) return made("p", { class: "empty" }, "(none)");
  body.append(...[how(DATA.texts[number])].flat());
  const whole = cutFrom(number);
  if (whole) body.append(made("p", { class: "cut" }, `Cut here: of ${count(whole)} characters. The whole stands in `, said(DATA.where || "the run's folder", "code"), "."));
  return body;
}

export function shownText(words) {
  if (typeof words !== "string") return shownValue(words);
  const body = element("div", "text");
  show(body, words);
  return [...body.childNodes];
}

export const verbatim = (words) => (typeof words === "string" ? plain(element("pre"), words || "(empty)") : shownValue(words));

export function shownValue(given, depth = 0) {
  if (given === null || typeof given === "number" || typeof given === "boolean") return made("span", { class: "value" }, String(given));
  if (typeof given === "string") return given.includes("\n") || given.length > 100 ? plain(element("pre"), given) : said(given || "(empty)", "span", given ? "value" : "empty");
  if (depth > DEEPEST) return plain(element("pre"), JSON.stringify(given));
  if (Array.isArray(given)) return shownList(given, depth);
  const list = made("dl");
  for (const [name, part] of Object.entries(given).slice(0, MOST)) {
    const short = flat(part) && String(part).length < 60 && !String(part).includes("\n");
    list.append(made("div", { class: short ? "beside" : undefined }, said(name, "dt"), made("dd", {}, shownValue(part, depth + 1))));
  }
  return list.childNodes.length ? list : made("span", { class: "empty" }, "(none)");
}

const flat = (part) => part === null || typeof part !== "object";

function shownList(given, depth) {
  if (!given.length) return made("span", { class: "empty" }, "(none)");
  const shown = given.slice(0, MOST);
  const keys = [...new Set(shown.flatMap((part) => (flat(part) ? [] : Object.keys(part))))];
  const alike = shown.every((part) => !flat(part) && !Array.isArray(part) && Object.values(part).every((one) => flat(one) && String(one).length < 200));
  if (alike && keys.length && keys.length <= 8) return listTable(shown, keys);
  return made("ul", {}, shown.map((part) => made("li", {}, shownValue(part, depth + 1))));
}

function listTable(shown, keys) {
  const head = made("tr", {}, keys.map((name) => said(name, "th")));
  head.querySelectorAll("th").forEach((node) => node.setAttribute("scope", "col"));
  const lines = shown.map((part) => made("tr", {}, keys.map((name) => made("td", {}, Object.hasOwn(part, name) ? shownValue(part[name], 1) : "-"))));
  tables += 1;
  return scrolling(`Evidence ${tables}`, made("table", {}, made("thead", {}, head), made("tbody", {}, lines)));
}
