# The whole service in one file, on an image with Node and nothing else: no shell, no package manager.
#
#   docker build -t beskar7-claim-coordinator:0.1.0 .

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node scripts/build.ts /image/app \
 && install -m 0755 scripts/manager.mjs /image/manager

FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=build --chown=65532:65532 /image/ /
USER 65532:65532
# Leaves the compiled code: for this very Node, and for the user that runs it.
RUN ["/manager", "version"]
# Memory goes back to the system soon: buffers as soon as they are free, and garbage before it grows old.
ENV MALLOC_ARENA_MAX=1
ENV MALLOC_MMAP_THRESHOLD_=65536
ENV MALLOC_TRIM_THRESHOLD_=65536
ENV NODE_OPTIONS=--max-semi-space-size=1
EXPOSE 9443 8080 8081
ENTRYPOINT ["/manager"]
