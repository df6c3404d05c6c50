// Requests by any attribute: what the bad ones have in common.

views.set("slice", {
  title: "Slice",
  every: 10,
  read: (query, signal) =>
    get(
      "slice",
      {
        ...filters(query),
        order: null,
        by: query.get("by"),
        bad: query.get("bad"),
        slow_ms: query.get("slow_ms"),
        limit: query.get("limit"),
      },
      signal,
    ),

  draw(data, query) {
    if (app.about && !app.about.recorder) return [heading("Slice"), noRecorder()];
    const names = data.attributes.map((one) => one.name);
    return [
      heading(
        "Slice",
        h(
          "span",
          { class: "note" },
          `${many(data.requests, "request")}: ${count(data.failed)} failed, ${count(data.slow)} slow (${isKnown(data.slow_ms) ? `from ${ms(data.slow_ms)}` : "no bound"})`,
        ),
      ),
      search(
        "slice",
        query,
        labelled(
          "Group by",
          h("input", {
            name: "by",
            value: query.get("by") ?? "",
            list: "known-attributes",
            placeholder: "region",
            size: 18,
            autocomplete: "off",
            spellcheck: "false",
          }),
        ),
        h(
          "datalist",
          { id: "known-attributes" },
          names.map((name) => h("option", { value: name })),
        ),
        labelled(
          "Ask about",
          choice("bad", query.get("bad"), [
            ["", "the failed ones"],
            ["slow", "the slow ones"],
          ]),
        ),
        labelled(
          "Slow from, ms",
          h("input", {
            name: "slow_ms",
            type: "number",
            min: 0,
            step: "any",
            class: "short",
            value: query.get("slow_ms") ?? "",
          }),
        ),
        filterFields(query),
      ),
      chips("slice", query),
      data.requests === 0
        ? empty("No request matches.", "Take a filter away, or wait for requests to end.")
        : [
            h(
              "div",
              { class: "slice" },
              h("div", null, groups(data, query), common(data, query)),
              attributes(data, query),
            ),
          ],
    ];
  },
});

/** This view with something else asked. */
function asked(query, more) {
  return to("slice", { ...grouped(query), ...more });
}

/** With one attribute more. */
function narrowed(query, name, value) {
  return { attribute: [...new Set([...query.getAll("attribute"), `${name}=${value}`])] };
}

/** The requests of a value as traces. */
function itsTraces(query, name, value, more) {
  const { by, bad, slow_ms, ...rest } = grouped(query);
  return to("traces", { ...rest, ...narrowed(query, name, value), ...more });
}

function groups(data, query) {
  if (!data.by)
    return section(
      "Groups",
      empty(
        "Not grouped.",
        "Choose an attribute: any that a request was opened with, or that observe_core::annotate said, declared as a label or not.",
      ),
    );
  if (data.groups.length === 0)
    return section(
      `By ${data.by}`,
      empty(`No request has ${data.by}.`, "The list of attributes says what they have."),
    );
  const columns = [
    {
      title: data.by,
      cell: (row) =>
        link(
          asked(query, narrowed(query, data.by, row.value)),
          row.value === "" ? "(empty)" : row.value,
          "these alone",
        ),
    },
    {
      title: "Requests",
      class: "grow",
      cell: (row) => bar(row.share, `${count(row.requests)} · ${share(row.share)}`),
    },
    {
      title: "Errors",
      class: "grow",
      cell: (row) => bar(row.error_share, `${count(row.errors)} · ${share(row.error_share)}`, "bad"),
    },
    { title: "p50", num: true, cell: (row) => ms(row.p50_ms) },
    { title: "p95", num: true, cell: (row) => ms(row.p95_ms) },
    { title: "p99", num: true, wide: true, cell: (row) => ms(row.p99_ms) },
    { title: "Longest", num: true, wide: true, cell: (row) => ms(row.max_ms) },
    {
      title: "Traces",
      class: "links",
      cell: (row) => [
        link(itsTraces(query, data.by, row.value), "all"),
        row.errors > 0 && link(itsTraces(query, data.by, row.value, { failed: "true" }), "failed"),
        row.trace_id && traceLink(row.trace_id, null, "one"),
      ],
    },
  ];
  return section(
    `By ${data.by}`,
    table(`Requests by ${data.by}`, columns, data.groups, (row) => row.value),
    h("p", { class: "note" }, `${many(data.without, "request")} without ${data.by}.`),
    leftOut(data.groups_left_out, "values are not shown"),
  );
}

function common(data, query) {
  const isSlow = data.bad === "slow";
  const [bad, word] = isSlow ? [data.slow, "slow"] : [data.failed, "failed"];
  const title = `What the ${word} ones have in common`;
  const other = link(
    asked(query, { bad: isSlow ? null : "slow" }),
    isSlow ? "ask about the failed ones" : "ask about the slow ones",
  );
  if (data.common.length === 0) {
    return section(
      title,
      empty(
        bad === 0 ? `None of them is ${word}.` : `Nothing stands out among the ${many(bad, `${word} one`)}.`,
        bad === 0 ? "" : "A value has to be on three of them, and on more of them than chance makes likely. ",
        other,
        ".",
      ),
    );
  }
  const more = isSlow ? { min_ms: data.slow_ms } : { failed: "true" };
  const columns = [
    {
      title: "Value",
      cell: (row) =>
        link(
          asked(query, narrowed(query, row.attribute, row.value)),
          h("span", { class: "route" }, h("span", { class: "dim" }, `${row.attribute} = `), row.value),
          "these alone",
        ),
    },
    {
      title: `Are ${word}`,
      class: "grow",
      cell: (row) => bar(row.bad_share, `${share(row.bad_share)} of ${count(row.requests)}`, "bad"),
    },
    {
      title: "instead of",
      num: true,
      hint: "among all that are selected",
      cell: () => share(data.requests > 0 ? bad / data.requests : null),
    },
    {
      title: "Lift",
      num: true,
      hint: "how many times more often than among all",
      cell: (row) => `${three(row.lift)}×`,
    },
    {
      title: "Score",
      num: true,
      wide: true,
      hint: "by how many standard deviations they are more than expected",
      cell: (row) => three(row.score),
    },
    {
      title: "Traces",
      class: "links",
      cell: (row) => [
        link(itsTraces(query, row.attribute, row.value, more), count(row.bad)),
        row.trace_id && traceLink(row.trace_id, null, "one"),
      ],
    },
  ];
  return section(
    title,
    table(title, columns, data.common, (row) => `${row.attribute}=${row.value}`),
    h(
      "p",
      { class: "note" },
      "What goes together, not what causes what: with hundreds of values some stand out by chance. ",
      other,
      ".",
    ),
    leftOut(data.common_left_out, "values stand out, too"),
  );
}

function attributes(data, query) {
  return section(
    "Attributes",
    h(
      "ul",
      { class: "attribute-list", onkeydown: walk("a") },
      data.attributes.map((one) =>
        h(
          "li",
          { "data-key": one.name },
          h(
            "a",
            { href: asked(query, { by: one.name }), "aria-current": one.name === data.by ? "true" : null },
            one.name,
          ),
          h("span", { class: "dim" }, many(one.values, "value")),
        ),
      ),
    ),
    leftOut(data.attributes_left_out, "are not shown"),
  );
}
