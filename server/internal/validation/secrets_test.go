package validation_test

import (
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/contract/contracttest"
	"github.com/drmhub/drmhub/server/internal/validation"
)

// secret matches the fields that hold secrets, judged by what they are called.
var secret = regexp.MustCompile(`(password|private_key|private_key_uri|application_secret_key)$`)

func TestNoViolationHoldsASecret(t *testing.T) {
	const marker = "hunt2"
	v := validation.New()
	secrets, complaints := 0, 0
	for _, rpc := range contract.RPCs() {
		// too short, too long, malformed
		for _, value := range []string{
			marker, strings.Repeat(marker, 10), strings.Repeat(marker, 20_000), "://" + marker,
		} {
			req := rpc.NewRequest()
			secrets += contracttest.FillSecrets(req.ProtoReflect(), value)
			err := v.Request(req)
			if err == nil {
				continue
			}
			e := apierror.Convert(err)
			if sent := protojson.Format(e.GRPCStatus().Proto()); strings.Contains(err.Error()+sent, marker) {
				t.Errorf("%s: the error holds the secret: %s", rpc.Name, sent)
			}
			for _, violation := range e.Violations {
				if secret.MatchString(violation.GetField()) {
					complaints++
				}
			}
		}
	}
	if secrets < 4*8 || complaints < 10 {
		t.Errorf("only %d secrets and %d complaints about them", secrets, complaints)
	}
}
