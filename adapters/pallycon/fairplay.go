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

// RegisterFairPlayCertificate is "Register FairPlay Certificate". It checks the request before it
// sends it. Otherwise a mistake would show only when a viewer with an Apple device cannot play.
//
// An unknown outcome is a success once the license server serves the certificate, if it served
// another one before. It proves nothing that the license server serves the one before, since no
// document says how long it keeps a certificate.
func (a *Adapter) RegisterFairPlayCertificate(
	ctx context.Context, req *pb.RegisterFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	// The check needs the secrets of the request. A later run of the mutation does not have them,
	// and uses the snapshot.
	var files *fairPlayFiles
	check := func(ctx context.Context) (_ *pb.FairPlayCertificate, err error) {
		if files == nil {
			files, err = checkFairPlay(ctx, req, time.Now())
		}
		if err != nil {
			return nil, err
		}
		return files.description, nil
	}
	certificate, err := mutation.Snapshot(ctx, "certificate", check)
	if err != nil {
		return nil, err
	}
	before, err := mutation.Snapshot(ctx, "served", func(ctx context.Context) (*pb.FairPlayCertificate, error) {
		return a.servedBefore(ctx, ids[1])
	})
	if err != nil {
		return nil, err
	}
	return mutation.Do(ctx, mutation.Write[*pb.FairPlayCertificate]{
		Step: "register",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.FairPlayCertificate, error) {
			if _, err := check(ctx); err != nil { // not yet checked in this run
				return nil, err
			}
			return certificate, a.orNoSite(ctx, ids[1], a.sendFairPlay(ctx, ids[1], req, files))
		},
		ReadBack:       a.fairPlayReadBack(ids[1], before, certificate),
		CannotDisprove: true,
		Preview:        func() *pb.FairPlayCertificate { return certificate },
	})
}

// sendFairPlay sends a form with files, because the guide has two blobs. The encoding of other
// calls does not matter here.
func (a *Adapter) sendFairPlay(
	ctx context.Context, siteID string, req *pb.RegisterFairPlayCertificateRequest, files *fairPlayFiles,
) error {
	text := func(name, value string) upstream.Part { return upstream.Part{Name: name, Content: []byte(value)} }
	ask, password, key := files.secretKey, req.GetKeyPassword(), files.privateKey
	var response envelope[jsontext.Value]
	res, err := a.vendor.Write(ctx, upstream.Request{
		Method: http.MethodPost,
		Path:   "/api/v2/drm/setting/fpscert" + upstream.Path(siteID),
		Body: upstream.Multipart(
			text("api_code", "UA003004200"),
			text("ask", ask),
			text("key_pw", password),
			upstream.Part{Name: "fps_cert", FileName: "fairplay.cer", Content: files.certificate},
			upstream.Part{Name: "private_key", FileName: "private_key.pem", Content: key},
		),
		Secrets: []secret.Text{
			secret.New(ask), secret.New(password), secret.New(string(key)),
			secret.New(req.GetApplicationSecretKey()), secret.New(string(req.GetPrivateKey())),
		},
	}, &response)
	if err != nil {
		return mutation.DoubtForeign(err, "PallyCon")
	}
	_, err = response.checked(res, apierror.OutcomeUnknown(""))
	return err
}
