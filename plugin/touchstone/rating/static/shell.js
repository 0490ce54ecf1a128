/* What every local page does alike: asks the server, keeps what is not sent yet, shows text that nobody vouches for,
   takes keys. Everything a model or a person wrote is put on the page as text: no markup is ever made of it. */

const BASE = location.pathname;
const MOST_MARKS = 2000;
export const $ = (id) => document.getElementById(id);
let unsent = 0;

/* ---- the server ---- */

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export async function ask(path, body) {
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
export async function askOn(path) {
  let told = false;
  for (let wait = 1000; ; wait = Math.min(wait * 1.5, 5000)) {
    try {
      const data = await ask(path);
      if (told && !unsent) lost("");
      return data;
    } catch (error) {
      if (!willPass(error)) throw error;
      told = true;
      lost("No answer from touchstone. Is it still running in the terminal? Trying again.");
      await pause(wait);
    }
  }
}

export function lost(words) {
  $("lost").textContent = words;
  $("lost").hidden = !words;
}

/* ---- text that nobody vouches for ---- */

const PICTURE = "\\p{Extended_Pictographic}[\\ufe0f\\p{Emoji_Modifier}]?";
const HIDDEN =
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180e" +
  "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}\\p{Cs}]";
const UNSEEN = new RegExp(`(?:${PICTURE}(?:\\u200d${PICTURE})+)|(${HIDDEN})\\1*`, "gu");

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.append(text);
  return made;
}

/** The text into the node, with what would hide or reorder it shown by its number. */
export function plain(node, text) {
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

export function show(node, text) {
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
export function showValue(node, value) {
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

export function clear(node) {
  node.replaceChildren();
  return node;
}

export function status(words) {
  $("status").textContent = words;
}

export function progress(done, total, unit, title) {
  $("bar").max = total;
  $("bar").value = done;
  $("count").textContent = `${done} of ${total} ${unit}`;
  document.title = `${done}/${total} - ${title} - touchstone`;
}

/* ---- what a person said, kept here until the server has it ---- */

/** Sends one body after another to `path`, again and again until there is an answer, so that the last word is the last
    line. `kept(entry, answer)` and `refused(entry, error)` are told; `noun` names one body. */
export function outbox(path, noun, { kept, refused }) {
  const queue = [];
  let busy = false;
  let wait = 1000;

  async function deliverFirst() {
    const entry = queue[0];
    try {
      const answer = await ask(path, entry.body);
      next();
      wait = 1000;
      lost("");
      kept(entry, answer);
    } catch (error) {
      if (willPass(error)) return again(error);
      next();
      lost(`A ${noun} was not taken: ${error.message}`);
      refused(entry, error);
    }
    return undefined;
  }

  function next() {
    queue.shift();
    unsent -= 1;
  }

  async function again(error) {
    const why = error instanceof Refused ? error.message : "Connection lost: is touchstone still running?";
    const count = queue.length;
    lost(`${why} Your ${count === 1 ? `${noun} is` : `${count} ${noun}s are`} kept here and sent again.`);
    await pause(wait);
    wait = Math.min(wait * 1.5, 5000);
  }

  return async (entry) => {
    entry.body = { id: crypto.randomUUID(), ...entry.body };
    queue.push(entry);
    unsent += 1;
    if (busy) return;
    busy = true;
    while (queue.length) await deliverFirst();
    busy = false;
  };
}

addEventListener("beforeunload", (event) => {
  if (unsent) event.preventDefault();
});

/* ---- notes that belong to no word yet ---- */

export const drafts = {
  name: (key) => `draft:${BASE}:${key}`,
  of: (key) => sessionStorage.getItem(drafts.name(key)),
  keep: (key, text) => sessionStorage.setItem(drafts.name(key), text),
  forget: (key) => sessionStorage.removeItem(drafts.name(key)),
};

/* ---- keys ---- */

export const help = () => ($("help").open ? $("help").close() : $("help").showModal());

/** The lines of the help: [keys, words, what stands between the keys]. */
export function helpKeys(lines) {
  for (const [names, words, between] of lines) {
    const term = element("dt");
    names.forEach((name, i) => term.append(i && between ? between : "", element("kbd", "", name)));
    $("help-keys").append(term, element("dd", "", words));
  }
}

/** `commands`: key -> what it does, `other(key)` -> what any other key does. `fields`: element -> takes its keys itself.
    `first()` is where Tab goes when nothing has the focus, or null. */
export function keys({ on, commands, other = () => undefined, fields, first }) {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || !on()) return;
    const field = fields.get(event.target);
    if (field) {
      field(event);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ($("help").open) {
      if (name === "?") act(event, help);
    } else if (name === "Tab") {
      const to = event.shiftKey || !atRest(event) ? null : first();
      if (to) act(event, () => to.focus());
    } else {
      const command = Object.hasOwn(commands, name) ? commands[name] : name === "?" ? help : other(name);
      if (command) act(event, command);
    }
  });
}

const atRest = (event) => event.target === document.body || event.target === $("main");

function act(event, command) {
  event.preventDefault();
  if (!event.repeat) command();
}

export function toMain() {
  $("main").focus({ preventScroll: true });
}

export const leaves = (event) => event.key === "Escape";
export const sends = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey);

/** The keys of a note: Escape and Ctrl+Enter leave it. */
export function leaveNote(event) {
  if (!leaves(event) && !sends(event)) return;
  event.preventDefault();
  toMain();
}

$("help-open").addEventListener("click", help);
