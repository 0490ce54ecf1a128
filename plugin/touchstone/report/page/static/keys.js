/* The keyboard. */

import { addressOf, sampleAt, sampleHash } from "./data.js";
import { $, made } from "./parts.js";
import { go, readHash } from "./route.js";
import { siblings } from "./sample.js";
import { following, lookedAt } from "./samples.js";

const links = () => [...document.querySelectorAll("nav a")];

/** The sample that the address names: a key may come before its view does. */
function current() {
  const { name, parts } = readHash();
  return name === "sample" ? sampleAt(parts) : undefined;
}

function step(by) {
  const at = current();
  const other = at === undefined ? undefined : following(at, by);
  if (other !== undefined) location.hash = sampleHash(other);
}

function beside() {
  const at = current();
  const other = at === undefined ? undefined : siblings(at)[0];
  if (other !== undefined) go("diff", ...addressOf(at), ...addressOf(other).slice(2));
}

function find() {
  if (readHash().name !== "rows") location.hash = readHash().name === "samples" ? location.hash : lookedAt();
  setTimeout(() => $(readHash().name === "rows" ? "rows-find" : "samples-q")?.focus());
}

function back() {
  const { name } = readHash();
  if (name === "sample") location.hash = lookedAt();
  if (name === "diff") history.back();
}

const helping = () => ($("help").open ? $("help").close() : $("help").showModal());

const COMMANDS = { j: () => step(1), k: () => step(-1), d: beside, "/": find, Escape: back, "?": helping };

const LINES = [
  [["1", "\u2026", "9"], "the views, in the order of their names above"],
  [["j", "k"], "the next sample, the one before"],
  [["d"], "the same row of another run-config beside it"],
  [["/"], "find"],
  [["\u2191", "\u2193", "\u2190", "\u2192"], "walk the cells of the heat map"],
  [["Esc"], "back to the list"],
  [["?"], "these keys"],
];

for (const [names_, words] of LINES) {
  $("help-keys").append(made("dt", {}, names_.map((name) => made("kbd", {}, name))), made("dd", {}, words));
}
$("help-open").addEventListener("click", helping);

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input[type=search], textarea, select");
  if (typing && event.key === "Escape" && event.target.matches("input")) event.target.blur();
  if (typing || ($("help").open && event.key !== "?")) return;
  const command = Object.hasOwn(COMMANDS, event.key) ? COMMANDS[event.key] : /^[1-9]$/.test(event.key) && links()[event.key - 1] ? () => links()[event.key - 1].click() : null;
  if (!command) return;
  event.preventDefault();
  command();
});
