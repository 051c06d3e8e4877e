// Prints the models that Ollama's own code finds in the store of OLLAMA_MODELS, and reads their blobs.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/ollama/ollama/manifest"
)

func found() (map[string][]int64, error) {
	models, err := manifest.Manifests(false)
	if err != nil {
		return nil, err
	}
	sizes := map[string][]int64{}
	for name := range models {
		model, err := manifest.ParseNamedManifest(name)
		if err != nil {
			return nil, err
		}
		for _, layer := range append(model.Layers, model.Config) {
			blob, err := layer.Open()
			if err != nil {
				return nil, err
			}
			size, err := io.Copy(io.Discard, blob)
			if err != nil {
				return nil, err
			}
			sizes[name.DisplayShortest()] = append(sizes[name.DisplayShortest()], size)
		}
	}
	return sizes, nil
}

func main() {
	sizes, err := found()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(sizes)
}
