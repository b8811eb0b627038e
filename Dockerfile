# One image for every role of Holdfast; docker-compose.yml shows how they fit together.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --include=dev --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
# git reads Git sources; ca-certificates is needed by everything that speaks TLS.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/holdfast
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
COPY package.json ./
COPY bin bin
COPY examples examples
RUN ln -s /opt/holdfast/bin/holdfast /usr/local/bin/holdfast && mkdir -p /var/lib/holdfast /srv/storefront && chown node:node /var/lib/holdfast /srv/storefront
USER node
ENTRYPOINT ["holdfast"]
CMD ["--help"]
