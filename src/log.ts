import { pino } from "pino";

/** The levels of `--zap-log-level`; the least severe first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the rooms need of a logger: structured fields first, a constant message second. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): Log;
  /** Asked where the fields of a line that nobody wants would cost something to gather. */
  isLevelEnabled(level: LogLevel): boolean;
}

/** One JSON object a line on standard output, as log collectors expect; errors keep their cause chain. */
export function createLog(level: LogLevel, destination: NodeJS.WritableStream = process.stdout): Log {
  return pino(
    {
      level,
      base: undefined,
      messageKey: "msg",
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    destination as NodeJS.WritableStream & { write(line: string): void },
  );
}

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
  isLevelEnabled: () => false,
};
