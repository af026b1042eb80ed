// Squall load-tests and conformance-tests WebSocket event systems. A scenario in
// YAML says who connects, what they subscribe to and publish, what happens to
// them, and what must hold; squall opens the connections, injects the failures,
// and judges event by event.
//
// This package is the command line and nothing else: one file per verb, each a
// constructor that checks flags against each other and hands over to the stages.
//
// What goes where:
//
//   - stdout carries the result and nothing else: a summary, a plan, a schema;
//   - stderr carries progress, notes, and errors. An error is one line that
//     begins with "squall: ", has no capital and no full stop, and says the next
//     step; the problems of a scenario follow as file:line:column lines;
//   - files that a flag names appear whole or not at all, and their paths are
//     tried before a run begins.
//
// Exit codes stand in exit.go.
package main
