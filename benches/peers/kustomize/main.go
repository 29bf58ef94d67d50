// Builds a folder as Flux's kustomize-controller does: the generator writes the kustomization file on disk, krusty
// builds it in a file system that is confined to the root, and the objects are printed as YAML.
//
// usage: peer <root> <path> <spec.json> <rounds> <output>
//
// The folder is copied before each round, as the controller unpacks an artifact before each build; the copy is not
// measured. Prints one JSON object: wall and cpu in microseconds of each round, and the peak memory of the process in
// kilobytes. The last build is written to the output file.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type round struct {
	Wall int64 `json:"wall"`
	CPU  int64 `json:"cpu"`
}

func main() {
	root, path, output := os.Args[1], os.Args[2], os.Args[5]
	var spec map[string]interface{}
	text, err := os.ReadFile(os.Args[3])
	check(err)
	check(json.Unmarshal(text, &spec))
	var rounds int
	_, err = fmt.Sscan(os.Args[4], &rounds)
	check(err)
	object := unstructured.Unstructured{Object: map[string]interface{}{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1",
		"kind":       "Kustomization",
		"metadata":   map[string]interface{}{"name": "bench", "namespace": "flux-system"},
		"spec":       spec,
	}}
	var results []round
	for range rounds {
		copied, err := os.MkdirTemp("", "build-")
		check(err)
		copied, err = filepath.EvalSymlinks(copied)
		check(err)
		check(os.CopyFS(copied, os.DirFS(root)))
		wall, cpu := time.Now(), processor()
		yaml := build(object, copied, filepath.Join(copied, path))
		results = append(results, round{time.Since(wall).Microseconds(), processor() - cpu})
		check(os.WriteFile(output, yaml, 0o600))
		check(os.RemoveAll(copied))
	}
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"rounds": results, "memory": usage.Maxrss}))
}

func build(object unstructured.Unstructured, root, path string) []byte {
	_, err := kustomize.NewGenerator(root, object).WriteFile(path)
	check(err)
	built, err := kustomize.SecureBuild(root, path, false)
	check(err)
	yaml, err := built.AsYaml()
	check(err)
	return yaml
}

func processor() int64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return (usage.Utime.Nano() + usage.Stime.Nano()) / 1000
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
