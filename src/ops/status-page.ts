import { type RequestHandler, Router } from "express";
import type { OpsRoute } from "./app.ts";
import { pageSecurityHeaders } from "./headers.ts";
import { ASSETS } from "./status-page/assets.gen.ts";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/**
 * The status page at "/", open to everybody: it holds no data, and fetches what the queue API gives its reader. All
 * of its links are relative, so that it also works behind a proxy that puts something before the path.
 */
export function statusPageRoute(): OpsRoute {
  const router = Router();
  const headers = pageSecurityHeaders();
  router.get("/", headers, serve("index.html"));
  for (const name of Object.keys(ASSETS)) {
    if (name !== "index.html") router.get(`/status-page/${name}`, headers, serve(name));
  }
  return { path: "/", handler: router, guard: null };
}

function serve(name: string): RequestHandler {
  const body = Buffer.from(ASSETS[name] ?? "");
  const type = TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  return (_request, response) => {
    response.setHeader("Content-Type", type);
    response.end(body);
  };
}
