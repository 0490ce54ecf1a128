/* Any value of JSON as a part of the page: evidence that scorers kept. Lists of like things become tables. */

import { cutFrom, DATA } from "./data.js";
import { count, made, said, scrolling } from "./parts.js";
import { pictureAt, picturesAt, shownPicture } from "./pictures.js";
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

const NONE = new Map();

/** Evidence with its pictures where they were. */
export const evidence = (given, pictures) => shownValue(given, { place: [], pictures: picturesAt(pictures) });

/** `look`: where the value stands in the evidence, and which pictures belong where. */
export function shownValue(given, look = { place: [], pictures: NONE }) {
  const picture = look.pictures.size ? pictureAt(look.pictures, look.place) : undefined;
  if (picture !== undefined) return shownPicture(picture, look.place, look.moment);
  if (given === null || typeof given === "number" || typeof given === "boolean") return made("span", { class: "value" }, String(given));
  if (typeof given === "string") return given.includes("\n") || given.length > 100 ? plain(element("pre"), given) : said(given || "(empty)", "span", given ? "value" : "empty");
  if (look.place.length > DEEPEST) return plain(element("pre"), JSON.stringify(given));
  return Array.isArray(given) ? shownList(given, look) : shownNames(given, look);
}

const within = (look, name, moment) => ({ place: [...look.place, name], pictures: look.pictures, moment });

const flat = (part) => part === null || typeof part !== "object";

function shownNames(given, look) {
  const names = Object.keys(given).slice(0, MOST);
  if (!names.length) return made("span", { class: "empty" }, "(none)");
  const isPicture = (name) => look.pictures.size > 0 && pictureAt(look.pictures, [...look.place, name]) !== undefined;
  const seen = names.filter(isPicture);
  const moments = new Set(seen.map((name) => `${name}_at`));
  const list = made("dl");
  for (const name of names) {
    if (seen.includes(name) || moments.has(name)) continue; // beside the list, with its time
    const part = given[name];
    const short = flat(part) && String(part).length < 60 && !String(part).includes("\n");
    list.append(made("div", { class: short || isEmpty(part) ? "beside" : undefined }, said(name, "dt"), made("dd", {}, shownValue(part, within(look, name)))));
  }
  if (!seen.length) return list;
  const figures = seen.map((name) => shownValue(given[name], within(look, name, given[`${name}_at`])));
  return made("div", { class: "pictured" }, figures, list.childNodes.length ? list : null);
}

const isEmpty = (part) => !flat(part) && !Object.keys(part).length;

function shownList(given, look) {
  if (!given.length) return made("span", { class: "empty" }, "(none)");
  const shown = given.slice(0, MOST);
  const keys = [...new Set(shown.flatMap((part) => (flat(part) ? [] : Object.keys(part))))];
  const alike = shown.every((part) => !flat(part) && !Array.isArray(part) && Object.values(part).every((one) => flat(one) && String(one).length < 200));
  if (alike && keys.length && keys.length <= 8 && (shown.length > 1 || keys.length > 2)) return listTable(shown, keys, look);
  return made("ul", {}, shown.map((part, at) => made("li", {}, shownValue(part, within(look, at)))));
}

function listTable(shown, keys, look) {
  const head = made("tr", {}, keys.map((name) => said(name, "th")));
  head.querySelectorAll("th").forEach((node) => node.setAttribute("scope", "col"));
  const cell = (part, at, name) => made("td", {}, Object.hasOwn(part, name) ? shownValue(part[name], within(within(look, at), name)) : "-");
  const lines = shown.map((part, at) => made("tr", {}, keys.map((name) => cell(part, at, name))));
  tables += 1;
  return scrolling(`Evidence ${tables}`, made("table", { class: "like" }, made("thead", {}, head), made("tbody", {}, lines)));
}
