package services

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// newestKey is where a search begins. It is above the keys of all rows.
const newestKey archive.Key = math.MaxInt64

// A searchPosition is the point at which a search continues. Its page token confers no rights: each
// page chooses its sites anew.
type searchPosition struct {
	// Below is the key of the last row so far.
	Below archive.Key `json:"k"`
	// Total is the number of rows at the first page, of the sites that the sum of Sites identifies.
	// For another caller, the number could count what that caller may not see.
	Total int64  `json:"n"`
	Sites string `json:"s"`
}

// SearchLicenses returns a page of the matching rows of all chosen sites, the newest first.
func (s *archives) SearchLicenses(
	ctx context.Context, req *pb.SearchLicensesRequest,
) (*pb.SearchLicensesResponse, error) {
	at := searchPosition{Below: newestKey}
	resumed, err := paging.Resume(req, &at)
	if err != nil {
		return nil, err
	}
	question, within, err := newQuestion(req.GetFilter())
	if err != nil {
		return nil, err
	}
	chosen, err := s.choose(ctx, req.GetParent())
	if err != nil {
		return nil, err
	}
	question.Sites = chosen.names()
	size := paging.Size(req.GetPageSize())
	rows, err := s.engine.Search(ctx, question, at.Below, size+1)
	if err != nil {
		return nil, err
	}
	more := len(rows) > size
	rows = rows[:min(size, len(rows))]
	if sum := sumOf(question.Sites); !resumed || at.Sites != sum {
		at.Sites = sum
		at.Total, err = s.countFrom(ctx, question, rows, more || resumed)
	}
	if err != nil {
		return nil, err
	}
	res := &pb.SearchLicensesResponse{
		Licenses: licensesOf(rows), TotalSize: count32(at.Total),
		Coverage: chosen.coverage(within), Unreachable: chosen.unreachable,
	}
	if more {
		at.Below = rows[len(rows)-1].Key
		res.NextPageToken, err = paging.Token(req, at)
	}
	return res, err
}

// countFrom returns how many rows match, from the first of a page on. Rows that arrive after the
// page was read are newer, and do not count.
func (s *archives) countFrom(
	ctx context.Context, question archive.Question, page []archive.Row, more bool,
) (int64, error) {
	if !more {
		return int64(len(page)), nil
	}
	if len(page) > 0 && question.Within.To == 0 {
		question.Within.To = page[0].Second + 1
	}
	return s.engine.Count(ctx, question)
}

// sumOf identifies a set of sites without naming them.
func sumOf(sites []string) string {
	sum := sha256.Sum256([]byte(strings.Join(sites, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// newQuestion returns the conditions of a filter, and the period for its coverage. An open period
// ends now.
func newQuestion(f *pb.ArchiveFilter) (archive.Question, period, error) {
	person := strings.ToLower(f.GetUserIdMd5())
	if id := f.GetUserId(); id != "" {
		if own := archive.Person(id); person == "" {
			person = own
		} else if person != own {
			return archive.Question{}, period{}, apierror.Invalid("filter.user_id_md5",
				"is not the MD5 of user_id, so that nothing can match: leave out one of the two")
		}
	}
	q := archive.Question{
		Person: person, DRM: f.GetDrmType(), Status: f.GetStatus(), Content: f.GetContentId(), Device: f.GetDeviceId(),
		Code: f.GetErrorCode(), Model: f.GetDeviceModel(), Platform: f.GetPlatform(),
		Integration: f.GetIntegrationType(),
	}
	within := period{Span: archive.Span{To: time.Now().Unix()}}
	if f.GetStartTime() != nil {
		q.Within.From = max(secondFrom(f.GetStartTime()), archive.MinSecond)
		within.From = q.Within.From
	}
	if f.GetEndTime() != nil {
		q.Within.To = min(max(secondFrom(f.GetEndTime()), archive.MinSecond), archive.MaxSecond+1)
		within.To = q.Within.To
	}
	within.open = f.GetStartTime() == nil || f.GetEndTime() == nil
	return q, within, nil
}

// secondFrom returns the first whole second that is not before a time.
func secondFrom(t *timestamppb.Timestamp) int64 {
	if t.GetNanos() > 0 {
		return t.GetSeconds() + 1
	}
	return t.GetSeconds()
}

// licensesOf returns rows in the form of the contract.
func licensesOf(rows []archive.Row) []*pb.License {
	messages, times := make([]pb.License, len(rows)), make([]timestamppb.Timestamp, len(rows))
	all := make([]*pb.License, len(rows))
	for i := range rows {
		r, l := &rows[i], &messages[i]
		times[i].Seconds = r.Second
		l.Site, l.ContentId, l.DrmType, l.VendorDrmType = r.Site, r.Content, r.DRM, r.VendorDRM
		l.Status, l.VendorStatus, l.ErrorCode = r.Status, r.VendorStatus, r.Code
		l.UserId, l.UserIdMd5, l.DeviceId, l.DeviceModel = r.User, r.UserMD5, r.Device, r.Model
		l.Platform, l.IntegrationType, l.CreateTime = r.Platform, r.Integration, &times[i]
		all[i] = l
	}
	return all
}

// count32 returns a count in the type of the contract, whose largest value means that or more.
func count32(n int64) int32 { return int32(max(min(n, math.MaxInt32), math.MinInt32)) }
