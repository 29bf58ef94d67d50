// Command go-dump prints the Go types that a pod template is made of, as a deep print of one shows them: names of
// fields and types, in their order. kube-controller-manager hashes such a print to name what it makes of a template.
//
//	go run . >../pod-template.txt
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

var (
	seen  = map[string]reflect.Type{}
	order []reflect.Type
)

// Types that are printed in a way of their own.
var special = map[string]string{
	"v1.Time":            "time",
	"resource.Quantity":  "quantity",
	"intstr.IntOrString": "intorstring",
}

func code(t reflect.Type) string {
	if s, ok := special[t.String()]; ok {
		return s
	}
	named := ""
	if t.PkgPath() != "" {
		named = t.String()
	}
	switch t.Kind() {
	case reflect.Struct:
		visit(t)
		return "&" + named
	case reflect.Pointer:
		return "*" + code(t.Elem())
	case reflect.Slice:
		return named + "[]" + code(t.Elem())
	case reflect.Map:
		return named + "{" + t.Key().String() + "}" + code(t.Elem())
	case reflect.String:
		if named != "" {
			return "string:" + named
		}
		return "string"
	default:
		if named != "" {
			return t.Kind().String() + ":" + named
		}
		return t.Kind().String()
	}
}

func visit(t reflect.Type) {
	known, ok := seen[t.String()]
	if ok && known != t {
		panic("two types are called " + t.String())
	}
	if !ok {
		seen[t.String()] = t
		order = append(order, t)
	}
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	visit(reflect.TypeOf(corev1.PodTemplateSpec{}))
	for next := 0; next < len(order); next++ {
		t := order[next]
		fmt.Fprintln(out, t.String())
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			name := strings.Split(f.Tag.Get("json"), ",")[0]
			if name == "" {
				name = "+"
			}
			fmt.Fprintf(out, "\t%s\t%s\t%s\n", f.Name, name, code(f.Type))
		}
	}
}
