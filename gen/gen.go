// Package gen holds what tools/generate writes from the contract in proto/.
package gen

import _ "embed"

// OpenAPI is the OpenAPI 3.1 document of the REST API, in JSON.
//
//go:embed openapi.json
var OpenAPI []byte

// Contract is the whole contract with its imports and comments: a google.protobuf.FileDescriptorSet.
//
//go:embed contract.binpb
var Contract []byte
