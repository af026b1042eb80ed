package scenario

import (
	"strings"
	"testing"
)

const settingsFile = `environments:
  staging:
    target: {url: "wss://staging.test/ws", headers: {X-Env: ci}}
  local: {target: embedded}
`

func loadFor(name, settings, head string, set ...string) (*Plan, Problems) {
	env := Environment{Name: name}
	if settings != "" {
		env.File, env.Source = "squall.yaml", []byte(settings)
	}
	o := options()
	o.Environ = env
	return Load("x.yaml", []byte(small(head)), o, set...)
}

// The keys of an environment's target replace those of the scenario, which keeps
// what they don't name.
func TestEnvironment(t *testing.T) {
	for _, row := range []struct {
		name, settings, head string
		set                  []string
		url, delivery        string
		headers              int
	}{
		{"", settingsFile, "", nil, "", "exactly-once", 0},
		{"staging", settingsFile, "", nil, "wss://staging.test/ws", "exactly-once", 1},
		{"staging", settingsFile, "target: {gateway: {history: {size: 5}}}", nil, "wss://staging.test/ws", "exactly-once", 1},
		{"staging", settingsFile, "target: {url: \"ws://a.test\", promises: {delivery: at-most-once, history: none, recovery: false}}", nil, "wss://staging.test/ws", "at-most-once", 1},
		{"local", settingsFile, "target: {url: \"ws://a.test\"}", nil, "", "exactly-once", 0},
		{"own", settingsFile, "environments: {own: {target: {url: \"ws://own.test\"}}}", nil, "ws://own.test", "exactly-once", 0},
		{"staging", settingsFile, "environments: {own: {target: {url: \"ws://own.test\"}}}", nil, "wss://staging.test/ws", "exactly-once", 1},
		{"own", "", "environments: {own: {target: {url: \"ws://own.test\"}}}", []string{"target.headers.X-More=y"}, "ws://own.test", "exactly-once", 1},
		{"b", "x: &t {url: \"ws://anchored.test\"}\nenvironments: {b: {target: {url: \"ws://b.test\"}}}", "", nil, "!", "", 0},
	} {
		p, problems := loadFor(row.name, row.settings, row.head, row.set...)
		if row.url == "!" {
			if len(problems) == 0 {
				t.Errorf("%s: an unknown key in the settings was taken", row.name)
			}
			continue
		}
		if len(problems) > 0 {
			t.Errorf("%s %s: %v", row.name, row.head, problems)
			continue
		}
		if got := strings.Join(p.Target.URLs, " "); got != row.url || p.Target.Embedded != (row.url == "") || len(p.Target.Headers) != row.headers || p.Promises.Delivery != row.delivery {
			t.Errorf("%s %s: got %+v promising %s", row.name, row.head, p.Target, p.Promises.Delivery)
		}
	}
}

// What is wrong with an environment is told at its own place.
func TestEnvironmentProblems(t *testing.T) {
	for _, row := range []struct{ name, settings, head, want string }{
		{"stagin", settingsFile, "", `--env stagin: found no environment of that name, expected staging or local; did you mean "staging"?`},
		{"staging", "", "", `--env staging: found no environments in x.yaml and no squall.yaml beside it, expected one that has the target of "staging"`},
		{"a", "environments: {a: {target: {ulr: \"ws://a\"}}}", "", `squall.yaml:1:29: found the unknown key "ulr" in environments.a.target; did you mean "url"?`},
		{"a", "environments: {a: {}}", "", `squall.yaml:1:19: found no "target" in environments.a`},
		{"a", "environments: {a: {target: {url: \"http://a\"}}}", "", `squall.yaml:1:34: found`},
		{"a", "environments: [", "", `squall.yaml:1:`},
		{"a", "", "environments: {a: {target: {url: 5s, dialect: nonsense}}}", `x.yaml:`},
	} {
		_, problems := loadFor(row.name, row.settings, row.head)
		if len(problems) == 0 || !strings.Contains(problems.Error(), row.want) {
			t.Errorf("%s in %q: got\n%v\nwant in it\n%s", row.name, row.settings+row.head, problems, row.want)
		}
	}
}
