// Package scenarios holds the shipped scenarios. Each begins with a comment
// that says what it proves, and which seeded defects of the embedded gateway
// make it fail.
package scenarios

import "embed"

// Files are the shipped scenarios, by file name.
//
//go:embed *.yaml
var Files embed.FS
