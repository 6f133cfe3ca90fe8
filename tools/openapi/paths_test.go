package main

import (
	"fmt"
	"testing"
)

func TestResourceNamesInPathsAreOpened(t *testing.T) {
	c := contractOf(t, `
		message Site {
			option (google.api.resource) = {type: "drmhub.v1/Site" pattern: "vendors/{vendor}/sites/{site}"};
			string name = 1;
		}
		message Request { string name = 1; string parent = 2; Site site = 3; string vendors = 4; }
	`)
	for template, want := range map[string]struct{ path, parameters, fields string }{
		"/v1/vendors":                       {"/v1/vendors", "[]", "[]"},
		"/v1/{name=vendors/*}":              {"/v1/vendors/{vendor}", "[vendor]", "[name]"},
		"/v1/{name=vendors/*}:check":        {"/v1/vendors/{vendor}:check", "[vendor]", "[name]"},
		"/v1/{parent=vendors/*}/siteOrders": {"/v1/vendors/{vendor}/siteOrders", "[vendor]", "[parent]"},
		"/v1/{name=vendors/*/siteOrders/*}": {
			"/v1/vendors/{vendor}/siteOrders/{siteOrder}", "[vendor siteOrder]", "[name]",
		},
		"/v1/{site.name=vendors/*/sites/*}": {"/v1/vendors/{vendor}/sites/{site}", "[vendor site]", "[site.name]"},
		"/v1/{name=vendors/*/sites/*/integration}": {
			"/v1/vendors/{vendor}/sites/{site}/integration", "[vendor site]", "[name]",
		},
	} {
		got, err := c.openPath(template, c.message(t, "Request"))
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		var parameters []string
		for _, parameter := range got.parameters {
			parameters = append(parameters, parameter.Value.Name)
			if !parameter.Value.Required || parameter.Value.Description == "" {
				t.Errorf("%s: the parameter %s must be required and described", template, parameter.Value.Name)
			}
		}
		if got.text != want.path || fmt.Sprint(parameters) != want.parameters || fmt.Sprint(got.fields) != want.fields {
			t.Errorf("%s: got %s %v %v, want %+v", template, got.text, parameters, got.fields, want)
		}
	}
}
