package main

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// callers are the numbers of calls at the same time.
var callers = []int{1, 32}

// A face is one of the two ways to call a server.
type face string

const (
	overGRPC face = "gRPC"
	overREST face = "REST"
)

var faces = []face{overGRPC, overREST}

// A testCase is a call that is measured.
type testCase struct {
	name string
	// method, request and response are those of gRPC, and path is that of REST.
	method            string
	request, response proto.Message
	path              string
	demanded          map[face]float64 // the least ratio of throughput
}

var (
	small = map[face]float64{overGRPC: 0.95, overREST: 0.85}
	large = map[face]float64{overGRPC: 1.3, overREST: 1.1}
)

var cases = []testCase{
	{
		name: "sites", method: pb.SiteService_ListSites_FullMethodName, path: "/v1/vendors/acme/sites",
		request: &pb.ListSitesRequest{Parent: "vendors/acme"}, response: &pb.ListSitesResponse{}, demanded: small,
	},
	licenses("100 licenses", "HUNDRED"),
	licenses("999 licenses", "THOUSAND"),
}

// rows are how many licenses each site of the vendor has.
var rows = map[string]int{"HUNDRED": 100, "THOUSAND": 999}

func licenses(name, site string) testCase {
	parent := "vendors/acme/sites/" + site
	return testCase{
		name: name, method: pb.LicenseService_ListLicenses_FullMethodName,
		path:    "/v1/" + parent + "/licenses?pageSize=1000",
		request: &pb.ListLicensesRequest{Parent: parent, PageSize: 1000}, response: &pb.ListLicensesResponse{},
		demanded: large,
	}
}

// choose returns the cases with this name, and the faces with this one. "" means all.
func choose(name string, over face) (chosen []testCase, chosenFaces []face, err error) {
	for _, c := range cases {
		if name == "" || name == c.name {
			chosen = append(chosen, c)
		}
	}
	for _, f := range faces {
		if over == "" || over == f {
			chosenFaces = append(chosenFaces, f)
		}
	}
	if len(chosen) == 0 || len(chosenFaces) == 0 {
		err = fmt.Errorf("there is no call %q over %q", name, over)
	}
	return chosen, chosenFaces, err
}
