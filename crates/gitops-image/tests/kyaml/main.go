// Says which scalars of YAML texts carry a marker for Flux: reads JSON texts, one a line, and writes for each one JSON
// object with the text and what would be set, or with error where Flux passes over the file.
//
//	go run . < texts.jsonl > recorded.jsonl
//
// The reading is that of kyaml, which image-automation-controller uses; the walk over the nodes follows its description
// (internal/update: scalars only, the line comment before the head comment, the first comment decides).
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

var values = map[string]string{
	"apps:web": "registry.example/web:2.1.0", "apps:web:tag": "2.1.0",
	"apps:web:name": "registry.example/web", "apps:web:digest": "",
	"apps:num": "registry.example/num:1.10", "apps:num:tag": "1.10",
}

type set struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

type record struct {
	Text  string `json:"text"`
	Error bool   `json:"error,omitempty"`
	Sets  []set  `json:"sets"`
}

func (r *record) walk(node *yaml.RNode, field string) error {
	switch node.YNode().Kind {
	case yaml.MappingNode:
		return node.VisitFields(func(entry *yaml.MapNode) error {
			key := entry.Key.YNode().Value
			if field != "" {
				key = field + "." + key
			}
			return r.walk(entry.Value, key)
		})
	case yaml.SequenceNode:
		index := -1
		return node.VisitElements(func(item *yaml.RNode) error {
			index++
			return r.walk(item, fmt.Sprintf("%s[%d]", field, index))
		})
	case yaml.ScalarNode:
		r.scalar(node.YNode(), field)
	}
	return nil
}

func (r *record) scalar(node *yaml.Node, field string) {
	for _, comment := range []string{node.LineComment, node.HeadComment} {
		if comment == "" {
			continue
		}
		fields := map[string]string{}
		if json.Unmarshal([]byte(strings.TrimLeft(comment, "#")), &fields) != nil {
			return
		}
		if value, ok := values[fields["$imagepolicy"]]; ok && value != node.Value {
			r.Sets = append(r.Sets, set{field, node.Value, value})
		}
		return
	}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		r := record{Sets: []set{}}
		if err := json.Unmarshal(in.Bytes(), &r.Text); err != nil {
			panic(err)
		}
		reader := kio.ByteReader{
			Reader: bytes.NewReader([]byte(r.Text)), PreserveSeqIndent: true,
			SetAnnotations: map[string]string{"path": "a.yaml"},
		}
		nodes, err := reader.Read()
		for _, node := range nodes {
			if err == nil {
				err = r.walk(node, "")
			}
		}
		if err != nil {
			r.Error, r.Sets = true, []set{}
		}
		if err := out.Encode(r); err != nil {
			panic(err)
		}
	}
}
