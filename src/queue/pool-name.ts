export interface PoolName {
  readonly hostKind: string;
  readonly namespace: string;
}

/** The inverse of poolKey; kinds have no slash. */
export function poolName(pool: string): PoolName {
  const slash = pool.indexOf("/");
  return { hostKind: pool.slice(0, slash), namespace: pool.slice(slash + 1) };
}
