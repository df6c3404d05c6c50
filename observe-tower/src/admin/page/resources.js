// What the service runs on: utilisation, saturation, errors.

views.set("resources", {
  title: "Resources",
  every: 5,
  read: (query, signal) => get("resources", null, signal),
  draw(data) {
    const use = (row) =>
      bar(
        row.utilisation,
        isKnown(row.utilisation) ? share(row.utilisation) : UNKNOWN,
        row.utilisation >= 0.9 ? "bad" : row.utilisation >= 0.7 ? "warn" : "",
      );
    const resources = [
      { title: "Resource", cell: (row) => row.name },
      { title: "Utilisation", class: "grow", cell: use },
      { title: "In use", num: true, cell: (row) => `${count(row.in_use)} of ${count(row.capacity)}` },
      { title: "Waiting", num: true, hint: "saturation", cell: (row) => loss(row.waiting) },
      { title: "Errors", num: true, cell: (row) => loss(row.errors) },
      { title: "Wait p95", num: true, cell: (row) => ms(row.wait?.p95_ms) },
      { title: "p99", num: true, wide: true, cell: (row) => ms(row.wait?.p99_ms) },
      { title: "Use p95", num: true, cell: (row) => ms(row.use?.p95_ms) },
      { title: "p99", num: true, wide: true, cell: (row) => ms(row.use?.p99_ms) },
    ];
    const queues = [
      { title: "Queue", cell: (row) => row.name },
      { title: "Fill", class: "grow", cell: use },
      { title: "Depth", num: true, cell: (row) => `${count(row.depth)} of ${count(row.capacity)}` },
      { title: "Lag", num: true, hint: "how old the oldest message is", cell: (row) => span(row.lag_s) },
      { title: "Rejected", num: true, cell: (row) => loss(row.rejected) },
      { title: "Dead letters", num: true, cell: (row) => loss(row.dead_letters) },
      { title: "Redelivered", num: true, wide: true, cell: (row) => loss(row.redeliveries) },
      { title: "Senders waiting", num: true, wide: true, cell: (row) => loss(row.senders_waiting) },
      { title: "Wait p95", num: true, cell: (row) => ms(row.wait?.p95_ms) },
    ];
    return [
      heading("Resources", h("span", { class: "note" }, "utilisation, saturation, errors")),
      data.resources.length + data.queues.length === 0 &&
        empty(
          "The code names no pool and no queue.",
          "Telemetry::resource and Telemetry::queue do; the platform's own are below, as far as they are collected.",
        ),
      data.resources.length > 0 &&
        section(
          "Pools and the like",
          table("Resources", resources, data.resources, (row) => row.name),
        ),
      data.queues.length > 0 &&
        section(
          "Queues",
          table("Queues", queues, data.queues, (row) => row.name),
        ),
      data.replicas.length > 0 &&
        section(
          "Replicas",
          table(
            "Replicas",
            [
              { title: "Replica", cell: (row) => row.name },
              { title: "Lag", num: true, cell: (row) => span(row.lag_s) },
            ],
            data.replicas,
            (row) => row.name,
          ),
        ),
      platform(data.platform),
      leftOut(data.left_out, "are not shown"),
    ];
  },
});

function platform(rows) {
  if (rows.length === 0)
    return section(
      "Platform",
      empty(
        "Nothing of the platform is collected.",
        "The features process, runtime, cgroup, pressure and host of observe-core do.",
      ),
    );
  const kinds = Map.groupBy ? Map.groupBy(rows, (row) => row.metric.split("_")[0]) : new Map([["all", rows]]);
  return section(
    "Platform",
    h(
      "div",
      { class: "platform" },
      [...kinds].map(([kind, its]) =>
        h(
          "div",
          { "data-key": kind },
          h("h3", null, kind),
          h(
            "dl",
            null,
            its.map((row) => {
              const labels = Object.entries(row.labels)
                .map(([label, value]) => `${label}=${value}`)
                .join(", ");
              return h(
                "div",
                { title: `${row.metric}: ${row.help}` },
                h(
                  "dt",
                  null,
                  row.metric
                    .replace(/_total$/, "")
                    .replace(`${kind}_`, "")
                    .replace(new RegExp(`_${row.unit}$`), "")
                    .replaceAll("_", " "),
                  labels && h("span", { class: "dim" }, ` ${labels}`),
                ),
                h("dd", null, measured(row.value, row.unit)),
              );
            }),
          ),
        ),
      ),
    ),
  );
}
