// Package environment names the environment variables of the command line. Each other variable
// DRMHUB_… sets a key of the server's configuration.
package environment

// The variables that are no keys of the server's configuration.
const (
	Config     = "DRMHUB_CONFIG"     // the configuration file of the server
	Server     = "DRMHUB_SERVER"     // the address of the server that the client calls
	Context    = "DRMHUB_CONTEXT"    // the client's context, by name
	Bearer     = "DRMHUB_TOKEN"      //nolint:gosec // the name of the token that the client shows
	BearerFile = "DRMHUB_TOKEN_FILE" //nolint:gosec // the name of the file that holds the client's token
)

// Names are all variables of the command line.
var Names = []string{Config, Server, Bearer, BearerFile, Context}
