// What is running now: the question of every incident.

views.set("in-flight", {
  title: "In flight",
  every: 1,
  read: (query, signal) => get("in-flight", { limit: query.get("limit") ?? 200 }, signal),

  draw(data) {
    const { requests } = data;
    const oldest = Math.max(...requests.map((row) => row.running_ms), 1);
    const columns = [
      {
        title: "Running for",
        class: "grow",
        cell: (row) => bar(row.running_ms / oldest, ms(row.running_ms), row.running_ms > 1e3 ? "warn" : ""),
      },
      {
        title: "Request",
        cell: (row) =>
          h("span", { class: "route" }, h("b", null, `${row.method} `), row.route || "(no route yet)"),
      },
      {
        title: "Is in",
        cell: (row) =>
          row.running_in
            ? h("code", null, row.running_in.span)
            : h("span", { class: "dim" }, "the request itself"),
      },
      { title: "for", num: true, cell: (row) => (row.running_in ? ms(row.running_in.for_ms) : "") },
      { title: "Since", num: true, wide: true, cell: (row) => when(row.started, true) },
      { title: "Trace", wide: true, cell: (row) => traceLink(row.trace_id, row.span_id) },
    ];
    return [
      heading(
        "In flight",
        h(
          "span",
          { class: "note" },
          `${many(data.count, "request")} now, the oldest first; asked each second`,
        ),
      ),
      requests.length > 0
        ? table("Requests in flight, the oldest first", columns, requests, (row) => row.span_id)
        : empty(
            "No request is being answered at this moment.",
            "Most are too short to be seen here: those that hang stay. What has ended is in ",
            link(to("traces"), "Traces"),
            ".",
          ),
      leftOut(data.count - requests.length, "are younger than these"),
    ];
  },
});
