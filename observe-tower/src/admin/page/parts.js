// What several views are made of.

/** Every view by its name in the address. */
const views = new Map();

/** An address of this page: a view, and what is asked of it. */
function to(view, query) {
  const text = new URLSearchParams(
    Object.entries(query ?? {}).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value])
        .filter((one) => one !== null && one !== undefined && one !== "" && one !== false)
        .map((one) => [name, one]),
    ),
  );
  return `#/${view}${text.size > 0 ? `?${text}` : ""}`;
}

function link(address, text, title) {
  return h("a", { href: address, title }, text);
}

/** The way to a trace, and to a span in it. */
function traceLink(trace_id, span_id, text) {
  return link(
    to(`trace/${trace_id}`, { span: span_id }),
    text ?? h("code", null, trace_id.slice(0, 8)),
    `trace ${trace_id}`,
  );
}

/** A figure that leads to the trace it was last seen in. */
function figure(text, exemplar) {
  if (!exemplar) return text;
  const title = `${ms(exemplar.value_ms)} at ${clock(exemplar.time)}: trace ${exemplar.trace_id}`;
  return link(to(`trace/${exemplar.trace_id}`, { span: exemplar.span_id }), text, title);
}

function heading(text, ...beside) {
  return h("div", { class: "heading" }, h("h1", { tabindex: -1 }, text), ...beside);
}

function section(title, ...content) {
  return h("section", { "aria-label": title }, h("h2", null, title), ...content);
}

/** Nothing to show: why, and what to do. */
function empty(why, ...what) {
  return h(
    "div",
    { class: "empty" },
    h("p", null, h("strong", null, why)),
    what.length > 0 && h("p", null, ...what),
  );
}

/**
 * A table. Columns: `{title, cell, num, wide, hint}`; what is `wide` is left out on a narrow screen. `key` tells rows apart.
 */
function table(caption, columns, rows, key) {
  const name = (column) =>
    [column.num && "num", column.wide && "wide", column.class].filter(Boolean).join(" ") || null;
  const head = columns.map((column) =>
    h("th", { scope: "col", class: name(column), title: column.hint }, column.title),
  );
  const body = rows.map((row, number) =>
    h(
      "tr",
      { "data-key": key ? key(row) : number },
      columns.map((column, place) =>
        h(place === 0 ? "th" : "td", { class: name(column), scope: place === 0 && "row" }, column.cell(row)),
      ),
    ),
  );
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      null,
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, head)),
      h("tbody", null, body),
    ),
  );
}

/** A part of a whole as a bar, beside its text. */
function bar(part, text, kind) {
  const width = isKnown(part) ? Math.max(0, Math.min(1, part)) * 100 : 0;
  return h(
    "span",
    { class: `bar ${kind ?? ""}` },
    h("span", { class: "bar-text" }, text),
    h(
      "span",
      { class: "bar-track", "aria-hidden": "true" },
      h("span", { class: "bar-fill", style: { width: `${width}%` } }),
    ),
  );
}

const OUTCOMES = { ok: "✓", error: "✕", panicked: "✕", cancelled: "○" };

/** How it ended: a sign and a word, not a colour alone. */
function outcome(text) {
  const kind = text === "ok" ? "good" : text === "cancelled" ? "dim" : "bad";
  return h(
    "span",
    { class: `outcome ${kind}` },
    h("span", { "aria-hidden": "true" }, `${OUTCOMES[text] ?? "·"} `),
    text,
  );
}

/** A figure that should be 0. */
function loss(value) {
  if (!isKnown(value)) return UNKNOWN;
  return h("span", { class: value > 0 ? "bad strong" : "dim" }, count(value));
}

function labelled(text, control) {
  return h("label", { class: "field" }, h("span", null, text), control);
}

function choice(name, value, options) {
  return h(
    "select",
    { name },
    options.map(([option, text]) => h("option", { value: option, selected: option === (value ?? "") }, text)),
  );
}

/** A form whose fields become the address: so that each search has one. */
function search(view, query, ...fields) {
  const onsubmit = (event) => {
    event.preventDefault();
    const data = new FormData(event.target);
    const asked = {};
    for (const name of new Set(data.keys())) asked[name] = data.getAll(name).map((text) => text.trim());
    location.hash = to(view, asked);
  };
  return h(
    "form",
    { class: "search", role: "search", onsubmit, "data-key": location.hash },
    ...fields,
    h("button", { type: "submit", class: "main" }, "Search"),
    query.size > 0 && link(to(view), "Clear"),
  );
}

/** What a filter lets through, as chips that take it away again. */
function chips(view, query) {
  const all = [...query].filter(([name]) => !["by", "bad", "slow_ms", "order", "limit"].includes(name));
  return (
    all.length > 0 &&
    h(
      "ul",
      { class: "chips", "aria-label": "Filters" },
      all.map(([name, value]) => {
        const rest = new URLSearchParams(
          [...query].filter(([other, its]) => other !== name || its !== value),
        );
        const text = name === "attribute" ? value : `${name} = ${value}`;
        return h(
          "li",
          null,
          h(
            "a",
            { href: to(view, grouped(rest)), title: "take this filter away" },
            text,
            h("span", { "aria-hidden": "true" }, " ×"),
            h("span", { class: "unseen" }, ", take this filter away"),
          ),
        );
      }),
    )
  );
}

/** A query as an object; what is there several times is a list. */
function grouped(query) {
  const all = {};
  for (const name of new Set(query.keys())) all[name] = query.getAll(name);
  return all;
}

function leftOut(number, what) {
  return number > 0 && h("p", { class: "note" }, `${many(number, "more", "more")} ${what}.`);
}

/** A field's value, whatever it is. */
function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
