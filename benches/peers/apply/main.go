// Applies a set of objects with Flux's own apply engine, as its kustomize-controller sets it up.
//
// usage: peer first|noop <kubeconfig> <namespace> <file>
//
// The file holds a JSON list of objects without a namespace. With first, all of them must be new, with noop all must be
// in place. Prints one line of JSON: the wall time of the apply and its time on processors, in microseconds.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	group   = "kustomize.toolkit.fluxcd.io"
	manager = "kustomize-controller"
)

type cost struct {
	Wall int64 `json:"wall"`
	CPU  int64 `json:"cpu"`
}

func main() {
	log.SetLogger(logr.Discard())
	kubeconfig, namespace, file := os.Args[2], os.Args[3], os.Args[4]
	want, known := map[string]ssa.Action{"first": ssa.CreatedAction, "noop": ssa.UnchangedAction}[os.Args[1]]
	if !known {
		check(fmt.Errorf("%q is neither first nor noop", os.Args[1]))
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	check(err)
	// No limit of its own, as in the controller where the server has priority and fairness.
	config.QPS = -1
	client := newClient(config, read(file, namespace))
	engine := ssa.NewResourceManager(client, nil, ssa.Owner{Field: manager, Group: group})
	engine.SetConcurrency(4)
	check(json.NewEncoder(os.Stdout).Encode(apply(engine, read(file, namespace), want)))
}

// newClient returns a client that knows the objects' kinds already, as that of a running controller does.
func newClient(config *rest.Config, objects []*unstructured.Unstructured) ctrl.Client {
	http, err := rest.HTTPClientFor(config)
	check(err)
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	check(err)
	for _, object := range objects {
		kind := object.GroupVersionKind()
		_, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		check(err)
	}
	client, err := ctrl.New(config, ctrl.Options{HTTPClient: http, Mapper: mapper})
	check(err)
	return client
}

func apply(engine *ssa.ResourceManager, objects []*unstructured.Unstructured, want ssa.Action) cost {
	start, before := time.Now(), cpu()
	check(normalize.UnstructuredList(objects))
	engine.SetOwnerLabels(objects, "bench", "flux-system")
	changes, err := engine.ApplyAllStaged(context.Background(), objects, options())
	check(err)
	result := cost{Wall: time.Since(start).Microseconds(), CPU: cpu() - before}
	for _, entry := range changes.Entries {
		if entry.Action != want {
			check(fmt.Errorf("%s is %s and not %s", entry.Subject, entry.Action, want))
		}
	}
	if len(changes.Entries) != len(objects) {
		check(fmt.Errorf("%d of %d objects were applied", len(changes.Entries), len(objects)))
	}
	return result
}

// options returns what the controller asks of the engine for a Kustomization without wishes.
func options() ssa.ApplyOptions {
	options := ssa.DefaultApplyOptions()
	options.ExclusionSelector = map[string]string{group + "/reconcile": "disabled", group + "/ssa": "ignore"}
	options.IfNotPresentSelector = map[string]string{group + "/ssa": "ifnotpresent"}
	options.ForceSelector = map[string]string{group + "/force": "enabled"}
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: "Apply"},
			{Name: "kubectl", OperationType: "Update"},
			{Name: "before-first-apply", OperationType: "Update"},
			{Name: manager, OperationType: "Update"},
		},
		Exclusions: map[string]string{group + "/ssa": "merge"},
	}
	return options
}

func read(file, namespace string) []*unstructured.Unstructured {
	content, err := os.ReadFile(file)
	check(err)
	var values []json.RawMessage
	check(json.Unmarshal(content, &values))
	objects := make([]*unstructured.Unstructured, 0, len(values))
	for _, value := range values {
		object := &unstructured.Unstructured{}
		check(object.UnmarshalJSON(value))
		object.SetNamespace(namespace)
		objects = append(objects, object)
	}
	return objects
}

// cpu returns the time that this process has spent on processors, in microseconds.
func cpu() int64 {
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
