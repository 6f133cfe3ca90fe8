package inproc_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
)

// TestGeneratedHandlersHoldOnlyTheService reads the generated code of all services. A Conn takes
// the function that calls a method from the generated handler once, and uses it for every call. So
// that function must get the context and the request of a call as its parameters, and hold no other
// variable than the service.
func TestGeneratedHandlersHoldOnlyTheService(t *testing.T) {
	files, err := filepath.Glob("../../../gen/drmhub/v1/*_grpc.pb.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	handlers := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || f.Recv != nil || len(parameters(f.Type)) != 4 { // service, context, decoder and interceptor
				continue
			}
			handlers++
			for _, held := range heldVariables(f) {
				if service := parameters(f.Type)[0]; held != service {
					t.Errorf("%s holds %q, and may hold %q only", f.Name.Name, held, service)
				}
			}
		}
	}
	if handlers == 0 {
		t.Error("no generated handler was found")
	}
}

// heldVariables returns the variables of a function that the functions within it use.
func heldVariables(f *ast.FuncDecl) (held []string) {
	own := parameters(f.Type)
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if name, ok := to.(*ast.Ident); ok {
					own = append(own, name.Name)
				}
			}
		case *ast.FuncLit:
			given := parameters(n.Type)
			ast.Inspect(n.Body, func(n ast.Node) bool {
				name, ok := n.(*ast.Ident)
				if ok && slices.Contains(own, name.Name) && !slices.Contains(given, name.Name) {
					held = append(held, name.Name)
				}
				return true
			})
			return false
		}
		return true
	})
	return held
}

// parameters returns the names of a function's parameters.
func parameters(f *ast.FuncType) (names []string) {
	for _, p := range f.Params.List {
		for _, name := range p.Names {
			names = append(names, name.Name)
		}
	}
	return names
}
