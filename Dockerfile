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
EXPOSE 9443 8080 8081
ENTRYPOINT ["/manager"]
