// Package environment names the environment variables of the command line. Each other variable
// DRMHUB_… sets a key of the server's configuration.
package environment

// The variables that are no keys of the server's configuration.
const (
	Config    = "DRMHUB_CONFIG"     // the configuration file of the server
	Server    = "DRMHUB_SERVER"     // the address of the server that the client calls
	Token     = "DRMHUB_TOKEN"      //nolint:gosec // a name: the token that the client shows
	TokenFile = "DRMHUB_TOKEN_FILE" //nolint:gosec // a name: the file that holds the client's token
	Context   = "DRMHUB_CONTEXT"    // the client's context, by name
)

// Names are all variables of the command line.
var Names = []string{Config, Server, Token, TokenFile, Context}
