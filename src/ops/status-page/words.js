/** Numbers and times as people read them. */

const MINUTE_MS = 60_000;

/** "under 1 min", "12 min", "3 h 5 min", "2 d 4 h"; changes once a minute at most. */
export function span(ms) {
  const minutes = Math.floor(Math.max(0, ms) / MINUTE_MS);
  if (minutes < 1) return "under 1 min";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joined(`${hours} h`, minutes % 60, "min");
  return joined(`${Math.floor(hours / 24)} d`, hours % 24, "h");
}

const joined = (first, count, unit) => (count === 0 ? first : `${first} ${count} ${unit}`);

/** "0.25 ms", "41 ms", "2.1 s"; a dash where nothing was measured. */
export function duration(ms) {
  if (ms === null) return "–";
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms >= 10) return `${Math.round(ms)} ms`;
  return `${ms.toPrecision(2)} ms`;
}

/** "14:03:59" today, with the date before it on other days. */
export function clock(iso, nowMs) {
  const date = new Date(iso);
  const two = (number) => String(number).padStart(2, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** The points of an entry at another time than that of the answer it came in. */
export function priorityAt({ priority, ageSeconds, createdAt }, nowMs) {
  const minutes = Math.floor((nowMs - Date.parse(createdAt)) / MINUTE_MS);
  return priority + Math.max(0, minutes - Math.floor(ageSeconds / 60));
}

export const plural = (count, one, many = `${one}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** holderIdentity without the uuid that only tells two runs of one pod apart. */
export const podOf = (identity) => identity.replace(/_[0-9a-f-]{36}$/i, "");
