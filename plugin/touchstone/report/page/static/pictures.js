/* Pictures of scorers' evidence. Owns the last look before one is shown: a small PNG, JPEG or WebP in base64, or words. */

import { DATA } from "./data.js";
import { visible } from "./drawing.js";
import { made, said } from "./parts.js";

const ADDRESS = /^data:image\/(?:png|jpeg|webp);base64,(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const LARGEST = 24_000;

const isPicture = (address) => typeof address === "string" && address.length <= LARGEST && ADDRESS.test(address);

const placeKey = (place) => JSON.stringify(place.map(String));

/** Of a score's pictures: place in the evidence -> number. */
export const picturesAt = (pictures) => new Map(pictures.map(([place, number]) => [placeKey(place), number]));

/** The number of the picture at a place, else undefined. */
export const pictureAt = (pictures, place) => pictures.get(placeKey(place));

/** The picture with what it is of: the names that lead to it, and the second, where the evidence tells one. */
export function shownPicture(number, place, at) {
  const [name, whose] = [...place].reverse().filter((part) => typeof part === "string");
  const moment = typeof at === "number" ? ` at ${at} s` : "";
  const caption = whose === undefined && !moment ? null : said(`${name}${moment}`, "figcaption"); // else its name stands above
  if (!isPicture(DATA.pictures[number])) {
    const words = "A picture is left out: all of them would make this page too large. It stands in ";
    return made("figure", { class: "picture" }, made("p", { class: "cut" }, words, said(DATA.where || "the run's folder", "code"), "."), caption);
  }
  const alt = visible(`${name}${whose === undefined ? "" : ` of ${whose}`}${moment}`).slice(0, 300);
  return made("figure", { class: "picture" }, made("img", { src: DATA.pictures[number], alt, decoding: "async" }), caption);
}
