//go:build !linux

package main

func childMain() {}
