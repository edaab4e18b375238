import { h, link } from "../dom.js";

export const title = "Not found";

export async function show({ main }) {
  main.append(h("h1", null, "There is no such page"), h("p", null, "Perhaps the search finds what you look for, or ", link("/", "the home page"), "."));
}
