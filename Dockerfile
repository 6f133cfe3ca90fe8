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
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /drmhub ./cmd/drmhub && mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /drmhub /drmhub
# By default the journal is a file in this folder. Mount a volume, or the journal ends with the container.
COPY --from=build --chown=65532:65532 /data /data
WORKDIR /data
# Without this file the container ends at once, so that nobody mistakes the data of a sandbox for real data.
ENV DRMHUB_CONFIG=/etc/drmhub/drmhub.yaml
USER 65532:65532
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/drmhub", "health"]
ENTRYPOINT ["/drmhub"]
