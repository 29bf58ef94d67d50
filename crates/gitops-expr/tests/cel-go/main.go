// Records what cel-go makes of expressions, with the environment of fluxcd/pkg runtime/cel.
//
// Reads records.jsonl and prints it anew:
//
//	go mod init record && go get github.com/google/cel-go@v0.26.1 && go mod tidy
//	go run main.go < records.jsonl > new.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"google.golang.org/protobuf/types/known/structpb"
)

func main() {
	text, err := os.ReadFile("variables.json")
	must(err)
	var variables map[string]any
	must(json.Unmarshal(text, &variables))
	whole(variables)
	unchecked, err := cel.NewEnv(ext.Strings(), ext.Sets(), ext.Encoders(),
		cel.OptionalTypes(cel.OptionalTypesVersion(2)), cel.CrossTypeNumericComparisons(true), cel.DefaultUTCTimeZone(true))
	must(err)
	object := cel.MapType(cel.StringType, cel.DynType)
	checked, err := unchecked.Extend(cel.Variable("spec", object), cel.Variable("status", object))
	must(err)
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var record struct {
			Expr string `json:"expr"`
		}
		must(json.Unmarshal(lines.Bytes(), &record))
		answer := map[string]any{"expr": record.Expr}
		evaluate(unchecked, record.Expr, variables, answer)
		if ast, issues := checked.Compile(record.Expr); issues.Err() != nil {
			answer["check"] = "error"
		} else {
			answer["check"] = ast.OutputType().String()
		}
		must(out.Encode(answer))
	}
}

func evaluate(env *cel.Env, expr string, variables map[string]any, answer map[string]any) {
	ast, issues := env.Parse(expr)
	if issues.Err() != nil {
		answer["error"] = "parse"
		return
	}
	program, err := env.Program(ast)
	if err != nil {
		answer["error"] = "program"
		return
	}
	value, _, err := program.Eval(variables)
	if err != nil {
		answer["error"], answer["text"] = "evaluate", err.Error()
		return
	}
	if native, err := value.ConvertToNative(reflect.TypeOf(&structpb.Value{})); err == nil {
		plain, err := native.(*structpb.Value).MarshalJSON()
		must(err)
		answer["value"] = json.RawMessage(plain)
	}
}

// whole makes integers of whole numbers, as Kubernetes' decoder does.
func whole(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = whole(value[key])
		}
	case []any:
		for place := range value {
			value[place] = whole(value[place])
		}
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
	}
	return value
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
