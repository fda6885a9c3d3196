import { explain } from "./explain.js";
import { readEvents } from "./stream.js";
import { render } from "./view.js";

/** Claims that are shown; a longer queue says how long it is. */
const LIMIT = 200;
/** The replica says something every 15 s. */
const SILENCE_MS = 40_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const REDRAW_MS = 5_000;
const TOKEN = "beskar7-token";

const byId = (id) => document.getElementById(id);
const settings = {
  token: sessionStorage.getItem(TOKEN) ?? "",
  namespace: new URLSearchParams(location.hash.slice(1)).get("namespace") ?? "",
};

let connection = new AbortController();
/** Ends the pause before the next attempt; a new one for each pause. */
let wake = () => {};
let latest = null;
/** The replica's clock minus this one's, milliseconds: ages must not depend on how this device's clock is set. */
let aheadMs = 0;

function say(state, text) {
  const place = byId("connection");
  place.dataset.state = state;
  if (place.textContent !== text) place.textContent = text;
  document.body.toggleAttribute("data-stale", state !== "live" && latest !== null);
}

function draw() {
  if (latest === null) return;
  render(latest, Date.now() + aheadMs);
  byId("overview").hidden = false;
}

const credentials = () => (settings.token === "" ? {} : { authorization: `Bearer ${settings.token}` });

/** Resolves with whether to ask again by itself. */
async function follow(signal) {
  const query = new URLSearchParams({ limit: String(LIMIT) });
  if (settings.namespace !== "") query.set("namespace", settings.namespace);
  const response = await fetch(`api/v1/events?${query}`, { headers: credentials(), signal });
  if (!response.ok) {
    const { error } = await response.json().catch(() => ({ error: undefined }));
    return refused(response.status, error?.message ?? `it answered ${response.status}`);
  }
  ask("");
  let watchdog = 0;
  const onSign = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => connection.abort(), SILENCE_MS);
  };
  const onEvent = (type, data) => {
    if (type !== "overview") return;
    latest = JSON.parse(data);
    aheadMs = Date.parse(latest.status.at) - Date.now();
    say("live", settings.namespace === "" ? "Live" : `Live, namespace ${settings.namespace}`);
    draw();
  };
  try {
    onSign();
    await readEvents(response.body, { onEvent, onSign });
  } finally {
    clearTimeout(watchdog);
  }
  return true;
}

function refused(status, message) {
  if (status !== 401 && status !== 403 && status !== 400) throw new Error(message);
  say("refused", status === 401 ? "A token is needed" : "Not allowed");
  const first = status === 401 && settings.token === "";
  ask(
    first ? "A bearer token is needed to read the queue." : capital(message),
    status === 401 ? "token" : "namespace",
  );
  return false;
}

const capital = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Opens the form with what is wrong, or closes it when nothing is. */
function ask(problem, field) {
  byId("access-problem").textContent = problem;
  byId("access").open = problem !== "";
  if (problem !== "") byId(field).focus();
}

function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

async function run() {
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    connection = new AbortController();
    let again = true;
    try {
      again = await follow(connection.signal);
      pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      if (!connection.signal.aborted) console.warn(error);
      say("lost", "Connection lost, trying again");
    }
    await pause(again ? pauseMs * (0.75 + Math.random() / 2) : 2 ** 31 - 1);
    pauseMs = again ? Math.min(2 * pauseMs, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
  }
}

// Narrow screens lay tables out as blocks, after which some browsers forget that they are tables.
const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TH: "columnheader" };
for (const part of document.querySelectorAll("table, thead, tbody, thead tr, thead th")) {
  part.setAttribute("role", ROLES[part.tagName]);
}
byId("token").value = settings.token;
byId("namespace").value = settings.namespace;
byId("access-form").addEventListener("submit", (event) => {
  event.preventDefault();
  settings.token = byId("token").value.trim();
  settings.namespace = byId("namespace").value.trim();
  sessionStorage.setItem(TOKEN, settings.token);
  const hash = settings.namespace === "" ? "" : `#namespace=${settings.namespace}`;
  history.replaceState(null, "", location.pathname + location.search + hash);
  say("connecting", "Connecting");
  connection.abort();
  wake();
});
// On the table, since its rows come and go.
byId("queue-rows").addEventListener("click", ({ target }) => {
  const button = target.closest("[data-explain]");
  if (button !== null) explain(JSON.parse(button.dataset.explain), credentials());
});
byId("explanation-close").addEventListener("click", () => byId("explanation").close());
// A phone that wakes up should not wait for the pause to end.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && byId("connection").dataset.state === "lost") wake();
});
setInterval(draw, REDRAW_MS);
await run();
