// Requests that ended, as far as the flight recorder remembers them.

const FILTERS = [
  "order",
  "trace_id",
  "name",
  "method",
  "route",
  "outcome",
  "failed",
  "min_ms",
  "max_ms",
  "kept",
  "pinned",
];

/** The filters of an address; attributes may be several. */
function filters(query) {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)]));
  asked.attribute = query.getAll("attribute");
  return asked;
}

/** The fields by which requests are searched, in two views. */
function filterFields(query) {
  const input = (name, text, more) =>
    labelled(
      text,
      h("input", { name, value: query.get(name) ?? "", autocomplete: "off", spellcheck: "false", ...more }),
    );
  const attributes = query.getAll("attribute");
  return [
    input("method", "Method", { size: 7 }),
    input("route", "Route", { size: 16, placeholder: "/charge", list: "known-routes" }),
    labelled(
      "Outcome",
      choice("outcome", query.get("outcome"), [
        ["", "any"],
        ["ok", "ok"],
        ["error", "error"],
        ["panicked", "panicked"],
        ["cancelled", "cancelled"],
      ]),
    ),
    labelled(
      "Failed",
      choice("failed", query.get("failed"), [
        ["", "any"],
        ["true", "error or panicked"],
      ]),
    ),
    input("min_ms", "At least, ms", { type: "number", min: 0, step: "any", class: "short" }),
    input("max_ms", "At most, ms", { type: "number", min: 0, step: "any", class: "short" }),
    [...attributes, ""].map((value, number) =>
      labelled(
        number === 0 ? "Attribute" : "and attribute",
        h("input", {
          name: "attribute",
          value,
          size: 18,
          placeholder: "region=eu",
          autocomplete: "off",
          spellcheck: "false",
        }),
      ),
    ),
    h(
      "datalist",
      { id: "known-routes" },
      (app.tick?.routes ?? []).map((row) => h("option", { value: row.route })),
    ),
  ];
}

views.set("traces", {
  title: "Traces",
  every: 5,
  read: (query, signal) => get("traces", { ...filters(query), limit: query.get("limit") ?? 100 }, signal),

  draw(data, query) {
    const { traces } = data;
    const slowest = Math.max(...traces.map((row) => row.duration_ms), 0.001);
    const columns = [
      { title: "Ended as", cell: (row) => outcome(row.outcome) },
      {
        title: "Request or job",
        cell: (row) =>
          link(
            to(`trace/${row.trace_id}`, { span: row.span_id }),
            h("span", { class: "route" }, row.route ? [h("b", null, `${row.method} `), row.route] : row.name),
          ),
      },
      { title: "Status", num: true, class: "mid", cell: (row) => row.status ?? "" },
      {
        title: "Took",
        class: "grow",
        cell: (row) => bar(row.duration_ms / slowest, ms(row.duration_ms), row.outcome === "ok" ? "" : "bad"),
      },
      { title: "Why", class: "why mid", cell: (row) => row.error_message ?? row.error_type ?? "" },
      { title: "Started", num: true, class: "mid", cell: (row) => when(row.started, true) },
      { title: "Spans", num: true, wide: true, cell: (row) => count(row.spans) },
      { title: "Lines", num: true, wide: true, cell: (row) => count(row.lines) },
      {
        title: "Kept",
        wide: true,
        cell: (row) => [
          row.kept && h("span", { class: "tag", title: "why it is exported" }, row.kept),
          row.pinned &&
            h(
              "span",
              { class: "tag strong", title: "in the part for failures, out of reach of chatter" },
              "pinned",
            ),
        ],
      },
      { title: "Trace", wide: true, cell: (row) => traceLink(row.trace_id, row.span_id) },
    ];
    const input = labelled(
      "Trace id",
      h("input", {
        name: "trace_id",
        value: query.get("trace_id") ?? "",
        size: 34,
        pattern: "[0-9a-fA-F]{32}",
        title: "32 hexadecimal digits",
        autocomplete: "off",
        spellcheck: "false",
      }),
    );
    return [
      heading(
        "Traces",
        h(
          "span",
          { class: "note" },
          `${count(data.matched)} of ${count(data.searched)} that are remembered match`,
        ),
      ),
      search(
        "traces",
        query,
        input,
        filterFields(query),
        labelled(
          "Pinned",
          choice("pinned", query.get("pinned"), [
            ["", "any"],
            ["true", "pinned alone"],
            ["false", "not pinned"],
          ]),
        ),
        labelled(
          "Order",
          choice("order", query.get("order"), [
            ["", "the latest first"],
            ["slowest", "the slowest first"],
          ]),
        ),
      ),
      chips("traces", query),
      traces.length > 0
        ? [
            table("Traces", columns, traces, (row) => row.span_id),
            leftOut(data.left_out, "match and are not shown: narrow the search"),
          ]
        : noTraces(data, query),
      traces.length > 0 && h("p", null, link(to("slice", grouped(query)), "What do these have in common?")),
    ];
  },
});

function noTraces(data, query) {
  if (app.about && !app.about.recorder) return noRecorder();
  if (data.searched === 0)
    return empty(
      "The recorder remembers no request yet.",
      "One that is running shows when it ends: see ",
      link(to("in-flight"), "In flight"),
      ".",
    );
  return empty(
    `None of the ${many(data.searched, "request")} that are remembered matches.`,
    "The recorder keeps what fits into its memory, the latest first, and failures longer. ",
    link(to("traces"), "Show all"),
    query.has("trace_id") && ", or look where traces are exported to",
    ".",
  );
}

function noRecorder() {
  return empty(
    "The flight recorder is off, so no trace is remembered here.",
    "Builder::recorder gives it memory: some megabytes are enough for the last minutes.",
  );
}
