// One trace: a waterfall, its lines, and the time that is missing.

const SHOWN = 400;

views.set("trace", {
  title: "Trace",
  every: 0,
  isFresh: (path) => app.data?.trace_id !== path,
  read: (query, signal, path) => get(`traces/${encodeURIComponent(path)}`, null, signal),
  missing: (error) =>
    error.status === 404
      ? "The recorder has none of this id: it has not ended, or it was pushed out by later ones. If it was kept, it is where traces are exported to."
      : null,

  draw(data, query) {
    const chosen = query.get("span");
    const total = Math.max(
      data.duration_ms,
      ...data.spans.map((one) => one.offset_ms + one.duration_ms),
      0.001,
    );
    const lines = allLines(data);
    const line = lines[query.get("line") ?? -1];
    const root = data.spans.find((one) => one.is_local_root) ?? data.spans[0];
    const missing = data.spans
      .filter((one) => one.depth === 0)
      .flatMap((one) => one.gaps)
      .reduce((sum, gap) => sum + gap.duration_ms, 0);
    return [
      heading(
        root ? root.name : "Trace",
        root && outcome(root.outcome),
        h("strong", null, ms(data.duration_ms)),
      ),
      root?.error && h("p", { class: "cause" }, root.error),
      h(
        "dl",
        { class: "pairs" },
        pair("Trace", h("code", { class: "id" }, data.trace_id)),
        pair("Started", when(data.started, true)),
        pair("Spans", count(data.spans.length)),
        pair("Lines", count(lines.length)),
        pair(
          "Missing",
          h(
            "span",
            { title: "time in which a request without a parent here had no span running below it" },
            `${ms(missing)}, ${share(missing / total)}`,
          ),
        ),
        pair(
          "Kept",
          data.kept
            ? `${data.kept}${isKnown(data.probability) && data.probability < 1 ? `, one of ${three(1 / data.probability)}` : ""}`
            : "not exported",
        ),
        data.pinned && pair("Pinned", "in the recorder's part for failures"),
      ),
      h("div", { class: "trace" }, waterfall(data, total, chosen, line), lineList(lines, line)),
      data.left_out.spans + data.left_out.lines > 0 &&
        h(
          "p",
          { class: "note" },
          `Left out: ${many(data.left_out.spans, "span")}, ${many(data.left_out.lines, "line")}.`,
        ),
    ];
  },
});

function pair(name, value) {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}

/** The lines of all spans in the order of time; `span` is the one they stand in, if it is there. */
function allLines(data) {
  const inSpans = data.spans.flatMap((one) => one.lines.map((line) => ({ ...line, span: one })));
  return [...inSpans, ...data.lines.map((line) => ({ ...line, span: null }))].sort(
    (one, other) => one.offset_ms - other.offset_ms,
  );
}

/** Goes to a span or a line of this trace; the address says which. */
function select(more) {
  const { path, query } = place();
  const asked = new URLSearchParams(query);
  for (const [name, value] of Object.entries(more)) {
    if (value === null) asked.delete(name);
    else asked.set(name, value);
  }
  history.replaceState(null, "", to(`trace/${path}`, grouped(asked)));
  app.query = asked;
  draw();
}

function waterfall(data, total, chosen, line) {
  if (data.spans.length === 0)
    return empty(
      "Of this trace there are lines, and no span.",
      "Its spans have not ended, or are not remembered any more.",
    );
  const all = app.query.has("all") ? data.spans : data.spans.slice(0, SHOWN);
  // The one that is asked for is always there.
  const asked = data.spans.find((one) => one.span_id === chosen);
  if (asked && !all.includes(asked)) all.push(asked);
  const percent = (value) => `${(value / total) * 100}%`;
  const ticks = axis(total);
  const grid = ticks.map((tick) => h("span", { class: "tick", style: { left: percent(tick) } }));
  const cursor =
    line &&
    h("span", { class: "cursor", style: { left: percent(Math.max(0, Math.min(total, line.offset_ms))) } });
  return h(
    "section",
    {
      class: "waterfall",
      "aria-label": "Waterfall: the arrow keys go from span to span, Enter opens one",
      onkeydown: walk(".span-row"),
    },
    h(
      "div",
      { class: "axis", "aria-hidden": "true" },
      h("span", { class: "axis-name" }, "Span"),
      h(
        "span",
        { class: "track" },
        ticks.map((tick) => h("span", { class: "tick-text", style: { left: percent(tick) } }, bound(tick))),
      ),
    ),
    h(
      "ol",
      null,
      all.map((one) =>
        h(
          "li",
          { "data-key": one.span_id },
          spanRow(one, percent, grid, cursor, one.span_id === chosen, line?.span?.span_id === one.span_id),
          one.span_id === chosen && spanDetail(data, one),
        ),
      ),
    ),
    h(
      "p",
      { class: "legend" },
      h("span", { class: "swatch" }),
      " running ",
      h("span", { class: "swatch gap" }),
      " no span below it runs: missing time ",
      h("span", { class: "swatch bad" }),
      " failed ",
      h("span", { class: "swatch dot" }),
      " a line",
    ),
    data.spans.length > all.length &&
      h(
        "p",
        null,
        h(
          "button",
          { type: "button", onclick: () => select({ all: "1" }) },
          `Show all ${count(data.spans.length)} spans`,
        ),
      ),
  );
}

/** Round marks on the axis of time, at most six. */
function axis(total) {
  const rough = total / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((by) => by * power).find((size) => size >= rough);
  return Array.from({ length: Math.floor((total * 0.96) / step) + 1 }, (_, number) => number * step);
}

function spanRow(one, percent, grid, cursor, isChosen, hasLine) {
  const isBad = one.outcome === "error" || one.outcome === "panicked";
  const label = `${one.name}, ${ms(one.duration_ms)}, after ${ms(one.offset_ms)}, ${one.outcome}, ${many(one.lines.length, "line")}, ${many(one.gaps.length, "gap")}`;
  return h(
    "button",
    {
      type: "button",
      class: `span-row ${isChosen ? "chosen" : ""} ${hasLine ? "has-line" : ""}`,
      id: `span-${one.span_id}`,
      "aria-expanded": String(isChosen),
      "aria-label": label,
      title: one.name,
      onclick: () => select({ span: isChosen ? null : one.span_id, line: null }),
    },
    h(
      "span",
      { class: "span-name", style: { "padding-left": `${Math.min(one.depth, 24) * 0.8}rem` } },
      isBad && h("span", { class: "bad" }, "✕ "),
      one.name,
    ),
    h(
      "span",
      { class: "track" },
      grid.map((tick) => tick.cloneNode()),
      h("span", {
        class: `span-bar ${isBad ? "bad" : one.outcome === "cancelled" ? "dim" : ""} ${one.is_local_root ? "root" : ""}`,
        style: { left: percent(one.offset_ms), width: percent(one.duration_ms) },
      }),
      one.gaps.map((gap) =>
        h("span", {
          class: "gap",
          title: `missing: ${ms(gap.duration_ms)}`,
          style: { left: percent(gap.offset_ms), width: percent(gap.duration_ms) },
        }),
      ),
      one.lines.map((line) =>
        h("span", {
          class: `dot ${level(line.level)}`,
          style: { left: percent(Math.max(0, line.offset_ms)) },
        }),
      ),
      cursor && cursor.cloneNode(true),
    ),
    h("span", { class: "span-time" }, ms(one.duration_ms)),
  );
}

function spanDetail(data, one) {
  // What stands above them is not said again.
  const isNew = ([name, value]) =>
    name !== "duration_ms" && (name !== "error.message" || value !== one.error);
  const pairs = Object.entries(one.attributes).filter(isNew);
  const filter = (name, value) => to("traces", { attribute: `${name}=${value}` });
  const about = [
    pair("Target", h("code", null, one.target)),
    pair("Kind", one.kind),
    pair("After", ms(one.offset_ms)),
    pair("Took", ms(one.duration_ms)),
    pair("Span", h("code", null, one.span_id)),
    one.parent_id &&
      pair(
        "Parent",
        data.spans.some((other) => other.span_id === one.parent_id)
          ? h(
              "button",
              {
                type: "button",
                class: "as-link",
                onclick: () => select({ span: one.parent_id, line: null }),
              },
              h("code", null, one.parent_id),
            )
          : [h("code", null, one.parent_id), " (not here: of another process, or not ended)"],
      ),
    one.gaps.length > 0 &&
      pair(
        "Missing",
        `${many(one.gaps.length, "gap")}, ${ms(one.gaps.reduce((sum, gap) => sum + gap.duration_ms, 0))}`,
      ),
  ];
  return h(
    "div",
    { class: "detail" },
    one.error && h("p", { class: "cause" }, one.error),
    h("dl", { class: "pairs" }, about),
    pairs.length > 0 &&
      h(
        "dl",
        { class: "attributes" },
        pairs.map(([name, value]) =>
          h(
            "div",
            null,
            h("dt", null, name),
            h("dd", null, link(filter(name, value), plain(value), "requests that have this, too")),
          ),
        ),
      ),
    one.links.length > 0 &&
      h(
        "p",
        null,
        "Links: ",
        one.links.map((other) => [traceLink(other.trace_id, other.span_id), " "]),
      ),
  );
}
