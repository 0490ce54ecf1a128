/* What every local page does alike: asks the server, keeps what is not sent yet, takes keys. Everything a model or a
   person wrote is put on the page as text (text.js). */

import { element } from "./text.js";

export { element, plain, show, showValue } from "./text.js";

const BASE = location.pathname;
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
