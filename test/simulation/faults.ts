/** What can go wrong in a run. Each seed takes some of them, since faults also hide each other. */
export const FAULTS = [
  /** Messages take up to seconds, and overtake each other. */
  "delays",
  /** Requests and answers are lost: the sender gets an error, or waits until its patience ends. */
  "losses",
  /** Requests and reviews arrive again, later. */
  "duplicates",
  /** Writes arrive long after their sender gave up. */
  "late-writes",
  /** Admitted writes wait before they are stored. */
  "slow-storage",
  /** The API server lets a write of a host be reviewed against an older version first, and throws that away. */
  "stale-cache",
  /** Watches deliver seconds late. */
  "watch-lag",
  /** Watches break, or fall silent. */
  "watch-breaks",
  /** The API server forgets its history: 410. */
  "compactions",
  /** The API server is away. */
  "outages",
  /** A process can't reach the API server; what it sent may arrive when it can again. */
  "partitions",
  /** Processes die, at any of their calls or between them, and start again. */
  "crashes",
  /** Processes stand still, with or without their clocks. */
  "freezes",
  /** Clocks differ, run apart, and jump. */
  "clocks",
  /** Reviews to one replica fail: connection refused. */
  "webhooks",
  /** Somebody deletes the Lease. */
  "lease",
  /** Hosts and machines come, change and go. */
  "churn",
  /** Certificates live for seconds: they are renewed all the time, and their authority is replaced. */
  "rotation",
  /** Somebody deletes the Secret with the certificates, or takes the trust out of the registrations. */
  "certificates",
] as const;

export type Fault = (typeof FAULTS)[number];

/** The faults that are in force now, none any more after healing; and how often each has struck. */
export class ActiveFaults extends Set<Fault> {
  readonly strikes = new Map<Fault, number>();

  /** True, which is `now`, only while the fault is in force; then it is counted. */
  strike(fault: Fault, now: boolean): boolean {
    if (!now || !this.has(fault)) return false;
    this.strikes.set(fault, (this.strikes.get(fault) ?? 0) + 1);
    return true;
  }
}

/** Under these alone no review may be lost to a certificate: none keeps a replica from the Secret or the registrations. */
export const HARMLESS_TO_CERTIFICATES: ReadonlySet<Fault> = new Set<Fault>([
  "stale-cache",
  "watch-lag",
  "watch-breaks",
  "compactions",
  "webhooks",
  "lease",
  "churn",
  "rotation",
]);
