// Measures the choice of the latest of many tags, as image-reflector-controller makes it.
//
// usage: peer <tags.json> <milliseconds> <policies.json>
//
// Flux's own package (internal/policy) cannot be imported from another module. What stands here are the same loops over
// the same libraries, written from its description: fluxcd/pkg/version and Masterminds/semver for versions, strconv for
// numbers, regexp for filters, whose results pass through a map from what is extracted to the tag.
//
// policies.json is a list of {name, kind, argument, pattern, extract}. Prints one line a policy: its name, the
// nanoseconds of one choice, and the tag.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/fluxcd/pkg/version"
)

type policy struct{ Name, Kind, Argument, Pattern, Extract string }

func main() {
	var tags []string
	read(os.Args[1], &tags)
	milliseconds, err := strconv.Atoi(os.Args[2])
	check(err)
	var policies []policy
	read(os.Args[3], &policies)
	for _, p := range policies {
		budget := time.Duration(milliseconds) * time.Millisecond
		shortest := time.Duration(1 << 62)
		var latest string
		for begin := time.Now(); time.Since(begin) < budget; {
			start := time.Now()
			latest, err = decide(p, tags)
			check(err)
			shortest = min(shortest, time.Since(start))
		}
		fmt.Println(p.Name, shortest.Nanoseconds(), latest)
	}
}

func decide(p policy, tags []string) (string, error) {
	if p.Pattern == "" {
		return choose(p, tags)
	}
	pattern, err := regexp.Compile(p.Pattern)
	if err != nil {
		return "", err
	}
	originals := map[string]string{}
	for _, tag := range tags {
		if groups := pattern.FindStringSubmatchIndex(tag); len(groups) > 0 {
			extracted := tag
			if p.Extract != "" {
				extracted = string(pattern.ExpandString(nil, p.Extract, tag, groups))
			}
			originals[extracted] = tag
		}
	}
	texts := []string{}
	for text := range originals {
		texts = append(texts, text)
	}
	latest, err := choose(p, texts)
	return originals[latest], err
}

func choose(p policy, tags []string) (string, error) {
	if len(tags) == 0 {
		return "", errors.New("no tags")
	}
	switch p.Kind {
	case "semver":
		return bySemver(p.Argument, tags)
	case "numerical":
		return byNumber(tags)
	default:
		return byText(tags), nil
	}
}

func bySemver(constraint string, tags []string) (string, error) {
	wanted, err := semver.NewConstraint(constraint)
	if err != nil {
		return "", err
	}
	var latest *semver.Version
	for _, tag := range tags {
		if v, err := version.ParseVersion(tag); err == nil {
			if wanted.Check(v) && (latest == nil || v.GreaterThan(latest)) {
				latest = v
			}
		}
	}
	if latest == nil {
		return "", errors.New("no match")
	}
	return latest.Original(), nil
}

func byNumber(tags []string) (string, error) {
	latest, highest := "", 0.0
	for i, tag := range tags {
		number, err := strconv.ParseFloat(tag, 64)
		if err != nil {
			return "", err
		}
		if i == 0 || number >= highest {
			latest, highest = tag, number
		}
	}
	return latest, nil
}

func byText(tags []string) string {
	latest := tags[0]
	for _, tag := range tags {
		if tag >= latest {
			latest = tag
		}
	}
	return latest
}

func read(path string, into any) {
	text, err := os.ReadFile(path)
	check(err)
	check(json.Unmarshal(text, into))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
