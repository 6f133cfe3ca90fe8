# Each target calls a command that also works by itself.
.DEFAULT_GOAL := help

.PHONY: help run emulate build test race vet fmt lint words generate tools-test deploy-test release-test clients fuzz image campaign costs ci

help: ## list the targets
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z%-]+):.*## /\1\t/' | expand -t 16

run: ## run the sandbox
	go run ./server

emulate: ## run one vendor's twin alone: make emulate VENDOR=pallycon
	go run ./server emulate $(or $(VENDOR),pallycon)

build: ## compile everything
	go build ./...

test: ## run the tests
	go test ./...

race: ## run the tests of goroutines with the race detector
	./tools/race-test

vet: ## run go vet
	go vet ./...

fmt: ## format the Go files
	gofmt -w adapters bench clients cmd deploy internal proto server tools

lint: ## run the Go linters
	go tool -modfile=tools/golangci-lint/go.mod golangci-lint run
	cd tools && go tool -modfile=golangci-lint/go.mod golangci-lint run
	cd deploy/test && go tool -modfile=../../tools/golangci-lint/go.mod golangci-lint run

words: ## check the words of comments, messages and docs
	./tools/words

generate: ## generate gen/ from proto/
	./tools/generate

tools-test: ## test the generators
	go test -C tools -race ./...

deploy-test: ## test the chart, the compose file and the systemd unit
	go test -C deploy/test ./...

release-test: ## test that builds are reproducible, and the SBOM
	./tools/release-test

clients: ## test the clients in other languages, and the tools of the OpenAPI document
	./clients/test
	./clients/tools/test

fuzz: ## run every fuzz test for a minute
	./tools/fuzz

image: ## build the container image and test it
	./tools/image-test

campaign: ## run the long fault campaign
	go run ./bench/campaign

bench-%: ## make one measurement of bench/README.md: make bench-overhead ARGS='-rounds 3'
	go run ./bench/$* $(ARGS)

costs: ## print what each module costs the program
	./tools/costs

ci: ## run everything that CI runs
	.ci/run
