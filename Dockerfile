# drmhub in a container: the program, the certificates of the public authorities, and nothing else.
#
#     docker build --tag drmhub .
#
# README.md says how to run it. The Go version is the one that CI uses.
FROM docker.io/library/golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Go reads the version from .git. -trimpath makes builds in different folders equal. grpcnotrace
# leaves out the traces of golang.org/x/net, which nothing turns on: its templates would keep every
# method of every type.
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -tags=grpcnotrace"
RUN go build -ldflags "-s -w" -o /drmhub ./cmd/drmhub && mkdir /data

FROM scratch
# The release workflow sets these. The program knows its version and revision by itself: drmhub
# version.
ARG VERSION="" REVISION="" CREATED=""
LABEL org.opencontainers.image.title="drmhub" \
  org.opencontainers.image.description="One API over the admin APIs of DRM vendors" \
  org.opencontainers.image.source="https://github.com/drmhub/drmhub" \
  org.opencontainers.image.documentation="https://github.com/drmhub/drmhub/blob/main/docs/production.md" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.created="$CREATED"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /drmhub /drmhub
# By default the journal is a file in this folder. Mount a volume, or the journal ends with the
# container.
COPY --from=build --chown=65532:65532 /data /data
WORKDIR /data
# Without this file the container ends at once, so that nobody mistakes the data of a sandbox for
# real data.
ENV DRMHUB_CONFIG=/etc/drmhub/drmhub.yaml
USER 65532:65532
EXPOSE 8080 9090
# It reads the configuration, so that it works with TLS and with the ops listener.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/drmhub", "health"]
ENTRYPOINT ["/drmhub"]
