import { element, show } from "./dom.js";
import { clock, duration, plural, podOf, priorityAt, span } from "./words.js";

const byId = (id) => document.getElementById(id);
const DAY_MS = 86_400_000;

/** Puts an overview on the page; `nowMs` is the replica's time. */
export function render({ status, queue }, nowMs) {
  renderLeader(status, nowMs);
  renderFigures(status, queue, nowMs);
  renderQueue(queue, status.pools, nowMs);
  show(byId("pools"), ...status.pools.map(poolCard));
  if (status.pools.length === 0) show(byId("pools"), note("No host is known."));
  renderDecisions(status.decisions, nowMs);
  renderRejections(status.rejections);
  renderLatency(status.latency);
  renderElections(status.leaderEvents, nowMs);
  const { identity, version, leading } = status.replica;
  const role = leading ? "which leads" : "which follows";
  show(byId("replica"), `Answered by ${podOf(identity)}, ${role}; version ${version}.`);
}

function renderLeader({ leader, replica }, nowMs) {
  const section = byId("leader");
  section.dataset.state = leader.state;
  const transitions = leader.transitions === null ? null : plural(leader.transitions, "transition");
  const since = leader.since === null ? null : `since ${clock(leader.since, nowMs)}`;
  const led = leader.since === null ? "leads" : `has led for ${span(nowMs - Date.parse(leader.since))}`;
  const headline = {
    ours: () => [element("span", { class: "name" }, podOf(leader.identity)), ` ${led}`],
    foreign: () => [element("span", { class: "name" }, leader.identity), `, another elector, ${led}`],
    none: () => ["Nobody leads: claims pass optimistically"],
  }[leader.state]();
  show(
    section,
    element("p", { class: "headline" }, ...headline),
    element("p", { class: "quiet" }, [since, transitions].filter(Boolean).join(", ") || "There is no Lease."),
    ...(replica.notReady === null
      ? []
      : [
          element(
            "p",
            { class: "trouble" },
            `${podOf(replica.identity)} can't judge claims: ${replica.notReady}`,
          ),
        ]),
  );
}

function renderFigures({ pools, latency, rejections, certificate }, queue, nowMs) {
  const sum = (of) => pools.reduce((total, pool) => total + of(pool), 0);
  const oldest = pools
    .map(({ oldestSince }) => oldestSince)
    .filter(Boolean)
    .sort()[0];
  const rejected = rejections.reduce((total, { count }) => total + count, 0);
  const leftMs = certificate.expiresAt === null ? null : Date.parse(certificate.expiresAt) - nowMs;
  const left = leftMs === null ? "–" : leftMs <= 0 ? "expired" : span(leftMs);
  const level = leftMs === null || leftMs > 7 * DAY_MS ? null : leftMs > DAY_MS ? "warn" : "bad";
  const count = (number) => number.toLocaleString("en");
  show(
    byId("figures"),
    figure("waiting or being bound", count(queue.total)),
    figure("free hosts", count(sum((pool) => pool.byState.Free + pool.byState.Reserved))),
    figure("oldest wait", oldest === undefined ? "–" : span(nowMs - Date.parse(oldest))),
    figure("review, p99", duration(latency.validate.p99Ms)),
    figure("rejections", count(rejected)),
    figure("certificate valid for", left, level),
  );
}

const figure = (term, value, level = null) =>
  element("div", {}, element("dt", {}, term), element("dd", { "data-level": level }, value));

function renderQueue({ entries, total }, pools, nowMs) {
  const rows = [];
  let pool = "";
  for (const entry of entries) {
    const name = poolName(entry);
    if (name !== pool && pools.length > 1) rows.push(poolRow(entry));
    pool = name;
    rows.push(queueRow(entry, nowMs));
  }
  show(byId("queue-rows"), ...rows);
  byId("queue-table").hidden = entries.length === 0;
  const more =
    total > entries.length
      ? `The first ${plural(entries.length, "claim")} of ${total.toLocaleString("en")}.`
      : "";
  show(byId("queue-note"), total === 0 ? "Nobody waits for a host." : more);
}

const poolName = ({ hostKind, namespace }) => `${hostKind} in ${namespace}`;

const poolRow = (entry) =>
  element(
    "tr",
    { class: "pool", role: "row" },
    element("th", { colspan: "6", scope: "colgroup", role: "rowheader" }, poolName(entry)),
  );

function queueRow(entry, nowMs) {
  const { consumer, position, needs, why, host } = entry;
  const state = position === null ? (host === null ? "held back" : "binding") : String(position);
  return row(
    ["", state, "number place"],
    ["", explainable(consumer)],
    ["Priority", String(priorityAt(entry, nowMs)), "number"],
    ["Age", span(nowMs - Date.parse(entry.createdAt)), "number"],
    ["Needs", needs, "wide"],
    ["Waits:", host === null ? why : `getting ${host}`, "wide"],
  );
}

function renderDecisions(decisions, nowMs) {
  const rows = decisions.map((decision) => {
    const { allowed, mode, reason, message, host, consumer, times, at } = decision;
    const verdict = element(
      "span",
      { class: allowed ? "allowed" : "rejected" },
      allowed ? "allowed" : "rejected",
    );
    const why = allowed
      ? MODES[mode]
      : element("span", {}, element("span", { class: "code" }, reason), ` ${message}`);
    const often = times === 1 ? null : element("span", { class: "quiet unbroken" }, ` ${times} times`);
    return row(
      ["", element("time", { datetime: at }, clock(at, nowMs))],
      ["", element("span", {}, verdict, often)],
      ["", consumer === null ? "unknown" : consumerName(consumer), "wide"],
      ["Host", element("span", { class: "name" }, host), "wide"],
      ["", why, "wide"],
    );
  });
  show(byId("decision-rows"), ...rows);
  byId("decisions-table").hidden = rows.length === 0;
  show(
    byId("decisions-note"),
    rows.length === 0 ? "None yet on this replica." : "Of the replica that answers; the latest first.",
  );
}

const MODES = {
  leader: "claimed by the leader",
  optimistic: "nobody led: the API server arbitrated",
  "break-glass": "a break-glass group",
  uninvolved: "no claim",
};

function poolCard({ hostKind, namespace, hosts, byState, unavailable, waiting, placed }) {
  const states = Object.entries(byState).filter(([, count]) => count > 0);
  const bar = element("div", { class: "bar", "aria-hidden": "true" });
  for (const [state, count] of states) {
    const part = element("span", { "data-host-state": state });
    part.style.flexGrow = String(count);
    bar.append(part);
  }
  const why = unavailable.map(({ why: reason, hosts: count }) => `${count}: ${reason}`).join("; ");
  const queue =
    waiting === 0
      ? "nobody waits"
      : `${waiting.toLocaleString("en")} waiting, ${placed.toLocaleString("en")} of them with a free host`;
  return element(
    "div",
    { class: "pool-card" },
    element("h3", {}, `${hostKind} in `, element("span", { class: "name" }, namespace)),
    element("p", { class: "quiet" }, `${plural(hosts, "host")}, ${queue}`),
    hosts === 0 ? null : bar,
    element(
      "ul",
      { class: "states" },
      ...states.map(([state, count]) =>
        element("li", { "data-host-state": state }, `${count} ${LABELS[state]}`),
      ),
    ),
    why === "" ? null : element("p", { class: "quiet" }, `Unavailable: ${why}`),
  );
}

const LABELS = {
  Free: "free",
  Reserved: "reserved",
  Binding: "being bound",
  Held: "held",
  Orphaned: "orphaned",
  Unavailable: "unavailable",
  Deleting: "being deleted",
};

function renderRejections(rejections) {
  const pairs = rejections.flatMap(({ reason, count }) => [
    element("dt", { class: "code" }, reason),
    element("dd", {}, count.toLocaleString("en")),
  ]);
  const list =
    pairs.length === 0
      ? note("None since this replica started.")
      : element("dl", { class: "counts" }, ...pairs);
  show(byId("rejection-list"), list);
}

function renderLatency({ mutate, validate, bind }) {
  const steps = [
    ["mutate", mutate],
    ["validate", validate],
    ["bind", bind],
  ];
  const rows = steps.map(([name, { p50Ms, p90Ms, p99Ms, maxMs }]) =>
    element(
      "tr",
      { role: "row" },
      element("th", { scope: "row", role: "rowheader" }, name),
      ...[p50Ms, p90Ms, p99Ms, maxMs].map((ms) =>
        element("td", { class: "number", role: "cell" }, duration(ms)),
      ),
    ),
  );
  show(byId("latency-rows"), ...rows);
}

function renderElections(events, nowMs) {
  const words = {
    started_leading: "began to lead",
    stopped_leading: "stopped leading",
    new_leader: "is the new leader",
  };
  const items = events.map(({ at, event, identity }) =>
    element(
      "li",
      {},
      element("time", { datetime: at, class: "quiet" }, clock(at, nowMs)),
      " ",
      element("span", { class: "name" }, podOf(identity)),
      ` ${words[event]}`,
    ),
  );
  show(
    byId("election-list"),
    ...(items.length === 0 ? [element("li", { class: "quiet" }, "None seen.")] : items),
  );
}

const consumerName = ({ kind, namespace, name }) =>
  element(
    "span",
    {},
    element("span", { class: "name" }, `${namespace}/${name}`),
    element("span", { class: "kind" }, kind),
  );

/** The same as a button that opens the explanation (page.js listens). */
function explainable(consumer) {
  const { kind, namespace, name } = consumer;
  const ref = JSON.stringify({ kind, namespace, name });
  const attributes = { type: "button", class: "link", "data-explain": ref, "aria-haspopup": "dialog" };
  return element(
    "span",
    {},
    element("button", attributes, element("span", { class: "name" }, `${namespace}/${name}`)),
    element("span", { class: "kind" }, kind),
  );
}

const note = (text) => element("p", { class: "note" }, text);

/** Cells of [label, content, class]; narrow screens show the label, which is empty where the content says enough. */
function row(...cells) {
  const made = cells.map(([label, content, kind = null]) =>
    element("td", { role: "cell", class: kind, "data-label": label === "" ? null : label }, content),
  );
  return element("tr", { role: "row" }, ...made);
}
