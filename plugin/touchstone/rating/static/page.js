/* The rating page. */

import { $, Refused, ask, askOn, clear, drafts, element, helpKeys, keys, leaveNote, lost } from "./shell.js";
import { outbox, plain, progress, show, showValue, status, toMain } from "./shell.js";

const TOO_SOON = 150; // ms: a key pressed for the output before must not rate the one that just came
const KEYS = { pass: "p", fail: "f", critical: "c", unsure: "u" };
const work = { items: [], at: 0, shown: null, ready: false, asking: false, turn: 0 };
const contents = new Map();
const watch = { seen: 0, since: null };
let session = null;

/* ---- time spent on an output, while it can be seen ---- */

function watchStart() {
  watch.seen = 0;
  watch.since = document.hidden ? null : performance.now();
}

function watched() {
  const ms = watch.seen + (watch.since === null ? 0 : performance.now() - watch.since);
  return Math.round(ms / 100) / 10;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden && watch.since !== null) {
    watch.seen += performance.now() - watch.since;
    watch.since = null;
  } else if (!document.hidden && watch.since === null) {
    watch.since = performance.now();
  }
});

/* ---- notes that belong to no rating yet ---- */

const noteOf = (item) => drafts.of(item.key) ?? item.note;
const noteChanged = (item) => $("note").value.trim() !== item.note;

function keepDraft() {
  const item = work.items[work.at];
  if (noteChanged(item)) drafts.keep(item.key, $("note").value);
  else drafts.forget(item.key);
}

/* ---- one output after another ---- */

const rated = () => work.items.filter((item) => item.value !== null).length;

function nextUnrated(from) {
  const count = work.items.length;
  for (let step = 1; step <= count; step += 1) {
    const index = (from + step) % count;
    if (work.items[index].value === null) return index;
  }
  return -1;
}

async function content(item) {
  if (!contents.has(item.key)) contents.set(item.key, await askOn("item/" + encodeURIComponent(item.key)));
  return contents.get(item.key);
}

async function go(index) {
  const item = work.items[index];
  const turn = ++work.turn;
  Object.assign(work, { at: index, ready: false, asking: false, shown: null });
  frame(item);
  let found;
  try {
    found = await content(item);
  } catch (error) {
    status(error.message);
    return;
  }
  if (turn !== work.turn) return;
  fill(item, found);
  setTimeout(() => turn === work.turn && ready(item), TOO_SOON);
}

/** Everything but the texts: what is known without asking. */
function frame(item) {
  $("done").hidden = true;
  $("work").hidden = $("bar-bottom").hidden = false;
  $("work").setAttribute("aria-busy", "true");
  $("place").textContent = `Output ${work.at + 1} of ${work.items.length}`;
  $("note").value = noteOf(item);
  $("evidence").hidden = true;
  said(item);
  told();
  buttons();
  delete document.body.dataset.ready;
}

function fill(item, found) {
  work.shown = item.key;
  plain(clear($("row")), found.row);
  showValue($("request"), found.input);
  show($("answer"), found.output);
  $("about").hidden = !Object.keys(found.about).length;
  $("about").open = false;
  showValue($("about-text"), found.about);
  $("work").removeAttribute("aria-busy");
  scrollTo(0, 0);
  if (document.activeElement !== $("note")) toMain();
  watchStart();
}

function ready(item) {
  work.ready = true;
  buttons();
  document.body.dataset.ready = item.key;
  const next = nextUnrated(work.at);
  if (next >= 0) content(work.items[next]).catch(() => {});
}

function said(item) {
  const words = clear($("said"));
  if (item.value !== null) words.append("You said ", element("b", "", String(item.value)));
  if (item.value !== null && item.peeked) words.append(", having looked at the evidence");
  if (item.value === null && item.looked) words.append("You have looked at the evidence");
}

const told = () => progress(rated(), work.items.length, "rated", "rating");

function buttons() {
  const item = work.items[work.at];
  for (const button of $("labels").children) {
    button.disabled = !work.ready;
    button.setAttribute("aria-pressed", String(String(item.value) === button.dataset.value));
  }
  $("back").disabled = work.at === 0;
  $("forward").disabled = work.at === work.items.length - 1;
}

function done() {
  work.turn += 1;
  Object.assign(work, { ready: false, shown: null });
  told();
  $("work").hidden = $("bar-bottom").hidden = true;
  $("done").hidden = false;
  const counts = session.labels.map((label) => [label, work.items.filter((item) => item.value === label).length]);
  $("done-text").textContent = counts.map(([label, count]) => `${label}: ${count}`).join(" \u00b7 ");
  document.body.dataset.ready = "done";
  $("done-title").focus();
}

const onward = () => {
  const next = nextUnrated(work.at);
  if (next < 0) done();
  else go(next);
};

function step(by) {
  if (!$("done").hidden) {
    if (by < 0) go(work.at);
    return;
  }
  const to = work.at + by;
  if (to >= 0 && to < work.items.length) go(to);
}

function skip() {
  if (!$("done").hidden) return;
  const next = nextUnrated(work.at);
  if (next < 0) done();
  else if (next === work.at) status("This is the only one left.");
  else go(next);
}

/* ---- rating ---- */

function rate(value) {
  const item = work.items[work.at];
  if (!work.ready || work.shown !== item.key) return;
  send(item, value);
  onward();
}

const post = outbox("rate", "rating", {
  kept({ item, body }, kept) {
    item.peeked = kept.peeked;
    status(`Saved: ${body.value}. ${rated()} of ${work.items.length} rated.`);
  },
  refused({ item, before }) {
    Object.assign(item, before);
    told();
    if (work.items[work.at] === item) {
      said(item);
      buttons();
    }
  },
});

/** Keep the rating here until the server has it. */
function send(item, value) {
  const note = $("note").value;
  const before = { value: item.value, note: item.note };
  Object.assign(item, { value, note: note.trim() });
  drafts.forget(item.key);
  status(`Saving: ${value}`);
  post({ item, before, body: { key: item.key, value, note, seconds: watched() } });
}

/* ---- evidence ---- */

function look() {
  const item = work.items[work.at];
  if (!work.ready) return;
  const box = clear($("evidence-text"));
  $("evidence").hidden = false;
  if (!session.evidence) {
    box.append(element("p", "empty", "There is no evidence of execution here."));
  } else if (item.value !== null || item.looked || work.asking) {
    evidence(item);
  } else {
    work.asking = true;
    box.append(element("p", "", "Look before you have rated? Your rating will say that you did."));
    const yes = element("button", "quiet", "Look");
    yes.type = "button";
    yes.append(element("kbd", "", "e"));
    yes.addEventListener("click", () => evidence(item));
    box.append(yes);
  }
  $("evidence").scrollIntoView({ block: "nearest" });
}

async function evidence(item) {
  const turn = work.turn;
  const box = clear($("evidence-text"));
  const early = item.value === null;
  $("evidence").hidden = false;
  box.append(element("p", "empty", "Running it ..."));
  let found;
  try {
    found = await ask("evidence/" + encodeURIComponent(item.key) + (early ? "?peek=1" : ""));
    item.looked = true;
  } catch (error) {
    found = { error: error instanceof Refused ? error.message : "No answer. Press e to try again." };
  }
  if (turn !== work.turn) return;
  if (early) said(item);
  scores(clear($("evidence-text")), found);
  $("evidence").scrollIntoView({ block: "nearest" });
}

function scores(box, found) {
  if (found.error || !found.evidence || !Object.keys(found.evidence).length) {
    box.append(plain(element("p", "empty"), found.error || "Execution says nothing about this output."));
    return;
  }
  for (const [name, value] of Object.entries(found.evidence)) box.append(score(name, value));
}

function score(name, value) {
  const made = element("div", "text");
  if (value === null || typeof value !== "object" || !("value" in value)) {
    showValue(made, { [name]: value });
    return made;
  }
  const { value: number, why, ...rest } = value;
  const head = element("p", "score");
  const shown = typeof number === "number" ? number.toFixed(2) : JSON.stringify(number);
  head.append(plain(element("strong"), name), plain(element("span", "value"), shown));
  made.append(head);
  if (why) made.append(plain(element("p"), String(why)));
  if (Object.keys(rest).length) made.append(folded(rest));
  return made;
}

function folded(value) {
  const made = element("details");
  const inner = element("div", "text");
  showValue(inner, value);
  made.append(element("summary", "", "Details"), inner);
  return made;
}

/* ---- keys and buttons ---- */

const keyOf = (label) => (typeof label === "number" ? String(label) : KEYS[label]);

function choices() {
  const group = $("labels");
  group.dataset.scale = session.scale;
  const words = session.labels.filter((label) => label !== "unsure");
  if (session.scale !== "stars") words.reverse();
  for (const label of [...words, "unsure"]) {
    const name = typeof label === "number" ? String(label) : label[0].toUpperCase() + label.slice(1);
    const button = element("button", "", name);
    button.type = "button";
    button.dataset.value = String(label);
    button.disabled = true;
    if (typeof label === "number") button.setAttribute("aria-label", `${label} of 5`);
    else button.append(element("kbd", "", keyOf(label)));
    button.addEventListener("click", () => rate(label));
    group.append(button);
  }
}

function helpLines() {
  const stars = session.scale === "stars";
  return [
    ...(stars ? [[["1", "5"], "stars: 1 is worst, 5 is best", " to "]] : []),
    ...session.labels.filter((l) => typeof l !== "number").map((l) => [[keyOf(l)], l]),
    [["s"], "skip: on to the next that you have not rated"],
    [["n", "Tab"], "to the note; Esc leaves it"],
    [["\u2190", "k"], "back"],
    [["\u2192", "j"], "forward"],
    [["e"], "what execution saw (before you rated: asks first)"],
    [["?"], "this help"],
  ];
}

const COMMANDS = {
  s: skip,
  e: look,
  j: () => step(1),
  ArrowRight: () => step(1),
  k: () => step(-1),
  ArrowLeft: () => step(-1),
  n: () => $("note").focus(),
};

keys({
  on: () => session && work.items.length,
  commands: COMMANDS,
  other: (name) => {
    const label = session.labels.find((one) => keyOf(one) === name);
    return label === undefined ? undefined : () => rate(label);
  },
  fields: new Map([[$("note"), leaveNote]]),
  first: () => ($("bar-bottom").hidden ? null : $("note")),
});

$("note").addEventListener("input", keepDraft);
$("note").addEventListener("change", () => {
  const item = work.items[work.at];
  if (item.value !== null && work.shown === item.key && noteChanged(item)) {
    send(item, item.value);
    said(item);
  }
});
$("back").addEventListener("click", () => step(-1));
$("forward").addEventListener("click", () => step(1));
$("skip").addEventListener("click", skip);
$("look").addEventListener("click", look);
$("again").addEventListener("click", () => go(0));

async function start() {
  session = await askOn("state");
  work.items = session.items;
  plain($("rater"), session.rater);
  $("note").maxLength = session.longest_note;
  choices();
  helpKeys(helpLines());
  const first = nextUnrated(-1);
  if (first < 0) done();
  else go(first);
}

start().catch((error) => lost(error.message));
