// Health at a glance.

views.set("overview", {
  title: "Overview",
  every: 10,
  read: (query, signal) =>
    get("overview", { method: query.get("method"), route: query.get("route") }, signal),

  /** What came since the last reading: one slot more in every row. */
  tick(data, tick, query) {
    const { history, heat: map } = data;
    if (!tick.start || history.starts.at(-1) >= tick.start) return;
    const slots = app.about?.history.slots ?? 150;
    const push = (list, value) => {
      list.push(value);
      if (list.length > slots) list.shift();
    };
    push(history.starts, tick.start);
    push(history.seconds, tick.seconds);
    history.window_s = history.seconds.reduce((sum, one) => sum + one, 0);
    for (const row of data.routes) {
      const now = tick.routes.find(
        (one) => one.kind === row.kind && one.method === row.method && one.route === row.route,
      );
      for (const name of ["requests", "errors"]) push(row.history[name], now?.[name] ?? 0);
      for (const name of ["p50_ms", "p95_ms", "p99_ms"]) push(row.history[name], now?.[name] ?? null);
      sums(row, row.history, history.window_s);
      row.since_start.requests += now?.requests ?? 0;
    }
    if (!query.has("route") && tick.heat?.length === map.bounds_ms.length + 1) push(map.counts, tick.heat);
    data.slos = tick.slos;
    data.in_flight = tick.in_flight;
    data.now = tick.now;
  },

  draw(data, query) {
    const { routes } = data;
    const window =
      data.history.window_s > 0 ? `the last ${span(Math.round(data.history.window_s))}` : "no time yet";
    return [
      heading("Overview", h("span", { class: "note" }, `rates and quantiles are of ${window}`)),
      h(
        "div",
        { class: "overview" },
        slos(data),
        map(data, query),
        routes.length > 0
          ? routeTable(data)
          : section(
              "Routes",
              empty(
                "No request has ended since the history began.",
                "A route shows here 2 s after its first request. Send one to the service, or see what is ",
                link(to("in-flight"), "in flight"),
                ".",
              ),
            ),
      ),
    ];
  },
});

function sums(row, history, seconds) {
  const sum = (list) => list.reduce((all, one) => all + one, 0);
  row.requests = sum(history.requests);
  row.errors = sum(history.errors);
  row.rate_per_s = seconds > 0 ? row.requests / seconds : null;
  row.error_share = row.requests > 0 ? row.errors / row.requests : null;
}

function slos(data) {
  if (data.slos.length === 0) {
    return section(
      "Objectives",
      empty(
        "No objective is declared.",
        "With Builder::slo a service says what it promises; here it shows how much of it is left.",
      ),
    );
  }
  return section("Objectives", h("ul", { class: "cards" }, data.slos.map(slo)));
}

function slo(one) {
  const left = one.budget_left;
  const state = one.burning
    ? ["bad", "▲ burning"]
    : isKnown(left) && left <= 0
      ? ["bad", "✕ spent"]
      : one.events === 0
        ? ["dim", "no events yet"]
        : ["good", "✓ fine"];
  const promise = `${digits(one.objective, one.objective % 1 === 0 ? 0 : String(one.objective).split(".")[1].length)}${NARROW}%${one.threshold_ms === null ? "" : ` within ${ms(one.threshold_ms)}`}`;
  return h(
    "li",
    { class: `card ${state[0]}`, "data-key": one.name },
    h("h3", null, one.name, h("span", { class: `state ${state[0]}` }, state[1])),
    h("p", { class: "note" }, `${promise} of ${many(one.events, "event")}, ${count(one.bad)} bad`),
    h(
      "div",
      { class: "budget" },
      bar(
        left,
        [
          budget(left),
          h("span", { class: "dim" }, ` since the start, ${span(Math.floor(one.covered_s))} ago`),
        ],
        state[0] === "bad" ? "bad" : "",
      ),
    ),
    h(
      "dl",
      { class: "burns" },
      known(one.burn).map((burn) =>
        h(
          "div",
          {
            class: burn.rate > 1 ? "over" : null,
            title: `burn rate over ${span(burn.window_s)}, ${span(burn.covered_s)} of which are known; above 1 the budget does not last for its period`,
          },
          h("dt", null, `burn, ${span(burn.window_s)}`),
          h("dd", null, isKnown(burn.rate) ? `${three(burn.rate)}×` : UNKNOWN),
        ),
      ),
    ),
  );
}

/** Without the windows of which no more is known than of the one before: they say the same. */
function known(burns) {
  return burns.filter((burn, place) => place === 0 || burn.covered_s > burns[place - 1].covered_s);
}

function budget(left) {
  if (!isKnown(left)) return "budget not known";
  return left < 0
    ? [h("strong", null, `${three(1 - left)}×`), " the budget spent"]
    : [h("strong", null, share(left)), " of the budget left"];
}

function map(data, query) {
  const { bounds_ms: bounds, counts } = data.heat;
  const route = query.get("route");
  const what = query.has("route")
    ? `Latency of ${query.get("method") ?? ""} ${route || "(no route)"}`
    : "Latency of all requests";
  const back = query.has("route") && h("p", { class: "note" }, link(to("overview"), "Show all requests"));
  if (!counts.some((slot) => slot.some((number) => number > 0))) {
    return section(
      what,
      empty("Nothing was observed in this time.", "The map fills from the right, a column each 2 s."),
      back,
    );
  }
  const open = (min, max) => {
    location.hash = to("traces", { method: query.get("method"), route, min_ms: min, max_ms: max });
  };
  return section(
    what,
    heat({ starts: data.history.starts, bounds, counts, slots: app.about?.history.slots ?? 150 }, open),
    back,
  );
}

function routeTable(data) {
  const first = data.heat.bounds_ms[0];
  // Within the first bucket nothing is known but that.
  const quantile = (value) => (isKnown(value) && value < first ? `< ${bound(first)}` : ms(value));
  const asked = (row, more) =>
    to("traces", {
      ...(row.route === "" || row.route === "_OTHER" ? {} : { method: row.method, route: row.route }),
      ...more,
    });
  const columns = [
    {
      title: "Route",
      cell: (row) => [
        link(
          asked(row),
          h(
            "span",
            { class: "route" },
            row.method && h("b", null, `${row.method} `),
            row.route || "(no route)",
          ),
          "its traces",
        ),
        row.kind === "rpc" && h("span", { class: "tag" }, "gRPC"),
      ],
    },
    { title: "Rate", num: true, cell: (row) => rate(row.rate_per_s) },
    {
      title: "",
      class: "draw",
      wide: true,
      cell: (row) =>
        sparkBars(
          row.history.requests,
          `requests each 2 s, at most ${count(Math.max(...row.history.requests, 0))}`,
        ),
    },
    {
      title: "Errors",
      num: true,
      cell: (row) =>
        row.errors > 0
          ? link(
              asked(row, { failed: "true" }),
              h("span", { class: "bad strong" }, share(row.error_share)),
              `${many(row.errors, "error")}: their traces`,
            )
          : h("span", { class: "dim" }, share(row.error_share)),
    },
    {
      title: "",
      class: "draw",
      wide: true,
      cell: (row) =>
        sparkBars(
          row.history.errors,
          `errors each 2 s, at most ${count(Math.max(...row.history.errors, 0))}`,
          "bad",
        ),
    },
    { title: "p50", num: true, class: "mid", cell: (row) => quantile(row.p50_ms) },
    { title: "p95", num: true, cell: (row) => figure(quantile(row.p95_ms), row.exemplar) },
    {
      title: "p99",
      num: true,
      cell: (row) => figure(quantile(row.p99_ms), row.exemplar),
      hint: "leads to the slowest trace that is known",
    },
    {
      title: "",
      class: "draw",
      wide: true,
      cell: (row) =>
        spark(
          row.history.p95_ms,
          `p95 each 2 s, at most ${ms(Math.max(...row.history.p95_ms.filter(isKnown), 0))}`,
        ),
    },
    {
      title: "Slowest",
      num: true,
      wide: true,
      cell: (row) => (row.exemplar ? figure(ms(row.exemplar.value_ms), row.exemplar) : UNKNOWN),
      hint: "the latest of the slowest bucket that has a trace",
    },
    { title: "Since start", num: true, wide: true, cell: (row) => count(row.since_start.requests) },
    {
      title: "Heat map",
      wide: true,
      cell: (row) =>
        row.route !== "_OTHER" &&
        link(
          `${to("overview", { method: row.method })}${row.method ? "&" : "?"}route=${encodeURIComponent(row.route)}`,
          "show",
          `heat map of ${row.method} ${row.route} alone`,
        ),
    },
  ];
  return section(
    "Routes",
    table(
      "Rate, errors and latency of each route",
      columns,
      data.routes,
      (row) => `${row.kind} ${row.method} ${row.route}`,
    ),
    leftOut(data.routes_left_out, "routes are not shown"),
  );
}
