/* One sample: what was asked, what came back, what each scorer saw and said, and what the call took. */

import { COLUMNS, DATA, addressOf, callOf, configOf, evalOf, hashOf, kindOf, promptOf, rowOf, sampleAt, sampleHash, scoresOf, ALL, cutFrom } from "./data.js";
import { $, badge, choice, count, dollars, fixed, folded, heading, made, plural, said, seconds } from "./parts.js";
import { go, view } from "./route.js";
import { following, lookedAt, placeOf } from "./samples.js";
import { evidence, pooled, verbatim } from "./values.js";

/** Other samples of the same row, eval and epoch. */
export const siblings = (at) =>
  ALL.filter((other) => other !== at && evalOf(other) === evalOf(at) && rowOf(other) === rowOf(at) && COLUMNS.epoch[other] === COLUMNS.epoch[at]);

const tone = (mark) => (mark >= 1 ? "pass" : mark > 0 ? "cannot_tell" : "miss");

/** Scores with their evidence: what several share stands once, under that which fell short. `opened`: for the first. */
export function scoreParts(scores, opened) {
  const telling = new Map();
  for (const score of [...scores].sort((a, b) => a.value - b.value)) {
    if (score.details !== null && !telling.has(score.details)) telling.set(score.details, score);
  }
  const first = opened ? telling.values().next().value : undefined;
  return scores.map((score) => scorePart(score, telling.get(score.details), score === first));
}

function scorePart(score, telling, open) {
  const head = made("div", { class: "score-head" }, said(score.name, "h3"), made("span", { class: `badge ${tone(score.value)}` }, fixed(score.value)));
  const part = made("article", { class: "score" }, head);
  if (score.why !== null) part.append(pooled(score.why, verbatimLine));
  if (telling === score) part.append(folded("Evidence", (body) => body.append(pooled(score.details, (found) => evidence(found, score.pictures))), open));
  else if (telling) part.append(made("p", { class: "soft" }, "Its evidence is that of ", said(telling.name), "."));
  return part;
}

const verbatimLine = (words) => said(words, "p", "reason");

const quoted = (words) => `'${words.replaceAll("'", "'\\''")}'`;

function callFacts(at) {
  const call = callOf(at);
  const list = made("dl", { class: "facts-list" });
  const add = (name, words) => list.append(made("dt", {}, name), typeof words === "string" ? said(words, "dd") : made("dd", {}, words));
  if (call) {
    add("Ended by", call.finish);
    add("Tokens", `${count(call.input)} in, ${count(call.output)} out`);
    add("Time", seconds(call.latency) + (call.source === "live" ? "" : ", when the call was made"));
    add("Cost", dollars(call.cost));
    add("Answer from", { live: "the model, in this run", cache: "the cache", recording: "a recording" }[call.source] || call.source);
    for (const [name, words] of Object.entries(call.made || {})) add(name, String(words));
  }
  if (COLUMNS.asked[at]) add("Judges asked", `${plural(COLUMNS.asked[at][0], "call")}, ${count(COLUMNS.asked[at][1])} tokens out, ${dollars(COLUMNS.asked[at][2])}`);
  if (COLUMNS.request[at]) add("Request", COLUMNS.request[at]);
  const test = DATA.tests[COLUMNS.test[at]];
  const epoch = COLUMNS.epoch[at] > 1 ? `:${COLUMNS.epoch[at]}` : "";
  if (test) add("Again", made("code", {}, said(`pytest ${quoted(`${test}[${rowOf(at)}:${configOf(at)}${epoch}]`)}`)));
  return list;
}

function prompt(at) {
  const messages = promptOf(at);
  if (!messages) return made("p", { class: "soft" }, "The prompt is not at hand: neither the recordings nor the cache hold this request.");
  return folded(`Prompt (${plural(messages.length, "message")})`, (body) => {
    for (const { role, text: number } of messages) body.append(made("article", { class: "message" }, said(role, "h3"), pooled(number, verbatim)));
  });
}

function card(title, ...parts) {
  return made("section", { class: "card" }, heading(2, title), parts);
}

function neighbours(at) {
  const [place, all] = placeOf(at);
  const link = (step, words, key) => {
    const other = following(at, step);
    return other === undefined ? null : made("a", { class: "step", href: sampleHash(other), "aria-keyshortcuts": key }, words, made("span", { class: "with-keys" }, ` (${key})`));
  };
  return made("div", { class: "steps" }, made("a", { href: lookedAt() }, "\u2190 All samples"), place ? made("span", { class: "soft" }, `${count(place)} of ${count(all)}`) : null, link(-1, "Before", "k"), link(1, "Next", "j"));
}

view("sample", (parts) => {
  const section = $("view-sample");
  const at = sampleAt(parts);
  if (at === undefined) {
    section.replaceChildren(heading(1, "There is no such sample in this run"), made("p", {}, said(parts.join(" / "))), made("a", { href: "#samples" }, "All samples"));
    return "No such sample";
  }
  const title = said(rowOf(at), "h1");
  title.tabIndex = -1;
  const others = siblings(at);
  const compare = others.length
    ? choice("sample-against", "Beside", [["", "another run-config"], ...others.map((other) => [String(other), configOf(other)])], "", (other) => other && go("diff", ...addressOf(at), ...addressOf(Number(other)).slice(2)))
    : null;
  const meta = made("p", { class: "meta" }, badge(kindOf(at)), said(evalOf(at)), said(configOf(at)), COLUMNS.epoch[at] > 1 ? `epoch ${COLUMNS.epoch[at]}` : null);
  const errors = COLUMNS.errors[at].map(([who, what]) => made("article", { class: "score" }, made("div", { class: "score-head" }, said(who, "h3"), badge("error")), pooled(what, verbatim)));
  const scores_ = scoresOf(at);
  const why = COLUMNS.why[at] === null ? null : pooled(COLUMNS.why[at], verbatimLine);
  section.replaceChildren(
    neighbours(at),
    made("header", { class: "sample-head" }, title, meta, why, compare),
    made("div", { class: "columns flowing" },
      made("div", {}, card("Asked", pooled(COLUMNS.input[at]), prompt(at)), card("Answer", pooled(COLUMNS.output[at]), COLUMNS.thinking[at] === null ? null : folded("What it thought", (body) => body.append(pooled(COLUMNS.thinking[at]))))),
      made("div", {}, card("Scores", errors, scoreParts(scores_, true), errors.length + scores_.length ? null : made("p", { class: "soft" }, "No scorer: the test's own asserts decide."))),
      made("div", {}, card("Call", callFacts(at)))),
  );
  return rowOf(at);
});
