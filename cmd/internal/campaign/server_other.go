//go:build !unix

package campaign

import "os/exec"

// Without process groups only the process itself can be ended.
func ownGroup(*exec.Cmd) {}

func askGroup(c *exec.Cmd) { _ = c.Process.Kill() } // it may be gone

func endGroup(c *exec.Cmd) { _ = c.Process.Kill() } // it may be gone

func groupLives(c *exec.Cmd) bool { return false }
