// Answers questions about regular expressions with Go's own regexp package, for tests/it/regexp_go.rs.
//
// Reads records.jsonl, tries each pattern on the texts of questions.json, and prints it anew:
//
//	go run main.go < records.jsonl > new.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
)

type record struct {
	Pattern string `json:"pattern"`
	// The texts whose matches fill the templates.
	Expand []string `json:"expand,omitempty"`
	// What Go says when it refuses the pattern.
	Error string `json:"error,omitempty"`
	// Where the groups of the leftmost match begin and end (-1: it took no part), by text; without those that do not match.
	Matches map[string][]int `json:"matches,omitempty"`
	// The templates filled in, for each text of Expand.
	Expanded [][]string `json:"expanded,omitempty"`
}

func main() {
	text, err := os.ReadFile("questions.json")
	must(err)
	var questions struct{ Texts, Templates []string }
	must(json.Unmarshal(text, &questions))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var asked record
		must(json.Unmarshal(lines.Bytes(), &asked))
		answer := record{Pattern: asked.Pattern, Expand: asked.Expand, Matches: map[string][]int{}}
		pattern, err := regexp.Compile(asked.Pattern)
		if err != nil {
			answer.Error = err.Error()
		} else {
			for _, text := range questions.Texts {
				if match := pattern.FindStringSubmatchIndex(text); match != nil {
					answer.Matches[text] = match
				}
			}
			for _, text := range asked.Expand {
				match := pattern.FindStringSubmatchIndex(text)
				filled := []string{}
				for _, template := range questions.Templates {
					filled = append(filled, string(pattern.ExpandString(nil, template, text, match)))
				}
				answer.Expanded = append(answer.Expanded, filled)
			}
		}
		must(out.Encode(answer))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
