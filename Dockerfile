# One image for every role of Holdfast; docker-compose.yml and deploy/helm show how they fit together.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --include=dev --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:${NODE_VERSION}-bookworm-slim
# git and ssh read Git sources, ca-certificates is needed by everything that speaks TLS, and tini collects
# the children that a killed step leaves behind.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git openssh-client tini \
  && rm -rf /var/lib/apt/lists/*
# One user for each access, so that a worker cannot read what another holds. ssh refuses users without a name.
RUN groupadd --gid 10000 holdfast \
  && useradd --uid 10000 --gid holdfast --no-create-home --home-dir /var/lib/holdfast --shell /usr/sbin/nologin holdfast \
  && useradd --uid 10001 --gid holdfast --no-create-home --home-dir /var/lib/holdfast --shell /usr/sbin/nologin holdfast-read \
  && useradd --uid 10002 --gid holdfast --no-create-home --home-dir /var/lib/holdfast --shell /usr/sbin/nologin holdfast-write \
  && install -d -o holdfast -g holdfast -m 0770 /var/lib/holdfast \
  && install -d -o holdfast-write -g holdfast -m 2775 /srv/storefront
WORKDIR /opt/holdfast
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
COPY package.json ./
COPY bin bin
COPY examples examples
COPY policies policies
RUN ln -s /opt/holdfast/bin/holdfast /usr/local/bin/holdfast
ENV HOME=/var/lib/holdfast NODE_ENV=production NODE_COMPILE_CACHE=/tmp/node-compile-cache
USER 10000:10000
# -s: also where another process is the first one, as with a shared process namespace.
ENTRYPOINT ["/usr/bin/tini", "-s", "--", "holdfast"]
CMD ["--help"]
