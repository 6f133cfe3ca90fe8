// Command drmhub is the program of package program, under its own name:
//
//	go install github.com/drmhub/drmhub/cmd/drmhub@latest
package main

import "github.com/drmhub/drmhub/server/program"

func main() { program.Main() }
