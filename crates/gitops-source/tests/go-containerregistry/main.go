// Records what go-containerregistry makes of image names and docker configs, for tests/it/oci.
//
// Reads records.jsonl and prints it anew:
//
//	go mod init record && go get github.com/google/go-containerregistry@v0.21.6 && \
//	  go get github.com/google/go-containerregistry/pkg/authn/kubernetes@v0.0.0-20250225234217-098045d5e61f && go mod tidy
//	go run main.go < records.jsonl > new.jsonl
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/authn/kubernetes"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"
)

type record struct {
	// An image's name, as in spec.image.
	Image string `json:"image"`
	// A Secret's .dockerconfigjson, if credentials are asked for.
	Config string `json:"config,omitempty"`
	// The canonical name, or why there is none.
	Canonical string `json:"canonical,omitempty"`
	Error     string `json:"error,omitempty"`
	// What the credentials are: anonymous, basic USER PASSWORD, identity TOKEN, bearer TOKEN, or refused.
	Credentials string `json:"credentials,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var asked record
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		answer := record{Image: asked.Image, Config: asked.Config}
		repository, err := parse(asked.Image)
		if err != nil {
			answer.Error = err.Error()
		} else {
			answer.Canonical = repository.String()
			if asked.Config != "" {
				answer.Credentials = credentials(asked.Config, repository)
			}
		}
		if err := out.Encode(answer); err != nil {
			panic(err)
		}
	}
}

// Flux's rules on top of the library's: no scheme, and no tag behind the registry.
func parse(image string) (name.Repository, error) {
	if scheme, _, found := strings.Cut(image, "://"); found {
		return name.Repository{}, fmt.Errorf("image '%s' should not include URL scheme; remove '%s://'", image, scheme)
	}
	reference, err := name.ParseReference(image)
	if err != nil {
		return name.Repository{}, err
	}
	path := strings.TrimPrefix(image, reference.Context().RegistryStr())
	if parts := strings.Split(path, ":"); len(parts) > 1 {
		return name.Repository{}, fmt.Errorf("image '%s' should not include a tag; remove ':%s'", image, parts[1])
	}
	return reference.Context(), nil
}

func credentials(config string, repository name.Repository) string {
	secret := corev1.Secret{Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(config)}}
	keychain, err := kubernetes.NewFromPullSecrets(context.Background(), []corev1.Secret{secret})
	if err != nil {
		return "refused"
	}
	found, err := keychain.Resolve(repository)
	if err != nil {
		return "refused"
	}
	if found == authn.Anonymous {
		return "anonymous"
	}
	shown, err := found.Authorization()
	switch {
	case err != nil:
		return "refused"
	case shown.RegistryToken != "":
		return "bearer " + shown.RegistryToken
	case shown.IdentityToken != "":
		return "identity " + shown.IdentityToken
	case shown.Username != "" && shown.Password != "":
		return "basic " + shown.Username + " " + shown.Password
	}
	return "anonymous"
}
