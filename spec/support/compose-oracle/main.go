// Resolves Compose projects as the Compose Specification's own library does. One project a line on standard input, one answer a line on standard output.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/sirupsen/logrus"
)

// Requests are longer than a scanner's usual line.
const maxRequestBytes = 1 << 20

type request struct {
	Directory   string   `json:"directory"`
	Files       []string `json:"files"`
	Environment []string `json:"environment"`
	Profiles    []string `json:"profiles"`
	// Names that refer to nothing, such as volumes that nobody defined, are let through.
	Unchecked bool `json:"unchecked"`
	// Asks for the library's own schema of a Compose file, and for nothing else.
	Schema bool `json:"schema"`
}

type answer struct {
	Model json.RawMessage `json:"model,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	logrus.SetOutput(io.Discard)
	requests := bufio.NewScanner(os.Stdin)
	requests.Buffer(nil, maxRequestBytes)
	answers := json.NewEncoder(os.Stdout)
	for requests.Scan() {
		if err := answers.Encode(resolve(requests.Bytes())); err != nil {
			logrus.Fatal(err)
		}
	}
}

func resolve(line []byte) answer {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	if asked.Schema {
		return answer{Model: json.RawMessage(schema.Schema)}
	}
	options, err := cli.NewProjectOptions(
		asked.Files,
		cli.WithWorkingDirectory(asked.Directory),
		cli.WithEnv(asked.Environment),
		cli.WithEnvFiles(),
		cli.WithDotEnv,
		cli.WithDefaultProfiles(asked.Profiles...),
		cli.WithConsistency(!asked.Unchecked),
	)
	if err != nil {
		return answer{Error: err.Error()}
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return answer{Error: err.Error()}
	}
	model, err := project.MarshalJSON()
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Model: model}
}
