// The frame: which view is shown, how fresh it is, and whether anybody looks.

const LIST = [
  ["Now", ["overview", "in-flight"]],
  ["Requests", ["traces", "slice"]],
  ["Parts", ["dependencies", "functions", "resources"]],
  ["Telemetry", ["labels", "drops", "levels"]],
];

const app = {
  about: null,
  tick: null,
  view: null,
  path: "",
  query: new URLSearchParams(),
  data: null,
  error: null,
  isPaused: false,
  stop: null,
  timer: null,
  live: "connecting",
  why: null,
  read: 0,
  aboutAt: 0,
};
const $ = (id) => document.getElementById(id);

/** Which view an address names, and what it asks. */
function place() {
  const [path, query] = location.hash.replace(/^#\//, "").split("?");
  const [name, ...rest] = path.split("/");
  return {
    view: views.has(name) ? name : "overview",
    path: rest.join("/"),
    query: new URLSearchParams(query ?? ""),
  };
}

/** Shows what the address names. */
function go(isFirst) {
  const { view, path, query } = place();
  const isOther = view !== app.view;
  Object.assign(app, {
    view,
    path,
    query,
    data: isOther || views.get(view).isFresh?.(path) ? null : app.data,
    error: null,
  });
  if (isOther) window.scrollTo(0, 0);
  document.title = `${views.get(view).title} · ${app.about?.service ?? "observe"}`;
  draw();
  // On a narrow screen the views are a row that can be scrolled.
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  load().then(() => {
    if (!isFirst && isOther) document.querySelector("main h1")?.focus({ preventScroll: true });
  });
}

/** Reads what the view shows, and again when it is time to. */
async function load() {
  clearTimeout(app.timer);
  app.stop?.abort();
  const stop = new AbortController();
  app.stop = stop;
  const view = views.get(app.view);
  try {
    // Whether it is ready, and how much is remembered, change.
    if (!app.about || Date.now() - app.aboutAt > 30e3) {
      app.about = await get("about", null, stop.signal);
      app.aboutAt = Date.now();
    }
    const data = await view.read(app.query, stop.signal, app.path);
    if (stop.signal.aborted) return;
    Object.assign(app, { data, error: null, read: Date.now() });
  } catch (error) {
    if (stop.signal.aborted) return;
    if (!(error instanceof Refused)) throw error;
    app.error = error;
    // Another process may be there when it answers again.
    if (error.status === 0) app.about = null;
  }
  draw();
  again();
}

function again() {
  const every = app.error ? (asksAgain(app.error) ? 2 : 0) : views.get(app.view).every;
  if (every > 0 && !app.isPaused && !document.hidden) app.timer = setTimeout(load, every * 1e3);
}

function draw() {
  const content =
    app.error && !app.data
      ? failure(app.error)
      : app.data
        ? [app.error && strip(app.error), ...nodes([views.get(app.view).draw(app.data, app.query, app.path)])]
        : [h("p", { class: "note", role: "status" }, "Reading …")];
  const now = h(
    "main",
    { id: "main", tabindex: -1, "data-view": app.view, class: app.error && app.data ? "stale" : null },
    ...content,
  );
  morph($("main"), now);
  frame();
}

/** The view could not be read, and there is none from before. */
function failure(error) {
  if (error.status === 401) return tokenForm(error);
  const title =
    error.status === 0 ? "No answer" : error.status === 404 ? "Not there" : `Refused (${error.status})`;
  return [
    heading(views.get(app.view).title),
    h(
      "div",
      { class: "empty alert", role: "alert" },
      h("p", null, h("strong", null, `${title}: `), said(error)),
      h("p", null, views.get(app.view).missing?.(error) ?? advice(error)),
      h("p", null, h("button", { type: "button", onclick: look }, "Ask again")),
    ),
  ];
}

/** The view is from before. */
function strip(error) {
  return h(
    "p",
    { class: "strip", role: "alert" },
    h("strong", null, "Not fresh: "),
    said(error),
    ` This is how it was at ${clock(app.read)}. `,
    advice(error),
    !asksAgain(error) && h("button", { type: "button", onclick: look }, "Ask again"),
  );
}

function said(error) {
  const text = error.message;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

function tokenForm(error) {
  const onsubmit = (event) => {
    event.preventDefault();
    token.set(new FormData(event.target).get("token").trim());
    app.about = null;
    listen();
    load();
  };
  return [
    heading("A token is asked for"),
    h(
      "form",
      { class: "token", onsubmit, "data-key": "token" },
      h(
        "p",
        { role: "alert" },
        token.get() ? said(error) : "This service answers those who know its token.",
        ` ${advice(error)}`,
      ),
      labelled(
        "Token",
        h("input", {
          name: "token",
          type: "password",
          autocomplete: "off",
          required: true,
          spellcheck: "false",
        }),
      ),
      h("button", { type: "submit", class: "main" }, "Use it"),
      h("p", { class: "note" }, "It is kept for this tab alone, until the tab is closed."),
    ),
  ];
}

/** What stands around the view. */
function frame() {
  const { about, tick } = app;
  $("service").textContent = about?.service ?? "observe";
  const facts = about
    ? [
        about.version && `version ${about.version}`,
        about.revision && about.revision.slice(0, 10),
        `up ${span(Math.floor(about.uptime_s + (Date.now() - app.aboutAt) / 1e3))}`,
        about.ready ? "ready" : h("b", { class: "bad" }, "✕ not ready"),
        h("a", { href: to("in-flight") }, `${count(tick?.in_flight)} in flight`),
      ]
    : [];
  morph(
    $("facts"),
    h(
      "span",
      { class: "facts", id: "facts" },
      facts.filter(Boolean).map((fact) => h("span", null, fact)),
    ),
  );
  const states = {
    live: ["good", "● live"],
    paused: ["dim", "❚❚ paused"],
    connecting: ["dim", "○ connecting"],
    lost: ["bad", "✕ no live data"],
  };
  const [kind, text] = states[app.isPaused ? "paused" : app.live];
  morph($("live"), h("span", { class: `live ${kind}`, id: "live", role: "status", title: app.why }, text));
  $("pause").textContent = app.isPaused ? "Resume" : "Pause";
  $("pause").setAttribute("aria-pressed", app.isPaused);
  $("forget").hidden = !token.get();
  const item = (name) =>
    h(
      "a",
      {
        href: to(name),
        "aria-current": app.view === name || (app.view === "trace" && name === "traces") ? "page" : null,
      },
      views.get(name).title,
    );
  morph(
    $("nav"),
    h(
      "nav",
      { id: "nav", "aria-label": "Views", onkeydown: walk("a") },
      LIST.map(([title, names]) => h("div", null, h("span", { class: "nav-title" }, title), names.map(item))),
    ),
  );
}

function listen() {
  if (app.isPaused || document.hidden) {
    events.close();
    return;
  }
  app.live = "connecting";
  events.open(
    (tick) => {
      app.tick = tick;
      app.live = "live";
      const view = views.get(app.view);
      if (app.data && !app.error && view.tick) {
        view.tick(app.data, tick, app.query);
        draw();
      } else {
        frame();
      }
    },
    (state) => {
      app.live = state === "live" ? "live" : "lost";
      app.why = state === "live" ? null : `${said(state)} ${advice(state)}`;
      frame();
    },
  );
}

/** Nothing is asked while nobody looks. */
function look() {
  listen();
  if (app.isPaused || document.hidden) {
    clearTimeout(app.timer);
    app.stop?.abort();
    frame();
  } else {
    load();
  }
}

const THEMES = ["auto", "light", "dark"];

function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  localStorage.setItem("observe-theme", name);
  $("theme").textContent = `Theme: ${name}`;
  $("theme").onclick = () => theme(THEMES[(THEMES.indexOf(name) + 1) % THEMES.length]);
}

theme(
  THEMES.includes(localStorage.getItem("observe-theme")) ? localStorage.getItem("observe-theme") : "auto",
);
$("skip").onclick = (event) => {
  event.preventDefault();
  $("main").focus();
};
$("pause").onclick = () => {
  app.isPaused = !app.isPaused;
  look();
};
$("forget").onclick = () => {
  token.forget();
  Object.assign(app, { about: null, data: null });
  look();
};
addEventListener("hashchange", () => go(false));
document.addEventListener("visibilitychange", look);
listen();
go(true);
