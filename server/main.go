// Command server is drmhub, the program of package program. `go run ./server` runs the sandbox.
package main

import "github.com/drmhub/drmhub/server/program"

func main() { program.Main() }
