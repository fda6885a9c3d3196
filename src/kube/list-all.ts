import type { CallOptions, KubeApi, KubeObject, ResourceType } from "./api.ts";
import { isGone, isNotFound } from "./errors.ts";

/** Objects a page; a page of the largest hosts has a few MB. */
const PAGE = 500;

export interface Listed {
  /** With their kind, which items of a list don't carry. */
  readonly items: readonly KubeObject[];
  /** Of the whole list, however many pages it came in. */
  readonly resourceVersion: string;
}

/**
 * Every object of a type, page by page, as of one moment; "" reads all namespaces. null for a resource that is not
 * served. Rejects with a KubeError.
 */
export async function listAll(
  api: KubeApi,
  type: ResourceType,
  namespace: string,
  { pageSize = PAGE, ...call }: CallOptions & { pageSize?: number } = {},
): Promise<Listed | null> {
  const where = { ...call, ...(namespace !== "" && { namespace }) };
  const items: KubeObject[] = [];
  const take = (page: readonly KubeObject[]) => {
    for (const item of page) items.push({ ...item, kind: type.kind });
  };
  let resourceVersion = "";
  let token: string | undefined;
  try {
    do {
      const page = await api.list(type, { ...where, limit: pageSize, ...(token && { continue: token }) });
      take(page.items);
      resourceVersion ||= page.metadata.resourceVersion;
      token = page.metadata.continue;
    } while (token);
  } catch (error) {
    if (isNotFound(error)) return null;
    if (!isGone(error)) throw error;
    // The pages that follow were compacted away while the first ones were read.
    items.length = 0;
    const whole = await api.list(type, where);
    take(whole.items);
    resourceVersion = whole.metadata.resourceVersion;
  }
  return { items, resourceVersion };
}
