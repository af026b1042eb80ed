//go:build unix

package campaign

import (
	"os/exec"
	"syscall"
)

// ownGroup gives the process a group, whose number is its own.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func askGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM) } // it may be gone

func endGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // it may be gone

func groupLives(c *exec.Cmd) bool { return syscall.Kill(-c.Process.Pid, 0) == nil }
