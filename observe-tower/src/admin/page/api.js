// What the page asks: the JSON below `api/v1/`, and its events.

/** Why there is no answer: the service's own word, or that there is no service. */
class Refused extends Error {
  constructor(status, rule, message) {
    super(message);
    this.status = status;
    this.rule = rule;
  }
}

const TOKEN = "observe-token";
const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (text) => sessionStorage.setItem(TOKEN, text),
  forget: () => sessionStorage.removeItem(TOKEN),
};

function address(path, query) {
  const text = new URLSearchParams(
    Object.entries(query ?? {}).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value])
        .filter((one) => one !== null && one !== undefined && one !== "")
        .map((one) => [name, one]),
    ),
  );
  return `api/v1/${path}${text.size > 0 ? `?${text}` : ""}`;
}

async function ask(path, { query, body, signal, accept } = {}) {
  const headers = { accept: accept ?? "application/json" };
  if (token.get()) headers.authorization = `Bearer ${token.get()}`;
  if (body) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(address(path, query), {
      method: body ? "POST" : "GET",
      headers,
      signal,
      body: body && JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "gone", "The process does not answer.");
  }
  if (answer.ok) return answer;
  let said;
  try {
    said = (await answer.json()).error;
  } catch {
    said = undefined;
  }
  throw new Refused(
    answer.status,
    said?.rule ?? "unknown",
    said?.message ?? `It was answered with ${answer.status}.`,
  );
}

async function get(path, query, signal) {
  return parse(await ask(path, { query, signal }));
}

async function post(path, body) {
  return parse(await ask(path, { body }));
}

async function parse(answer) {
  try {
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "gone", "The answer broke off.");
  }
}

/** Whether to ask again unasked. With a token not once nobody answered: somebody else may have the address by then. */
function asksAgain(error) {
  return error.status === 0 ? !token.get() : error.status >= 500;
}

/** What to do about it, in words. */
function advice(error) {
  if (error.status === 0)
    return `It may have ended, be stopped, or be out of reach. ${
      asksAgain(error)
        ? "This page asks again by itself."
        : "Your token goes to whoever answers there next, so this page asks again when you say so."
    }`;
  if (error.rule === "token") return "The service was started with a token: whoever started it knows it.";
  if (error.rule === "host")
    return "Open the page by the address that the service listens on, or have the name allowed with AdminBuilder::allow_host.";
  if (error.rule === "origin")
    return "Open the page by its own address; a proxy in between has to leave Host and Origin as they are.";
  if (error.rule === "capability") return "Whoever starts the service allows it by its name, in code.";
  if (error.status === 503) return "Close other pages of this service. This page asks again by itself.";
  if (error.status >= 500) return "This page asks again by itself.";
  return "";
}

/** The events, for as long as the page is looked at: opened again when they end. */
const events = {
  stop: null,

  open(onTick, onState) {
    this.close();
    const stop = new AbortController();
    this.stop = stop;
    this.run(stop.signal, onTick, onState);
  },

  close() {
    this.stop?.abort();
    this.stop = null;
  },

  async run(signal, onTick, onState) {
    let pause = 1;
    while (!signal.aborted) {
      try {
        const answer = await ask("events", { signal, accept: "text/event-stream" });
        onState("live");
        pause = 1;
        await this.read(answer.body, onTick);
        if (signal.aborted) return;
        // Each is ended after a while: the next one is asked for.
      } catch (error) {
        if (signal.aborted) return;
        const refused =
          error instanceof Refused ? error : new Refused(0, "gone", "The process does not answer.");
        onState(refused);
        if (!asksAgain(refused)) return;
      }
      await new Promise((then) => setTimeout(then, pause * 1e3));
      pause = Math.min(pause * 2, 10);
    }
  },

  async read(body, onTick) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const parts = text.split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const lines = part.split("\n");
        const data = lines
          .filter((line) => line.startsWith("data:"))
          .map((line) => line.slice(5))
          .join("\n");
        if (data && lines.includes("event: tick")) onTick(JSON.parse(data));
      }
    }
  },
};
