/* Text that nobody vouches for, put on a page as text: no markup is ever made of it, and what would hide or reorder
   it is shown. Used by the report and by the local pages. */

const MOST_MARKS = 2000;

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
