//go:build !linux

package main

import "errors"

func childMain() {}

func starve(*env) (stop func()) {
	check(errors.New("the CPU can be taken away on Linux only"))
	return nil
}
