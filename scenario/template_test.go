package scenario

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestTemplates(t *testing.T) {
	s := &scope{
		I: 7, N: 107, Group: "voters", User: "ann", Role: "member", Seq: 3, Run: "r1", Seed: 1 << 63,
		Vars: map[string]any{"room": 4, "region": "eu"}, env: environment, rng: Rand(1, "x", 0, 0), now: 1500 * time.Millisecond,
	}
	rows := []struct {
		text  string
		value any // of the whole; nil: an error
	}{
		{"plain", "plain"},
		{"", ""},
		{"{i}", 7},                        // one single expression keeps its type
		{"{i % 4 == 3}", true},            //
		{"{i / 2}", 3.5},                  //
		{" {i}", " 7"},                    // a space makes it a text
		{"{i}{n}", "7107"},                //
		{"vote.{room}", "vote.4"},         //
		{"{region}-{group}", "eu-voters"}, //
		{"{user}/{role}/{seq}/{run}", "ann/member/3/r1"},
		{"{seed}", uint64(1 << 63)},
		{"{{i}}", "{i}"},          // braces
		{"{{{i}}}", "{7}"},        // read from left to right
		{"a}}b", "a}b"},           //
		{"{ {'a': 1}.a }", 1},     // nested braces
		{"{'}'}", "}"},            // quoted braces
		{"{'a\\'}'}", "a'}"},      // with an escaped quote
		{"{[1, 2]}", []any{1, 2}}, //
		{"x{[1, 2]}", "x[1,2]"},   // JSON inside of a text
		{"{env.TOKEN}", "s3cret-token"},
		{"{env.NOWHERE ?? 'x'}", "x"},
		{"{env.TOKEN ?? 'x'}", "s3cret-token"},
		{"{upper(env.NOWHERE ?? 'x')}", "X"},
		{"{now()}", int64(1500)},
		{"{pick(5..5)}", 5},
		{"{pick(['one'])}", "one"},
		{"{pick([1, 2, 3]) in [1, 2, 3]}", true},
		{"{i > 5 ? 'big' : 'small'}", "big"},
		{"{string(i) + '!'}", "7!"},
		{"{-1000000..1000000 != nil}", nil}, // more than the library will hold
		{"{1 / 0 == 0}", false},
		{"{i +}", nil},
		{"{let x = 1; x}", nil},
		{"{Pick(1, 2)}", nil}, // what scope offers has no name of its own
		{"{Getenv('TOKEN')}", nil},
		{"{vars.room}", nil},
		{"{$env.Run}", nil},
		{"{date('2020-01-01')}", nil}, // nothing that depends on the clock
		{"{i.x}", nil},
		{"{user % 2}", nil},
		{"{pick(1)}", nil},
		{"{pick([])}", nil},
		{"{pick(1, 2)}", nil},
		{"{msg.x}", nil},
		{"{jwt({'sub': user})}", nil},
	}
	for _, row := range rows {
		c, err := compileTemplate(row.text, namesOfStream, []string{"room", "region"})
		var got any
		if err == nil {
			got, err = c.value(s)
		}
		if err != nil {
			if row.value != nil {
				t.Errorf("%s: got %v, want %v", row.text, err, row.value)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got an error of several lines: %v", row.text, err)
			}
			continue
		}
		if !reflect.DeepEqual(got, row.value) {
			t.Errorf("%s: got %#v, want %#v", row.text, got, row.value)
		}
	}
}

// TestTemplateUses: what a template depends on decides when it is evaluated, and
// whether it is secret.
func TestTemplateUses(t *testing.T) {
	rows := []struct {
		text string
		want uses
	}{
		{"plain {group} {seed}", 0},
		{"{i}", usesClient},
		{"{room}", usesClient},
		{"{seq} {pick(1..2)}", usesSeq | usesPick},
		{"{now()}", usesNow},
		{"{env.X ?? ''}", usesEnv},
		{"{run}", usesRun},
	}
	for _, row := range rows {
		c, err := compileTemplate(row.text, namesOfStream, []string{"room"})
		if err != nil || c.uses != row.want {
			t.Errorf("%s: got %b, %v, want %b", row.text, c.uses, err, row.want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"a{i}b", "{{}}", "{ {'a': '}'} }", "{pick(1..3)}", "{env.X ?? 'y'}", "{", "}", "{`}`}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := compileTemplate(text, namesOfStream, []string{"room"})
		if err != nil {
			return
		}
		s := func() *scope {
			return &scope{Vars: map[string]any{"room": 1}, env: environment, rng: Rand(1, "x", 0, 0)}
		}
		one, err1 := c.text(s())
		two, err2 := c.text(s())
		if one != two || (err1 == nil) != (err2 == nil) {
			t.Fatalf("%q gives %q and %q", text, one, two)
		}
	})
}
