/* Two texts, word by word: what only one of them says. Pure. */

const MOST_CELLS = 3_000_000;

const wordsOf = (words) => words.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) || [];

/** Runs of [kind, text], kind `same`, `left` or `right`. Beyond MOST_CELLS the middle is not looked into. */
export function difference(left, right) {
  const [a, b] = [wordsOf(left), wordsOf(right)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const runs = [["same", a.slice(0, head).join("")]];
  runs.push(...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)));
  runs.push(["same", tail ? a.slice(-tail).join("") : ""]);
  return merged(runs);
}

function middle(a, b) {
  if (a.length * b.length > MOST_CELLS) return [["left", a.join("")], ["right", b.join("")]];
  const wide = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * wide);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * wide + j] = a[i] === b[j] ? longest[(i + 1) * wide + j + 1] + 1 : Math.max(longest[(i + 1) * wide + j], longest[i * wide + j + 1]);
    }
  }
  const runs = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      runs.push(["same", a[i]]);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && longest[(i + 1) * wide + j] >= longest[i * wide + j + 1])) runs.push(["left", a[i++]]);
    else runs.push(["right", b[j++]]);
  }
  return runs;
}

function merged(runs) {
  const found = [];
  for (const [kind, words] of runs) {
    if (!words) continue;
    if (found.at(-1)?.[0] === kind) found.at(-1)[1] += words;
    else found.push([kind, words]);
  }
  return found;
}
