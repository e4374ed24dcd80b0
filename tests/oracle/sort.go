package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// sortLines sorts each line's keys with slices.SortFunc, and prints where it
// leaves which of them: the keys, and after a bar their indices in order. A
// line "killer N" stands for N keys that make quicksort quadratic.
func sortLines(r io.Reader, w io.Writer) error {
	out := bufio.NewWriter(w)
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var keys []int64
		if n, ok := strings.CutPrefix(in.Text(), "killer "); ok {
			n, err := strconv.Atoi(n)
			if err != nil {
				return err
			}
			keys = killer(n)
		} else {
			for _, word := range strings.Fields(in.Text()) {
				key, err := strconv.ParseInt(word, 10, 64)
				if err != nil {
					return err
				}
				keys = append(keys, key)
			}
		}
		indices := make([]int, len(keys))
		for i := range indices {
			indices[i] = i
		}
		slices.SortFunc(indices, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
		for _, key := range keys {
			fmt.Fprint(out, key, " ")
		}
		fmt.Fprint(out, "|")
		for _, i := range indices {
			fmt.Fprint(out, " ", i)
		}
		fmt.Fprintln(out)
	}
	if err := in.Err(); err != nil {
		return err
	}
	return out.Flush()
}

// killer returns keys that make quicksort fall back to heapsort: M. D.
// McIlroy, "A Killer Adversary for Quicksort", 1999.
func killer(n int) []int64 {
	const gas = 1 << 62
	keys := make([]int64, n)
	indices := make([]int, n)
	for i := range keys {
		keys[i], indices[i] = gas, i
	}
	var solid int64
	candidate := 0
	freeze := func(i int) {
		keys[i] = solid
		solid++
	}
	slices.SortFunc(indices, func(a, b int) int {
		if keys[a] == gas && keys[b] == gas {
			if a == candidate {
				freeze(a)
			} else {
				freeze(b)
			}
		}
		if keys[a] == gas {
			candidate = a
		} else if keys[b] == gas {
			candidate = b
		}
		return cmp.Compare(keys[a], keys[b])
	})
	return keys
}
