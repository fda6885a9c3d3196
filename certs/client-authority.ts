import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";

/**
 * The authorities (PEM) whose client certificates may post reviews. Rejects with an error that names the file where
 * it can't be read or holds no certificate: a check that silently does nothing would be worse than none.
 */
export async function readClientAuthority(path: string): Promise<string> {
  try {
    const pem = await readFile(path, "utf8");
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new Error(`the client authority ${path} can't be used`, { cause: error });
  }
}
