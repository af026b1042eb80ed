package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Expr is one compiled expression, the only face of the expression library.
// It is immutable and may be evaluated concurrently.
type Expr struct {
	program *vm.Program
	uses    uses
	needs   []string // environment variables that must be set
	columns []string // of the group's data
}

// uses says what the value of an expression depends on.
type uses uint16

const (
	usesClient uses = 1 << iota // i, n, user, role, vars
	usesSeq
	usesNow
	usesPick
	usesEnv // and so is secret
	usesRun
	usesMessage
	usesPayload
	usesPublication

	// usesEach: it may differ from one publication to the next.
	usesEach = usesSeq | usesNow | usesPick
)

// scope is what an expression sees. Its exported parts are the expression
// library's view; the names of the language are the tags.
type scope struct {
	I     int            `expr:"i"`
	N     int            `expr:"n"`
	Group string         `expr:"group"`
	User  string         `expr:"user"`
	Role  string         `expr:"role"`
	Seq   int64          `expr:"seq"`
	Run   string         `expr:"run"`
	Seed  uint64         `expr:"seed"`
	Vars  map[string]any `expr:"vars"`
	Row   map[string]any `expr:"row"`
	Msg   map[string]any `expr:"msg"`

	Channel string          `expr:"channel"` // these three in requests
	Payload json.RawMessage `expr:"payload"`
	Key     string          `expr:"key"`

	rng *rand.Rand // of pick
	now time.Duration
	env func(string) (string, bool)
	jwt func(claims map[string]any) (string, error)
}

// Pick draws one of a list, or a whole number between two, both included.
func (s *scope) Pick(args ...any) (any, error) {
	if len(args) == 2 {
		lo, ok1 := args[0].(int)
		hi, ok2 := args[1].(int)
		if !ok1 || !ok2 || hi < lo {
			return nil, fmt.Errorf("pick needs whole numbers in order, as in pick(1..50)")
		}
		return lo + s.rng.IntN(hi-lo+1), nil
	}
	if items, ok := args[0].([]any); ok && len(items) > 0 {
		return items[s.rng.IntN(len(items))], nil
	}
	return nil, errors.New("pick needs a range such as 1..50 or a list that isn't empty")
}

// Now is the time since the run began, in milliseconds.
func (s *scope) Now() int64 { return s.now.Milliseconds() }

// Getenv is an environment variable, nil if it is unset.
func (s *scope) Getenv(name string) any {
	if v, ok := s.env(name); ok {
		return v
	}
	return nil
}

// JWT stands for a token with these claims.
func (s *scope) JWT(claims map[string]any) (string, error) { return s.jwt(claims) }

// Names of the language.
var (
	placeNames  = []string{"row", "msg"} // that have a value in some places only
	callNames   = []string{"pick", "now", "jwt"}
	clientNames = []string{"i", "n", "user", "role"}
	// builtins of the library that would make a value depend on the clock, or that
	// the language has its own word for.
	notBuiltin = []string{"now", "date", "timezone", "duration"}
)

// compileExpr compiles text, which may use names beside the functions of the
// language; those among vars are the group's own. More options may narrow what is
// allowed.
func compileExpr(text string, names, vars []string, more ...expr.Option) (*Expr, error) {
	r := &resolver{names: names, vars: vars, bound: make(map[string]bool)}
	options := []expr.Option{expr.Env(&scope{}), expr.Patch(r), expr.MaxNodes(1000)}
	for _, b := range notBuiltin {
		options = append(options, expr.DisableBuiltin(b))
	}
	program, err := expr.Compile(text, append(options, more...)...)
	if r.err != nil {
		return nil, r.err
	}
	if err := r.leftover(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, plainError(err)
	}
	return &Expr{program: program, uses: r.uses, needs: r.needs, columns: r.columns}, nil
}

// plainError takes the message out of the library's error.
func plainError(err error) error {
	var fe *file.Error
	if errors.As(err, &fe) && fe.Message == "unexpected token EOF" {
		return errors.New("found the end of the expression, expected more: is an operand missing, or a bracket open?")
	}
	if fe != nil {
		return errors.New(fe.Message)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(line)
}

// Eval evaluates e.
func (e *Expr) eval(s *scope) (any, error) {
	v, err := expr.Run(e.program, s)
	if err != nil {
		return nil, plainError(err)
	}
	return v, nil
}

// resolver checks the names of an expression and replaces those of the
// language by what scope offers. It is called for children before parents, so a
// name that only its parent makes right is counted and accounted for there.
type resolver struct {
	names, vars []string
	bound       map[string]bool // by let
	uses        uses
	needs       []string
	columns     []string
	loose       map[string]int // env, pick, now met as plain names
	err         error
}

// Visit implements ast.Visitor.
func (r *resolver) Visit(node *ast.Node) {
	if r.err != nil {
		return
	}
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		r.name(node, n.Value)
	case *ast.MemberNode:
		r.member(node, n)
	case *ast.CallNode:
		r.call(n)
	case *ast.BinaryNode:
		// `env.NAME ?? 'x'`: the name needs not be set.
		if c, ok := n.Left.(*ast.CallNode); ok && n.Operator == "??" && isName(c.Callee, "Getenv") {
			name := c.Arguments[0].(*ast.StringNode).Value
			if i := slices.Index(r.needs, name); i >= 0 {
				r.needs = slices.Delete(r.needs, i, i+1)
			}
		}
	case *ast.VariableDeclaratorNode:
		r.err = errors.New("let is not part of the language")
	}
}

func isName(n ast.Node, name string) bool {
	id, ok := n.(*ast.IdentifierNode)
	return ok && id.Value == name
}

func (r *resolver) name(node *ast.Node, name string) {
	switch {
	case name == "now" && !slices.Contains(r.names, "seq"):
		r.err = errors.New("now() has a value only in publications")
	case slices.Contains(callNames, name) || name == "env" || name == "msg" && slices.Contains(r.names, name):
		if r.loose == nil {
			r.loose = make(map[string]int)
		}
		r.loose[name]++
	case slices.Contains(r.vars, name):
		r.uses |= usesClient
		ast.Patch(node, &ast.MemberNode{
			Node:     &ast.IdentifierNode{Value: "vars"},
			Property: &ast.StringNode{Value: name},
		})
	case !slices.Contains(r.names, name) && slices.Contains(r.names, "msg") && distance(name, "msg") > 1:
		of := "found the unknown name %[1]q"
		if slices.Contains(namesOfStream, name) || slices.Contains(placeNames, name) {
			of = "%[1]q has no value here"
		}
		r.err = fmt.Errorf(of+"; a field of the message is msg.%[1]s, what a template knows of the client '{…}'", name)
	case !slices.Contains(r.names, name) && (slices.Contains(namesOfStream, name) || slices.Contains(placeNames, name) || slices.Contains(namesOfRequest, name)):
		r.err = fmt.Errorf("%q has no value here%s", name, absent(name))
	case !slices.Contains(r.names, name):
		known := slices.Concat(r.names, r.vars, callNames)
		slices.Sort(known)
		hint := nearest(name, known)
		if hint == "" {
			hint = "; known here: " + strings.Join(known, ", ")
		}
		r.err = fmt.Errorf("found the unknown name %q%s", name, hint)
	case name == "seq":
		r.uses |= usesSeq
	case name == "row":
		r.uses |= usesClient
	case name == "run":
		r.uses |= usesRun
	case name == "payload":
		r.uses |= usesPayload
	case name == "channel", name == "key":
		r.uses |= usesPublication
	case slices.Contains(clientNames, name):
		r.uses |= usesClient
	}
}

// absent says why a name of the language has no value.
func absent(name string) string {
	switch name {
	case "user", "role":
		return ": the group doesn't say it before"
	case "seq":
		return ": it counts publications"
	case "row":
		return ": the group has no data"
	case "msg":
		return ": it belongs to filters and transforms"
	case "channel", "payload", "key":
		return ": it belongs to the request of target.http"
	}
	return ": it belongs to clients"
}

func (r *resolver) member(node *ast.Node, n *ast.MemberNode) {
	if isName(n.Node, "row") {
		if p, ok := n.Property.(*ast.StringNode); ok {
			r.columns = append(r.columns, p.Value)
		}
		return
	}
	if isName(n.Node, "msg") && slices.Contains(r.names, "msg") {
		r.field(n)
		return
	}
	if !isName(n.Node, "env") {
		return
	}
	p, ok := n.Property.(*ast.StringNode)
	if !ok {
		r.err = errors.New("env needs a name, as in env.NAME")
		return
	}
	r.loose["env"]--
	r.uses |= usesEnv
	r.needs = append(r.needs, p.Value)
	ast.Patch(node, &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: "Getenv"},
		Arguments: []ast.Node{&ast.StringNode{Value: p.Value}},
	})
}

// field takes a field of the message.
func (r *resolver) field(n *ast.MemberNode) {
	r.loose["msg"]--
	r.uses |= usesMessage
	switch p, ok := n.Property.(*ast.StringNode); {
	case !ok:
		r.err = errors.New("msg needs the name of a field, as in msg.kind")
	case slices.Contains(reserved, p.Value):
		r.err = fmt.Errorf("msg.%s is not part of the message: the stamp of the run stands there", p.Value)
	}
}

func (r *resolver) call(n *ast.CallNode) {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return
	}
	switch id.Value {
	case "pick":
		r.loose["pick"]--
		r.uses |= usesPick
		if len(n.Arguments) != 1 {
			r.err = errors.New("pick needs one range or list, as in pick(1..50)")
			return
		}
		// The range is taken apart, so that no list of its numbers is made.
		if b, ok := n.Arguments[0].(*ast.BinaryNode); ok && b.Operator == ".." {
			n.Arguments = []ast.Node{b.Left, b.Right}
		}
		n.Callee = &ast.IdentifierNode{Value: "Pick"}
	case "jwt":
		r.loose["jwt"]--
		r.uses |= usesClient
		if len(n.Arguments) != 1 {
			r.err = errors.New("jwt needs its claims, as in jwt({'sub': user, 'exp': '10m'})")
			return
		}
		if !slices.Contains(r.names, "jwt") {
			r.err = errors.New("jwt() has a value only in token and headers of clients")
			return
		}
		n.Callee = &ast.IdentifierNode{Value: "JWT"}
	case "now":
		r.loose["now"]--
		r.uses |= usesNow
		n.Callee = &ast.IdentifierNode{Value: "Now"}
	}
}

func (r *resolver) leftover() error {
	for name, n := range r.loose {
		if n > 0 && name == "msg" {
			return errors.New("msg needs the name of a field, as in msg.kind")
		}
		if n > 0 && name == "env" {
			return errors.New("env needs a name, as in env.NAME")
		}
		if n > 0 {
			return fmt.Errorf("%s is a function, as in pick(1..50) or now()", name)
		}
	}
	return nil
}
