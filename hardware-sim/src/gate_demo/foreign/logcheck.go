// Checks a log in C2SP tiles with packages of the Go project alone, and knows nothing of Portcullis: who signed the checkpoint (sumdb/note), that
// every entry is in the tree of that root and the tiles are its own (sumdb/tlog), and that a tree of before is its beginning.
//
//	logcheck VKEY FOLDER [CHECKPOINT OF BEFORE]
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height, width = 8, 256

type folder string

func (f folder) Height() int                     { return height }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) read(t tlog.Tile) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), path(t)))
}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		raw, err := f.read(tile)
		if err != nil {
			return nil, err
		}
		found[i] = raw
	}
	return found, nil
}

// path writes a tile's name as C2SP does, which leaves the height out.
func path(t tlog.Tile) string {
	return strings.Replace(strings.Replace(t.Path(), "tile/8/data/", "tile/entries/", 1), "tile/8/", "tile/", 1)
}

func fail(err error) {
	if err != nil {
		fmt.Println("FAIL:", err)
		os.Exit(1)
	}
}

func head(file string, keys note.Verifiers) (string, tlog.Tree) {
	raw, err := os.ReadFile(file)
	fail(err)
	opened, err := note.Open(raw, keys)
	fail(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		fail(fmt.Errorf("%s is no checkpoint", file))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	fail(err)
	root, err := tlog.ParseHash(lines[2])
	fail(err)
	return lines[0], tlog.Tree{N: size, Hash: root}
}

func entries(raw []byte, wanted int) [][]byte {
	var found [][]byte
	for len(raw) >= 2 && len(raw) >= 2+int(binary.BigEndian.Uint16(raw)) {
		end := 2 + int(binary.BigEndian.Uint16(raw))
		found, raw = append(found, raw[2:end]), raw[end:]
	}
	if len(raw) != 0 || len(found) != wanted {
		fail(fmt.Errorf("%d entries where %d belong", len(found), wanted))
	}
	return found
}

func main() {
	verifier, err := note.NewVerifier(strings.TrimSpace(os.Args[1]))
	fail(err)
	keys, log := note.VerifierList(verifier), folder(os.Args[2])
	origin, tree := head(filepath.Join(os.Args[2], "checkpoint"), keys)
	if origin != verifier.Name() {
		fail(fmt.Errorf("a log of %s, not of %s", origin, verifier.Name()))
	}
	hashes := tlog.TileHashReader(tree, log)
	for start := int64(0); start < tree.N; start += width {
		count := int(min(width, tree.N-start))
		raw, err := log.read(tlog.Tile{H: height, L: -1, N: start / width, W: count})
		fail(err)
		indexes := make([]int64, count)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, start+int64(i))
		}
		stored, err := hashes.ReadHashes(indexes)
		fail(err)
		for i, entry := range entries(raw, count) {
			if tlog.RecordHash(entry) != stored[i] {
				fail(fmt.Errorf("entry %d does not match its tile", start+int64(i)))
			}
		}
	}
	if len(os.Args) > 3 {
		_, before := head(os.Args[3], keys)
		proof, err := tlog.ProveTree(tree.N, before.N, hashes)
		fail(err)
		fail(tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash))
	}
	fmt.Printf("OK %s %d entries\n", origin, tree.N)
}
