package emulator

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Groups of sub-members (group_seq), from the guide's "Group SEQ List".
const (
	GroupBusiness         = 1000
	GroupTechnicalSupport = 1001
	GroupClients          = 1014
)

// groupNames are the group_name of each group, from the same list.
var groupNames = map[int]string{
	GroupBusiness: "BIZ Group", GroupTechnicalSupport: "TS Group", GroupClients: "Clients Group",
}

// States of a sub-member (status_code, member_status).
const (
	MemberActive   = "MT001"
	MemberInactive = "MT002"
)

// Kinds of effects: what happened to a sub-member. Their key is member_seq, and their details hold
// member_email, group_seq and status_code as they are then.
const (
	EffectMemberCreated       = "memberCreated"
	EffectMemberUpdated       = "memberUpdated"
	EffectMemberPasswordReset = "memberPasswordReset"
)

// Member is a sub-member of the account.
type Member struct {
	// MemberSeq identifies the sub-member.
	MemberSeq int
	// MemberEmail is the address that the sub-member signs in with.
	MemberEmail string
	// GroupSeq is GroupBusiness, GroupTechnicalSupport or GroupClients.
	GroupSeq int
	// StatusCode is MemberActive or MemberInactive.
	StatusCode string
	// RegTime is when the sub-member was registered. The vendor shows the day.
	RegTime time.Time
}

// PutMembers adds sub-members, or replaces those of the same MemberSeq. The defaults of zero values
// are the next MemberSeq, GroupClients, MemberActive, and a RegTime of now. It panics if a group or
// a status is unknown, because that is a mistake in the test.
func (e *Emulator) PutMembers(members ...Member) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range members {
		if m.MemberSeq == 0 {
			m.MemberSeq = e.nextMember()
		}
		if m.GroupSeq == 0 {
			m.GroupSeq = GroupClients
		}
		if m.StatusCode == "" {
			m.StatusCode = MemberActive
		}
		if groupNames[m.GroupSeq] == "" || m.StatusCode != MemberActive && m.StatusCode != MemberInactive {
			panic(fmt.Sprintf("emulator: a sub-member cannot have the group %d and the status %q",
				m.GroupSeq, m.StatusCode))
		}
		if m.RegTime.IsZero() {
			m.RegTime = e.Clock().Now()
		}
		if at, held := e.findMember(m.MemberSeq); held {
			e.members[at] = m
		} else {
			e.members = slices.Insert(e.members, at, m)
		}
	}
}

// Members returns the sub-members in the order of the list.
func (e *Emulator) Members() []Member {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return slices.Clone(e.members)
}

// nextMember returns the seq of the next sub-member. The caller holds the lock, here and below.
func (e *Emulator) nextMember() int {
	if len(e.members) == 0 {
		return 1
	}
	return e.members[len(e.members)-1].MemberSeq + 1
}

// findMember returns the position of the sub-member with that seq.
func (e *Emulator) findMember(seq int) (at int, held bool) {
	return slices.BinarySearchFunc(e.members, seq, func(m Member, seq int) int { return m.MemberSeq - seq })
}

// member is findMember for a request. It fails if there is no such sub-member.
func (e *Emulator) member(p twin.Params) (*Member, error) {
	at, held := e.findMember(p.Int("member_seq", 0))
	if !held {
		return nil, failure{e.assumed.Codes.MemberNotFound, "sub-member " + p["member_seq"] + " does not exist"}
	}
	return &e.members[at], nil
}

// group returns the group that a request names, or otherwise if it names none.
func (e *Emulator) group(p twin.Params, otherwise int) (int, error) {
	seq := p.Int("group_seq", otherwise)
	if groupNames[seq] == "" {
		return 0, failure{e.assumed.Codes.GroupNotFound, "group " + p["group_seq"] + " does not exist"}
	}
	return seq, nil
}

// listMembers serves "Get Sub-member List".
func (e *Emulator) listMembers(_ context.Context, p twin.Params) (response, error) {
	type row struct {
		GroupName   string `json:"group_name"`
		GroupSeq    int    `json:"group_seq"`
		MemberSeq   int    `json:"member_seq"`
		MemberEmail string `json:"member_email"`
		StatusCode  string `json:"status_code"`
		RegDate     string `json:"reg_date"`
	}
	first, size, err := e.page(p)
	if err != nil {
		return response{}, err
	}
	var rows []row
	for _, m := range e.Members() {
		rows = append(rows, row{
			groupNames[m.GroupSeq], m.GroupSeq, m.MemberSeq, m.MemberEmail, m.StatusCode,
			m.RegTime.In(e.assumed.Zone).Format(day),
		})
	}
	return pageOf(e, rows, first, size), nil
}

// createMember serves "Create Sub-member".
func (e *Emulator) createMember(ctx context.Context, p twin.Params) (response, error) {
	group, err := e.group(p, GroupClients)
	if err != nil {
		return response{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	email := p["member_email"]
	if slices.ContainsFunc(e.members, func(m Member) bool { return strings.EqualFold(m.MemberEmail, email) }) {
		return response{}, failure{e.assumed.Codes.MemberExists, fmt.Sprintf("sub-member %q exists already", email)}
	}
	m := Member{e.nextMember(), email, group, MemberActive, e.Clock().Now()}
	e.members = append(e.members, m)
	e.recordMember(ctx, EffectMemberCreated, m)
	return response{data: map[string]int{"member_seq": m.MemberSeq}}, nil
}

// resetMemberPassword serves "Reset Password for Sub-member".
func (e *Emulator) resetMemberPassword(ctx context.Context, p twin.Params) (response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.member(p)
	if err != nil {
		return response{}, err
	}
	e.recordMember(ctx, EffectMemberPasswordReset, *m)
	return response{}, nil
}

// updateMember serves "Update Sub-member Information".
func (e *Emulator) updateMember(ctx context.Context, p twin.Params) (response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.member(p)
	if err != nil {
		return response{}, err
	}
	group, err := e.group(p, m.GroupSeq)
	if err != nil {
		return response{}, err
	}
	m.GroupSeq = group
	if p["member_status"] != "" {
		m.StatusCode = p["member_status"]
	}
	e.recordMember(ctx, EffectMemberUpdated, *m)
	return response{}, nil
}

func (e *Emulator) recordMember(ctx context.Context, kind string, m Member) {
	e.Ledger().Record(ctx, kind, strconv.Itoa(m.MemberSeq), map[string]string{
		"member_email": m.MemberEmail, "group_seq": strconv.Itoa(m.GroupSeq), "status_code": m.StatusCode,
	})
}
