// Line charts as SVG, each with its numbers as a table behind it.

import { h, row, svg, table } from "./dom.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [64, 12, 12, 24];

// A chart of `points` [{x, y, name}] in the order of x; `format` writes a y. Zero is always in sight.
export function lineChart({ title, points, format, xTitle }) {
  const figure = h("figure", { class: "chart" });
  if (points.length < 2) {
    figure.append(h("figcaption", null, title), h("p", { class: "chart-none faint" }, "There is nothing to draw yet: a few more blocks, please."));
    return figure;
  }
  // Letters stay as large as others on a narrow page.
  const [WIDTH, HEIGHT] = innerWidth < 640 ? [340, 180] : [600, 200];
  const [first, last] = [points[0].x, points[points.length - 1].x];
  const top = Math.max(...points.map((point) => point.y)) || 1;
  const x = (value) => LEFT + ((value - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const path = points.map((point, i) => `${i ? "L" : "M"}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`).join("");
  const grid = [0, 0.5, 1].map((share) => svg("g", { class: "grid" },
    svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(top * share), y2: y(top * share) }),
    svg("text", { x: LEFT - 6, y: y(top * share) + 4, "text-anchor": "end" }, format(top * share))));
  const cursor = svg("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  const newest = points[points.length - 1];
  const reading = h("output", { class: "reading" }, format(newest.y));
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: now ${format(newest.y)}, at most ${format(top)}` },
    grid, svg("path", { class: "area", d: `${path}L${x(last)} ${y(0)}L${x(first)} ${y(0)}Z` }), svg("path", { class: "line", d: path }), cursor,
    svg("text", { class: "axis", x: LEFT, y: HEIGHT - 6 }, points[0].name),
    svg("text", { class: "axis", x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, newest.name));
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const at = first + ((((event.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT)) * (last - first);
    const near = points.reduce((best, point) => (Math.abs(point.x - at) < Math.abs(best.x - at) ? point : best));
    cursor.setAttribute("x1", x(near.x));
    cursor.setAttribute("x2", x(near.x));
    cursor.setAttribute("visibility", "visible");
    reading.textContent = `${near.name}: ${format(near.y)}`;
  });
  drawing.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    reading.textContent = format(newest.y);
  });
  figure.append(h("figcaption", null, title, " ", reading), drawing, h("details", null, h("summary", null, "The numbers"),
    table({ caption: title, hideCaption: true, head: [xTitle ?? "At", title], rows: [...points].reverse().map((point) => row(point.name, format(point.y))) })));
  return figure;
}
