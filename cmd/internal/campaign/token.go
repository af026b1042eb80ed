package campaign

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"squall/driver/gateway"
	"squall/scenario"
)

// sign makes a token of claims, signed with key (HS256).
func sign(key string, claims map[string]any) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString([]byte(key))
}

// Signed is the plan with the tokens of its clients, whose times count from now.
// Run does it as well; whoever needs the secrets of a run does it before.
func Signed(plan *scenario.Plan) (*scenario.Plan, error) {
	return plan.Signed(time.Now(), func(claims map[string]any) (string, error) { return sign(plan.Key, claims) })
}

// anonymous is the role of clients without a token.
const anonymous = "anonymous"

// passport is what the embedded gateway reads in a token.
type passport struct {
	Role string `json:"role"`
	jwt.RegisteredClaims
}

// Authenticate is how the embedded gateway checks tokens; nil: it asks for none.
func Authenticate(p scenario.GatewayPlan, key string) func(token, user string) (gateway.Identity, error) {
	if !p.Auth.On {
		return nil
	}
	known := func(*jwt.Token) (any, error) { return []byte(key), nil }
	return func(token, _ string) (gateway.Identity, error) {
		if token == "" && p.Auth.Anonymous {
			return gateway.Identity{Role: anonymous}, nil
		}
		var c passport
		_, err := jwt.ParseWithClaims(token, &c, known, jwt.WithValidMethods([]string{"HS256"}))
		who := gateway.Identity{User: c.Subject, Role: c.Role}
		if c.ExpiresAt != nil {
			who.Expires = c.ExpiresAt.Time
		}
		switch {
		case err == nil && c.Subject == "":
			return gateway.Identity{}, errors.New("the token names no user: it has no claim sub")
		case err == nil:
			return who, nil
		case errors.Is(err, jwt.ErrTokenSignatureInvalid):
			return who, gateway.ErrForged
		case errors.Is(err, jwt.ErrTokenExpired):
			return who, gateway.ErrExpired
		case errors.Is(err, jwt.ErrTokenMalformed):
			return gateway.Identity{}, errors.New("that is no token")
		}
		return gateway.Identity{}, fmt.Errorf("the token is not valid: %w", err)
	}
}

// bearer makes the tokens of clients that have one for each connection. That they
// can be made Signed has seen.
func bearer(plan *scenario.Plan) func(client int) (string, time.Time) {
	return func(client int) (string, time.Time) {
		token, ends, err := plan.Renewed(client, time.Now(), func(claims map[string]any) (string, error) { return sign(plan.Key, claims) })
		if err != nil {
			panic(fmt.Sprintf("campaign: a token that could be signed can't be any more: %v", err))
		}
		return token, ends
	}
}
