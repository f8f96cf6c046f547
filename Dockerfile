# Build, then a small image that runs as nobody. The database is given by DATABASE_URL (compose.yaml).
FROM rust:1-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libpq-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY migrations migrations
COPY benches benches
COPY tests tests
RUN cargo build --locked --profile dist --bin duebook

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/duebook --create-home duebook
COPY --from=build /build/target/dist/duebook /usr/local/bin/duebook
USER duebook
ENV DUEBOOK_LISTEN=0.0.0.0:8080 DUEBOOK_DATA_DIR=/var/lib/duebook
VOLUME /var/lib/duebook
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '200 OK' <&3"]
ENTRYPOINT ["duebook"]
CMD ["serve"]
