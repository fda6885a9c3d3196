import type { Request, RequestHandler, Response } from "express";
import type { Access, Auth, Refusal } from "./auth.ts";

/**
 * Lets a request pass whose bearer may do what it asks for; `accessOf` may refuse one that asks for nothing that
 * rights are given for, with undefined. Who it is stands in `response.locals.user`.
 */
export function requireAccess(
  auth: Auth,
  accessOf: (request: Request) => Access | undefined,
): RequestHandler {
  return async (request, response, next) => {
    // What one bearer may see, no cache may show to another.
    response.setHeader("Cache-Control", "no-store");
    const who = await auth.authenticate(request.headers);
    if ("status" in who) return refuse(response, who);
    const access = accessOf(request);
    const verdict =
      access === undefined
        ? ({ status: 403, message: "nobody has a right to this" } as const)
        : await auth.authorize(who.user, access);
    if ("status" in verdict) return refuse(response, verdict);
    response.locals.user = who.user;
    next();
  };
}

function refuse(response: Response, { status, message }: Refusal): void {
  if (status === 401) response.setHeader("WWW-Authenticate", 'Bearer realm="beskar7-claim-coordinator"');
  response.status(status).type("text/plain").send(`${message}\n`);
}
