package cli

import (
	"github.com/spf13/cobra"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// whoamiCommand is GetCaller under the name that people look for.
func whoamiCommand() *cobra.Command {
	l := &client{}
	c := newCommand(contract.Lookup(pb.CallerService_GetCaller_FullMethodName), "whoami", l)
	l.addFlags(c)
	return c
}
