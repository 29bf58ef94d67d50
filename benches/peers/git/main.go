// Clones a branch with Flux's own Git package, as its source-controller does when it sees a new commit.
//
// usage: peer <url> <branch> <revision seen last> <commit that is there now>
//
// The clone goes into an empty folder, without history, after a look at whether the branch has moved. Prints one line
// of JSON: the wall time and the time on the processor, in microseconds.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/git/gogit"
	"github.com/fluxcd/pkg/git/repository"
)

type cost struct {
	Wall int64 `json:"wall"`
	CPU  int64 `json:"cpu"`
}

func main() {
	url, branch, seen, want := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	check(json.NewEncoder(os.Stdout).Encode(clone(url, branch, seen, want)))
}

func clone(url, branch, seen, want string) cost {
	folder, err := os.MkdirTemp("", "peer-git-")
	check(err)
	defer os.RemoveAll(folder)
	start, before := time.Now(), cpu()
	client, err := gogit.NewClient(folder, &git.AuthOptions{Transport: git.HTTP}, gogit.WithDiskStorage())
	check(err)
	defer client.Close()
	commit, err := client.Clone(context.Background(), url, repository.CloneConfig{
		CheckoutStrategy:   repository.CheckoutStrategy{Branch: branch},
		LastObservedCommit: seen,
		ShallowClone:       true,
	})
	check(err)
	result := cost{Wall: time.Since(start).Microseconds(), CPU: cpu() - before}
	if commit.Hash.String() != want {
		check(fmt.Errorf("%s was cloned and not %s", commit.Hash, want))
	}
	return result
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
