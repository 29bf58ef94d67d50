// Measures an apply with Kubernetes' own library.
//
// usage: peer <folder> <milliseconds>
//
// The folder holds one folder a case, with schema.json (in the library's form), type.txt (the name of the
// type), live.json, config.json and managers.json ({name: {"applied": bool, "set": FieldsV1}}).
// Prints one line a case: its name, and the nanoseconds of one apply.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/merge"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// oneVersion converts nothing: all objects are in one version.
type oneVersion struct{}

func (oneVersion) Convert(object *typed.TypedValue, _ fieldpath.APIVersion) (*typed.TypedValue, error) {
	return object, nil
}

func (oneVersion) IsMissingVersionError(error) bool { return false }

func main() {
	folder := os.Args[1]
	milliseconds, err := strconv.Atoi(os.Args[2])
	check(err)
	cases, err := os.ReadDir(folder)
	check(err)
	for _, entry := range cases {
		if entry.IsDir() {
			measure(filepath.Join(folder, entry.Name()), time.Duration(milliseconds)*time.Millisecond)
		}
	}
}

func measure(folder string, budget time.Duration) {
	parser, err := typed.NewParser(typed.YAMLObject(read(filepath.Join(folder, "schema.json"))))
	check(err)
	of := parser.Type(strings.TrimSpace(string(read(filepath.Join(folder, "type.txt")))))
	live, err := of.FromUnstructured(object(filepath.Join(folder, "live.json")), typed.AllowDuplicates)
	check(err)
	config := object(filepath.Join(folder, "config.json"))
	managers := managers(filepath.Join(folder, "managers.json"))
	updater := (&merge.UpdaterBuilder{Converter: oneVersion{}}).BuildUpdater()
	apply := func() {
		patch, err := of.FromUnstructured(config)
		check(err)
		_, _, err = updater.Apply(live, patch, "v1", managers.Copy(), "applier", true)
		check(err)
	}
	apply()
	best := time.Duration(0)
	for start := time.Now(); time.Since(start) < budget; {
		const batch = 5
		before := time.Now()
		for range batch {
			apply()
		}
		if took := time.Since(before) / batch; best == 0 || took < best {
			best = took
		}
	}
	fmt.Printf("%s %d\n", filepath.Base(folder), best.Nanoseconds())
}

func managers(path string) fieldpath.ManagedFields {
	var entries map[string]struct {
		Applied bool            `json:"applied"`
		Set     json.RawMessage `json:"set"`
	}
	check(json.Unmarshal(read(path), &entries))
	result := fieldpath.ManagedFields{}
	for name, entry := range entries {
		set := fieldpath.NewSet()
		check(set.FromJSON(bytes.NewReader(entry.Set)))
		result[name] = fieldpath.NewVersionedSet(set, "v1", entry.Applied)
	}
	return result
}

// object reads an object as the API server does: whole numbers as integers.
func object(path string) map[string]interface{} {
	decoder := json.NewDecoder(bytes.NewReader(read(path)))
	decoder.UseNumber()
	var value map[string]interface{}
	check(decoder.Decode(&value))
	return numbers(value).(map[string]interface{})
}

func numbers(value interface{}) interface{} {
	switch value := value.(type) {
	case map[string]interface{}:
		for name := range value {
			value[name] = numbers(value[name])
		}
	case []interface{}:
		for position := range value {
			value[position] = numbers(value[position])
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		float, err := value.Float64()
		check(err)
		return float
	}
	return value
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	check(err)
	return content
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
