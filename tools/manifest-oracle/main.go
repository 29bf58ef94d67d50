// Reads lines {"id":..., "yaml":"..."} or {"json": ...}; writes what kubectl's and kustomize's libraries make of them.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	goyaml "go.yaml.in/yaml/v3"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/yaml"
)

type in struct {
	Yaml *string          `json:"yaml"`
	Json *json.RawMessage `json:"json"`
}
type side struct {
	Docs []json.RawMessage `json:"docs"`
	Err  string            `json:"err,omitempty"`
}
type out struct {
	Yaml      *string          `json:"yaml,omitempty"`
	Kubectl   *side            `json:"kubectl,omitempty"`
	Kustomize *side            `json:"kustomize,omitempty"`
	Json      *json.RawMessage `json:"json,omitempty"`
	Printed   *string          `json:"printed,omitempty"`
	Err       string           `json:"err,omitempty"`
}

func kubectl(s string) (r *side) {
	r = &side{Docs: []json.RawMessage{}}
	defer func() {
		if e := recover(); e != nil {
			r.Err = fmt.Sprint("panic: ", e)
		}
	}()
	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(s)), 4096)
	for {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if err == io.EOF {
			return
		}
		if err != nil {
			r.Err = err.Error()
			return
		}
		if len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null" {
			continue
		}
		r.Docs = append(r.Docs, raw)
	}
}

func cyclic(n *goyaml.Node, open map[*goyaml.Node]bool) bool {
	if n == nil {
		return false
	}
	if open[n] {
		return true
	}
	open[n] = true
	defer delete(open, n)
	for _, c := range n.Content {
		if cyclic(c, open) {
			return true
		}
	}
	return cyclic(n.Alias, open)
}

func kustomize(s string) (r *side) {
	r = &side{Docs: []json.RawMessage{}}
	defer func() {
		if e := recover(); e != nil {
			r.Err = fmt.Sprint("panic: ", e)
		}
	}()
	// kyaml recurses without end into an anchor that contains itself.
	for d := goyaml.NewDecoder(bytes.NewReader([]byte(s))); ; {
		var n goyaml.Node
		if d.Decode(&n) != nil {
			break
		}
		if cyclic(&n, map[*goyaml.Node]bool{}) {
			r.Err = "anchor contains itself"
			return
		}
	}
	nodes, err := kio.FromBytes([]byte(s))
	if err != nil {
		r.Err = err.Error()
		return
	}
	for _, n := range nodes {
		if n.IsNilOrEmpty() {
			continue
		}
		b, err := n.MarshalJSON()
		if err != nil {
			r.Err = err.Error()
			return
		}
		r.Docs = append(r.Docs, b)
	}
	return
}

// numbers gives each number the type that Kubernetes' decoder gives it.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		if u, err := strconv.ParseUint(v.String(), 10, 64); err == nil {
			return u
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

func main() {
	sc := bufio.NewScanner(os.Stdin)
	sc.Buffer(make([]byte, 1<<20), 1<<28)
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for sc.Scan() {
		var i in
		if err := json.Unmarshal(sc.Bytes(), &i); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var o out
		if i.Yaml != nil {
			o.Yaml = i.Yaml
			o.Kubectl = kubectl(*i.Yaml)
			o.Kustomize = kustomize(*i.Yaml)
		} else {
			o.Json = i.Json
			var v any
			d := json.NewDecoder(bytes.NewReader(*i.Json))
			d.UseNumber()
			if err := d.Decode(&v); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			b, err := yaml.Marshal(numbers(v))
			s := string(b)
			o.Printed = &s
			if err != nil {
				o.Err = err.Error()
				o.Printed = nil
			}
		}
		b, err := json.Marshal(o)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		w.Write(b)
		w.WriteByte('\n')
	}
}
