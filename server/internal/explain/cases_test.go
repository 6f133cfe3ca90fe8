package explain_test

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// An evidenceCase is a failure, what the vendor and the archive hold, and the evidence that this
// is.
type evidenceCase struct {
	name, kind, code string
	license          *pb.License
	adapter          adapters.Adapter
	here, there      string               // rows
	want             []string             // "KIND FINDING: a part of the message"
	class            pb.Explanation_Class // these two for a failure without a code
	owner            pb.Explanation_Owner
}

const others = "12*30 x dx Pixel movie WIDEVINE ok\n9*40 y dy iOS other FAIRPLAY ok\n"

// unnamed are failures of viewers without an id, of which the vendor shows the MD5.
const unnamed = "20 md5: d Pixel movie WIDEVINE -\n9 md5: e iOS other FAIRPLAY -\n8 md5: f TV third WIDEVINE -\n"

// devices returns two licenses of a user for each of n devices.
func devices(user string, n int) (all string) {
	for i := range n {
		all += fmt.Sprintf("2*30 %s d%03d TV c WIDEVINE ok\n", user, i)
	}
	return all
}

func failure(words string) *pb.License {
	r := rows(here, words)[0]
	return &pb.License{
		UserId: r.User, DeviceId: r.Device, DeviceModel: r.Model, ContentId: r.Content, DrmType: r.DRM,
		Status: r.Status, ErrorCode: r.Code, CreateTime: &timestamppb.Timestamp{Seconds: r.Second},
	}
}

func evidenceCases() []evidenceCase {
	down := vendor{}
	return []evidenceCase{
		{
			name: "a token", kind: "pallycon", code: "7011",
			adapter: vendor{integration: &pb.Integration{TokenDuration: durationpb.New(10 * time.Minute)}},
			here:    others + "5 a d1 m1 c1 WIDEVINE 7011\n", want: []string{
				"TOKEN_DURATION NEUTRAL: valid for 10m.",
				"COHORT NEUTRAL: 1 of 22 license requests at the site failed with 7011, in the newest run of hours " +
					"since 2026-11-29T13:55:00Z. They came from 1 user with 1 device of 1 device model, " +
					"for 1 content, by 1 DRM",
				"DEVICE_MODEL NEUTRAL: 1 of 1 license request", "CONTENT NEUTRAL: ",
			},
		},
		{
			name: "a vendor that is down", kind: "pallycon", code: "7011", adapter: down, here: others, want: []string{
				"TOKEN_DURATION UNAVAILABLE: cannot read how long", "COHORT NEUTRAL: none of 21 license requests",
			},
		},
		{
			name: "a stopped site", kind: "pallycon", code: "1004",
			adapter: vendor{
				site: &pb.Site{State: pb.Site_SUSPENDED},
				changes: []*pb.StatusChange{{Type: pb.StatusChange_EXTEND_TRIAL, UpdateTime: ago(time.Hour * 99)}, {
					Type: pb.StatusChange_SUSPEND, State: pb.StatusChange_APPROVED, UpdateTime: ago(2 * time.Hour),
					Requester: "ann", Message: "Contract ended",
				}},
			},
			here: "300 a d m c WIDEVINE ok\n110 a d m c WIDEVINE 1004\n50 b e n f FAIRPLAY 1004\n", want: []string{
				"SITE_STATE CONFIRMS: issues no licenses for it",
				`STATUS_CHANGE CONFIRMS: SUSPEND, APPROVED since 2026-11-29T12:00:00Z, requested by "ann", ` +
					`with the message "Contract ended"`,
				"COHORT CONFIRMS: since 2026-11-29T12:10:00Z. They came from 2 users with 2 devices of 2 device models",
			},
		},
		{
			name: "a site that was stopped after the failure", kind: "pallycon", code: "1004",
			license: &pb.License{CreateTime: ago(3 * time.Hour)},
			adapter: vendor{site: &pb.Site{State: pb.Site_SUSPENDED}, changes: []*pb.StatusChange{{
				Type: pb.StatusChange_SUSPEND, State: pb.StatusChange_APPROVED, UpdateTime: ago(2 * time.Hour),
			}}},
			want: []string{
				"SITE_STATE CONFIRMS: ", "STATUS_CHANGE NEUTRAL: since 2026-11-29T12:00:00Z, after the failure.",
				"COHORT NEUTRAL: ",
			},
		},
		{
			name: "a change without a time", kind: "pallycon", code: "1004",
			license: &pb.License{CreateTime: ago(3 * time.Hour)},
			adapter: vendor{site: &pb.Site{State: pb.Site_SUSPENDED}, changes: []*pb.StatusChange{{
				Type: pb.StatusChange_SUSPEND, State: pb.StatusChange_APPROVED,
			}}},
			want: []string{
				"SITE_STATE CONFIRMS: ",
				"STATUS_CHANGE NEUTRAL: SUSPEND, APPROVED since a time that the vendor does not show.",
				"COHORT NEUTRAL: ",
			},
		},
		{
			name: "a site that runs again", kind: "pallycon", code: "1004",
			adapter: vendor{site: &pb.Site{State: pb.Site_RUNNING, Enabled: true}},
			here:    "110 a d m c WIDEVINE 1004\n50 b e n f FAIRPLAY ok\n", want: []string{
				"SITE_STATE CONTRADICTS: issues licenses for it now", "STATUS_CHANGE NEUTRAL: shows no change",
				"COHORT CONTRADICTS: 1 license was issued at the site",
				"DEVICE_MODEL NEUTRAL: In the day until", "CONTENT NEUTRAL: ",
			},
		},
		{
			name: "a content that was not packaged", kind: "pallycon", code: "7001", adapter: vendor{},
			license: failure("20 a d m lost WIDEVINE 7001"),
			here:    others + "2*20 a d m lost WIDEVINE 7001\n10 b e n lost FAIRPLAY 7001\n", want: []string{
				`PACKAGING CONFIRMS: no packaging of content "lost"`,
				`COHORT CONFIRMS: no license was issued for content "lost"`, "DEVICE_MODEL NEUTRAL: ",
				`CONTENT CONFIRMS: 3 of 3 license requests with content "lost" failed with 7001, and 0 of 21 requests`,
				"OTHER_DEVICES NEUTRAL: 0 licenses on this device, and none on other",
				"OTHER_SITES NEUTRAL: no license at",
			},
		},
		{
			name: "a content that was packaged since", kind: "pallycon", code: "7001",
			adapter: vendor{packagings: []*pb.Packaging{{CreateTime: ago(time.Minute)}}},
			license: &pb.License{ContentId: "late", CreateTime: ago(time.Hour)}, here: others,
			want: []string{
				"PACKAGING CONFIRMS: after the failure", "COHORT NEUTRAL: none of", "CONTENT NEUTRAL: 0 of 0",
			},
		},
		{
			name: "a content that was packaged", kind: "pallycon", code: "7001",
			adapter: vendor{packagings: []*pb.Packaging{{CreateTime: ago(99 * time.Hour)}}},
			license: &pb.License{ContentId: "c", CreateTime: ago(time.Hour)}, here: others,
			want: []string{"PACKAGING CONTRADICTS: may be another one", "COHORT NEUTRAL: ", "CONTENT NEUTRAL: "},
		},
		{
			name: "a content whose packaging is on a later page", kind: "pallycon", code: "7001",
			adapter: vendor{emptyPages: 9, packagings: []*pb.Packaging{{CreateTime: ago(99 * time.Hour)}}},
			license: &pb.License{ContentId: "c", CreateTime: ago(time.Hour)}, here: others,
			want: []string{"PACKAGING CONTRADICTS: may be another one", "COHORT NEUTRAL: ", "CONTENT NEUTRAL: "},
		},
		{
			name: "a content whose packaging is on a page too late", kind: "pallycon", code: "7001",
			adapter: vendor{emptyPages: 10, packagings: []*pb.Packaging{{CreateTime: ago(99 * time.Hour)}}},
			license: &pb.License{ContentId: "c", CreateTime: ago(time.Hour)}, here: others,
			want: []string{
				"PACKAGING NEUTRAL: The search ended after 10 pages", "COHORT NEUTRAL: ", "CONTENT NEUTRAL: ",
			},
		},
		{
			name: "a content whose packaging has no time", kind: "pallycon", code: "7001",
			adapter: vendor{packagings: []*pb.Packaging{{}, {CreateTime: ago(time.Minute)}}},
			license: &pb.License{ContentId: "c", CreateTime: ago(time.Hour)}, here: others,
			want: []string{
				"PACKAGING NEUTRAL: was packaged at a time that the vendor does not show. It may have been after",
				"COHORT NEUTRAL: ", "CONTENT NEUTRAL: ",
			},
		},
		{
			name: "a content with packagings before and without a time", kind: "pallycon", code: "7001",
			adapter: vendor{packagings: []*pb.Packaging{{}, {CreateTime: ago(99 * time.Hour)}}},
			license: &pb.License{ContentId: "c", CreateTime: ago(time.Hour)}, here: others,
			want: []string{"PACKAGING CONTRADICTS: at 2026-11-25T11:00:00Z", "COHORT NEUTRAL: ", "CONTENT NEUTRAL: "},
		},
		{
			name: "no content", kind: "pallycon", code: "7001", adapter: vendor{}, here: others,
			want: []string{"PACKAGING UNAVAILABLE: names no content", "COHORT NEUTRAL: "},
		},
		{
			name: "a revoked model", kind: "pallycon", code: "7110", adapter: vendor{},
			license: failure("10 a d1 SM-1 c WIDEVINE 7110"),
			here:    others + "10 a d1 SM-1 c WIDEVINE 7110\n9 b d2 SM-1 f WIDEVINE 7110\n70 a d3 iOS c FAIRPLAY ok\n",
			there:   "3*90 a d3 iOS x FAIRPLAY ok\n", want: []string{
				`COHORT CONFIRMS: no license was issued to device model "SM-1"`,
				`DEVICE_MODEL CONFIRMS: 2 of 2 license requests with device model "SM-1"`, "CONTENT NEUTRAL: ",
				"OTHER_DEVICES CONFIRMS: 0 licenses on this device, and 1 license on other devices (iOS)",
				"OTHER_SITES NEUTRAL: 3 licenses at " + there + ".",
			},
		},
		{
			name: "a user id of more devices than are shown", kind: "pallycon", code: "7110", adapter: vendor{},
			license: failure("10 a mine SM-1 c WIDEVINE 7110"),
			here:    "70 a mine SM-1 c WIDEVINE ok\n" + devices("a", 120),
			want: []string{
				"COHORT NEUTRAL: ", "DEVICE_MODEL NEUTRAL: ", "CONTENT NEUTRAL: ", "OTHER_DEVICES NEUTRAL: " +
					"1 license on this device, and 240 licenses on other devices (TV and others)",
				"OTHER_SITES NEUTRAL: ",
			},
		},
		{
			name: "a revoked device that is not named", kind: "pallycon", code: "7110", adapter: vendor{},
			license: &pb.License{UserId: "a"}, here: others + "70 a d3 iOS c FAIRPLAY ok\n",
			want: []string{
				"COHORT NEUTRAL: ", "OTHER_DEVICES NEUTRAL: 1 license (iOS). The license request names no device",
				"OTHER_SITES NEUTRAL: ",
			},
		},
		{
			name: "another certificate", kind: "pallycon", code: "7316",
			adapter: served{vendor{certificate: &pb.FairPlayCertificate{
				Subject: "CN=FPS", Fingerprint: "abcd", ExpireTime: ago(-99 * time.Hour),
			}}},
			license: failure("10 a d iOS c FAIRPLAY 7316"), here: others + "10 a d iOS c FAIRPLAY 7316\n",
			want: []string{
				"FAIRPLAY_CERTIFICATE NEUTRAL: CN=FPS, SHA-256 abcd. It is valid until 2026-12-03",
				"COHORT CONFIRMS: no license was issued by FairPlay", "DEVICE_MODEL NEUTRAL: ", "CONTENT NEUTRAL: ",
				"OTHER_DEVICES NEUTRAL: ", "OTHER_SITES NEUTRAL: ",
			},
		},
		{
			name: "a certificate that ended, shown with the site", kind: "pallycon", code: "7303",
			adapter: vendor{site: &pb.Site{FairplayCertificate: &pb.FairPlayCertificate{ExpireTime: ago(time.Hour)}}},
			want: []string{
				"FAIRPLAY_CERTIFICATE NEUTRAL: It ended at 2026-11-29T13:00:00Z", "COHORT NEUTRAL: none of 0",
			},
		},
		{
			name: "a certificate that ended, and is there", kind: "pallycon", code: "7315",
			adapter: served{vendor{certificate: &pb.FairPlayCertificate{ExpireTime: ago(time.Hour)}}},
			want: []string{
				"FAIRPLAY_CERTIFICATE CONTRADICTS: It ended at ", "COHORT NEUTRAL: none of 0",
			},
		},
		{
			name: "a vendor without a call for the certificate", kind: "pallycon", code: "7303", adapter: down,
			want: []string{"FAIRPLAY_CERTIFICATE UNAVAILABLE: has no GetFairPlayCertificate", "COHORT NEUTRAL: "},
		},
		{
			name: "a callback", kind: "pallycon", code: `8002 {"ERROR":"A1","MESSAGE":"no right"}`,
			adapter: vendor{integration: &pb.Integration{LicenseCallbackUrl: "https://lms.example/drm"}},
			want:    []string{"CALLBACK NEUTRAL: https://lms.example/drm", "COHORT NEUTRAL: "},
		},
		{
			name: "no callback", kind: "pallycon", code: "8002", adapter: vendor{integration: &pb.Integration{}},
			want: []string{"CALLBACK CONTRADICTS: no address", "COHORT NEUTRAL: "},
		},
		{
			name: "no code, and one content", kind: "ncp", license: failure("20 a d m lost WIDEVINE -"),
			adapter: vendor{site: &pb.Site{Enabled: true}}, class: pb.Explanation_CONTENT_NOT_PACKAGED,
			owner: pb.Explanation_INTEGRATOR,
			here:  others + "2*20 a d m lost WIDEVINE -\n10 b e n lost FAIRPLAY -\n", want: []string{
				"SITE_STATE NEUTRAL: issues licenses for it", "STATUS_CHANGE NEUTRAL: ", "COHORT NEUTRAL: ",
				"PATTERN NEUTRAL: 3 of 3 license requests with this content (lost) failed, and 0 of 21 requests",
				"OTHER_DEVICES NEUTRAL: ", "OTHER_SITES NEUTRAL: ",
			},
		},
		noCode("everybody since an hour ago", "50 a d m c WIDEVINE -", pb.Explanation_UNKNOWN, pb.Explanation_OPERATOR,
			"200 a d m c WIDEVINE ok\n300 b e n f FAIRPLAY ok\n5*50 a d m c WIDEVINE -\n3*48 b e n f FAIRPLAY -\n",
			"8 of 8 license requests at the site failed, of 2 users"),
		noCode("one DRM system", "20 a d m c FAIRPLAY -", pb.Explanation_FAIRPLAY_CREDENTIALS, pb.Explanation_OPERATOR,
			"9*30 x dx P movie WIDEVINE ok\n2*20 a d m c FAIRPLAY -\n9 b e n f FAIRPLAY -\n",
			"3 of 3 license requests with this DRM system (FAIRPLAY) failed, and 0 of 9 requests without it"),
		noCode("one model", "20 a d TV c WIDEVINE -", pb.Explanation_UNKNOWN, pb.Explanation_INTEGRATOR,
			others+"2*20 a d TV movie WIDEVINE -\n9 b e TV other FAIRPLAY -\n", "this device model (TV) failed"),
		noCode("one user", "20 a d Pixel movie WIDEVINE -", pb.Explanation_UNKNOWN, pb.Explanation_INTEGRATOR,
			others+"2*20 a d Pixel movie WIDEVINE -\n9 a e iOS other FAIRPLAY -\n", "this user ("),
		noCode("one device", "20 x d Pixel movie WIDEVINE -", pb.Explanation_UNKNOWN, pb.Explanation_VIEWER,
			others+"3*20 x d Pixel movie WIDEVINE -\n", "this device (d) failed"),
		noCode("nothing in common", "20 x dx Pixel movie WIDEVINE -", pb.Explanation_UNKNOWN, 0,
			others+"20 x dx Pixel movie WIDEVINE -\n", "have nothing in common"),
		{
			name: "no code, and the site is off", kind: "ncp", adapter: vendor{site: &pb.Site{State: pb.Site_READY}},
			license: &pb.License{Status: pb.License_FAILURE, UserIdMd5: archive.Person("a")}, here: others,
			class: pb.Explanation_SITE_STOPPED, owner: pb.Explanation_OPERATOR, want: []string{
				"SITE_STATE CONFIRMS: issues no licenses", "STATUS_CHANGE NEUTRAL: ", "COHORT NEUTRAL: ",
				"PATTERN NEUTRAL: ", "OTHER_DEVICES NEUTRAL: ", "OTHER_SITES NEUTRAL: ",
			},
		},
		{
			name: "no code, and the site was on until later", kind: "ncp", adapter: vendor{site: &pb.Site{}},
			here: others, license: failure("60 z dz Q movie WIDEVINE -"), class: pb.Explanation_UNKNOWN, want: []string{
				"SITE_STATE NEUTRAL: issued 21 licenses after this failure", "STATUS_CHANGE NEUTRAL: ",
				"COHORT NEUTRAL: ",
				"PATTERN NEUTRAL: ", "OTHER_DEVICES NEUTRAL: ", "OTHER_SITES NEUTRAL: ",
			},
		},
		{
			name: "a license request of last week", kind: "pallycon", code: "7103", adapter: down,
			license: failure("10080 a d Pixel c WIDEVINE 7103"),
			here: others + "10080 a d Pixel c WIDEVINE 7103\n10200 b e iOS c FAIRPLAY 7103\n" +
				"12000 a d m c WIDEVINE 7103\n",
			want: []string{
				"COHORT NEUTRAL: In the day until 2026-11-22T15:00:00Z, 2 of 2 license requests at the site failed " +
					"with 7103, in the newest run of hours since 2026-11-22T14:00:00Z",
				"DEVICE_MODEL NEUTRAL: ", "CONTENT NEUTRAL: ", "OTHER_DEVICES NEUTRAL: ", "OTHER_SITES NEUTRAL: ",
			},
		},
		{
			name: "no code, and all failures of one user", kind: "pallycon", license: &pb.License{}, adapter: vendor{
				site: &pb.Site{Enabled: true},
			}, here: others + "20 a d Pixel movie WIDEVINE -\n9 a e iOS other FAIRPLAY -\n8 a f TV third WIDEVINE -\n",
			class: pb.Explanation_UNKNOWN, owner: pb.Explanation_INTEGRATOR, want: []string{
				"SITE_STATE NEUTRAL: ", "STATUS_CHANGE NEUTRAL: ", "COHORT NEUTRAL: ",
				"PATTERN NEUTRAL: 3 of 3 license requests with this user (" + archive.Person("a") + ") failed",
			},
		},
		{
			name: "no code, and all failures without a user", kind: "ncp", license: &pb.License{}, adapter: vendor{
				site: &pb.Site{Enabled: true},
			}, here: others + unnamed, class: pb.Explanation_UNKNOWN, want: []string{
				"SITE_STATE NEUTRAL: ", "STATUS_CHANGE NEUTRAL: ", "COHORT NEUTRAL: ",
				"PATTERN NEUTRAL: have nothing in common",
			},
		},
		{
			name: "no code, and no user", kind: "ncp", adapter: vendor{site: &pb.Site{Enabled: true}},
			license: &pb.License{Status: pb.License_FAILURE, UserIdMd5: "D41D8CD98F00B204E9800998ECF8427E"},
			here:    others + unnamed, class: pb.Explanation_UNKNOWN, want: []string{
				"SITE_STATE NEUTRAL: ", "STATUS_CHANGE NEUTRAL: ", "COHORT NEUTRAL: ",
				"PATTERN NEUTRAL: have nothing in common", "OTHER_DEVICES UNAVAILABLE: names no single user",
			},
		},
		{
			name: "a user id of many", kind: "pallycon", code: "7103", adapter: down,
			license: &pb.License{UserId: "LICENSETOKEN"},
			want:    []string{"COHORT NEUTRAL: ", "OTHER_DEVICES UNAVAILABLE: names no single user"},
		},
	}
}

// noCode returns the case of a failure for which the vendor shows no code.
func noCode(
	name, license string, class pb.Explanation_Class, owner pb.Explanation_Owner, here, pattern string,
) evidenceCase {
	c := evidenceCase{
		name: "no code, " + name, kind: "ncp", license: failure(license), here: here, class: class, owner: owner,
		adapter: vendor{site: &pb.Site{Enabled: true}},
		want: []string{
			"SITE_STATE NEUTRAL: ", "STATUS_CHANGE NEUTRAL: ", "COHORT NEUTRAL: ", "PATTERN NEUTRAL: " + pattern,
			"OTHER_DEVICES NEUTRAL: ", "OTHER_SITES NEUTRAL: ",
		},
	}
	if c.license.GetDrmType() == pb.License_FAIRPLAY {
		c.want = append(c.want[:2:2], append([]string{"FAIRPLAY_CERTIFICATE UNAVAILABLE: "}, c.want[2:]...)...)
	}
	return c
}
