// Calls: of others, and of the service's own functions.

function calls(title, name, none) {
  return {
    title,
    every: 5,
    read: (query, signal) => get(name, null, signal),
    draw(data) {
      const rows = data[name];
      const most = Math.max(...rows.map((row) => row.calls), 1);
      const columns = [
        {
          title: "Name",
          cell: (row) =>
            h("span", { class: "route" }, row.operation && h("b", null, `${row.operation} `), row.name),
        },
        {
          title: "Kind",
          wide: true,
          cell: (row) =>
            h(
              "span",
              {
                class: "dim",
                title:
                  row.labels &&
                  Object.entries(row.labels)
                    .map(([label, value]) => `${label}=${value}`)
                    .join("\n"),
              },
              row.kind ?? row.metric.replace(/_seconds$/, "").replace(/_duration$/, ""),
            ),
        },
        { title: "Calls", class: "grow", cell: (row) => bar(row.calls / most, count(row.calls)) },
        {
          title: "Errors",
          num: true,
          cell: (row) =>
            h(
              "span",
              { class: row.errors > 0 ? "bad strong" : "dim", title: many(row.errors, "error") },
              share(row.error_share),
            ),
        },
        { title: "Mean", num: true, wide: true, cell: (row) => ms(row.mean_ms) },
        { title: "p50", num: true, cell: (row) => ms(row.p50_ms) },
        { title: "p95", num: true, cell: (row) => figure(ms(row.p95_ms), row.exemplar) },
        { title: "p99", num: true, cell: (row) => figure(ms(row.p99_ms), row.exemplar) },
      ];
      return [
        heading(title, h("span", { class: "note" }, "since the start, the most called first")),
        rows.length > 0
          ? table(
              title,
              columns,
              rows,
              (row) =>
                `${row.kind ?? row.metric} ${JSON.stringify(row.labels ?? "")} ${row.name} ${row.operation ?? ""}`,
            )
          : empty(...none),
        leftOut(data.left_out, "are not shown"),
      ];
    },
  };
}

views.set(
  "dependencies",
  calls("Dependencies", "dependencies", [
    "Nothing was called yet.",
    'Calls show once they go through ObserveClientLayer, a database or model operation, or #[observed(dependency = "…")].',
  ]),
);
views.set(
  "functions",
  calls("Functions", "functions", [
    "No annotated function was called yet.",
    "#[observed] on a function makes it show here.",
  ]),
);
