import { COMMAND_LINE_FLAGS } from "./command-line-flags.ts";
import { COORDINATION_FLAGS } from "./coordination-flags.ts";
import { SERVING_FLAGS } from "./serving-flags.ts";
import type { Spec } from "./spec.ts";

/** Every flag, by the name of its field in Config. The one source of parsing, --help and docs/flags.md. */
export const FLAGS = { ...COORDINATION_FLAGS, ...SERVING_FLAGS, ...COMMAND_LINE_FLAGS } as const;

type ValueOf<S> = S extends Spec<infer V> ? V : never;

/** The values of all flags, with their defaults where a command does not take them. Units are in the names. */
export type FlagValues = { readonly [Field in keyof typeof FLAGS]: ValueOf<(typeof FLAGS)[Field]> };

export const FLAG_FIELDS = Object.keys(FLAGS) as (keyof FlagValues)[];

export const flagSpec = (field: keyof FlagValues): Spec<unknown> => FLAGS[field];
