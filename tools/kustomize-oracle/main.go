// Kustomize itself, as an oracle: trees of files come in as lines of JSON, builds go out in the same way.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

type request struct {
	Files map[string]string `json:"files"`
	Path  string            `json:"path"`
}

type answer struct {
	Output *string `json:"output,omitempty"`
	Error  string  `json:"error,omitempty"`
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		encoded, _ := json.Marshal(build(asked))
		out.Write(encoded)
		out.WriteByte('\n')
		out.Flush()
	}
}

func build(asked request) (said answer) {
	// Kustomize panics on some inputs; that is a refusal.
	defer func() {
		if r := recover(); r != nil {
			said = answer{Error: fmt.Sprint("panic: ", r)}
		}
	}()
	files := filesys.MakeFsInMemory()
	for path, text := range asked.Files {
		if err := files.WriteFile(filepath.Join("/", path), []byte(text)); err != nil {
			return answer{Error: err.Error()}
		}
	}
	openapi.ResetOpenAPI()
	options := krusty.MakeDefaultOptions()
	options.PluginConfig = types.DisabledPluginConfig()
	built, err := krusty.MakeKustomizer(options).Run(files, filepath.Join("/", asked.Path))
	if err != nil {
		return answer{Error: err.Error()}
	}
	text, err := built.AsYaml()
	if err != nil {
		return answer{Error: err.Error()}
	}
	output := string(text)
	return answer{Output: &output}
}
