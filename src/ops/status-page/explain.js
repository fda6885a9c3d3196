import { element, show } from "./dom.js";
import { plural } from "./words.js";

/** Hosts that are listed; those that come nearest are first. */
const HOSTS_LISTED = 100;

const VERDICTS = {
  held: "has it",
  next: "gets it",
  fits: "fits",
  needed: "needed ahead",
  taken: "fits, not free",
  unfit: "does not fit",
};

const byId = (id) => document.getElementById(id);

/** Opens the explanation of a machine: each host of its pool, fits or why not, and who is ahead. */
export async function explain({ kind, namespace, name }, headers) {
  const dialog = byId("explanation");
  show(byId("explanation-title"), `${namespace}/${name}`);
  show(byId("explanation-body"), element("p", {}, "Asking…"));
  dialog.showModal();
  const path = [namespace, name].map(encodeURIComponent).join("/");
  try {
    const response = await fetch(
      `api/v1/explain/machine/${path}?kind=${encodeURIComponent(kind)}&limit=${HOSTS_LISTED}`,
      {
        headers,
      },
    );
    const answer = await response.json();
    const parts = response.ok ? explanation(answer) : [element("p", { role: "alert" }, answer.error.message)];
    show(byId("explanation-body"), ...parts);
  } catch {
    show(byId("explanation-body"), element("p", { role: "alert" }, "The replica could not be asked."));
  }
}

function explanation({ entry, ahead, aheadTotal, hosts, hostsTotal }) {
  const place = entry.position === null ? "Without a place in the queue" : `Position ${entry.position}`;
  const parts = [
    element("p", {}, `${place} for ${entry.hostKind} in ${entry.namespace}: ${entry.why}.`),
    element("p", { class: "quiet" }, `Needs ${entry.needs}; priority ${entry.priority}.`),
  ];
  if (ahead.length > 0) {
    const items = ahead.map((claim) =>
      element(
        "li",
        {},
        element("span", { class: "name" }, `${claim.namespace}/${claim.name}`),
        element("span", { class: "quiet" }, ` needs ${claim.needs}`),
      ),
    );
    parts.push(element("h3", {}, `Ahead of it: ${plural(aheadTotal, "claim")}`), element("ol", {}, ...items));
  }
  const more = hostsTotal > hosts.length ? `, the first ${hosts.length}` : "";
  parts.push(element("h3", {}, `Hosts: ${hostsTotal.toLocaleString("en")}${more}`));
  if (hosts.length > 0) parts.push(hostTable(hosts));
  return parts;
}

function hostTable(hosts) {
  const head = ["Host", "State", "Verdict", "Reason"].map((text) =>
    element("th", { scope: "col", role: "columnheader" }, text),
  );
  const rows = hosts.map(({ host, state, verdict, reasons }) =>
    element(
      "tr",
      { role: "row" },
      element("th", { scope: "row", role: "rowheader", class: "name wide" }, host),
      element("td", { role: "cell" }, state),
      element("td", { role: "cell", class: "unbroken" }, VERDICTS[verdict]),
      element("td", { role: "cell", class: "wide" }, reasons.join("; ") || "–"),
    ),
  );
  return element(
    "table",
    { "aria-label": "Hosts", class: "cards", role: "table" },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...head)),
    element("tbody", { role: "rowgroup" }, ...rows),
  );
}
