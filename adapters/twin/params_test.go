package twin_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/twin"
)

func TestParams(t *testing.T) {
	size := twin.NewParam("size", twin.Integer(-1, 500))
	kind := twin.NewParam("kind", twin.OneOf("new", "used"))
	for _, c := range []struct {
		param twin.Param
		value string
		fits  bool
	}{
		{size, "0", true}, {size, "500", true}, {size, "-1", true},
		{size, "501", false}, {size, "-2", false}, {size, "007", false}, {size, "+7", false}, {size, "", false},
		{size, "9223372036854775808", false},
		{kind, "used", true}, {kind, "Used", false}, {kind, "", false},
		{twin.NewParam("text", twin.AnyText), "\xff", true},
	} {
		if got := c.param.Form(c.value); got != c.fits {
			t.Errorf("%s %q fits: %t", c.param.Name, c.value, got)
		}
	}
	known := []twin.Param{size, kind}
	if found, ok := twin.FindParam(known, "kind"); !ok || found.Name != "kind" {
		t.Errorf("found %v, %t", found, ok)
	}
	if _, ok := twin.FindParam(known, "color"); ok {
		t.Error("found a parameter that is not there")
	}
	given := twin.Params{"size": "7"}
	if given.Int("size", 3) != 7 || given.Int("offset", 3) != 3 {
		t.Error("the values are not what was given")
	}
}
