// Judges EF.SODs with gmrtd: scripts/compare-documents builds it beside a checkout of that project.
// Arguments: a folder of CSCA certificates, then EF.SODs. Says one JSON line for each.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gmrtd/gmrtd/cms"
	"github.com/gmrtd/gmrtd/document"
)

type verdict struct {
	File   string  `json:"file"`
	Said   string  `json:"said"`
	Reason string  `json:"reason"`
	Ms     float64 `json:"ms"`
}

func judge(path string, anchors *cms.GenericCertPool) (said verdict) {
	said.File = path
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	began := time.Now()
	defer func() {
		said.Ms = float64(time.Since(began).Microseconds()) / 1000
		if cause := recover(); cause != nil {
			said.Said, said.Reason = "panicked", fmt.Sprint(cause)
		}
	}()
	sod, err := document.NewSOD(data)
	if err != nil || sod == nil {
		said.Said, said.Reason = "not read", fmt.Sprint(err)
		return
	}
	if _, err = sod.SD.Verify(anchors); err != nil {
		said.Said, said.Reason = "not genuine", err.Error()
		if strings.Contains(said.Reason, "unable to locate parent certificate") {
			said.Said = "signed by an unknown issuer"
		}
		return
	}
	said.Said = "genuine"
	return
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	anchors := &cms.GenericCertPool{}
	paths, _ := filepath.Glob(filepath.Join(os.Args[1], "*"))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err == nil {
			err = anchors.Add(data)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "gmrtd takes no", filepath.Base(path)+":", err)
		}
	}
	out := json.NewEncoder(os.Stdout)
	for _, path := range os.Args[2:] {
		if err := out.Encode(judge(path, anchors)); err != nil {
			panic(err)
		}
	}
}
