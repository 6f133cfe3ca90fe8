package pallycon

import (
	"reflect"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

// shapes are what the guide says about the responses to reads, by the type of their data.
var shapes = func() map[reflect.Type]*shape.Shape {
	s := shapeTable{}
	addShape[jsonx.Rows[siteRow]](s, "/account/siteId",
		shape.Promised("data.site_id", "data.service_name", "data.product_list",
			"data.product_list.service_code", "data.product_list.status_code"),
		shape.Words("data.product_list.service_code", services),
		shape.Words("data.product_list.status_code", serviceStates))
	addShape[jsonx.Rows[siteOrderRow]](s, siteOrderPath,
		shape.Promised("data.seq", "data.account_id", "data.service_name", "data.status", "data.reg_time"))
	addShape[jsonx.Rows[memberRow]](s, memberPath,
		shape.Shown("data.group_name"),
		shape.Promised("data.group_seq", "data.member_seq", "data.member_email", "data.status_code", "data.reg_date"),
		shape.Words("data.group_seq", memberGroups), shape.Words("data.status_code", memberStates))
	addShape[*statusChangeRow](s, "/plan/request/status/{site_id}",
		// The guide heads this response "Response", and others "Response.data".
		shape.Shown("site_id", "req_group_id", "reg_type", "reg_status", "reg_message", "reg_id", "reg_dt",
			"update_dt"),
		shape.Promised("data.site_id", "data.req_group_id", "data.reg_type", "data.reg_status"),
		shape.Words("data.reg_type", changeTypes), shape.Words("data.reg_status", changeStates))
	addShape[jsonx.Rows[licenseRow]](s, "/drm/license",
		shape.Promised("data.cid", "data.status", "data.error_code", "data.drm_type", "data.user_id", "data.device_id",
			"data.device_model", "data.license_type", "data.platform_name", "data.reg_time"),
		shape.Words("data.status", licenseStatuses), shape.Words("data.drm_type", drmTypes))
	addShape[jsonx.Rows[packagingRow]](s, "/drm/pack",
		shape.Shown("data.site_id"), shape.Promised("data.cid", "data.created_time", "data.update_time"))
	addShape[*integrationRow](s, "/drm/setting/{site_id}",
		shape.Promised("data.site_id", "data.site_key", "data.access_key", "data.token_duration", "data.iv"))
	addShape[*usageRow](s, "/drm/statistics/targetDate",
		shape.Promised("data.license_cnt", "data.user_acc_cnt", "data.device_acc_cnt", "data.target_date"))
	addShape[jsonx.Rows[userRow]](s, "/drm/user",
		shape.Promised("data.user_id", "data.license_cnt", "data.device_cnt", "data.success", "data.fail"))
	addShape[jsonx.Rows[deviceRow]](s, "/drm/device",
		shape.Promised("data.device_id", "data.device_model", "data.license_cnt", "data.success", "data.fail"))
	addShape[jsonx.Rows[contentRow]](s, "/drm/cid-drmLicense", shape.Promised("data.cid", "data.license_cnt"))
	addShape[jsonx.Rows[contentUserRow]](s, "/drm/cid-user",
		shape.Promised("data.cid", "data.user_id", "data.license_cnt"))
	return s
}()

type shapeTable = map[reflect.Type]*shape.Shape

// addShape adds the shape of the response to a GET. The guide's samples have _links in each
// response.
func addShape[Data any](s shapeTable, path string, rules ...shape.Rule) {
	rules = append(rules, shape.Shown("_links"), shape.Promised("error_code"))
	s[reflect.TypeFor[Data]()] = shape.Of[envelope[Data]]("GET /api/v2"+path, rules...)
}
