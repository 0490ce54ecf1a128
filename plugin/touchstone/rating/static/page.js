/* The rating page. Everything a model or a person wrote is put on the page as text: no markup is ever made of it. */
"use strict";

(() => {
  const BASE = location.pathname;
  const TOO_SOON = 150; // ms: a key pressed for the output before must not rate the one that just came
  const MOST_MARKS = 2000;
  const KEYS = { pass: "p", fail: "f", critical: "c", unsure: "u" };
  const $ = (id) => document.getElementById(id);
  const work = { items: [], at: 0, shown: null, ready: false, asking: false, turn: 0 };
  const contents = new Map();
  const watch = { seen: 0, since: null };
  const post = { queue: [], busy: false, wait: 1000 };
  let session = null;

  /* ---- the server ---- */

  class Refused extends Error {
    constructor(message, status) {
      super(message);
      this.status = status;
    }
  }

  async function ask(path, body) {
    const options = { cache: "no-store", redirect: "error" };
    if (body !== undefined) {
      Object.assign(options, { method: "POST", body: JSON.stringify(body) });
      options.headers = { "Content-Type": "application/json" };
    }
    const answer = await fetch(BASE + "api/" + path, options);
    const text = await answer.text();
    let data = {};
    try {
      data = JSON.parse(text);
    } catch {
      data = { error: text.trim() || answer.statusText };
    }
    if (!answer.ok) throw new Refused(data.error || answer.statusText, answer.status);
    return data;
  }

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const willPass = (error) => !(error instanceof Refused) || error.status >= 500;

  /** Ask until there is an answer; a refusal is thrown. */
  async function askOn(path) {
    let told = false;
    for (let wait = 1000; ; wait = Math.min(wait * 1.5, 5000)) {
      try {
        const data = await ask(path);
        if (told && !post.queue.length) lost("");
        return data;
      } catch (error) {
        if (!willPass(error)) throw error;
        told = true;
        lost("No answer from touchstone. Is it still running in the terminal? Trying again.");
        await pause(wait);
      }
    }
  }

  function lost(words) {
    $("lost").textContent = words;
    $("lost").hidden = !words;
  }

  /* ---- text that nobody vouches for ---- */

  const PICTURE = "\\p{Extended_Pictographic}[\\ufe0f\\p{Emoji_Modifier}]?";
  const HIDDEN =
    "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e" +
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}\\p{Cs}]";
  const UNSEEN = new RegExp(`(?:${PICTURE}(?:\\u200d${PICTURE})+)|(${HIDDEN})\\1*`, "gu");

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.append(text);
    return made;
  }

  /** The text into the node, with what would hide or reorder it shown by its number. */
  function plain(node, text) {
    let from = 0;
    let marks = 0;
    for (const found of text.matchAll(UNSEEN)) {
      if (!found[1]) continue; // a picture made of several
      node.append(text.slice(from, found.index), mark(found, marks++ < MOST_MARKS));
      from = found.index + found[0].length;
    }
    node.append(text.slice(from));
    node.normalize();
    return node;
  }

  function mark(found, styled) {
    const name = "U+" + found[1].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    const times = found[0].length / found[1].length;
    const words = times > 1 ? `${name} \u00d7${times}` : name;
    if (!styled) return `[${words}]`;
    const made = element("span", "unseen", words);
    made.title = "a character that is not seen";
    return made;
  }

  /** Paragraphs and fenced code, in the order of the text. */
  function blocks(text) {
    const found = [];
    let open = null;
    let lines = [];
    const close = () => {
      if (lines.length || open) found.push({ code: Boolean(open), name: open ? open.name : "", lines });
      lines = [];
    };
    for (const line of text.replace(/\r\n/g, "\n").split("\n")) {
      const fence = /^ {0,3}(`{3,}|~{3,})([^`]*)$/.exec(line);
      if (open && fence && fence[1][0] === open.mark[0] && fence[1].length >= open.mark.length && !fence[2].trim()) {
        close();
        open = null;
      } else if (!open && fence) {
        close();
        open = { mark: fence[1], name: fence[2].trim() };
      } else {
        lines.push(line);
      }
    }
    close();
    return found;
  }

  function show(node, text) {
    node.replaceChildren();
    for (const block of blocks(text)) {
      const words = block.lines.join("\n");
      if (!block.code && !words.trim()) continue;
      const made = element(block.code ? "pre" : "p");
      if (block.name) made.append(plain(element("span", "fence"), block.name.slice(0, 60)));
      node.append(plain(made, block.code ? words : words.replace(/^\n+|\n+$/g, "")));
    }
    if (!node.childNodes.length) node.append(element("p", "empty", "(empty)"));
  }

  /** Any value of JSON. */
  function showValue(node, value) {
    if (typeof value === "string") return show(node, value);
    node.replaceChildren();
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      node.append(plain(element("pre"), JSON.stringify(value, null, 2)));
      return undefined;
    }
    const list = element("dl");
    for (const [name, part] of Object.entries(value)) {
      const inner = element("dd");
      showValue(inner, part);
      list.append(plain(element("dt"), name), inner);
    }
    node.append(list);
    return undefined;
  }

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

  const draftName = (item) => `draft:${BASE}:${item.key}`;
  const noteOf = (item) => sessionStorage.getItem(draftName(item)) ?? item.note;
  const noteChanged = (item) => $("note").value.trim() !== item.note;

  function keepDraft() {
    const item = work.items[work.at];
    if (noteChanged(item)) sessionStorage.setItem(draftName(item), $("note").value);
    else sessionStorage.removeItem(draftName(item));
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
    progress();
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
    if (document.activeElement !== $("note")) $("main").focus({ preventScroll: true });
    watchStart();
  }

  function ready(item) {
    work.ready = true;
    buttons();
    document.body.dataset.ready = item.key;
    const next = nextUnrated(work.at);
    if (next >= 0) content(work.items[next]).catch(() => {});
  }

  function clear(node) {
    node.replaceChildren();
    return node;
  }

  function said(item) {
    const words = clear($("said"));
    if (item.value !== null) words.append("You said ", element("b", "", String(item.value)));
    if (item.value !== null && item.peeked) words.append(", having looked at the evidence");
    if (item.value === null && item.looked) words.append("You have looked at the evidence");
  }

  function progress() {
    $("bar").max = work.items.length;
    $("bar").value = rated();
    $("count").textContent = `${rated()} of ${work.items.length} rated`;
    document.title = `${rated()}/${work.items.length} - rating - touchstone`;
  }

  function buttons() {
    const item = work.items[work.at];
    for (const button of $("labels").children) {
      button.disabled = !work.ready;
      button.setAttribute("aria-pressed", String(String(item.value) === button.dataset.value));
    }
    $("back").disabled = work.at === 0;
    $("forward").disabled = work.at === work.items.length - 1;
  }

  function status(words) {
    $("status").textContent = words;
  }

  function done() {
    work.turn += 1;
    Object.assign(work, { ready: false, shown: null });
    progress();
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

  /** Keep the rating here until the server has it. */
  function send(item, value) {
    const note = $("note").value;
    post.queue.push({
      item,
      before: { value: item.value, note: item.note },
      body: { id: crypto.randomUUID(), key: item.key, value, note, seconds: watched() },
    });
    Object.assign(item, { value, note: note.trim() });
    sessionStorage.removeItem(draftName(item));
    status(`Saving: ${value}`);
    deliver();
  }

  /** One at a time and in order, so that the last word is the last line. */
  async function deliver() {
    if (post.busy) return;
    post.busy = true;
    while (post.queue.length) await deliverFirst();
    post.busy = false;
  }

  async function deliverFirst() {
    const { item, before, body } = post.queue[0];
    try {
      const kept = await ask("rate", body);
      post.queue.shift();
      post.wait = 1000;
      item.peeked = kept.peeked;
      lost("");
      status(`Saved: ${body.value}. ${rated()} of ${work.items.length} rated.`);
    } catch (error) {
      if (willPass(error)) return again(error);
      post.queue.shift();
      refused(item, before, error);
    }
    return undefined;
  }

  async function again(error) {
    const why = error instanceof Refused ? error.message : "Connection lost: is touchstone still running?";
    const count = post.queue.length;
    lost(`${why} Your ${count === 1 ? "rating is" : `${count} ratings are`} kept here and sent again.`);
    await pause(post.wait);
    post.wait = Math.min(post.wait * 1.5, 5000);
  }

  function refused(item, before, error) {
    Object.assign(item, before);
    lost(`A rating was not taken: ${error.message}`);
    progress();
    if (work.items[work.at] === item) {
      said(item);
      buttons();
    }
  }

  addEventListener("beforeunload", (event) => {
    if (post.queue.length) event.preventDefault();
  });

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

  function helpKeys() {
    const stars = session.scale === "stars";
    const lines = [
      ...(stars ? [[["1", "5"], "stars: 1 is worst, 5 is best", " to "]] : []),
      ...session.labels.filter((l) => typeof l !== "number").map((l) => [[keyOf(l)], l]),
      [["s"], "skip: on to the next that you have not rated"],
      [["n", "Tab"], "to the note; Esc leaves it"],
      [["\u2190", "k"], "back"],
      [["\u2192", "j"], "forward"],
      [["e"], "what execution saw (before you rated: asks first)"],
      [["?"], "this help"],
    ];
    for (const [keys, words, between] of lines) {
      const term = element("dt");
      keys.forEach((key, i) => term.append(i && between ? between : "", element("kbd", "", key)));
      $("help-keys").append(term, element("dd", "", words));
    }
  }

  const help = () => ($("help").open ? $("help").close() : $("help").showModal());

  function leaveNote(event) {
    if (event.key !== "Escape" && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
    event.preventDefault();
    $("main").focus({ preventScroll: true });
  }

  const COMMANDS = {
    s: skip,
    e: look,
    j: () => step(1),
    ArrowRight: () => step(1),
    k: () => step(-1),
    ArrowLeft: () => step(-1),
    n: () => $("note").focus(),
    "?": help,
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || !session || !work.items.length) return;
    if (event.target === $("note")) {
      leaveNote(event);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const atRest = event.target === document.body || event.target === $("main");
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ($("help").open) {
      if (name === "?") act(event, help);
    } else if (name === "Tab") {
      if (atRest && !event.shiftKey && !$("bar-bottom").hidden) act(event, COMMANDS.n);
    } else if (Object.hasOwn(COMMANDS, name)) {
      act(event, COMMANDS[name]);
    } else {
      const label = session.labels.find((one) => keyOf(one) === name);
      if (label !== undefined) act(event, () => rate(label));
    }
  });

  function act(event, command) {
    event.preventDefault();
    if (!event.repeat) command();
  }

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
  $("help-open").addEventListener("click", help);

  async function start() {
    session = await askOn("state");
    work.items = session.items;
    plain($("rater"), session.rater);
    $("note").maxLength = session.longest_note;
    choices();
    helpKeys();
    const first = nextUnrated(-1);
    if (first < 0) done();
    else go(first);
  }

  start().catch((error) => lost(error.message));
})();
