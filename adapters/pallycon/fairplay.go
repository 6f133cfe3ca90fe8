package pallycon

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// RegisterFairPlayCertificate is "Register FairPlay Certificate". What is sent has been checked,
// since the vendor finds a mistake when the first viewer with an Apple device cannot play.
//
// The guide has no call that tells which certificate a site has, so an unknown outcome stays
// unknown.
func (a *Adapter) RegisterFairPlayCertificate(ctx context.Context, req *pb.RegisterFairPlayCertificateRequest) (*pb.FairPlayCertificate, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	// It is noted, since the check needs the secrets of the request, and who settles the mutation
	// does not have them.
	certificate, err := mutation.Snapshot(ctx, "certificate", func(context.Context) (*pb.FairPlayCertificate, error) { return checkFairPlay(req, time.Now()) })
	if err != nil {
		return nil, err
	}
	return mutation.Do(ctx, mutation.Write[*pb.FairPlayCertificate]{
		Step: "register",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.FairPlayCertificate, error) {
			return certificate, a.orNoSite(ctx, ids[1], a.sendFairPlay(ctx, ids[1], req))
		},
		Preview: func() *pb.FairPlayCertificate { return certificate },
	})
}

// sendFairPlay sends a form with files, as the guide's two blobs need, whatever the encoding of
// other calls is.
func (a *Adapter) sendFairPlay(ctx context.Context, siteID string, req *pb.RegisterFairPlayCertificateRequest) error {
	text := func(name, value string) upstream.Part { return upstream.Part{Name: name, Content: []byte(value)} }
	var answer envelope[jsontext.Value]
	res, err := a.vendor.Write(ctx, upstream.Request{
		Method: http.MethodPost,
		Path:   "/api/v2/drm/setting/fpscert" + upstream.Path(siteID),
		Body: upstream.Multipart(
			text("api_code", "UA003004200"),
			text("ask", req.GetApplicationSecretKey()),
			text("key_pw", req.GetKeyPassword()),
			upstream.Part{Name: "fps_cert", FileName: "fairplay.cer", Content: req.GetCertificate()},
			upstream.Part{Name: "private_key", FileName: "private_key.pem", Content: req.GetPrivateKey()},
		),
		Secrets: []secret.Text{secret.New(req.GetApplicationSecretKey()), secret.New(req.GetKeyPassword()), secret.New(string(req.GetPrivateKey()))},
	}, &answer)
	if err != nil {
		return err
	}
	_, err = answer.checked(res, apierror.OutcomeUnknown(""))
	return err
}
