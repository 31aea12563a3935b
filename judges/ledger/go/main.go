// Reads an exported log and checks it with Go's own sumdb packages: the signature of the checkpoint with sumdb/note, the
// hash of every entry, every tile and the root with sumdb/tlog. Shares no code with the log it judges.
//
// usage: judge VKEY_FILE LOG_DIRECTORY
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: judge VKEY_FILE LOG_DIRECTORY")
		os.Exit(2)
	}
	size, err := judge(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Println("go sumdb: REFUSED:", err)
		os.Exit(1)
	}
	fmt.Printf("go sumdb: accepted %d entries\n", size)
}

// tree keeps the hashes of a log in the order of tlog.StoredHashIndex.
type tree []tlog.Hash

func (t tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at >= int64(len(t)) {
			return nil, fmt.Errorf("hash %d is not known", at)
		}
		hashes[i] = t[at]
	}
	return hashes, nil
}

func judge(vkey, dir string) (int64, error) {
	size, root, err := checkpoint(vkey, dir)
	if err != nil {
		return 0, fmt.Errorf("checkpoint: %w", err)
	}
	var hashes tree
	for first := int64(0); first < size; first += 256 {
		path := "tile/entries/" + place(first/256, size-first)
		entries, err := bundle(filepath.Join(dir, path), min(256, size-first))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		for i, entry := range entries {
			more, err := tlog.StoredHashes(first+int64(i), entry, hashes)
			if err != nil {
				return 0, err
			}
			hashes = append(hashes, more...)
		}
	}
	found, err := tlog.TreeHash(size, hashes)
	if err != nil {
		return 0, err
	}
	if found != root {
		return 0, fmt.Errorf("the entries lead to root %v, signed is %v", found, root)
	}
	return size, tiles(dir, size, hashes)
}

// checkpoint opens the signed note and reads size and root.
func checkpoint(vkey, dir string) (int64, tlog.Hash, error) {
	key, err := os.ReadFile(vkey)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return 0, tlog.Hash{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	bytes, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(bytes) != tlog.HashSize {
		return 0, tlog.Hash{}, fmt.Errorf("no root hash: %q", lines[2])
	}
	return size, tlog.Hash(bytes), nil
}

// bundle reads the entries of a file, each behind its length as two bytes.
func bundle(path string, count int64) ([][]byte, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(bytes) > 0 {
		if len(bytes) < 2 || len(bytes) < 2+int(binary.BigEndian.Uint16(bytes)) {
			return nil, fmt.Errorf("ends within entry %d", len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(bytes))
		entries = append(entries, bytes[2:end])
		bytes = bytes[end:]
	}
	if int64(len(entries)) != count {
		return nil, fmt.Errorf("holds %d entries, not %d", len(entries), count)
	}
	return entries, nil
}

// tiles compares every tile of the tree with what the entries lead to.
func tiles(dir string, size int64, hashes tree) error {
	for level, count := 0, size; count > 0; level, count = level+1, count/256 {
		for n := int64(0); n*256 < count; n++ {
			path := fmt.Sprintf("tile/%d/%s", level, place(n, count-n*256))
			served, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				return err
			}
			tile := tlog.Tile{H: 8, L: level, N: n, W: int(min(256, count-n*256))}
			computed, err := tlog.ReadTileData(tile, hashes)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if !bytes.Equal(served, computed) {
				return fmt.Errorf("%s: is not what the entries lead to", path)
			}
		}
	}
	return nil
}

// place is the path of tile n by C2SP, partial where fewer than 256 are left. tlog.Tile.Path has another layout.
func place(n, left int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if left < 256 {
		path += fmt.Sprintf(".p/%d", left)
	}
	return path
}
