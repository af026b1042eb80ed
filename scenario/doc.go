// Package scenario is the language in which a person says what is tested, who
// connects, what happens to them and what must hold; and the way from such a
// file to a Plan, a timetable for numbered clients:
//
//	x.yaml ─ Parse ─▶ Scenario ─ Validate ─ Compile(seed) ─▶ Plan ─ Print ─▶ `squall plan`
//
// Everything here is pure: no sockets, no clock, no goroutines. Files are not
// read, the environment is a function that the caller hands in, and what is
// known of dialects arrives as plain data (DialectInfo).
//
// The language is the set of structs in language*.go: their yaml tags are the
// keys, their other tags say the rest (see field in fields.go), and the parser
// (decode.go) and the JSON Schema (schema.go) both work from them, so they can't
// disagree. A key that exists in the language and is not built yet carries the
// tag `later`; it is parsed as grammar and refused by name.
//
// Problems are collected, not returned one at a time, and each has its place.
//
// Chance: every draw comes from a stream of its own, seeded by (seed, purpose,
// client, attempt), see Rand. So neither scheduling nor an added client changes
// what the others draw, and the same file and seed give the same Plan.
package scenario
