// What metrics cost, and which labels overflow.

views.set("labels", {
  title: "Labels",
  every: 10,
  read: (query, signal) => get("labels", null, signal),
  draw(data) {
    const columns = [
      { title: "Metric", cell: (row) => h("code", null, row.metric) },
      {
        title: "Series",
        class: "grow",
        cell: (row) =>
          bar(
            row.max_series > 0 ? row.series / row.max_series : null,
            isKnown(row.max_series) ? `${count(row.series)} of ${count(row.max_series)}` : count(row.series),
            row.is_full ? "bad" : "",
          ),
      },
      {
        title: "Labels",
        cell: (row) =>
          h(
            "ul",
            { class: "labels" },
            row.labels.map((label) =>
              h(
                "li",
                { class: label.overflow > 0 ? "bad" : null },
                label.name,
                h(
                  "span",
                  { class: "dim" },
                  ` ${count(label.values)}${label.limit === null ? "" : ` of ${count(label.limit)}`}`,
                ),
                label.overflow > 0 && h("b", null, ` ✕ ${count(label.overflow)} times _OTHER`),
              ),
            ),
          ),
      },
      { title: "", cell: (row) => row.is_full && h("span", { class: "bad strong" }, "✕ full") },
    ];
    return [
      heading(
        "Labels",
        h("span", { class: "note" }, `${count(data.series)} series; the largest family first`),
      ),
      data.advice.length > 0 &&
        section(
          "Advice",
          h(
            "ul",
            { class: "advice" },
            data.advice.map((text) => h("li", null, text)),
          ),
        ),
      data.families.length > 0
        ? table("Families and their labels", columns, data.families, (row) => row.metric)
        : empty("No metric has a series yet.", "They come with the first request."),
      leftOut(data.left_out, "families are not shown"),
    ];
  },
});
