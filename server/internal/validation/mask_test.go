package validation_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

func TestAMaskIsMadeExplicit(t *testing.T) {
	v := newValidator(t)
	for name, c := range map[string]struct {
		site *pb.Site
		mask *fieldmaskpb.FieldMask
		want []string
	}{
		"none: what is set":              {&pb.Site{PolicyId: "0"}, nil, []string{"policy_id"}},
		"none: what is set and writable": {&pb.Site{DisplayName: "n", State: pb.Site_RUNNING, Enabled: true}, nil, []string{"display_name"}},
		"an empty one":                   {&pb.Site{PolicyId: "0"}, mask(), []string{"policy_id"}},
		"all":                            {&pb.Site{}, mask("*"), []string{"display_name", "policy_id"}},
		"one that clears":                {&pb.Site{}, mask("display_name"), []string{"display_name"}},
		"both":                           {&pb.Site{DisplayName: "n"}, mask("policy_id", "display_name"), []string{"policy_id", "display_name"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.site.Name = "vendors/v/sites/s"
			req := &pb.UpdateSiteRequest{Site: c.site, UpdateMask: c.mask}
			if err := v.Request(req); err != nil || !slices.Equal(req.GetUpdateMask().GetPaths(), c.want) {
				t.Errorf("%q, %v; want %q", req.GetUpdateMask().GetPaths(), err, c.want)
			}
		})
	}
}

func TestAMaskThatCannotBe(t *testing.T) {
	v := newValidator(t)
	for path, why := range map[string]string{
		"displayName": `"displayName" is no field of a Member`,
		"group.x":     `"group.x" is no field of a Member`,
		"":            `"" is no field of a Member`,
		"name":        "name cannot be changed", // it says which member
		"email":       "email cannot be changed",
		"create_date": "create_date cannot be changed",
	} {
		err := v.Request(&pb.UpdateMemberRequest{Member: &pb.Member{Name: "vendors/v/members/1", Group: pb.Member_CLIENT}, UpdateMask: mask("group", path)})
		wantViolated(t, err, "update_mask")
		if d := described(err, "update_mask"); d.GetDescription() != why {
			t.Errorf("%q: %q, want %q", path, d.GetDescription(), why)
		}
	}
}

func TestNothingToChangeSaysWhatCouldBe(t *testing.T) {
	for _, m := range []*pb.Member{{}, {Email: "a@b.example", CreateDate: "2024-02-29"}} {
		m.Name = "vendors/v/members/1"
		err := newValidator(t).Request(&pb.UpdateMemberRequest{Member: m})
		wantViolated(t, err, "update_mask")
		if text := describedText(err, "update_mask"); text != "names nothing to change, and the request sets none of group, state" {
			t.Errorf("%v: %q", m, text)
		}
	}
}
