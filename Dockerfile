# gotracer alone, statically linked: no shell, no package manager, no root.
#
#   docker build -t gotracer .
#   SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) docker buildx build -t gotracer --output type=image,rewrite-timestamp=true .
#   docker run -p 16060:16060 -v "$PWD/traces:/traces:ro" gotracer serve --watch /traces
#
# The second command gives files and layers the time of the last commit. Any image with Rust, a C compiler, certificates and
# Debian's packages builds it; pin it by its digest:
#   --build-arg RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm@sha256:…
#
# --platform linux/amd64,linux/arm64 builds for both on one machine. The compiler runs on the machine's own platform, so
# no emulation is needed.
ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm

FROM --platform=${BUILDPLATFORM} ${RUST_IMAGE} AS build
WORKDIR /build
# No path of the machine that built it is in the binary.
ENV RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=/build=gotracer --remap-path-prefix=/usr/local/cargo=cargo"
# Debian has a linker for each platform under this name, the machine's own included.
ENV CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
# With a target that is named, RUSTFLAGS are not for build scripts and macros, which can't be static.
ARG TARGETARCH
RUN host=$(rustc -vV | sed -n 's/^host: //p') \
    && case "$TARGETARCH" in \
         amd64) cpu=x86_64 ;; \
         arm64) cpu=aarch64 ;; \
         "") cpu=${host%%-*} ;; \
         *) echo "no build for $TARGETARCH" >&2; exit 1 ;; \
       esac \
    && target=$cpu-unknown-linux-gnu && echo "$target" > /target \
    && if [ "$target" != "$host" ]; then \
         { [ -d "$(rustc --print target-libdir --target "$target")" ] || rustup target add "$target"; } \
         && apt-get update && apt-get install -y --no-install-recommends \
           "gcc-$(echo "$cpu" | tr _ -)-linux-gnu" "libc6-dev-$TARGETARCH-cross" && rm -rf /var/lib/apt/lists/*; \
       fi

# `release` needs less time to build, and its image is 7 % larger. `quick` needs the least time: for tests.
ARG PROFILE=dist

# The dependencies alone, so that they are built again only when they change.
COPY Cargo.toml Cargo.lock ./
COPY benches/Cargo.toml benches/
COPY crates/gotrace/Cargo.toml crates/gotrace/
COPY crates/gotracer-core/Cargo.toml crates/gotracer-core/
COPY crates/gotracer-daemon/Cargo.toml crates/gotracer-daemon/
COPY xtask/Cargo.toml xtask/
RUN mkdir -p src crates/gotrace/src crates/gotracer-core/src crates/gotracer-daemon/src xtask/src \
    && touch src/lib.rs crates/gotrace/src/lib.rs crates/gotracer-core/src/lib.rs crates/gotracer-daemon/src/lib.rs \
    && sed -n 's|^path = "\(.*\)"|benches/\1|p' benches/Cargo.toml | xargs touch \
    && echo 'fn main() {}' | tee src/main.rs > xtask/src/main.rs \
    && cargo build --locked --profile "$PROFILE" -p gotracer --features kubernetes,parquet --target "$(cat /target)" \
    && rm -r src crates/*/src

COPY crates crates
COPY src src
COPY build.rs ./
ARG REVISION=
ENV GOTRACER_REVISION=${REVISION}
# What was built of the empty files is older than they are.
RUN find src crates -name '*.rs' -exec touch {} + \
    && cargo build --locked --profile "$PROFILE" -p gotracer --features kubernetes,parquet --target "$(cat /target)" \
    && mkdir -p /image/etc/ssl/certs \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && echo 'hosts: files dns' > /image/etc/nsswitch.conf \
    && echo '127.0.0.1 localhost' > /image/etc/hosts \
    && cp "target/$(cat /target)/$PROFILE/gotracer" /image/gotracer

# The licenses and the bill of materials of everything that is linked.
RUN command -v python3 >/dev/null \
    || { apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*; }
COPY LICENSE-MIT LICENSE-APACHE ./
COPY packaging/package packaging/
RUN python3 packaging/package --documents "$(cat /target)" /image/usr/share/doc/gotracer

FROM scratch
ARG VERSION=0.2.0
ARG REVISION=
# Address of the repository, as in Cargo.toml.
ARG SOURCE=
LABEL org.opencontainers.image.title="gotracer" \
      org.opencontainers.image.description="Reads Go execution traces, says what is wrong, where, and what to do" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.url="${SOURCE}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/ /
USER 65534:65534
EXPOSE 16060
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/gotracer", "healthcheck"]
ENTRYPOINT ["/gotracer"]
CMD ["serve"]
