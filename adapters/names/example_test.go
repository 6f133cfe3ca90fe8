package names_test

import (
	"fmt"

	"github.com/drmhub/drmhub/adapters/names"
)

func ExamplePattern() {
	name := names.Member.Name("acme", "sales/emea")
	fmt.Println(name)

	ids, err := names.Member.IDs(name)
	fmt.Println(ids, err)

	_, err = names.Site.IDs(name)
	fmt.Println("a member's name", err)
	// Output:
	// vendors/acme/members/sales%2Femea
	// [acme sales/emea] <nil>
	// a member's name must have the form vendors/*/sites/*
}
