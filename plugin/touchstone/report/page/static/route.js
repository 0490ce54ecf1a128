/* What the page shows, by the hash of its address: `#view/part/part?key=value`. Owns the history, and where the focus goes. */

import { hashOf } from "./data.js";

const VIEWS = new Map();

/** A view: `shown(parts, query)` fills its section, and gives its title. */
export const view = (name, shown) => VIEWS.set(name, shown);

export function readHash() {
  const [path, search] = location.hash.slice(1).split("?");
  const [name, ...parts] = path.split("/").map(decoded);
  return { name: VIEWS.has(name) ? name : "overview", parts, query: new URLSearchParams(search || "") };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Change the query without a step in the history. */
export function requery(query) {
  const search = query.toString();
  history.replaceState(null, "", location.hash.split("?")[0] + (search ? "?" + search : ""));
}

export function go(...parts) {
  location.hash = hashOf(...parts);
}

/** Change what the address says without a step in the history. */
export function become(...parts) {
  history.replaceState(null, "", hashOf(...parts));
  showHash(false);
}

/** Scroll the views no further than it takes to see the whole of one. */
function uncover(link) {
  const list = link.closest("ul");
  const [outer, inner] = [list.getBoundingClientRect(), link.getBoundingClientRect()];
  list.scrollLeft += Math.min(0, inner.left - outer.left) + Math.max(0, inner.right - outer.right);
}

export function showHash(moved = true) {
  const { name, parts, query } = readHash();
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== `view-${name}`;
  const title = VIEWS.get(name)(parts, query);
  const tab = { sample: "samples", diff: "compare" }[name] || name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === tab) {
      link.setAttribute("aria-current", "page");
      uncover(link);
    } else link.removeAttribute("aria-current");
  }
  document.title = `${title} - touchstone`;
  if (!moved) return;
  scrollTo(0, 0);
  document.querySelector(`#view-${name} h1, #view-${name} h2`)?.focus({ preventScroll: true });
}
