import { consumerKey, type Host } from "../src/claims/claim.ts";
import { priorityPoints } from "../src/claims/priority.ts";
import type { World } from "../src/coordinator/world.ts";
import {
  CLAIMED_AT_ANNOTATION,
  CLAIMED_BY_ANNOTATION,
  MODE_ANNOTATION,
  PRIORITY_ANNOTATION,
  RECEIPT_ANNOTATION,
  REQUESTER_ANNOTATION,
  STAMP_ANNOTATIONS,
  TERM_ANNOTATION,
} from "../src/hosts/annotations.ts";
import type { Receipt } from "../src/receipts/receipt.ts";
import type { ReviewAnswer, ReviewRequest } from "./review.ts";
import { termOf, type Verdict } from "./verdict.ts";

/** null while there is no key to sign with: a claim never waits, or fails, for its receipt. */
export type SignReceipt = (receipt: Receipt) => Promise<string> | null;

/** A write repeated, by reinvocation or by its client, among this many and within this time is stamped alike. */
const REMEMBERED = 512;
const REMEMBERED_MS = 60_000;

/**
 * The annotations that tell a person, later, who got this host, when, how and why. No decision ever reads them.
 * The same write stamped twice is stamped alike: reviews of one write share consumer, host uid, old
 * resourceVersion and requester, while request.uid differs per call.
 */
export class Stamps {
  readonly #world: World;
  readonly #sign: SignReceipt | null;
  readonly #recent = new RecentWrites();

  #saidSecond = { epoch: Number.NaN, text: "" };

  constructor(options: { world: World; sign: SignReceipt | null }) {
    this.#world = options.world;
    this.#sign = options.sign;
  }

  patch(
    request: ReviewRequest,
    verdict: Verdict,
    nowMs: number,
  ): ReviewAnswer["patch"] | Promise<ReviewAnswer["patch"]> {
    const { consumer, host } = verdict;
    if (consumer === null || host === null) return [];
    const term = termOf(verdict);
    const by = `${consumerKey(consumer)} ${verdict.requester.username} ${term}`;
    const known = this.#recent.get(host, by, nowMs);
    if (known !== undefined) return toPatch(request, known);
    const priority = priorityPoints(this.#world.claimOf(consumer, host, nowMs), nowMs);
    const annotations: Record<string, string> = {
      [CLAIMED_AT_ANNOTATION]: this.#second(nowMs),
      [CLAIMED_BY_ANNOTATION]: `${consumer.namespace}/${consumer.name}`,
      [PRIORITY_ANNOTATION]: String(priority),
      [MODE_ANNOTATION]: verdict.decision.allow ? verdict.decision.mode : "",
      [REQUESTER_ANNOTATION]: verdict.requester.username,
    };
    if (term !== "") annotations[TERM_ANNOTATION] = term;
    const receipt = this.#sign?.({
      hostUID: host.uid,
      hostResourceVersion: host.resourceVersion,
      consumer: consumerKey(consumer),
      consumerUID: consumer.uid,
      term,
      priority,
      atMs: nowMs,
    });
    if (!receipt) return toPatch(request, this.#recent.add(host, by, nowMs, annotations));
    return receipt.then((jws) => {
      annotations[RECEIPT_ANNOTATION] = jws;
      return toPatch(request, this.#recent.add(host, by, nowMs, annotations));
    });
  }

  /** RFC 3339. In a storm of claims, many fall into one second. */
  #second(nowMs: number): string {
    const epoch = Math.floor(nowMs / 1000);
    if (this.#saidSecond.epoch !== epoch) {
      this.#saidSecond = { epoch, text: `${new Date(nowMs).toISOString().slice(0, 19)}Z` };
    }
    return this.#saidSecond.text;
  }
}

type Annotations = Readonly<Record<string, string>>;

/**
 * The stamps of the last writes. Two generations, the older one dropped whole: to delete entry by entry from a Map
 * in the order of insertion costs more than a verdict.
 */
class RecentWrites {
  #young = new Map<string, { by: string; hostVersion: string; atMs: number; annotations: Annotations }>();
  #old = this.#young;

  get(host: Host, by: string, nowMs: number): Annotations | undefined {
    const known = this.#young.get(host.uid) ?? this.#old.get(host.uid);
    const same = known?.by === by && known.hostVersion === host.resourceVersion;
    return same && nowMs - known.atMs < REMEMBERED_MS ? known.annotations : undefined;
  }

  add(host: Host, by: string, atMs: number, annotations: Annotations): Annotations {
    if (this.#young.size >= REMEMBERED) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(host.uid, { by, hostVersion: host.resourceVersion, atMs, annotations });
    return annotations;
  }
}

/** JSON pointers of the annotations, escaped once. */
const PATHS = new Map(
  STAMP_ANNOTATIONS.map((key) => [
    key,
    `/metadata/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
  ]),
);

function toPatch(
  { object }: ReviewRequest,
  annotations: Readonly<Record<string, string>>,
): NonNullable<ReviewAnswer["patch"]> {
  const present = object.metadata.annotations;
  if (present === undefined || present === null) {
    return [{ op: "add", path: "/metadata/annotations", value: annotations }];
  }
  const patch: { op: "add" | "remove"; path: string; value?: string }[] = [];
  for (const key in annotations) {
    const value = annotations[key]!;
    if (present[key] !== value) patch.push({ op: "add", path: pathOf(key), value });
  }
  // A term or receipt left from another claim would lie about this one.
  for (const key of [TERM_ANNOTATION, RECEIPT_ANNOTATION]) {
    if (key in present && !(key in annotations)) patch.push({ op: "remove", path: pathOf(key) });
  }
  return patch;
}

function pathOf(annotation: string): string {
  return PATHS.get(annotation)!;
}
