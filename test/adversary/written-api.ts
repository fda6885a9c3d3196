import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { sandboxCrds } from "../../src/demo/crds.ts";
import type { KubeApi, KubeObject, ResourceType } from "../../src/kube/api.ts";
import { claimRequestDefinition } from "../../src/requests/crd.ts";
import { createSandboxApi } from "../../src/sandbox/client.ts";
import { ADMIN, createCore } from "../../src/sandbox/sandbox.ts";

/** An object as it was stored by one write. */
export interface Written {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

/** An API server without sockets, which checks what is stored by the CRDs, and two ways to it. */
export function writtenApi(): { own: KubeApi; watched: KubeApi; writes: Written[] } {
  const core = createCore({
    clock: systemClock,
    authorize: () => true,
    callWebhook: async () => assert.fail("no webhook is registered"),
    crds: [...sandboxCrds(), claimRequestDefinition()],
  });
  const own = createSandboxApi(core, ADMIN);
  const writes: Written[] = [];
  const note = (type: ResourceType, object: KubeObject) => {
    writes.push({ type, object });
    return object;
  };
  const watched: KubeApi = {
    ...own,
    create: async (type, object, options) => note(type, await own.create(type, object, options)),
    update: async (type, object, options) => note(type, await own.update(type, object, options)),
    patch: async (type, key, patch, options) => note(type, await own.patch(type, key, patch, options)),
    createSubresource: () => assert.fail("a review asks for no subresource"),
    delete: () => assert.fail("a review deletes nothing"),
  };
  return { own, watched, writes };
}
