// What is recorded; and the two changes that may be made from here.

/** What became of the last change that was asked for here. */
const change = { text: "", isBad: false };

async function make(path, body, done) {
  try {
    const data = await post(path, body);
    Object.assign(change, { text: done(data), isBad: false });
    if (path === "levels" && app.view === "levels") app.data = data;
  } catch (error) {
    Object.assign(change, {
      text: error instanceof Refused ? `${said(error)} ${advice(error)}` : String(error),
      isBad: true,
    });
  }
  draw();
}

views.set("levels", {
  title: "Levels",
  every: 1,
  read: (query, signal) => get("levels", null, signal),
  draw(data) {
    const { raised } = data;
    return [
      heading("Levels", h("span", { class: "note" }, "which lines and spans are recorded")),
      h(
        "dl",
        { class: "pairs large" },
        pair("Now", h("code", { id: "filter-now" }, data.filter)),
        pair("Without the change", h("code", null, data.base)),
        pair(
          "Reverts",
          raised
            ? h("span", { id: "reverts" }, `in ${span(Math.ceil(raised.left_s))}, at ${clock(raised.until)}`)
            : h("span", { class: "dim", id: "reverts" }, "nothing is raised"),
        ),
      ),
      data.can_change
        ? raise(raised)
        : section(
            "Change",
            empty(
              "Levels are not changed here.",
              "AdminBuilder::allow_level_changes allows it; RUST_LOG says what holds from the start.",
            ),
          ),
      h("p", { id: "changed", role: "status", class: change.isBad ? "bad" : "good" }, change.text),
      section(
        "Changes made here",
        data.changes.length === 0
          ? h("p", { class: "note" }, "None yet.")
          : table(
              "The last changes, the latest first",
              [
                { title: "At", cell: (row) => when(row.time) },
                { title: "Change", cell: (row) => row.change },
                { title: "From", cell: (row) => h("code", null, row.from) },
                { title: "To", cell: (row) => h("code", null, row.to) },
                { title: "Until", cell: (row) => (row.until ? when(row.until) : "") },
                { title: "By", wide: true, cell: (row) => h("code", null, row.peer) },
              ],
              data.changes,
              (row) => row.time,
            ),
      ),
      snapshot(),
    ];
  },
});

function raise(raised) {
  const onsubmit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    make(
      "levels",
      { filter: form.get("filter").trim(), for_s: Number(form.get("for_s")) },
      (data) => `Raised to ${data.filter}, until ${clock(data.raised?.until)}.`,
    );
  };
  return section(
    "Change",
    h(
      "form",
      { class: "search", onsubmit, "data-key": "raise" },
      labelled(
        "Filter, on top of what holds",
        h("input", {
          name: "filter",
          size: 28,
          required: true,
          placeholder: "shop=debug",
          autocomplete: "off",
          spellcheck: "false",
        }),
      ),
      labelled(
        "For, seconds",
        h("input", {
          name: "for_s",
          type: "number",
          min: 1,
          max: 86400,
          step: 1,
          value: "600",
          required: true,
          class: "short",
          list: "times",
        }),
      ),
      h(
        "datalist",
        { id: "times" },
        [60, 600, 3600].map((seconds) => h("option", { value: seconds }, span(seconds))),
      ),
      h("button", { type: "submit", class: "main" }, "Raise"),
      h(
        "button",
        {
          type: "button",
          disabled: !raised,
          onclick: () => make("levels", { revert: true }, (data) => `Reverted to ${data.filter}.`),
        },
        "Revert now",
      ),
    ),
    h(
      "p",
      { class: "note" },
      "In the form of RUST_LOG. It goes back by itself, and each change is a line of the log.",
    ),
  );
}

function snapshot() {
  const may = app.about?.capabilities.snapshots;
  return section(
    "Snapshot of the flight recorder",
    !app.about?.recorder
      ? noRecorder()
      : may
        ? h(
            "p",
            null,
            h(
              "button",
              {
                type: "button",
                onclick: () =>
                  make("snapshots", {}, (data) => `A snapshot is being written: ${data.folder}.`),
              },
              "Take a snapshot",
            ),
            h(
              "span",
              { class: "note" },
              ` what is remembered now, ${bytes(app.about.recorder.bytes)}, as files in the folder of Builder::snapshots`,
            ),
          )
        : empty(
            "Snapshots are not taken from here.",
            "AdminBuilder::allow_snapshots allows it; a panic and a burning objective take one anyway where Builder::snapshots names a folder.",
          ),
  );
}
