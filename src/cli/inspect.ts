export async function runInspect(): Promise<number> {
  return 0;
}
