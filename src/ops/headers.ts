import type { RequestHandler } from "express";
import helmet from "helmet";

const LOCKED = {
  "default-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'none'"],
  "frame-ancestors": ["'none'"],
};

/** For everything that is no page: a browser that is led here may load, run, embed and remember nothing. */
export const securityHeaders = (): RequestHandler => headers(LOCKED);

/** For a page: its own script, style and images, and fetch to its own origin; nothing inline. */
export const pageSecurityHeaders = (): RequestHandler =>
  headers({
    ...LOCKED,
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
  });

function headers(directives: Record<string, string[]>): RequestHandler {
  const protect = helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    crossOriginEmbedderPolicy: true,
    frameguard: { action: "deny" },
    referrerPolicy: { policy: "no-referrer" },
    // The certificate is self-managed by default; with HSTS a browser would refuse to let a person through to it.
    strictTransportSecurity: false,
  });
  return (request, response, next) => {
    response.setHeader("Cache-Control", "no-store");
    protect(request, response, next);
  };
}
