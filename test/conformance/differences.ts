/**
 * Where the sandbox knowingly answers otherwise than the real API server: the scenario's name, and why. Each is
 * explained in docs/conformance.md; one that no longer differs fails the suite.
 */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  "a condition must compile": "The sandbox's CEL parser has words of its own for a syntax error.",
};
