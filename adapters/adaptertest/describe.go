package adaptertest

import (
	"reflect"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

func describeIsComplete(t T, h Harness) {
	d := h.Adapter.Describe()
	if d.DisplayName == "" {
		t.Errorf("Describe has no DisplayName")
	}
	if d.Limits.GetMaxPageSize() <= 0 || d.Limits.GetRequestsPerSecond() < 0 {
		t.Errorf("Describe's Limits are %v: they need a max_page_size, and no negative rate", d.Limits)
	}
	namesMethods(t, h, "Composed", d.Composed)
	namesMethods(t, h, "Unsupported", d.Unsupported)
	for _, pushed := range d.Limits.GetPushedDownFilters() {
		name, field, _ := strings.Cut(pushed, ":")
		method := rpc(strings.Replace(name, "/", ".", 1))
		if method == nil || filterField(method, field) == nil {
			t.Errorf("Describe's Limits push down %q, which is no filter such as "+
				"drmhub.v1.LicenseService/ListLicenses:content_id", pushed)
		} else if !hasMethod(h, method) {
			t.Errorf("Describe's Limits push down %q, of a method that the adapter does not have", pushed)
		}
	}
}

// namesMethods checks that a list in the adapter's description has full names of its methods.
func namesMethods(t T, h Harness, list string, full []string) {
	for _, name := range full {
		method := rpc(strings.Replace(strings.TrimPrefix(name, "/"), "/", ".", 1))
		if method == nil || !strings.HasPrefix(name, "/") {
			t.Errorf("Describe's %s has %q, which is not a full method name such as /drmhub.v1.SiteService/GetSite",
				list, name)
		} else if !hasMethod(h, method) {
			t.Errorf("Describe's %s has %q, which the adapter does not have", list, name)
		}
	}
}

// rpc finds a method by its name in the proto. It returns nil if no method has the name.
func rpc(name string) protoreflect.MethodDescriptor {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil
	}
	m, _ := d.(protoreflect.MethodDescriptor)
	return m
}

func filterField(m protoreflect.MethodDescriptor, field string) protoreflect.FieldDescriptor {
	filter := m.Input().Fields().ByName("filter")
	if filter == nil || filter.Message() == nil {
		return nil
	}
	return filter.Message().Fields().ByName(protoreflect.Name(field))
}

func hasMethod(h Harness, m protoreflect.MethodDescriptor) bool {
	return reflect.ValueOf(h.Adapter).MethodByName(string(m.Name())).IsValid()
}
