// Latency over time, as a map.

const STEPS = 6;

/**
 * Latency over time: columns are slots, rows buckets, the darker the more requests. A cell leads to its requests, by pointer
 * and by keys.
 */
function heat({ starts, bounds, counts, slots }, open) {
  const used = bounds.concat(Infinity).map((_, bucket) => counts.some((slot) => slot[bucket] > 0));
  const first = Math.max(used.indexOf(true) - 1, 0);
  const last = Math.min(used.lastIndexOf(true) + 1, bounds.length);
  const rows = last - first + 1;
  const top = Math.log1p(Math.max(...counts.flat()));
  const paths = Array.from({ length: STEPS }, () => "");
  // Time fills from the right: a young history does not look like an old one.
  const shift = slots - counts.length;
  counts.forEach((slot, x) => {
    slot.forEach((number, bucket) => {
      if (number === 0) return;
      const step = Math.min(Math.floor((Math.log1p(number) / top) * STEPS), STEPS - 1);
      paths[step] += `M${x + shift} ${last - bucket}h.92v.9h-.92z`;
    });
  });
  const cursor = s("rect", { class: "heat-cursor", width: 1, height: 1, visibility: "hidden" });
  const svg = s(
    "svg",
    { viewBox: `0 0 ${slots} ${rows}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    paths.map((d, step) => s("path", { class: `heat-${step + 1}`, d })),
    cursor,
  );
  const name = (bucket) =>
    bucket === 0
      ? `up to ${bound(bounds[0])}`
      : bucket === bounds.length
        ? `over ${bound(bounds[bucket - 1])}`
        : `${bound(bounds[bucket - 1])} to ${bound(bounds[bucket])}`;
  const labels = [];
  const every = Math.ceil(rows / 8);
  for (let bucket = last - 1; bucket >= first; bucket -= every) {
    labels.push(h("span", { style: { top: `${((last - bucket) / rows) * 100}%` } }, bound(bounds[bucket])));
  }
  const said = h("output", { class: "heat-said", "aria-live": "polite" }, heatHint(counts, slots));
  const place = heatCursor({ cursor, said, counts, starts, shift, first, last, name });
  const area = h(
    "div",
    {
      class: "heat-area",
      tabindex: 0,
      role: "application",
      "aria-label": "Latency heat map: the arrow keys go from cell to cell, Enter shows a cell's traces",
      onpointermove: (event) => place.at(event),
      onpointerleave: () => place.leave(),
      onblur: () => place.leave(),
      onkeydown: (event) => place.key(event, (bucket) => open(bounds[bucket - 1], bounds[bucket])),
      onclick: (event) => {
        place.at(event);
        place.open((bucket) => open(bounds[bucket - 1], bounds[bucket]));
      },
    },
    svg,
  );
  return h(
    "div",
    { class: "heat" },
    h("div", { class: "heat-labels", "aria-hidden": "true" }, labels),
    area,
    h(
      "div",
      { class: "heat-times", "aria-hidden": "true" },
      h("span", null, `${span(slots * 2)} ago`),
      h("span", null, "now"),
    ),
    said,
  );
}

function heatHint(counts, slots) {
  const total = counts.flat().reduce((sum, one) => sum + one, 0);
  return `${many(total, "request")} in ${span(counts.length * 2)} of ${span(slots * 2)}; point at a cell, or go there with the arrow keys`;
}

/** Where one is in the heat map. It is kept while the map is drawn anew. */
const heatPlace = { x: null, bucket: null };

function heatCursor({ cursor, said, counts, starts, shift, first, last, name }) {
  // What stands in the page by now: it may have been drawn anew.
  const found = (name) => document.querySelector(`main .${name}`);
  const saying = () => {
    const number = counts[heatPlace.x - shift]?.[heatPlace.bucket] ?? 0;
    const act = number > 0 ? "; Enter or a click shows traces of this duration" : "";
    return `${clock(starts[heatPlace.x - shift])}, ${name(heatPlace.bucket)}: ${many(number, "request")}${act}`;
  };
  const show = () => {
    const { x, bucket } = heatPlace;
    const mark = found("heat-cursor");
    mark.setAttribute("x", x);
    mark.setAttribute("y", last - bucket);
    mark.setAttribute("visibility", "visible");
    found("heat-said").textContent = saying();
  };
  const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
  if (heatPlace.x !== null) {
    said.textContent = saying();
    cursor.setAttribute("x", heatPlace.x);
    cursor.setAttribute("y", last - clamp(heatPlace.bucket, first, last));
    cursor.setAttribute("visibility", "visible");
  }
  return {
    at(event) {
      const box = found("heat-area").getBoundingClientRect();
      heatPlace.x = clamp(
        Math.floor(((event.clientX - box.left) / box.width) * (shift + counts.length)),
        shift,
        shift + counts.length - 1,
      );
      heatPlace.bucket = clamp(
        last - Math.floor(((event.clientY - box.top) / box.height) * (last - first + 1)),
        first,
        last,
      );
      show();
    },
    leave() {
      heatPlace.x = null;
      found("heat-cursor").setAttribute("visibility", "hidden");
    },
    key(event, act) {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.key === "Enter") this.open(act);
      if (!step) return;
      event.preventDefault();
      const start =
        heatPlace.x === null
          ? [shift + counts.length - 1, first]
          : [heatPlace.x + step[0], heatPlace.bucket + step[1]];
      heatPlace.x = clamp(start[0], shift, shift + counts.length - 1);
      heatPlace.bucket = clamp(start[1], first, last);
      show();
    },
    open(act) {
      const { x, bucket } = heatPlace;
      if (x === null || !(counts[x - shift]?.[bucket] > 0)) return;
      heatPlace.x = null;
      act(bucket);
    },
  };
}
