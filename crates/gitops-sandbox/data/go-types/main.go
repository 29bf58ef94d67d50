// Command go-types prints what the Go types of Kubernetes' API say that OpenAPI does not: which fields are pointers,
// which are left out when they are empty, what the types are called in errors, and the numbers of protobuf.
//
//	go run . >../go-types.txt
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

var (
	kinds = map[string][]string{}
	seen  = map[string]reflect.Type{}
)

// Types that read and write themselves.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":         "time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":    "microtime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":     "duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":     "fields",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":     "quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":   "intorstring",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":      "raw",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                    "json",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":  "schemaorarray",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":   "schemaorbool",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "schemaorstrings",
}

func full(t reflect.Type) string { return t.PkgPath() + "." + t.Name() }

// name is the name in OpenAPI documents.
func name(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	host := strings.Split(parts[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(append(host, parts[1:]...), t.Name()), ".")
}

func code(t reflect.Type) string {
	if t.Kind() == reflect.Struct {
		if s, ok := special[full(t)]; ok {
			if s == "schemaorarray" || s == "schemaorbool" || s == "schemaorstrings" {
				visit(reflect.TypeOf(apiextensions.JSONSchemaProps{}))
			}
			return s
		}
		visit(t)
		return "&" + name(t)
	}
	named := ""
	if t.PkgPath() != "" {
		named = ":" + t.String()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + code(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + code(t.Elem())
	case reflect.Map:
		return "{}" + code(t.Elem())
	case reflect.Interface:
		return "any"
	default:
		return t.Kind().String() + named
	}
}

func visit(t reflect.Type) {
	if _, ok := seen[name(t)]; !ok {
		seen[name(t)] = t
		fields(t, func(string) {})
	}
}

func fields(t reflect.Type, print func(string)) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		parts := strings.Split(tag, ",")
		if tag == "-" || (f.PkgPath != "" && !f.Anonymous) {
			continue
		}
		options := "," + strings.Join(parts[1:], ",") + ","
		number := ""
		if p := f.Tag.Get("protobuf"); p != "" {
			pp := strings.Split(p, ",")
			number = pp[1]
			if pp[0] != "bytes" {
				number += " " + pp[0]
			}
		}
		if strings.Contains(options, ",inline,") || (f.Anonymous && parts[0] == "") {
			if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeOf(metav1.TypeMeta{}) {
				// On the protobuf wire an inlined struct is a message of its own, but for TypeMeta.
				if number != "" {
					print(fmt.Sprintf("\t+\t%s\t\t%s", code(f.Type), number))
				}
				fields(f.Type, print)
				continue
			}
			if f.Type == reflect.TypeOf(metav1.TypeMeta{}) {
				print("\tkind\tstring\to\t")
				print("\tapiVersion\tstring\to\t")
			}
			continue
		}
		flags := ""
		if strings.Contains(options, ",omitempty,") {
			flags += "o"
		}
		if strings.Contains(options, ",omitzero,") {
			flags += "z"
		}
		print(fmt.Sprintf("\t%s\t%s\t%s\t%s", parts[0], code(f.Type), flags, number))
	}
}

func main() {
	s := scheme.Scheme
	must(apiextensions.AddToScheme(s))
	must(apiregistration.AddToScheme(s))
	for gvk, t := range s.AllKnownTypes() {
		if gvk.Version == "__internal" || strings.HasSuffix(gvk.Kind, "Options") && t.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1" && gvk.Group != "" {
			continue
		}
		if gvk.Kind == "WatchEvent" || (t.PkgPath() == "k8s.io/apimachinery/pkg/apis/meta/v1" && gvk.Group != "" && gvk.Group != "meta.k8s.io") {
			continue
		}
		visit(t)
		group := gvk.Group
		kinds[name(t)] = append(kinds[name(t)], group+"/"+gvk.Version+"/"+gvk.Kind)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		sort.Strings(kinds[n])
		fmt.Fprintln(out, strings.TrimRight(n+"\t"+strings.Join(kinds[n], " "), "\t"))
		fields(seen[n], func(line string) { fmt.Fprintln(out, strings.TrimRight(line, "\t")) })
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
