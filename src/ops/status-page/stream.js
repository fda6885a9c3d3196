/**
 * Reads server-sent events from the body of a fetch answer, which unlike EventSource can carry a token.
 * Resolves when the stream ends; calls `onEvent(type, data)` for each event and `onSign()` for every sign of life.
 */
export async function readEvents(body, { onEvent, onSign }) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onSign();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const { type, data } = parseBlock(block);
      if (data !== null) onEvent(type, data);
    }
  }
}

/** One event; data is null for a block of comments only. */
export function parseBlock(block) {
  let type = "message";
  const data = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "event") type = value;
    if (field === "data") data.push(value);
  }
  return { type, data: data.length === 0 ? null : data.join("\n") };
}
