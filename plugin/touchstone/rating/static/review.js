/* The review page: new rows, one at a time, to keep, edit or drop. */

import { $, askOn, clear, drafts, element, helpKeys, keys, leaveNote, leaves, lost } from "./shell.js";
import { outbox, plain, progress, sends, show, showValue, status, toMain } from "./shell.js";

const TOO_SOON = 150; // ms: a key pressed for the row before must not decide the one that just came
const LARGEST_DIFF = 1_000_000; // pairs of words
const PIECE = /\s+|[^\s\p{P}]+|\p{P}/gu; // a word, a mark, or what stands between
const PAST = { keep: "kept", edit: "edited", drop: "dropped" };
const work = { rows: [], at: 0, found: null, ready: false, editing: false, turn: 0 };
const contents = new Map();
const past = []; // what was decided since the page was opened: {row, before}
let session = null;

/* ---- what was decided ---- */

const mine = (row) => row.decisions.find((one) => one.mine) ?? null;
const standing = (row) => row.decisions.at(-1) ?? null;
const verdictOf = (row) => standing(row)?.verdict ?? "undecided";
const decided = () => work.rows.filter(standing).length;
const here = () => work.rows[work.at];

/** What the row's request will be; of a row that is dropped, what it was. */
function standingText(row) {
  return row.decisions.findLast((one) => one.verdict === "edit")?.text ?? work.found.input;
}

/* ---- which rows ---- */

const inSplit = (row) => !$("split").value || row.split === $("split").value;
const wanted = (row) => inSplit(row) && ["all", verdictOf(row)].includes($("show").value);
const some = () => work.rows.filter(wanted);

/** The nearest row from there, forward or back, that `fits`; -1 where there is none. */
function nearest(from, by, fits) {
  for (let at = from + by; at >= 0 && at < work.rows.length; at += by) if (fits(work.rows[at])) return at;
  return -1;
}

const from = (fits) => (at) => {
  const next = nearest(at, 1, fits);
  return next >= 0 ? next : nearest(-1, 1, fits);
};
const nextUndecided = from((row) => inSplit(row) && !standing(row));
const nextWanted = from(wanted);

/* ---- one row after another ---- */

async function content(row) {
  if (!contents.has(row.id)) contents.set(row.id, await askOn("row/" + encodeURIComponent(row.id)));
  return contents.get(row.id);
}

async function go(index) {
  const row = work.rows[index];
  const turn = ++work.turn;
  Object.assign(work, { at: index, ready: false, editing: false, found: null });
  frame(row);
  let found;
  try {
    found = await content(row);
  } catch (error) {
    status(error.message);
    return;
  }
  if (turn !== work.turn) return;
  fill(row, found);
  setTimeout(() => turn === work.turn && ready(row), TOO_SOON);
}

function on(part) {
  for (const name of ["work", "done", "none"]) $(name).hidden = name !== part;
  $("bar-bottom").hidden = part !== "work";
  $("filters").hidden = false;
}

/** Everything but the texts: what is known without asking. */
function frame(row) {
  on("work");
  $("work").setAttribute("aria-busy", "true");
  $("note").value = drafts.of(row.id) ?? mine(row)?.note ?? "";
  $("edit").hidden = true;
  delete document.body.dataset.ready;
  place(row);
  told();
  buttons();
}

function place(row) {
  const rows = some();
  const at = rows.indexOf(row);
  $("place").textContent = at < 0 ? `Row ${work.at + 1} of all ${work.rows.length}` : `Row ${at + 1} of ${rows.length}`;
  said(row);
}

function fill(row, found) {
  work.found = found;
  plain(clear($("row")), row.id);
  request(row);
  facts(found);
  clear($("sections")).append(...found.sections.map(section));
  $("work").removeAttribute("aria-busy");
  scrollTo(0, 0);
  if (document.activeElement !== $("note")) toMain();
}

function ready(row) {
  work.ready = true;
  buttons();
  document.body.dataset.ready = row.id;
  const next = nextUndecided(work.at);
  if (next >= 0) content(work.rows[next]).catch(() => {});
}

/** The request as it will be, and what a person changed of it. */
function request(row) {
  const [was, now] = [work.found.input, standingText(row)];
  $("request").hidden = false;
  $("was").hidden = was === now;
  if (was === now) return show($("request"), now);
  const parts = compared(was, now);
  clear($("request")).append(marked(parts, "ins", "new"));
  clear($("was-text")).append(marked(parts, "del", "old"));
  return undefined;
}

function marked(parts, name, side) {
  const made = element("p");
  for (const part of parts) {
    if (part.side === "both") plain(made, part.text);
    else if (part.side === side) made.append(plain(element(name), part.text));
  }
  return made;
}

/** Two texts as parts {side: "both" | "old" | "new", text}, word by word: the most words that both have, in order, stay. */
function compared(old, now) {
  const [a, b] = [old, now].map((text) => text.match(PIECE) ?? []);
  if (a.length * b.length > LARGEST_DIFF) return [{ side: "old", text: old }, { side: "new", text: now }];
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const parts = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) add(parts, "both", a[i++], j++);
    else if (j === b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) add(parts, "old", a[i++]);
    else add(parts, "new", b[j++]);
  }
  return parts;
}

function add(parts, side, text) {
  const last = parts.at(-1);
  if (last?.side === side) last.text += text;
  else parts.push({ side, text });
}

function facts(found) {
  const lines = [["Topic", [found.topic]], ["Voice", [found.voice]], ["Split", [found.split]], ["Proven", found.verified]];
  clear($("facts"));
  for (const [name, words] of lines) {
    if (!words.some(Boolean)) continue;
    const line = element("div");
    const values = element("dd");
    for (const word of words) values.append(plain(element("span", name === "Proven" ? "fact" : ""), word));
    line.append(element("dt", "", name), values);
    $("facts").append(line);
  }
}

function section({ title, value, code, folded }) {
  const made = element(folded ? "details" : "section", "card section");
  const inner = element("div", "text");
  if (code) inner.append(plain(element("pre"), String(value)));
  else showValue(inner, value);
  made.append(plain(element(folded ? "summary" : "h2"), title), inner);
  return made;
}

/* ---- how far ---- */

function said(row) {
  const own = mine(row);
  const words = clear($("said"));
  if (own) words.append("You ", element("b", "", PAST[own.verdict]), " it");
  const others = row.decisions.filter((one) => !one.mine);
  $("others").hidden = !others.length;
  clear($("others")).append(...others.map((one) => other(one, row)));
}

function other(one, row) {
  const made = element("li");
  plain(made, one.by);
  made.append(" ", element("b", "", PAST[one.verdict]), " it");
  if (one.verdict === "edit" && one !== standing(row)) plain(made, `: ${one.text}`);
  if (one.note) plain(made, ` (${one.note})`);
  if (one === standing(row) && row.decisions.length > 1) made.append("; this stands");
  return made;
}

function told() {
  progress(decided(), work.rows.length, "decided", "review");
  $("counts").textContent = counted();
}

function counted() {
  const count = (verdict) => work.rows.filter((row) => verdictOf(row) === verdict).length;
  return Object.entries(PAST).map(([verdict, word]) => `${count(verdict)} ${word}`).join(" \u00b7 ");
}

function buttons() {
  const own = mine(here());
  const still = work.ready && !work.editing;
  for (const button of $("verdicts").children) {
    button.disabled = !still;
    button.setAttribute("aria-pressed", String(own?.verdict === button.dataset.value));
  }
  $("undo").disabled = !still || !(past.length || own);
  $("back").disabled = work.editing || nearest(work.at, -1, wanted) < 0;
  $("forward").disabled = work.editing || nearest(work.at, 1, wanted) < 0;
  for (const name of ["show", "split", "note"]) $(name).disabled = work.editing;
}

function done() {
  end("done");
  $("done-text").textContent = counted();
  $("done-title").focus();
}

const none = () => end("none");

function end(part) {
  work.turn += 1;
  Object.assign(work, { ready: false, editing: false, found: null });
  told();
  on(part);
  document.body.dataset.ready = part;
}

/** To the next that wants a decision; when other rows are looked through, to the next of those. */
function onward() {
  const looking = !["undecided", "all"].includes($("show").value);
  const next = looking ? nextWanted(work.at) : nextUndecided(work.at);
  if (next >= 0) go(next);
  else if (decided() === work.rows.length) done();
  else {
    none();
    $("none-title").focus();
  }
}

function step(by) {
  if (work.editing) return;
  if ($("work").hidden) {
    if (by < 0 && work.rows.length) go(work.at);
    return;
  }
  const to = nearest(work.at, by, wanted);
  if (to >= 0) go(to);
  else status(by < 0 ? "This is the first one." : "This is the last one.");
}

function filtered() {
  const focus = document.activeElement;
  if (wanted(here()) && !$("work").hidden) {
    place(here());
    buttons();
    return;
  }
  const first = nearest(-1, 1, wanted);
  if (first >= 0) go(first).then(() => focus.focus());
  else none();
}

/* ---- deciding ---- */

const post = outbox("decide", "decision", {
  kept({ row, body }, answer) {
    row.decisions = answer.decisions;
    status(`Saved: ${PAST[body.verdict] ?? "taken back"}. ${decided()} of ${work.rows.length} decided.`);
    changed(row);
  },
  refused({ row, decisions }) {
    row.decisions = decisions;
    changed(row);
  },
});

function changed(row) {
  told();
  if (here() !== row || $("work").hidden) return;
  place(row);
  buttons();
  if (work.found && !work.editing) request(row);
}

/** Keep a decision here until the server has it. */
function send(row, verdict, text, note) {
  const decisions = row.decisions;
  const others = decisions.filter((one) => !one.mine);
  const own = { verdict, text, note: note.trim(), by: session.reviewer, mine: true };
  row.decisions = verdict === "undo" ? others : weighed([...others, own]);
  drafts.forget(row.id);
  status(`Saving: ${PAST[verdict] ?? "taking back"}`);
  post({ row, decisions, body: { row: row.id, verdict, text, note } });
}

/** As the server will order them: a drop weighs most, then the latest edit. */
function weighed(decisions) {
  const weight = { keep: 0, edit: 1, drop: 2 };
  return decisions.sort((one, two) => weight[one.verdict] - weight[two.verdict]);
}

function decide(verdict, text = "") {
  const row = here();
  past.push({ row, before: mine(row) });
  send(row, verdict, text, $("note").value);
  onward();
}

const may = () => work.ready && !work.editing && !$("work").hidden;

function keep() {
  if (!may()) return;
  if (mine(here())?.verdict === "edit") {
    status("Your edit is kept. To have the model's words again, press u.");
    onward();
  } else decide("keep");
}

function drop() {
  if (may()) decide("drop");
}

/** What was decided last is as it was before; where nothing was since the page came, this row's own is taken back. */
function undo() {
  if (work.editing) return;
  const last = past.pop() ?? ($("work").hidden || !mine(here()) ? null : { row: here(), before: null });
  if (!last) {
    status("There is nothing to undo.");
    return;
  }
  const { row, before } = last;
  if (before) send(row, before.verdict, before.text, before.note);
  else send(row, "undo", "", "");
  go(work.rows.indexOf(row));
}

/* ---- editing ---- */

function edit() {
  if (!may()) return;
  work.editing = true;
  $("text").value = standingText(here());
  $("request").hidden = true;
  $("edit").hidden = false;
  buttons();
  $("text").focus();
  status("Editing. Ctrl+Enter saves, Esc leaves it as it was.");
}

function leave(words) {
  work.editing = false;
  $("edit").hidden = true;
  request(here());
  buttons();
  toMain();
  status(words);
}

function save() {
  const text = $("text").value.trim();
  if (!text) status("A request wants words. Esc leaves it as it was.");
  else if (text === work.found.input.trim()) leave("Nothing differs from what the model wrote: k keeps it.");
  else if (text === mine(here())?.text) leave("Nothing was changed.");
  else {
    work.editing = false;
    decide("edit", text);
    toMain();
  }
}

function editKeys(event) {
  if (!leaves(event) && !sends(event)) return;
  event.preventDefault();
  if (leaves(event)) leave("Left as it was.");
  else save();
}

addEventListener("beforeunload", (event) => {
  if (work.editing && $("text").value.trim() !== standingText(here()).trim()) event.preventDefault();
});

/* ---- notes ---- */

const noteChanged = (row) => $("note").value.trim() !== (mine(row)?.note ?? "");

$("note").addEventListener("input", () => {
  if (noteChanged(here())) drafts.keep(here().id, $("note").value);
  else drafts.forget(here().id);
});
$("note").addEventListener("change", () => {
  const [row, own] = [here(), mine(here())];
  if (!own || work.found?.id !== row.id || !noteChanged(row)) return;
  send(row, own.verdict, own.text, $("note").value);
  said(row);
});

/* ---- keys and buttons ---- */

const leaveSelect = (event) => leaves(event) && toMain();

keys({
  on: () => session && work.rows.length,
  commands: {
    k: keep,
    e: edit,
    d: drop,
    u: undo,
    n: () => step(1),
    ArrowRight: () => step(1),
    p: () => step(-1),
    ArrowLeft: () => step(-1),
    w: () => $("note").focus(),
    f: () => $("show").focus(),
  },
  fields: new Map([[$("note"), leaveNote], [$("text"), editKeys], [$("show"), leaveSelect], [$("split"), leaveSelect]]),
  first: () => null,
});

const HELP = [
  [["k"], "keep: the request stays as it is shown"],
  [["e"], "edit the request; Ctrl+Enter saves, Esc leaves it as it was"],
  [["d"], "drop: the row leaves the data set"],
  [["u"], "undo: the last decision is taken back"],
  [["n", "\u2192"], "next"],
  [["p", "\u2190"], "previous"],
  [["w"], "to the note; Esc leaves it"],
  [["f"], "which rows are shown; Esc leaves it"],
  [["?"], "this help"],
];

for (const [name, command] of Object.entries({ keep, change: edit, drop, undo, cancel: () => leave("Left as it was.") })) {
  $(name).addEventListener("click", command);
}
$("back").addEventListener("click", () => step(-1));
$("forward").addEventListener("click", () => step(1));
$("edit").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
$("filters").addEventListener("submit", (event) => event.preventDefault());
for (const name of ["show", "split"]) $(name).addEventListener("change", filtered);
$("again").addEventListener("click", () => {
  $("show").value = "all";
  $("split").value = "";
  go(0);
});

function splits() {
  for (const name of new Set(work.rows.map((row) => row.split))) {
    const choice = plain(element("option"), name);
    choice.value = name;
    $("split").append(choice);
  }
}

async function start() {
  session = await askOn("state");
  work.rows = session.rows;
  plain($("rater"), session.reviewer);
  plain($("after"), session.after);
  $("note").maxLength = session.longest_note;
  $("text").maxLength = session.longest;
  splits();
  helpKeys(HELP);
  const first = nextUndecided(-1);
  if (first >= 0) go(first);
  else done();
}

start().catch((error) => lost(error.message));
