// Command printprotos writes the .proto files that the contract imports into a folder:
//
//	printprotos FOLDER
//
// The imports are available as Go packages. A linked Go package has its descriptor, and a
// descriptor can be printed. So the generator needs only the Go module proxy, and not buf's
// registry.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/genproto/googleapis/api"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// printed are the files that can be printed from their descriptors.
var printed = []protoreflect.FileDescriptor{
	annotations.File_google_api_annotations_proto,
	annotations.File_google_api_client_proto,
	annotations.File_google_api_field_behavior_proto,
	annotations.File_google_api_field_info_proto,
	annotations.File_google_api_http_proto,
	api.File_google_api_launch_stage_proto,
	annotations.File_google_api_resource_proto,
	code.File_google_rpc_code_proto,
	errdetails.File_google_rpc_error_details_proto,
	status.File_google_rpc_status_proto,
}

// copied is the file whose printed form some parsers reject, with the module that has the original.
const (
	copiedModule = "github.com/bufbuild/protovalidate@v1.2.2"
	copiedFile   = "proto/protovalidate/buf/validate/validate.proto"
	copiedAs     = "buf/validate/validate.proto"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: printprotos FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "printprotos:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	printer := protoprint.Printer{Compact: true}
	for _, file := range printed {
		var text bytes.Buffer
		if err := printer.PrintProtoFile(file, &text); err != nil {
			return fmt.Errorf("print %s: %w", file.Path(), err)
		}
		if err := write(folder, file.Path(), text.Bytes()); err != nil {
			return err
		}
	}
	text, err := moduleFile(copiedModule, copiedFile)
	if err != nil {
		return err
	}
	return write(folder, copiedAs, text)
}

// moduleFile reads one file of a module from the Go module cache. It downloads the module if
// needed.
func moduleFile(module, path string) ([]byte, error) {
	command := exec.CommandContext(context.Background(), "go", "mod", "download", "-json", module)
	command.Stderr = os.Stderr
	answer, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download %s: %w: %s", module, err, answer)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(answer, &downloaded); err != nil {
		return nil, fmt.Errorf("go mod download %s: %w", module, err)
	}
	return os.ReadFile(filepath.Join(downloaded.Dir, path))
}

func write(folder, path string, text []byte) error {
	target := filepath.Join(folder, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, text, 0o644)
}
