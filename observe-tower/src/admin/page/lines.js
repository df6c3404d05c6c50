// The lines of a trace, in the order of time, each with the way to its place.

function level(name) {
  return { ERROR: "bad", WARN: "warn" }[name] ?? "";
}

function lineList(lines, chosen) {
  if (lines.length === 0)
    return h(
      "section",
      { class: "lines", "aria-label": "Lines" },
      h("h2", null, "Lines"),
      empty(
        "No line was written in this trace.",
        "Levels say which lines are recorded: see ",
        link(to("levels"), "Levels"),
        ".",
      ),
    );
  const show = (line, number) => () => {
    select({ span: line.span?.span_id ?? null, line: number });
    $(`span-${line.span?.span_id}`)?.scrollIntoView({ block: "nearest" });
  };
  const rows = lines.slice(0, app.query.has("all") ? lines.length : SHOWN).map((line, number) =>
    h(
      "li",
      null,
      h(
        "button",
        {
          type: "button",
          class: "line",
          "aria-pressed": String(line === chosen),
          title: line.span
            ? `${clock(line.time, true)} in ${line.span.name}: shows its place`
            : `${clock(line.time, true)}, of a span that is not here`,
          onclick: show(line, number),
        },
        h("span", { class: "line-at" }, `+${ms(line.offset_ms)}`),
        h("span", { class: `level ${level(line.level)}` }, line.level),
        h(
          "span",
          { class: "line-text" },
          line.message,
          Object.entries(line.fields).map(([name, value]) => [
            " ",
            h("span", { class: "line-field" }, h("span", null, `${name}=`), plain(value)),
          ]),
        ),
        h("span", { class: "line-in" }, line.span?.name ?? "not here"),
      ),
    ),
  );
  return h(
    "section",
    { class: "lines", "aria-label": "Lines", onkeydown: walk(".line") },
    h("h2", null, "Lines"),
    h("ol", null, rows),
    leftOut(lines.length - rows.length, "lines are not shown"),
  );
}
