/* Small parts of the page: words for figures, badges, links, fields, tables that scroll. Knows no view. */

import { element, plain } from "./text.js";

export const $ = (id) => document.getElementById(id);

/** An element with names, text and children; text is text. */
export function made(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, setting] of Object.entries(attributes)) {
    if (setting !== undefined && setting !== null && setting !== false) node.setAttribute(key, setting === true ? "" : setting);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

/** A name or a line from outside, with what would hide or reorder it shown. */
export const said = (words, name = "span", className = "") => plain(element(name, className), String(words));

/** A name that may break after what joins its words. */
export function named(name, tag = "span", className = "") {
  const node = said(name || "(no name)", tag, className);
  for (const part of [...node.childNodes]) {
    if (part.nodeType !== Node.TEXT_NODE) continue;
    const words = part.data.split(/(?<=[_./-])(?=.)/u);
    part.replaceWith(...words.flatMap((word, i) => (i ? [made("wbr"), word] : [word])));
  }
  return node;
}

export const percent = (share) => {
  const whole = Math.round(100 * share);
  if (whole === 100 && share < 1) return "99";
  return whole === 0 && share > 0 ? "<1" : String(whole);
};

/** `36 [27, 45]`, in per cent. */
export const span = (one) =>
  one ? `${percent(one.mean)} [${Math.round(100 * one.interval.low)}, ${Math.round(100 * one.interval.high)}]` : "-";

export const fixed = (number, digits = 2) => (number === null || number === undefined ? "-" : Number(number).toFixed(digits));

export function dollars(cost) {
  if (cost === null || cost === undefined) return "-";
  if (cost === 0) return "$0";
  if (cost < 0.0001) return "<$0.0001";
  return cost >= 0.1 ? `$${cost.toFixed(2)}` : `$${Number(cost.toPrecision(2))}`;
}

export const seconds = (time) =>
  time === null || time === undefined ? "-" : `${time < 10 ? time.toFixed(2) : time < 100 ? time.toFixed(1) : Math.round(time)} s`;

export const count = (number) => (number === null || number === undefined ? "-" : number.toLocaleString("en"));

export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

const WORDS = { pass: "pass", miss: "miss", error: "error", fail: "fail", cannot_tell: "cannot tell", not_judged: "not judged" };
const SIGNS = { pass: "\u2713", miss: "\u2717", error: "!", fail: "\u2717", cannot_tell: "?", not_judged: "\u2013" };
export const signOf = (kind) => SIGNS[kind];

export const badge = (kind) =>
  made("span", { class: `badge ${kind}` }, made("span", { "aria-hidden": "true" }, `${SIGNS[kind]} `), WORDS[kind]);

/** A table in a region of its own that scrolls sideways and takes the keyboard. */
export function scrolling(label, table) {
  spoken(table);
  return made("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, table);
}

const ROLES = { THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };

/** A table that is laid out as a list on a phone is still a table to those who hear it. */
function spoken(table) {
  table.setAttribute("role", "table");
  for (const node of table.querySelectorAll("thead, tbody, tr, td")) node.setAttribute("role", ROLES[node.tagName]);
  for (const node of table.querySelectorAll("th")) node.setAttribute("role", node.scope === "col" ? "columnheader" : "rowheader");
}

/** A labelled choice; `options`: [value, words]. */
export function choice(id, label, options, chosen, changed) {
  const select = made("select", { id });
  for (const [name, words] of options) {
    const option = made("option", { value: name });
    option.textContent = words;
    select.append(option);
  }
  select.value = chosen;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
  select.addEventListener("change", () => changed(select.value));
  return made("div", { class: "field" }, made("label", { for: id }, label), select);
}

export function button(words, clicked, attributes = {}) {
  const node = made("button", { type: "button", ...attributes }, words);
  node.addEventListener("click", clicked);
  return node;
}

export function folded(summary, fill, open = false) {
  const node = made("details", { open }, made("summary", {}, summary));
  const body = made("div", { class: "folded" });
  node.append(body);
  const once = () => {
    if (node.open && !body.childNodes.length) fill(body);
  };
  node.addEventListener("toggle", once);
  once();
  return node;
}

export const NOTHING = "This run has no sample to show.";

export const heading = (level, words) => made(`h${level}`, { tabindex: "-1" }, words);
