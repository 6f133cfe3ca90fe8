package archive

import (
	"context"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An Engine stores the archive. It is safe for concurrent use. Each method that changes something
// does so completely or not at all, also when the process is killed.
type Engine interface {
	// Sites returns what is known of all sites, by name.
	Sites(ctx context.Context) ([]Site, error)
	// Site returns what is known of one site. One that is not known has only its name.
	Site(ctx context.Context, name string) (Site, error)
	// SetZone sets the time zone of a site's days and months, and makes the site known. If the zone
	// changes, the engine counts the site's days and months again.
	SetZone(ctx context.Context, site string, zone *time.Location) error
	// SetState replaces what the passes note about a site that is known. Since and Asked stay what
	// they are.
	SetState(ctx context.Context, site string, state State) error
	// SetSince sets State.Since of a site that is known, and changes State.Asked. So a pass that
	// runs meanwhile, here or in another process, does not undo what a caller asks for.
	SetSince(ctx context.Context, site string, since int64) error

	// Replace makes the rows of a range those that the vendor showed, by the multiset difference:
	// a row that is there keeps its key, one that is missing is added, and what is left over is
	// removed. If the range is final, it becomes part of the site's spans. The site must be known.
	Replace(ctx context.Context, r Replacement) (Change, error)
	// Forget removes the rows of a site before a second, and cuts its spans there. It may do so in
	// steps, each completely or not at all. With an error, it returns how many rows the steps
	// before have removed.
	Forget(ctx context.Context, site string, before int64) (removed int64, err error)
	// Erase takes the id and the MD5 of a viewer out of all rows of these sites, and returns the
	// number of these rows. All counts stay what they are. Rows of the viewer that Replace gets
	// later are stored without the id, too. person is the MD5 of the id in lower-case hexadecimal.
	Erase(ctx context.Context, sites []string, person string) (rows int64, err error)

	// Rows returns the rows of a range of a site, newest first: the greatest key first.
	// It is for passes, which compare what is stored with what a vendor shows.
	Rows(ctx context.Context, site string, within Span) ([]Row, error)
	// Search returns at most limit rows that match and whose key is less than below, the greatest
	// key first.
	Search(ctx context.Context, q Question, below Key, limit int) ([]Row, error)
	// Count returns how many rows match.
	Count(ctx context.Context, q Question) (int64, error)
	// Scan calls yield with the rows that match and whose key is less than below, the greatest key
	// first, in batches, until yield returns an error. The rows are those of the moment when Scan
	// began, as far as the engine can show them. yield may keep the rows.
	Scan(ctx context.Context, q Question, below Key, yield func([]Row) error) error
	// Summarize returns a page of the groups of the rows that match, and how many groups there are.
	Summarize(ctx context.Context, q Question, by Grouping) (page []Group, total int, err error)
	// Months returns the counts of each month that has rows of a site, in the zone of the site, the
	// newest first.
	Months(ctx context.Context, site string) ([]Month, error)

	// Close ends the use of the engine.
	Close() error
}

// A Site is what an engine knows of one site.
type Site struct {
	Name  string
	Zone  *time.Location // nil for a site that is not known
	Rows  int64          // how many the archive holds
	Spans []Span         // what is final: sorted, without overlap and without neighbors that touch
	State State
}

// A State is what the passes over a vendor note about a site, and what callers ask of the passes.
type State struct {
	// Since is the second that the archive of the site shall reach back to. 0 means the setting.
	// Asked changes each time that a caller asks for it.
	Since int64 `json:"since,omitzero"`
	Asked int64 `json:"asked,omitzero"`
	// Oldest is the second before which the vendor shows nothing any more. 0 means unknown. Heard
	// is the Asked of the pass that found it out.
	Oldest int64 `json:"oldest,omitzero"`
	Heard  int64 `json:"heard,omitzero"`
	// Head is the second up to which the newest reading has seen the vendor's rows.
	Head int64 `json:"head,omitzero"`
	// LastSync is when the last pass that succeeded ended, Next when the next is due, and Checked
	// when the last check pass ended.
	LastSync time.Time `json:"lastSync,omitzero"`
	Next     time.Time `json:"next,omitzero"`
	Checked  time.Time `json:"checked,omitzero"`
	// Lateness is the latest, in seconds, that a row appeared after its time.
	Lateness int64 `json:"lateness,omitzero"`
	// Failure is why the last pass failed, or nil.
	Failure *Failure `json:"failure,omitempty"`
	// Refused counts how often passes in a row have refused to believe a head that lost most of
	// its rows.
	Refused int `json:"refused,omitzero"`
	// Drift are the differences that passes found, the newest first.
	Drift []Drift `json:"drift,omitempty"`
	// Fill is what the estimate of the backfill's end is made from.
	Fill Fill `json:"fill,omitzero"`
}

// Hear prepares the state for a pass. What passes before have found out about the end of the
// vendor's list counts no longer once a caller has asked for more.
func (s *State) Hear() {
	if s.Heard != s.Asked {
		s.Heard, s.Oldest = s.Asked, 0
	}
}

// A Failure is an error as the public face shows it.
type Failure struct {
	Code    int32     `json:"code"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Time    time.Time `json:"time"`
}

// A Drift is a range about which a vendor contradicts what is final.
type Drift struct {
	Span             Span      `json:"span"`
	Detected         time.Time `json:"detected"`
	Archived, Vendor int64
	Message          string `json:"message"`
}

// A Fill is how fast passes fill holes: Seconds of history in Took.
type Fill struct {
	Seconds int64         `json:"seconds,omitzero"`
	Took    time.Duration `json:"took,omitzero"`
}

// A Replacement is everything that a vendor showed of a site in a range.
type Replacement struct {
	Site string
	// Span is the range. The head ends at MaxSecond + 1.
	Span Span
	// Rows are in any order. All are of the site and within the range.
	Rows []Row
	// Final makes the range part of the site's spans.
	Final bool
}

// A Change is what a Replace did.
type Change struct{ Added, Removed, Kept int }

// A Question chooses rows. All conditions must hold, each exactly. The zero value of a condition is
// none.
type Question struct {
	// Sites are the names of the sites. Without a site, nothing matches.
	Sites []string
	// Within is the range of seconds. To 0 means no end.
	Within Span
	// Person is the MD5 of the viewer's id in lower-case hexadecimal. It matches rows with the id
	// and rows with the MD5.
	Person string

	DRM             pb.License_DrmType
	Status          pb.License_Status
	Content, Device string
	Code            string
	Model, Platform string
	Integration     string
}

// A Grouping says how rows are counted.
type Grouping struct {
	By       []pb.SummarizeLicensesRequest_Dimension
	Interval pb.SummarizeLicensesRequest_Interval
	// Zone is that of the intervals. nil means UTC.
	Zone *time.Location
	// Order is the order of the groups. Equal ones come in the order of their start, and then of
	// their keys, compared byte by byte.
	Order         []Order
	Offset, Limit int
}

// An Order is one key of a sort.
type Order struct {
	By   Figure
	Desc bool
}

// A Figure is what a Group can be sorted by.
type Figure int

// The figures of a Group.
const (
	ByStart Figure = iota
	ByTotal
	ByIssued
	ByRefused
	ByUsers
	ByDevices
)

// A Group counts the rows of one group.
type Group struct {
	// Keys are in the order of Grouping.By: the name of the site, the name of the vendor
	// ("vendors/{vendor}"), the names of enums, texts, and for a user the id, or the MD5 where no
	// row of the group shows the id. Rows of erased viewers are in one group with those without a
	// user, whose key is empty.
	Keys []string
	// Start is the first second of the interval, or 0 without intervals.
	Start int64
	// Total counts rows, Issued those with SUCCESS, and Refused those with FAILURE.
	Total, Issued, Refused int64
	// Users and Devices are distinct. A row without a user counts no user. A person that one vendor
	// shows by id and another by MD5 counts once. An erased viewer still counts as one.
	Users, Devices int64
}

// A Month counts the rows of a site in one month of its zone.
type Month struct {
	// Month is year * 100 + month, such as 202610.
	Month int
	// All counts rows of every outcome, and Issued those with SUCCESS.
	All, Issued Counts
}

// Counts are the figures that vendors bill by.
type Counts struct {
	Rows, Users, Devices int64
	// NoUser and NoDevice count the rows without a user and without a device.
	NoUser, NoDevice int64
}
