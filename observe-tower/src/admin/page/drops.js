// What was lost, and how exports stand.

views.set("drops", {
  title: "Drops & export",
  every: 5,
  read: (query, signal) => get("drops", null, signal),
  draw(data) {
    const sum = (rows) => rows.reduce((all, row) => all + (row.count ?? 0), 0);
    const lost = sum(data.dropped);
    const failed = sum(data.exports.filter((row) => row.outcome !== "ok"));
    return [
      heading("Drops & export", h("span", { class: "note" }, "since the start")),
      h(
        "p",
        { class: `verdict ${lost + failed > 0 ? "bad" : "good"}` },
        lost + failed > 0
          ? `✕ ${count(lost)} dropped, ${many(failed, "delivery", "deliveries")} failed.`
          : "✓ Nothing was dropped, and no delivery failed.",
      ),
      h(
        "div",
        { class: "columns" },
        losses("Dropped", ["signal", "reason"], data.dropped, () => true),
        losses("Exports", ["signal", "outcome"], data.exports, (row) => row.outcome !== "ok"),
        losses("Waiting in queues", ["signal"], data.queues, () => false, "length"),
        losses("Traces decided", ["decision"], data.traces, () => false),
        losses("Context refused", ["header", "reason"], data.context_rejected, () => true),
        losses("Label overflow", ["metric", "label"], data.label_overflow, () => true),
        losses("Refused here", ["rule"], data.admin_refused, () => true),
      ),
    ];
  },
});

/** What is not 0; and what is, to be unfolded: 0 is an answer, too. */
function losses(title, names, rows, isLoss, value = "count") {
  const key = (row) => names.map((name) => row[name]).join(" ");
  const columns = [
    ...names.map((name) => ({ title: name.replaceAll("_", " "), cell: (row) => row[name] })),
    { title: value, num: true, cell: (row) => (isLoss(row) ? loss(row[value]) : count(row[value])) },
  ];
  const some = rows.filter((row) => row[value] !== 0);
  const none = rows.filter((row) => row[value] === 0);
  return section(
    title,
    rows.length === 0 && h("p", { class: "note" }, "There is none of it."),
    some.length > 0 && table(title, columns, some, key),
    none.length > 0 &&
      h(
        "details",
        null,
        h(
          "summary",
          null,
          some.length > 0 ? `${count(none.length)} more are 0` : `All ${count(none.length)} are 0`,
        ),
        h(
          "ul",
          { class: "zeros" },
          none.map((row) => h("li", { "data-key": key(row) }, key(row))),
        ),
      ),
  );
}
