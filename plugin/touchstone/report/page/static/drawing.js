/* Charts: Observable Plot under this page's policy and for its readers. Knows no figures of the run.

   Plot hands out an SVG with a style element, which the policy would refuse: the page's own styles say the same. */

import { made } from "./parts.js";

const drawn = new Map();

/** A chart that is drawn when it is seen first, and anew when its width changes. `draw(width)` gives options of Plot;
    `label` says in one sentence what it shows. */
export function chart(label, draw) {
  const holder = made("div", { class: "chart" });
  drawn.set(holder, { label, draw, width: 0 });
  WIDTHS.observe(holder);
  return holder;
}

const WIDTHS = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const one = drawn.get(target);
    const width = Math.floor(contentRect.width);
    if (!one || !width || width === one.width) continue;
    one.width = width;
    target.replaceChildren(picture(one.label, one.draw(width)));
  }
});

function picture(label, options) {
  const svg = Plot.plot({ className: "plot", ...options });
  svg.querySelector("style")?.remove();
  for (const part of svg.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label"); // the whole has one
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  return svg;
}

const LETTER = 7.2;
const LINE = 13;

/** Where the labels of points stand: beside their points, and not over each other or over another point.
    `points`: {x, y, name, first} in pixels; gives {dx, dy, anchor} of each, in their order, or null where there is no
    room. Those that are `first` have theirs anyway, and choose before the others. */
export function placed(points, width, height) {
  const taken = points.map(({ x, y }) => [x - 5, y - 5, x + 5, y + 5]);
  const found = points.map(() => null);
  const order = [...points.keys()].sort((a, b) => Boolean(points[b].first) - Boolean(points[a].first));
  for (const own of order) {
    const point = points[own];
    const wide = point.name.length * LETTER;
    const tries = [-11, 12, -24, 25, -37, 38, 1].flatMap((dy) => [
      { dx: 7, dy, anchor: "start" },
      { dx: -7, dy, anchor: "end" },
    ]);
    const boxes = tries.map(({ dx, dy, anchor }) => {
      const from = point.x + dx - (anchor === "end" ? wide : 0);
      return [from, point.y + dy - LINE / 2, from + wide, point.y + dy + LINE / 2];
    });
    const lost = boxes.map((box, at) => {
      const outside = box[0] < 0 || box[2] > width || box[1] < 0 || box[3] > height;
      return taken.filter((other, i) => i !== own && over(box, other)).length + 100 * outside + at / 100;
    });
    const at = lost.indexOf(Math.min(...lost));
    if (lost[at] >= 1 && !point.first) continue;
    taken.push(boxes[at]);
    found[own] = tries[at];
  }
  return found;
}

const over = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** A name for an axis: its beginning and its end. */
export const cropped = (name, most) => {
  if (name.length <= most) return name;
  const tail = Math.floor((most - 1) / 2);
  return `${name.slice(0, most - 1 - tail)}\u2026${name.slice(-tail)}`;
};

const UNSEEN_IN_CHARTS = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** SVG text cannot show what is not seen: it is left out. */
export const visible = (name) => name.replace(UNSEEN_IN_CHARTS, "");
