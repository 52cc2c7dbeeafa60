# One binary, two images: `server` needs no privileges and holds no sandbox, `grader` runs submissions.
#   docker build --target server --tag practicum-server .
#   docker build --target grader --tag practicum-grader .

FROM node:24-bookworm-slim AS web
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM rust:1.95-bookworm AS build
# The module that schedules a submission's threads is built for the Python of the grader image: the same Debian's.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3-dev \
 && rm -rf /var/lib/apt/lists/*
ENV PYO3_PYTHON=/usr/bin/python3
WORKDIR /source
COPY . .
COPY --from=web /web/dist web/dist
RUN cargo build --workspace --release --locked

# The Python of the simulated lane. Two makings differ, and exercises are pinned to one: so this depends on nothing but what
# it is made from, and a release that leaves that alone finds the one of the release before in the builder's cache. Where
# another builder makes the images, hand it over: docker build --build-context runtime=FOLDER, with python.wasm in FOLDER.
FROM debian:12-slim AS make-runtime
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY scripts/runtime scripts/
COPY grader/simulation/wit grader/simulation/wit
COPY grader/simulation/runtime grader/simulation/runtime
RUN scripts/runtime

FROM scratch AS runtime
COPY --from=make-runtime /source/.cache/runtime/python.wasm /

FROM debian:12-slim AS server
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin practicum
COPY --from=build /source/target/release/practicum /usr/local/bin/practicum
COPY --from=build /source/deploy/entrypoint /usr/local/bin/entrypoint
COPY --from=build /source/exercises /usr/share/practicum/exercises
COPY --from=runtime /python.wasm /usr/local/share/practicum/python.wasm
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["entrypoint"]
CMD ["serve", "--listen=0.0.0.0:8000", "--workers=0", "--exercises=/usr/share/practicum/exercises"]

FROM debian:12-slim AS grader
# The distribution's Python and packages are what submissions and examiners run on; see docs/operating.md.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 python3-hypothesis python3-pika python3-zmq \
 && rm -rf /var/lib/apt/lists/*
# The libraries are what Python interpreters load, to become templates and to schedule threads; they are looked for
# beside the program.
COPY --from=build /source/target/release/practicum /source/target/release/libgrader.so \
     /source/target/release/libscheduler.so /usr/local/bin/
COPY --from=build /source/deploy/entrypoint /usr/local/bin/entrypoint
# Making namespaces takes root inside the container, with the few capabilities that docker-compose.yml names.
# hadolint ignore=DL3002
USER 0
STOPSIGNAL SIGTERM
ENTRYPOINT ["entrypoint"]
CMD ["work"]
