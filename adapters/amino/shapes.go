package amino

import (
	"reflect"

	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

// shapes are what AminoTV's pages say about the responses to reads, by the type into which they are
// decoded.
var shapes = map[reflect.Type]*shape.Shape{
	reflect.TypeFor[listDocument[licenseResource]](): shape.Of[listDocument[licenseResource]](
		"GET "+licensesPath, licenseRules),
	reflect.TypeFor[document[licenseResource]](): shape.Of[document[licenseResource]](
		"GET "+licensesPath+"/{license_id}", licenseRules),
	reflect.TypeFor[listDocument[productResource]](): shape.Of[listDocument[productResource]](
		"GET "+productsPath, productRules),
	reflect.TypeFor[document[productResource]](): shape.Of[document[productResource]](
		"GET "+productsPath+"/{product_id}", productRules),
}

// ofJSONAPI adds the members that each document of JSON:API may have.
func ofJSONAPI(s *shape.Shape) {
	shape.Shown("links", "meta", "included", "jsonapi", "errors", "data.links", "data.meta")(s)
	shape.Promised("data.id", "data.type", "data.attributes")(s)
}

func licenseRules(s *shape.Shape) {
	ofJSONAPI(s)
	shape.Shown("data.relationships.user.links", "data.relationships.user.meta",
		"data.relationships.product.links", "data.relationships.product.meta")(s)
	shape.Promised("data.attributes.status", "data.relationships.user", "data.relationships.product")(s)
	shape.Words("data.attributes.status", statuses)(s)
}

// productRules promises only what both forms of AminoTV's page have.
func productRules(s *shape.Shape) {
	ofJSONAPI(s)
	shape.Shown("data.attributes.is_premium", "data.attributes.auto_grant_on_signup")(s)
	shape.Promised("data.attributes.is_buyable")(s)
}
