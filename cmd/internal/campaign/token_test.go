package campaign

import (
	"errors"
	"strings"
	"testing"
	"time"

	"squall/driver/gateway"
	"squall/scenario"
)

// TestTokens: who is let in by the embedded gateway, and as whom.
func TestTokens(t *testing.T) {
	now := time.Now().Unix()
	token := func(key string, claims map[string]any) string {
		s, err := sign(key, claims)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := map[string]any{"sub": "ann", "role": "member", "exp": now + 600}
	none := strings.Split(token("k", good), ".")
	unsigned := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + none[1] + "."
	for _, row := range []struct {
		about, token string
		anonymous    bool
		want         gateway.Identity
		err          error // nil: none; errAny: any
	}{
		{"a token", token("k", good), false, gateway.Identity{User: "ann", Role: "member", Expires: time.Unix(now+600, 0)}, nil},
		{"a token without role and end", token("k", map[string]any{"sub": "ann"}), false, gateway.Identity{User: "ann"}, nil},
		{"none", "", false, gateway.Identity{}, errAny},
		{"none, where that is allowed", "", true, gateway.Identity{Role: "anonymous"}, nil},
		{"garbage, where none is allowed", "x", true, gateway.Identity{}, errAny},
		{"another key", token("other", good), true, gateway.Identity{}, gateway.ErrForged},
		{"something behind it", token("k", good) + "x", false, gateway.Identity{}, gateway.ErrForged},
		{"no signature", unsigned, false, gateway.Identity{}, errAny},
		{"its end", token("k", map[string]any{"sub": "ann", "exp": now - 1}), false, gateway.Identity{}, gateway.ErrExpired},
		{"its end, and another key", token("other", map[string]any{"sub": "ann", "exp": now - 1}), false, gateway.Identity{}, gateway.ErrForged},
		{"not yet", token("k", map[string]any{"sub": "ann", "nbf": now + 600}), false, gateway.Identity{}, errAny},
		{"nobody", token("k", map[string]any{"role": "admin"}), false, gateway.Identity{}, errAny},
	} {
		who, err := Authenticate(scenario.GatewayPlan{Auth: scenario.Auth{On: true, Anonymous: row.anonymous}}, "k")(row.token, "somebody else")
		switch {
		case row.err == nil:
			if err != nil || who != row.want {
				t.Errorf("%s: got %+v, %v", row.about, who, err)
			}
		case err == nil || row.err != errAny && !errors.Is(err, row.err):
			t.Errorf("%s: got %+v, %v, want %v", row.about, who, err, row.err)
		}
		if err != nil && row.token != "" && len(row.token) > 3 && strings.Contains(err.Error(), row.token) {
			t.Errorf("%s: the token is told: %v", row.about, err)
		}
	}
	if Authenticate(scenario.GatewayPlan{}, "") != nil {
		t.Error("without auth somebody is asked for a token")
	}
}

var errAny = errors.New("any")
